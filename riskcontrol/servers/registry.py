"""Which servers we started: `servers.json`, and what to make of it when the world has moved on."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from riskcontrol.claim import make_folder

_STOP_SECONDS = 20
"""How long a server may take to end by itself before it is killed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A server that we started.

    Args:
        name: Its name.
        pid: Its process id.
        created: When the system says that process began: a pid alone may be a stranger's by now.
        address: Where clients reach it.
        log: Its log file.
    """

    name: str
    pid: int
    created: float
    address: str
    log: str

    def process(self) -> psutil.Process | None:
        """Return its process, or None if it has ended (whoever may have its pid now)."""
        try:
            process = psutil.Process(self.pid)
            if process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        return None


class Registry:
    """The servers that were started under a home folder.

    Args:
        home: The folder.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._path = home / "servers.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from starting or stopping servers of this home meanwhile."""
        make_folder(self.home)
        with (self.home / "servers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def alive(self) -> dict[str, Entry]:
        """Return those that still run, by name."""
        return {name: entry for name, entry in self._read().items() if entry.process() is not None}

    def add(self, entry: Entry) -> None:
        """Note a server down."""
        self._write(self.alive() | {entry.name: entry})

    def launch(
        self, name: str, command: Sequence[str], *, address: str = "", environment: Mapping[str, str] | None = None
    ) -> Entry:
        """Start a program and note it down; what it prints goes to `logs/NAME.log`, the log before stays as `.log.1`.

        Args:
            name: What it is called.
            command: Program and arguments.
            address: Where clients will reach it.
            environment: What it needs beside our own environment.
        """
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = (logs / f"{name}.log").absolute()
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        with log.open("wb") as output:
            # A session of its own: Ctrl-C in our terminal must reach us, who then stop it properly.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(environment or {}),
                start_new_session=True,
            )
        # Asked before its exit status is collected: one that has ended already would be gone by then.
        created = psutil.Process(process.pid).create_time()
        # Its exit status is collected when it ends, so that it doesn't stay a zombie while we live.
        threading.Thread(target=process.wait, daemon=True, name=f"reap {name}").start()
        entry = Entry(name, process.pid, created, address, str(log))
        self.add(entry)
        return entry

    def remove(self, name: str) -> None:
        """Strike a server out."""
        self._write({other: entry for other, entry in self.alive().items() if other != name})

    def _read(self) -> dict[str, Entry]:
        try:
            return {name: Entry(**fields) for name, fields in json.loads(self._path.read_text()).items()}
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, AttributeError):
            return {}  # nobody's, or not ours: nothing in it can be trusted to be a server

    def _write(self, entries: dict[str, Entry]) -> None:
        new = self._path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        new.write_text(json.dumps({name: asdict(entry) for name, entry in entries.items()}, indent=1) + "\n")
        new.replace(self._path)


def end(process: psutil.Process, seconds: float = _STOP_SECONDS) -> None:
    """End a process: asked to first, killed if it doesn't."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(seconds)

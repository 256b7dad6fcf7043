"""The line that is crashed: servers, stream and producer as processes of our own commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from riskcontrol.errors import ServerError
from riskcontrol.servers.registry import Registry
from riskcontrol.settings import Settings

_PATIENCE = 180.0
"""Seconds that a command may take, started again as often as it fails, or that the stream may stand still."""

_BATCH = "0.5"
"""Seconds: the more commits there are, the more of them a kill can meet."""


class Line:
    """Kafka, Cassandra, the stream and whatever command runs beside it.

    Args:
        settings: With the addresses of the servers, which run under its home; the topic is the round's.
        logs: Folder for what the commands say.
    """

    def __init__(self, settings: Settings, logs: Path) -> None:
        self.settings = settings
        self.state = settings.home / "state" / settings.topic
        self.stopping = threading.Event()
        self.producer: subprocess.Popen[bytes] | None = None
        self.stream: subprocess.Popen[bytes] | None = None
        self.being_killed = threading.Event()
        """Set while the stream is meant to be dead."""
        self.played = threading.Event()
        """Set when no producer will run any more."""
        self._logs = logs
        self._processes: list[subprocess.Popen[bytes]] = []

    def offset(self) -> int:
        """Return how many records of the tape the state has taken, from its files: no server needs to answer."""
        return sum(int(json.loads(meta.read_bytes())["next"]) for meta in self.state.glob("shard-*/meta.json"))

    def start_stream(self) -> None:
        """Start the stream; it waits for servers that are away."""
        self.stream = self._start("stream", "stream", "--batch", _BATCH, "--wait", f"{_PATIENCE:g}")
        self.being_killed.clear()

    def run(self, *arguments: str, producer: bool = False, name: str = "") -> None:
        """Run a command, again and again until it succeeds: that is what each of them says to do.

        Raises:
            ServerError: It doesn't within three minutes, or the stream has ended by itself.
        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            process = self._start(name or arguments[0], *arguments)
            if producer:
                self.producer = process
            self.await_(partial(_ended, process), deadline, " ".join(arguments))
            if process.returncode == 0:
                return
            self.pause(0.5)

    def up(self, server: str) -> None:
        """Start a server again, as a user does."""
        self._settled(self._start(f"up-{server}", "up", "--only", server), f"up --only {server}")

    def server(self, name: str) -> psutil.Process:
        """Return a server's process.

        Raises:
            ServerError: It doesn't run.
        """
        entry = Registry(self.settings.home).alive().get(name)
        process = entry.process() if entry is not None else None
        if process is None:
            raise ServerError("does not run", server=name)
        return process

    def await_(self, condition: Callable[[], bool], deadline: float, what: str) -> None:
        """Wait for a condition.

        Raises:
            ServerError: It took too long, or the stream has ended by itself.
        """
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise ServerError(f"{what}: not done in {_PATIENCE:g} s\n{self.tail('stream')}", server="stream")
            self.pause(0.05)

    def await_taken(self, ends: Callable[[], bool]) -> None:
        """Wait until the stream has taken the tape; only standing still is limited.

        Raises:
            ServerError: It stands still, or has ended by itself.
        """
        before, since = self.offset(), time.monotonic()
        while not ends():
            self.check()
            now = self.offset()
            if now != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > _PATIENCE:
                raise ServerError(f"stands still at offset {now:,}\n{self.tail('stream')}", server="stream")
            self.pause(0.2)

    def check(self) -> None:
        """Notice a stream that has ended and that nobody has killed.

        Raises:
            ServerError: It has.
        """
        stream = self.stream
        if stream is None or stream.poll() is None or self.being_killed.is_set():
            return
        raise ServerError(f"ended by itself with status {stream.returncode}\n{self.tail('stream')}", server="stream")

    def pause(self, seconds: float) -> None:
        """Wait, unless the round is given up.

        Raises:
            ServerError: It is.
        """
        if self.stopping.wait(seconds):
            raise ServerError("the round was given up", server="stream")

    def tail(self, name: str, lines: int = 15) -> str:
        """Return the end of what a command has said."""
        with suppress(OSError):
            return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-lines:])
        return ""

    def close(self) -> None:
        """End all commands: the stream is asked to, whatever else runs is killed."""
        self.stopping.set()
        self.being_killed.set()
        children: list[psutil.Process] = []
        if self.stream is not None and self.stream.poll() is None:
            with suppress(psutil.NoSuchProcess):
                children = psutil.Process(self.stream.pid).children(recursive=True)
            self.stream.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.stream.wait(30)
        for process in self._processes:
            kill_group(process)
        # Its row writer has a group of its own, and must not go on writing into the next round's tables.
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, 10)

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        used = self.settings
        flags = [f"--home={used.home}"]
        if arguments[0] in ("stream", "strategy", "up"):
            flags.append(f"--keyspace={used.keyspace}")
        flags.append(f"--topic={used.topic}")
        command = [sys.executable, "-u", "-m", "riskcontrol", *arguments, *flags]
        self._logs.mkdir(parents=True, exist_ok=True)
        with self._log(name).open("ab") as log:
            # A session of its own: Ctrl-C in our terminal must reach us, who end it then.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(used),
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def _settled(self, process: subprocess.Popen[bytes], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise ServerError(f"{what}: not done in {_PATIENCE:g} s", server="up")
            self.pause(0.05)
        if process.returncode:
            raise ServerError(f"{what}: status {process.returncode}", server="up")

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of a command that finds its servers in its home, whatever is set for us."""
    empty = {f"RISKCONTROL_{name.upper()}": "" for name in ("kafka", "cassandra", "s3_endpoint")}
    return os.environ | empty | {"RISKCONTROL_SHARDS": str(settings.shards), "RISKCONTROL_REPLICATION": "1"}


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a command that we started, and all of its group, as `kill -9` does."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)

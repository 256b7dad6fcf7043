"""Local servers: the real Kafka, Cassandra and an S3 server, on loopback, without Docker or root.

`start` gives back control when all of them truly answer; `stop` stops what `start` started, by process id and start
time. Data is kept under the home folder and found again at the next start (buckets of the S3 server are not: it
keeps them in memory).
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from riskcontrol.errors import RiskControlError, ServerError
from riskcontrol.servers import archive
from riskcontrol.servers.cassandra import cassandra
from riskcontrol.servers.kafka import kafka
from riskcontrol.servers.listening import listens
from riskcontrol.servers.node import Node
from riskcontrol.servers.registry import Entry, Registry, end
from riskcontrol.servers.s3 import ACCESS_KEY, SECRET_KEY, s3
from riskcontrol.servers.signals import terminable, undisturbed
from riskcontrol.settings import Settings

SERVERS: dict[str, Callable[[Path], Node]] = {"kafka": kafka, "cassandra": cassandra, "s3": s3}

_READY_SECONDS = 120
_PORT_TRIES = 3
"""Between choosing a free port and taking it somebody else may take it."""

Told = Callable[[str], None]


def start(home: Path, names: Sequence[str] = tuple(SERVERS), *, on_event: Told | None = None) -> dict[str, str]:
    """Start those servers that don't run yet and return when all of them answer.

    Interrupted (Ctrl-C, SIGTERM) or failing, it stops those that it had started.

    Args:
        home: Folder for data, logs and `servers.json`.
        names: Which servers.
        on_event: Told what happens; called from several threads.

    Returns:
        Address ("127.0.0.1:PORT", or a URL for s3) by name.

    Raises:
        ServerError: One doesn't come up; the end of its log is in the message.
    """
    registry = Registry(home)
    with registry.locked(), terminable():
        found = registry.alive()
        starting = _Start(registry, on_event or (lambda _: None))
        missing = [name for name in names if name not in found]
        try:
            addresses = starting.all(missing)
        except BaseException:
            with undisturbed():
                starting.undo()
            raise
    return {name: found[name].address if name in found else addresses[name] for name in names}


def stop(home: Path, *, purge: bool = False) -> list[str]:
    """Stop the servers that run under `home`.

    Args:
        home: The folder.
        purge: Remove their data as well.

    Returns:
        The names of those that were stopped.
    """
    registry = Registry(home)
    if not home.is_dir():
        return []
    with registry.locked():
        entries = registry.alive()
        _end_all(registry, list(entries.values()))
        if purge:
            for name in SERVERS:
                shutil.rmtree(home / name, ignore_errors=True)
    return list(entries)


def running(home: Path) -> dict[str, str]:
    """Return the address of each server that runs under `home`, by name."""
    return {name: entry.address for name, entry in Registry(home).alive().items()}


def resolve(settings: Settings) -> Settings:
    """Fill in the addresses that are not set with those of the local servers that run."""
    local = running(settings.home)
    found: dict[str, object] = {
        field: local[name]
        for field, name in (("kafka", "kafka"), ("cassandra", "cassandra"), ("s3_endpoint", "s3"))
        if name in local and not getattr(settings, field)
    }
    if "s3_endpoint" in found:
        found |= {"s3_access_key": ACCESS_KEY, "s3_secret_key": type(settings.s3_secret_key)(SECRET_KEY)}
    return settings.model_copy(update=found)


def require(settings: Settings, *names: str) -> Settings:
    """Do as `resolve`, and insist on these servers.

    Args:
        settings: The settings.
        names: "kafka", "cassandra".

    Raises:
        ServerError: One of them is neither set nor running.
    """
    resolved = resolve(settings)
    for name in names:
        if not getattr(resolved, name):
            raise ServerError(
                f"none is set and none runs here; start one with: riskcontrol up, or give its address with --{name}",
                server=name,
            )
    return resolved


class _Start:
    """One call of `start`: knows what it has started, to take it back."""

    def __init__(self, registry: Registry, told: Told) -> None:
        self._registry = registry
        self._told = told
        self._started: list[Entry] = []
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def all(self, names: Sequence[str]) -> dict[str, str]:
        if not names:
            return {}
        pool = ThreadPoolExecutor(len(names), thread_name_prefix="start")
        futures: dict[str, Future[str]] = {name: pool.submit(self._one, name) for name in names}
        try:
            wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in futures.values():
                if future.done():
                    future.result()  # raises what went wrong, if it did
            return {name: future.result() for name, future in futures.items()}
        finally:
            self._cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def undo(self) -> None:
        self._cancelled.set()
        with self._lock:
            _end_all(self._registry, self._started)

    def _one(self, name: str) -> str:
        began = time.monotonic()
        for attempt in range(_PORT_TRIES):
            node = SERVERS[name](self._registry.home)
            entry = self._spawn(node)
            log = Path(entry.log)
            if self._answers(node, entry):
                self._told(f"{name} answers at {node.address} after {time.monotonic() - began:.1f} s")
                if node.archive is not None:
                    archive.keep(entry.pid, node.archive, self._cancelled)
                return node.address
            if attempt == _PORT_TRIES - 1 or not _port_was_taken(log):
                break
            self._told(f"{name}: somebody took its port; trying another")
        raise ServerError(f"ended while starting; the end of {log}:\n{_tail(log)}", server=name)

    def _spawn(self, node: Node) -> Entry:
        with self._lock:
            if self._cancelled.is_set():
                raise ServerError("not started: another server failed", server=node.name)
            entry = self._registry.launch(node.name, node.command, address=node.address, environment=node.environment)
            self._started = [other for other in self._started if other.name != node.name] + [entry]
        return entry

    def _answers(self, node: Node, entry: Entry) -> bool:
        """Wait for an answer; False if the server ended instead."""
        deadline = time.monotonic() + _READY_SECONDS
        while not self._cancelled.is_set():
            try:
                node.ready()
                if not listens(entry):
                    raise ConnectionError("another program answers there")
            except RiskControlError:
                raise
            except Exception as error:  # whatever its client raises means: not yet
                if entry.process() is None:
                    return False
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"no answer at {node.address} after {_READY_SECONDS} s ({error}); "
                        f"the end of {entry.log}:\n{_tail(Path(entry.log))}",
                        server=node.name,
                    ) from error
                self._cancelled.wait(0.1)
            else:
                return True
        raise ServerError("not waited for: the start was given up", server=node.name)


def _end_all(registry: Registry, entries: Sequence[Entry]) -> None:
    """Stop servers, all at the same time, and strike them out."""
    processes = [process for entry in entries if (process := entry.process()) is not None]
    with ThreadPoolExecutor(max(1, len(processes))) as pool:
        list(pool.map(end, processes))
    for entry in entries:
        registry.remove(entry.name)


def _port_was_taken(log: Path) -> bool:
    text = log.read_text(errors="replace")
    return "Address already in use" in text or "BindException" in text


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

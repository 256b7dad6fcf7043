"""Starting servers: each is launched, asked until it answers, and taken back if another one fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import psutil

from riskcontrol.errors import RiskControlError, ServerError
from riskcontrol.priority import give_way
from riskcontrol.servers import archive
from riskcontrol.servers.listening import listens
from riskcontrol.servers.node import Node
from riskcontrol.servers.registry import Entry, Registry, end

_READY_SECONDS = 300
"""Longest wait for an answer: on a busy machine the JVM takes minutes."""
_STILL_SECONDS = 120
"""Longest wait for one that neither writes to its log nor works."""
_TELL_SECONDS = 10
"""How often it is told that one is still waited for."""
_WORK_SECONDS = 1.0
"""Processor time that counts as work: threads that only wait take a little, too."""
_PORT_TRIES = 3
"""Between choosing a free port and taking it somebody else may take it."""

Told = Callable[[str], None]
Maker = Callable[[Path], Node]
"""Prepares a server whose data is under a home folder."""


class Starting:
    """One call of `start`: knows what it has started, to take it back.

    Args:
        registry: Where they are noted down.
        makers: What prepares each server, by its name.
        told: Told what happens; called from several threads.
        then: What is done with the address of a server that answers, before the next one of its chain is started.
    """

    def __init__(
        self, registry: Registry, makers: Mapping[str, Maker], told: Told, then: Mapping[str, Told] | None = None
    ) -> None:
        self._registry = registry
        self._makers = makers
        self._told = told
        self._then = then or {}
        self._started: list[Entry] = []
        self._lock = threading.Lock()
        self._cancelled = threading.Event()

    def all(self, chains: Sequence[Sequence[str]]) -> dict[str, str]:
        """Start servers and wait until all of them answer.

        Args:
            chains: Their names; those of a chain one after the other, the chains at the same time.

        Returns:
            Address by name.

        Raises:
            ServerError: One doesn't come up.
        """
        if not chains:
            return {}
        pool = ThreadPoolExecutor(len(chains), thread_name_prefix="start")
        futures = [pool.submit(self._chain, chain) for chain in chains]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()  # raises what went wrong, if it did
            return {name: address for future in futures for name, address in future.result().items()}
        finally:
            self._cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def undo(self) -> None:
        """Stop what was started."""
        self._cancelled.set()
        with self._lock:
            end_all(self._registry, self._started)

    def _chain(self, names: Sequence[str]) -> dict[str, str]:
        return {name: self._one(name) for name in names}

    def _one(self, name: str) -> str:
        began = time.monotonic()
        for attempt in range(_PORT_TRIES):
            node = self._makers[name](self._registry.home)
            entry = self._spawn(node)
            log = Path(entry.log)
            if self._answers(node, entry):
                self._told(f"{name} answers at {node.address} after {time.monotonic() - began:.1f} s")
                if node.nice:
                    give_way(entry.pid, node.nice)
                if node.archive is not None:
                    archive.keep(entry.pid, node.archive, self._cancelled)
                if name in self._then and not self._cancelled.is_set():
                    self._then[name](node.address)
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
        began = told = time.monotonic()
        signs = _Signs(entry)
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
                now = time.monotonic()
                still = now - signs.last()
                if now - began > _READY_SECONDS or still > _STILL_SECONDS:
                    idle = f", and no sign of work for {still:.0f} s" if still > _STILL_SECONDS else ""
                    raise ServerError(
                        f"no answer at {node.address} after {now - began:.0f} s{idle} ({error}); "
                        f"the end of {entry.log}:\n{_tail(Path(entry.log))}",
                        server=node.name,
                    ) from error
                if now - told > _TELL_SECONDS:
                    told = now
                    self._told(
                        f"{node.name} doesn't answer yet, after {now - began:.0f} s; it is waited for up to "
                        f"{_READY_SECONDS} s while it works (its log: {entry.log})"
                    )
                self._cancelled.wait(0.1)
            else:
                return True
        raise ServerError("not waited for: the start was given up", server=node.name)


class _Signs:
    """When a server was last seen to get on: its log grew, or it used the processor.

    Args:
        entry: The server.
    """

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._at = time.monotonic()
        self._size = 0
        self._used = 0.0

    def last(self) -> float:
        """Look, and return the time of the last sign (`time.monotonic`)."""
        process = self._entry.process()
        with suppress(OSError, psutil.Error):
            size, used = Path(self._entry.log).stat().st_size, 0.0
            if process is not None:
                times = process.cpu_times()
                used = times.user + times.system
            if size != self._size or used >= self._used + _WORK_SECONDS:
                self._size, self._used, self._at = size, used, time.monotonic()
        return self._at


def end_all(registry: Registry, entries: Sequence[Entry]) -> None:
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

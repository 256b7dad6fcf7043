"""What the benchmarks share: servers of their own, children, percentiles, one way to tell the result."""

from __future__ import annotations

import json
import socket
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import psutil

from database.generator import stream_runs
from database.reads import Reader
from riskcontrol import servers
from riskcontrol.errors import ServerError
from riskcontrol.servers.registry import Registry, end
from riskcontrol.settings import Settings, load


@contextmanager
def own_servers(*names: str, shards: int = 4) -> Iterator[Settings]:
    """Start servers that nobody else uses, in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="riskcontrol-bench-") as folder:
        home = Path(folder)
        click.echo("Starting servers for the benchmark ...", err=True)
        try:
            servers.start(home, names)
            empty = {"kafka": "", "cassandra": "", "s3_endpoint": "", "home": home, "shards": shards, "replication": 1}
            yield servers.resolve(load().model_copy(update=empty))
        finally:
            servers.stop(home, purge=True)


@contextmanager
def child(settings: Settings, *arguments: str) -> Iterator[psutil.Process]:
    """Run one of our commands beside the benchmark, as a user would."""
    registry = Registry(settings.home)
    flags = [f"--{name}={getattr(settings, name)}" for name in ("home", "kafka", "topic", "cassandra", "keyspace")]
    command = [sys.executable, "-u", "-m", "riskcontrol", *arguments, *flags]
    entry = registry.launch(arguments[0], command, environment={"RISKCONTROL_REPLICATION": "1"})
    process = psutil.Process(entry.pid)
    try:
        yield process
    finally:
        end(process)
        registry.remove(arguments[0])


@contextmanager
def dashboard(settings: Settings, *flags: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run the pages beside the benchmark; gives their address, without a slash at the end, once they answer.

    Raises:
        ServerError: They don't.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    address = f"http://127.0.0.1:{port}"
    with child(settings, "dashboard", "--port", str(port), *flags) as process:
        _await_pages(address)
        yield address, process


def _await_pages(address: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{address}/api/v1/health", timeout=5) as answer:  # noqa: S310  our own
                if b'"database":true' in answer.read().replace(b" ", b""):
                    return
        except (urllib.error.URLError, OSError):
            pass
        if time.monotonic() > deadline:
            raise ServerError(f"does not answer within {seconds:g} s", server="dashboard")
        time.sleep(0.2)


def await_stream(reader: Reader, seconds: float = 120.0) -> None:
    """Wait until the stream has written its first batch.

    Raises:
        ServerError: It doesn't.
    """
    deadline = time.monotonic() + seconds
    while not stream_runs(reader):
        if time.monotonic() > deadline:
            raise ServerError(f"does not start within {seconds:g} s", server="stream")
        time.sleep(0.2)


class PeakMemory:
    """Samples the memory of a process and all its children; pages they share count once (PSS).

    Args:
        process: The process.
    """

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._stop = threading.Event()
        self.samples: list[float] = []
        """Of every second, MB (10⁶ bytes)."""
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._stop.wait(1.0):
            total = 0
            try:
                for each in [self._process, *self._process.children(recursive=True)]:
                    total += _memory(each)
            except psutil.Error:
                continue
            self.samples.append(total / 1e6)

    def end(self) -> float:
        """Stop sampling and return the peak in MB (10⁶ bytes)."""
        self._stop.set()
        self._thread.join(5)
        return max(self.samples, default=0.0)

    def thirds(self) -> tuple[float, float]:
        """Return the medians of the first and of the last third of the samples, MB."""
        third = max(1, len(self.samples) // 3)
        return statistics.median(self.samples[:third]), statistics.median(self.samples[-third:])


def _memory(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


def percentile(values: list[float], part: float) -> float:
    """Return the value that `part` of the values don't exceed (nearest rank).

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * part * 1_000_000) // 1_000_000) - 1)]


def tell(result: Mapping[str, object], *, as_json: bool) -> None:
    """Print a result: one JSON object, or a line a figure."""
    if as_json:
        click.echo(json.dumps(dict(result)))
        return
    width = max(map(len, result))
    for name, value in result.items():
        click.echo(f"{name:<{width}}  {value:,.3f}" if isinstance(value, float) else f"{name:<{width}}  {value}")


class Timer:
    """Measures wall clock and this process's own processor time.

    >>> with Timer() as timer:
    ...     pass
    >>> timer.seconds >= 0
    True
    """

    seconds = 0.0
    cpu = 0.0

    def __enter__(self) -> Timer:
        self._began, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.cpu = time.perf_counter() - self._began, time.process_time() - self._cpu

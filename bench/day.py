"""`riskcontrol bench day`: a whole trading day through the whole line, as fast as it goes."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from contextlib import closing

import click

from bench.common import PeakMemory, await_stream, child, own_servers
from bench.parts import DAY
from database import frequencies, generator
from database.reads import Reader
from database.session import connect, init
from database.writes import Writer
from ingestion.simulate import file_name, simulate_day
from ingestion.topic import ensure_topic, tape_id
from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from spark.source import Tape

TICKERS = 8_000
PATIENCE = 300.0
"""Seconds without any news of the stream after which it is given up."""


def run(trades: int, users: int, seed: int) -> dict[str, object]:
    """Measure a simulated day from its gzip file until all rows of it are in the database.

    Args:
        trades: How many trades the day has.
        users: How many generated users' strategies are open.
        seed: Of day and users.

    Raises:
        ServerError: The line did not take all of it.
    """
    with own_servers("kafka", "cassandra") as settings:
        ensure_topic(settings)
        init(settings)
        path = settings.home / file_name(DAY)
        click.echo(f"Simulating {trades:,} trades ...", err=True)
        simulate_day(path, day=DAY, tickers=TICKERS, trades=trades, seed=seed)
        session = connect(settings)
        reader, writer = Reader(session), Writer(session)
        with child(settings, "stream") as job:
            await_stream(reader)
            click.echo(f"Opening {users:,} strategies ...", err=True)
            openings = generator.draw(users, seed, frequencies.simulated(TICKERS, seed))
            offsets = generator.publish(settings, openings, on_done=lambda _: None)
            generator.wait_until_open(
                writer, tape_id(settings), offsets, alive=lambda: generator.stream_runs(reader), on_done=lambda _: None
            )
            click.echo("Sending the day as fast as it goes ...", err=True)
            start, began = dt.datetime.now(dt.UTC), time.perf_counter()
            memory = PeakMemory(job)
            sending = _ingest(settings, str(path))
            taken = _follow(settings, reader, writer, start, sending)
            seconds = time.perf_counter() - began
            peak = memory.end()
        batches = reader.batches(limit=10_000)
    batches = batches[batches["time"] > start]
    first, last = memory.thirds()
    return {
        "trades": taken,
        "users": users,
        "tickers": TICKERS,
        "seconds": seconds,
        "sending_seconds": sending.seconds,
        "trades_per_second": taken / seconds,
        "fills": int(batches["fills"].sum()),
        "positions": int(batches["positions"].sum()),
        "bars": int(batches["bars"].sum()),
        "batches": len(batches),
        "rows_waiting_max": int(batches["waiting"].max()),
        "rows_behind_max": float(batches["behind"].max()),
        "memory_first_third_mb": first,
        "memory_last_third_mb": last,
        "peak_memory_mb": peak,
    }


class _Ingest:
    """The producer, a process of its own, and how long it took."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._began = time.perf_counter()
        self.seconds = 0.0

    def ended(self) -> bool:
        """Return whether it has sent everything.

        Raises:
            ServerError: It failed.
        """
        if self.seconds:
            return True
        status = self._process.poll()
        if status is None:
            return False
        if status:
            raise ServerError(f"the producer ended with status {status}", server="kafka")
        self.seconds = time.perf_counter() - self._began
        return True


def _ingest(settings: Settings, path: str) -> _Ingest:
    flags = [f"--{name}={getattr(settings, name)}" for name in ("home", "kafka", "topic")]
    command = [sys.executable, "-m", "riskcontrol", "ingest", path, "--speed", "max", *flags]
    return _Ingest(subprocess.Popen(command, stdout=subprocess.DEVNULL))


def _follow(settings: Settings, reader: Reader, writer: Writer, start: dt.datetime, sending: _Ingest) -> int:
    """Wait until all of the tape is taken and all rows are in; return how many trades that were.

    Raises:
        ServerError: Nothing moves any more.
    """
    taken, news = -1, time.monotonic()
    with closing(Tape(settings)) as tape:
        while True:
            time.sleep(0.5)
            batches = reader.batches(limit=5_000)
            now = int(batches["trades"][batches["time"] > start].sum())
            if now != taken:
                taken, news = now, time.monotonic()
            if sending.ended():
                written = writer.watermarks(tape_id(settings))
                if all(written.get(shard, 0) >= end for shard, end in tape.ends().items()):
                    return taken
            if time.monotonic() - news > PATIENCE:
                raise ServerError(f"took {taken:,} trades, and then none for {PATIENCE:g} s", server="stream")

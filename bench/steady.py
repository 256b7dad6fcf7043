"""A steady load on the real line: users' strategies open in the stream, trades at a rate, and what its batches took."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
import pandas as pd
import psutil
import pyarrow as pa

from bench.common import PeakMemory, await_stream, child, percentile
from bench.market import Market
from database import frequencies, generator
from database.reads import Reader
from database.session import connect, init
from database.writes import Writer
from ingestion.columns import Directory
from ingestion.producer import TapeProducer
from ingestion.topic import ensure_topic, tape_id
from riskcontrol.blocks import TRADES_HEADERS
from riskcontrol.errors import ServerError
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings

SLICE = 0.1
"""Seconds between two sendings of the steady producer."""
_PATIENCE = 300.0
"""Seconds in which the stream takes what was sent, after the last of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is put on the line.

    Args:
        users: Strategies, one a user, as `riskcontrol users generate` draws them.
        rate: Trades a second.
        batch: Seconds between batches.
        warm_up: Seconds for which the same load runs before anything is measured.
        tickers: Companies in the market.
        day_trades: Trades in a day of that market: sets how much event time passes in a second.
        seed: Of users and market.
    """

    users: int = 100_000
    rate: int = 20_000
    batch: float = 1.0
    warm_up: float = 15.0
    tickers: int = 8_000
    day_trades: int = 68_100_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Line:
    """A stream that runs, with users whose strategies are open.

    Attributes:
        job: The stream's process.
        memory: Of it with its JVM and workers, since it started.
        reader: Of the tables.
        openings: The strategies.
        opening_seconds: How long it took to open them.
        steady: Sends trades.
    """

    job: psutil.Process
    memory: PeakMemory
    reader: Reader
    openings: Openings
    opening_seconds: float
    steady: Steady


class Steady:
    """Sends trades at a steady rate, and notes how late it got at worst.

    Args:
        producer: The way to the tape.
        market: Makes the trades.
        rate: Trades a second.
    """

    def __init__(self, producer: TapeProducer, market: Market, rate: int) -> None:
        self._producer = producer
        self._directory = Directory(producer.partitions)
        self._market = market
        self._count = max(1, round(rate * SLICE))
        self.sent = 0
        self.late = 0.0

    def jump(self, move: float) -> None:
        """Send two trades of every ticker at prices that have moved by a part."""
        self._send(self._market.jump(move))

    def run(self, seconds: float) -> None:
        """Send for so long."""
        began, slices = time.monotonic(), 0
        while slices * SLICE < seconds:
            self._send(self._market.trades(self._count))
            slices += 1
            ahead = began + slices * SLICE - time.monotonic()
            self.late = max(self.late, -ahead)
            threading.Event().wait(max(0.0, ahead))
        for partition in range(self._producer.partitions):
            self._producer.wait(partition)

    def _send(self, trades: pa.RecordBatch) -> None:
        rows = self._directory.rows(trades, first=self.sent)
        for partition, part in enumerate(self._directory.split(rows)):
            if len(part):
                self._producer.send(partition, self._directory.encode(part), TRADES_HEADERS)
        self.sent += trades.num_rows


@contextmanager
def line(settings: Settings, load: Load, flags: Sequence[str] = ()) -> Iterator[Line]:
    """Start the stream over empty tables, and open the users' strategies in it.

    Args:
        settings: With the addresses of servers that nobody else uses.
        load: What is put on it.
        flags: More flags of `riskcontrol stream`.

    Raises:
        ServerError: The stream ended.
    """
    ensure_topic(settings)
    init(settings)
    shares = frequencies.simulated(load.tickers, load.seed)
    session = connect(settings)
    reader, writer = Reader(session), Writer(session)
    with child(settings, "stream", "--batch", str(load.batch), *flags) as job:
        await_stream(reader)
        memory = PeakMemory(job)
        click.echo(f"Opening {load.users:,} strategies ...", err=True)
        openings = generator.draw(load.users, load.seed, shares)
        began = time.perf_counter()
        offsets = generator.publish(settings, openings, on_done=lambda _: None)
        opened = generator.wait_until_open(
            writer, tape_id(settings), offsets, alive=lambda: job.is_running(), on_done=lambda _: None
        )
        if not opened:
            raise ServerError("ended before all strategies were open", server="stream")
        seconds = time.perf_counter() - began
        market = Market(list(shares.items()), load.seed, load.day_trades)
        with TapeProducer(settings) as producer:
            yield Line(job, memory, reader, openings, seconds, Steady(producer, market, load.rate))


def drained(line: Line, seconds: float, load: Load) -> pd.DataFrame:
    """Wait until the stream has taken all that was sent, and its rows are in; return its batches, oldest first.

    Args:
        line: The stream and what was sent.
        seconds: For how long it was sent to, at most.
        load: What was put on the line.

    Raises:
        ServerError: It doesn't.
    """
    deadline, sent = time.monotonic() + _PATIENCE, line.steady.sent
    while True:
        found = line.reader.batches(limit=int((seconds + _PATIENCE) / load.batch) * 2 + 1_000)
        if int(found["trades"].sum()) >= sent and not found["waiting"].iloc[0]:
            return found.iloc[::-1]
        if time.monotonic() > deadline:
            taken, waiting = int(found["trades"].sum()), int(found["waiting"].iloc[0])
            raise ServerError(f"took {taken:,} of {sent:,} trades, and {waiting:,} rows wait", server="stream")
        time.sleep(0.5)


def fills_in_database(settings: Settings, batches: pd.DataFrame) -> int:
    """Count the fills in the database, which must be as many as the stream said it had.

    Raises:
        ServerError: They aren't.
    """
    session = connect(settings)
    count = 0
    for _ in session.execute(f"SELECT number FROM {settings.keyspace}.fills", timeout=60):  # noqa: S608  checked name
        count += 1
    said = int(batches["fills"].sum())
    if count != said:
        raise ServerError(f"{count:,} fills in the database, {said:,} were made", server="cassandra")
    return count


def pace(batches: pd.DataFrame, start: dt.datetime, stop: dt.datetime, load: Load) -> dict[str, float]:
    """Return what the batches between two moments took, and what they did in a second.

    Args:
        batches: All of them.
        start: The earliest moment.
        stop: The latest.
        load: What was put on the line.

    Raises:
        ServerError: There was none.
    """
    measured = batches[(batches["time"] > start) & (batches["time"] <= stop)]
    seconds = (stop - start).total_seconds()
    if measured.empty:
        taken, most = int(batches["trades"].sum()), int(batches["waiting"].max())
        raise ServerError(
            f"made no batch in the {seconds:.0f} s that count, up to {most:,} rows waited for the database; all "
            f"{taken:,} trades were taken in the end: give it a longer --warm-up",
            server="stream",
        )
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {
        "batches": len(measured),
        "batches_expected": int(seconds / load.batch),
        **{
            f"{column}_{name}": percentile(measured[column].tolist(), share)
            for column in ("processing", "delay")
            for name, share in shares.items()
        },
        **{f"{what}_per_second": float(measured[what].sum()) / seconds for what in ("trades", "fills", "bars")},
        "rows_waiting_p50": percentile(measured["waiting"].tolist(), 0.50),
        "rows_waiting_max": int(measured["waiting"].max()),
        "rows_behind_p50": percentile(measured["behind"].tolist(), 0.50),
        "rows_behind_p99": percentile(measured["behind"].tolist(), 0.99),
    }

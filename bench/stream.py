"""`riskcontrol bench stream`: what a batch of the whole line costs, on the real servers."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
import time
from dataclasses import dataclass

import click
import pandas as pd
import pyarrow as pa

from bench.common import PeakMemory, await_stream, child, own_servers, percentile
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
from riskcontrol.settings import Settings

SLICE = 0.1
"""Seconds between two sendings of the steady producer."""
_JUMP = 0.05
"""By what part all prices move at once in the burst: more than any generated rule waits for."""
_AFTER = 20.0
"""Seconds of the steady load after it."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on the line.

    Args:
        users: Strategies, one a user, as `riskcontrol users generate` draws them.
        rate: Trades a second.
        batch: Seconds between batches.
        seconds: How long is measured.
        warm_up: How long the same load runs before.
        tickers: Companies in the market.
        day_trades: Trades in a day of that market: sets how much event time passes in a second.
        seed: Of users and market.
        burst: Whether every ticker then jumps up and down at once, so that all users act, before the same load goes on.
        snapshot_every: Seconds between snapshots; 0 for none. With them, the state is removed at the end, and the
            stream started again from the newest.
    """

    users: int = 100_000
    rate: int = 20_000
    batch: float = 1.0
    seconds: float = 60.0
    warm_up: float = 15.0
    tickers: int = 8_000
    day_trades: int = 68_100_000
    seed: int = 1
    burst: bool = False
    snapshot_every: float = 0.0


def run(load: Load) -> dict[str, object]:
    """Measure, and return the figures.

    Raises:
        ServerError: The line did not take all that was sent, rows are missing in the database, or no batch was made in
            the seconds that count.
    """
    with own_servers("kafka", "cassandra") as settings:
        ensure_topic(settings)
        init(settings)
        shares = frequencies.simulated(load.tickers, load.seed)
        session = connect(settings)
        reader, writer = Reader(session), Writer(session)
        flags = ["--batch", str(load.batch)]
        if load.snapshot_every:
            flags += ["--snapshots", str(settings.home / "snapshots"), "--snapshot-every", str(load.snapshot_every)]
        with child(settings, "stream", *flags) as job:
            await_stream(reader)
            memory = PeakMemory(job)
            click.echo(f"Opening {load.users:,} strategies ...", err=True)
            openings = generator.draw(load.users, load.seed, shares)
            began = time.perf_counter()
            offsets = generator.publish(settings, openings, on_done=lambda _: None)
            if not generator.wait_until_open(
                writer,
                tape_id(settings),
                offsets,
                alive=lambda: job.is_running(),
                on_done=lambda _: None,
            ):
                raise ServerError("ended before all strategies were open", server="stream")
            opened = time.perf_counter() - began
            market = Market(list(shares.items()), load.seed, load.day_trades)
            click.echo(f"Sending {load.rate:,} trades a second for {load.warm_up:g} s unmeasured ...", err=True)
            with TapeProducer(settings) as producer:
                steady = _Steady(producer, market, load.rate)
                steady.run(load.warm_up)
                start = dt.datetime.now(dt.UTC)
                click.echo(f"Measuring for {load.seconds:g} s ...", err=True)
                steady.run(load.seconds)
                stop = dt.datetime.now(dt.UTC)
                if load.burst:
                    click.echo(f"All tickers jump up and down; {_AFTER:g} s of the load before ...", err=True)
                    steady.burst()
                    steady.run(_AFTER)
            sent = steady.sent
            batches = _drained(reader, sent, load)
            peak = memory.end()
        fills = _check_rows(settings, batches)
        again = _restarted(settings, flags, reader) if load.snapshot_every else {}
    measured = batches[(batches["time"] > start) & (batches["time"] <= stop)]
    if measured.empty:
        most = int(batches["waiting"].max())
        raise ServerError(
            f"made no batch in the {load.seconds:g} s that count, up to {most:,} rows waited for the database; all "
            f"{sent:,} trades were taken in the end: give it a longer --warm-up",
            server="stream",
        )
    processing, delay = measured["processing"].tolist(), measured["delay"].tolist()
    seconds = (stop - start).total_seconds()
    return {
        "users": load.users,
        "rate": load.rate,
        "batch_seconds": load.batch,
        "batches": len(measured),
        "batches_expected": int(seconds / load.batch),
        "processing_p50": percentile(processing, 0.50),
        "processing_p95": percentile(processing, 0.95),
        "processing_p99": percentile(processing, 0.99),
        "delay_p50": percentile(delay, 0.50),
        "delay_p95": percentile(delay, 0.95),
        "delay_p99": percentile(delay, 0.99),
        "trades_per_second": float(measured["trades"].sum()) / seconds,
        "fills_per_second": float(measured["fills"].sum()) / seconds,
        "bars_per_second": float(measured["bars"].sum()) / seconds,
        "fills_in_database": fills,
        "opening_seconds": opened,
        "rows_waiting_p50": percentile(measured["waiting"].tolist(), 0.50),
        "rows_waiting_max": int(measured["waiting"].max()),
        "rows_behind_p50": percentile(measured["behind"].tolist(), 0.50),
        "rows_behind_p99": percentile(measured["behind"].tolist(), 0.99),
        "event_seconds_per_second": load.rate / (load.day_trades / 23_400),
        "producer_late_seconds": steady.late,
        "peak_memory_mb": peak,
        **(_burst(batches[batches["time"] > stop], load) if load.burst else {}),
        **again,
    }


def _burst(after: pd.DataFrame, load: Load) -> dict[str, object]:
    """Return what became of the burst, from the batches since."""
    late = after[after["delay"] > max(0.1, load.batch / 10)]
    return {
        "burst_fills_in_a_batch": int(after["fills"].max()),
        "burst_processing_max": float(after["processing"].max()),
        "burst_delay_max": float(after["delay"].max()),
        "burst_delay_gone_after": (late["time"].max() - after["time"].min()).total_seconds() if len(late) else 0.0,
        "burst_rows_waiting_max": int(after["waiting"].max()),
        "burst_rows_behind_max": float(after["behind"].max()),
    }


def _restarted(settings: Settings, flags: list[str], reader: Reader) -> dict[str, object]:
    """Remove the state, start the stream from its newest snapshot, and wait for its first batch."""
    for state in settings.home.glob("state/*"):
        shutil.rmtree(state)
    ended, began = dt.datetime.now(dt.UTC), time.perf_counter()
    with child(settings, "stream", *flags) as job:
        while job.is_running() and reader.batches(limit=1)["time"].iloc[0] < ended:
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        first = reader.batches(limit=1).iloc[0]
    return {"restart_seconds": seconds, "restart_trades_of_first_batch": int(first["trades"])}


class _Steady:
    """Sends trades at a steady rate, and notes how late it got at worst."""

    def __init__(self, producer: TapeProducer, market: Market, rate: int) -> None:
        self._producer = producer
        self._directory = Directory(producer.partitions)
        self._market = market
        self._count = max(1, round(rate * SLICE))
        self.sent = 0
        self.late = 0.0

    def burst(self) -> None:
        for move in (_JUMP, -_JUMP):
            self._send(self._market.jump(move))

    def run(self, seconds: float) -> None:
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


def _drained(reader: Reader, sent: int, load: Load, seconds: float = 300.0) -> pd.DataFrame:
    """Wait until the stream has taken all that was sent, and its rows are in; return its batches, oldest first."""
    deadline = time.monotonic() + seconds
    while True:
        limit = int((load.seconds + load.warm_up + seconds) / load.batch) * 2 + 1_000
        batches = reader.batches(limit=limit)
        if int(batches["trades"].sum()) >= sent and not batches["waiting"].iloc[0]:
            return batches.iloc[::-1]
        if time.monotonic() > deadline:
            taken, waiting = int(batches["trades"].sum()), int(batches["waiting"].iloc[0])
            raise ServerError(f"took {taken:,} of {sent:,} trades, and {waiting:,} rows wait", server="stream")
        time.sleep(0.5)


def _check_rows(settings: Settings, batches: pd.DataFrame) -> int:
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

"""What no day should hold, and what holds it up: broken clocks, numbers twice, half days, more than can be taken."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from database.reads import Reader
from database.session import connect
from database.writes import Writer
from ingestion.columns import Directory
from ingestion.producer import TapeProducer, publish_openings
from ingestion.sources import find_sources
from ingestion.topic import partition_of, tape_id
from riskcontrol.blocks import TRADES_HEADERS, encode
from riskcontrol.settings import Settings
from riskcontrol.trades import ALL_FLAGS, MAX_AHEAD
from tests.core.test_engine import openings
from tests.core.test_engine import trades as block
from tests.processes import Running, run, simulated_day, until
from tests.reference import Reference
from tests.spark.test_stream import check_against, drawn, ends, reached, rows

pytestmark = pytest.mark.servers

DAY = 86_400 * 10**9
WAITED = 4
"""Batches that a day is taken in at least, if it was there before the stream."""
TEN_O_CLOCK = 1_733_151_600 * 10**9
"""2024-12-02 10:00 in New York."""


def without_a_partition(settings: Settings, batches: list[pa.RecordBatch], empty: int) -> list[pa.RecordBatch]:
    """Return the trades of tickers that don't belong to one of the partitions."""
    kept = []
    for batch in batches:
        names = batch.column("ticker").to_pylist()
        kept.append(batch.filter(pa.array([partition_of(name, settings.shards) != empty for name in names])))
    return kept


def odd(tickers: list[str]) -> list[pa.RecordBatch]:
    """Return blocks with times that jump and fall, numbers that come again, and a ticker that nobody has seen."""
    rng = np.random.default_rng(5)
    prices = dict.fromkeys(tickers, 50.0)
    blocks = []
    for number in range(12):
        lines = []
        at = TEN_O_CLOCK + int(rng.choice([0, -DAY, -3_600 * 10**9, 2 * 3_600 * 10**9, DAY // 2]))
        for _ in range(150):
            ticker = str(rng.choice(tickers))
            at += int(rng.choice([10**9, 5 * 10**8, 0, -2 * 10**9, -90 * 10**9, 70 * 10**9]))
            prices[ticker] *= float(np.exp(rng.normal(0, 0.004)))
            lines.append((ticker, at, round(prices[ticker] * 100) * 10_000, 100, ALL_FLAGS))
        blocks.append(block(lines, first=max(1, 1_000 - 100 * number)))
    return blocks


def send(settings: Settings, blocks: list[pa.RecordBatch]) -> None:
    directory = Directory(settings.shards)
    with TapeProducer(settings) as producer:
        for each in blocks:
            for partition, part in enumerate(directory.split(directory.rows(each, first=0))):
                if len(part):
                    producer.send(partition, directory.encode(part), TRADES_HEADERS)
        for partition in range(producer.partitions):
            producer.wait(partition)


def test_a_day_that_waited_clocks_that_jump_numbers_twice_new_tickers_and_a_partition_without_trades(
    servers: Settings, tmp_path: Path
) -> None:
    # The day after Thanksgiving closes at one o'clock; the next session is a Monday's.
    days = [simulated_day(tmp_path, tickers=9, trades=4_000, seed=6, day=day) for day in ("2024-11-29", "2024-12-02")]
    half, monday = (list(find_sources(str(day), servers)[0].batches()) for day in days)
    tickers = sorted({ticker for batch in half for ticker in batch.column("ticker").dictionary.to_pylist()})
    empty = partition_of(tickers[0], servers.shards)
    half, monday = (without_a_partition(servers, batches, empty) for batches in (half, monday))
    fresh = next(name for name in ("ZA", "ZB", "ZC", "ZD", "ZE") if partition_of(name, servers.shards) != empty)
    traded = [ticker for ticker in tickers if partition_of(ticker, servers.shards) != empty]
    strange = odd([*traded[:3], fresh])
    strategies = drawn([*traded, fresh, tickers[0]], 80)
    future = block([(traded[0], time.time_ns() + 2 * MAX_AHEAD, 10**7, 1, ALL_FLAGS)])

    # Small records, all there before the stream: as if it had stood still while the half day went by.
    publish_openings(servers, strategies)
    send(servers, [batch.slice(first, 3) for batch in half for first in range(0, batch.num_rows, 3)])
    kept = ("--snapshots", str(tmp_path / "snapshots"), "--snapshot-every", "1")
    with Running(servers, "stream", "--batch", "0.3", "--state", str(tmp_path / "state"), *kept) as stream:
        until(lambda: reached(servers, ends(servers)), 120, lambda: stream.output)
        send(servers, strange)
        with TapeProducer(servers) as producer:
            producer.send(partition_of(traded[0], servers.shards), encode(future), TRADES_HEADERS)
        send(servers, monday)
        until(lambda: reached(servers, ends(servers)), 90, lambda: stream.output)
        until(lambda: "rejected 1 " in stream.output, 10, lambda: stream.output)
        assert stream.interrupt() == 0, stream.output
    told = Reader(connect(servers)).batches(limit=1_000).iloc[::-1]
    waited = told[told["trades"] > 0].iloc[:WAITED]
    # How far behind it is is told with every batch: no batch takes all that waits.
    assert waited["lag"].iloc[0] > 0
    assert (waited["lag"].diff().dropna() <= 0).all()
    assert Writer(connect(servers)).watermarks(tape_id(servers)) == {k: v for k, v in ends(servers).items() if v}
    reference = Reference().feed([openings(*strategies), *half, *strange, *monday])
    assert len(reference.fills) > 200
    assert {fill[2] for fill in reference.fills} >= {fresh}
    check_against(reference, servers)
    # After the half day's end nothing fills, however long the exchanges report.
    one_o_clock = 1_732_903_200 * 10**9
    late = [fill for fill in reference.fills if one_o_clock + 60 * 10**9 < fill[4] < TEN_O_CLOCK - 2 * DAY]
    assert late == []
    assert {row[0] for row in rows(servers, "strategies", "ticker")} >= {tickers[0]}
    assert tickers[0] not in {row[0] for row in rows(servers, "positions", "ticker")}


def test_a_day_of_the_future_is_refused_before_anything_is_sent(servers: Settings, tmp_path: Path) -> None:
    day = simulated_day(tmp_path, tickers=3, trades=300, day="2098-03-05")
    done = run(servers, "ingest", str(day), "--speed", "max")
    assert done.returncode == 1
    assert "2098-03-05" in done.stderr
    assert "check the day in its name" in done.stderr
    assert not any(ends(servers).values())

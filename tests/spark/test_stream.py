"""The whole line on real parts: file, S3, Kafka, Spark, Cassandra; every fill equals the plain reference's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from database.reads import Reader
from database.session import connect
from database.writes import Writer
from ingestion.producer import TapeProducer, publish_openings
from ingestion.s3 import client
from ingestion.sources import find_sources
from ingestion.topic import partition_of, tape_id
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.language.parser import parse
from riskcontrol.leaders import Leaders, encode_leaders, merged
from riskcontrol.newyork import date_of
from riskcontrol.rows import Splits
from riskcontrol.settings import Settings
from riskcontrol.shape import shape_text
from riskcontrol.splits import read_splits
from riskcontrol.states import Reason
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.terms import FillMode, Session, Terms
from spark.state import ShardStore
from tests.core.test_engine import openings
from tests.processes import Running, run, simulated_day, until
from tests.reference import Reference
from tests.spark.test_state import rewrite, step

pytestmark = pytest.mark.servers

TICKERS = 12


def drawn(tickers: Sequence[str], count: int) -> list[Strategy]:
    """Return strategies on these tickers, with narrow levels so that they act often."""
    rng = np.random.default_rng(3)
    rules = [
        shape_text(parse(buy), parse(sell), every, Session.REGULAR)
        for buy, sell, every in (
            ("crosses_above(ema(2), ema(5)) and price > vwap", "crosses_below(ema(2), ema(5))", 60),
            ("rsi(3) < 40 and price <= reference - 0.01", "price >= entry + atr(3) or held > 20m", 30),
            ("time >= 10:30 and close > open", "price < peak * 0.999", 300),
        )
    ]
    options = Terms(stop_loss=2_000, take_profit=5_000, fee_per_order=1_000_000, fee_rate=100, slippage=50)
    return [
        Strategy(f"user{i}", "s1", tickers[i % len(tickers)], 10**10, *rules[i // 4 % 3], options)
        if i % 4 == 3
        else first_rule(
            f"user{i}",
            "s1",
            tickers[i % len(tickers)],
            int(rng.integers(2_000, 400_000)) * 1_000_000,
            int(rng.integers(2, 40)) * 10_000,
            int(rng.integers(2, 40)) * 10_000,
            FillMode(i % 2),
        )
        for i in range(count)
    ]


def reached(settings: Settings, offsets: dict[int, int]) -> bool:
    """Say whether the job has written everything before these offsets."""
    marks = Writer(connect(settings)).watermarks(tape_id(settings))
    return all(marks.get(shard, 0) >= offset for shard, offset in offsets.items())


def ends(settings: Settings) -> dict[int, int]:
    from spark.source import Tape

    tape = Tape(settings)
    try:
        return tape.ends()
    finally:
        tape.close()


def rows(settings: Settings, table: str, columns: str) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in connect(settings).execute(f"SELECT {columns} FROM {table}"))  # noqa: S608


FILLS = "username, name, ticker, number, time, price, shares, fee, cash, sequence, reason"


def check_against(reference: Reference, settings: Settings) -> None:
    """Compare every fill, position and closed bar in the database with the reference."""
    found = [(*row[:-1], Reason[str(row[-1]).upper()]) for row in rows(settings, "fills", FILLS)]
    assert sorted(found) == sorted(reference.fills)
    columns = "username, name, ticker, cash, shares, fills, reference, entry"
    positions = {row[:3]: row[3:] for row in rows(settings, "positions", columns)}
    seen = {key: p for key, p in reference.positions.items() if p.reference is not None}
    assert positions == {
        key: (p.cash, p.shares, p.fills, p.reference, p.entry if p.shares else 0) for key, p in seen.items()
    }
    columns = "ticker, time, open, high, low, close, volume, notional, trades"
    bars = {row[:2]: row[2:] for row in rows(settings, "bars", columns)}
    last = dict(sorted(reference.bars))
    # The last minute of a ticker is still open.
    closed = {key: tuple(bar.values()) for key, bar in reference.bars.items() if key[1] < last[key[0]]}
    assert bars == closed


def check_days(reference: Reference, settings: Settings) -> None:
    """Compare each ticker's day so far, on every day, with its bars in the reference, up to the minute told."""
    for day in {date_of(time) for _, time in reference.bars}:
        of_day = {key: bar for key, bar in sorted(reference.bars.items()) if date_of(key[1]) == day}
        found = Reader(connect(settings)).day(day)
        assert len(found) == len({ticker for ticker, _ in of_day})
        for row in found.itertuples():
            own = [bar for (name, time), bar in of_day.items() if name == row.ticker and time <= row.time]
            sums = {name: sum(bar[name] for bar in own) for name in ("volume", "notional", "trades")}
            priced = [bar for bar in own if bar["open"]]
            highs, lows = ([bar[name] for bar in own if bar[name]] for name in ("high", "low"))
            prices = (priced[0]["open"], max(highs), min(lows), priced[-1]["close"])
            assert (row.open, row.high, row.low, row.close) == prices
            assert (row.volume, row.notional, row.trades) == tuple(sums.values())


def leaders_of_shards(
    strategies: Sequence[Strategy], events: Sequence[pa.RecordBatch | Splits], shards: int
) -> Leaders:
    """Return who leads at the end, each shard's ranks made from its own trades alone."""
    found = []
    for shard in range(shards):
        own = [one for one in strategies if partition_of(one.ticker, shards) == shard]
        parts: list[pa.RecordBatch | Splits] = []
        for event in events:
            if isinstance(event, Splits):
                names = [name.decode() for name in event.ticker.tolist()]
                parts.append(event.take(np.array([partition_of(name, shards) == shard for name in names])))
            else:
                names = event.column("ticker").to_pylist()
                parts.append(event.filter(pa.array([partition_of(name, shards) == shard for name in names])))
        found.append(advance(Book(), [openings(*own), *parts], rank=True).leaders[-1])
    return merged(found)


def put_aside(settings: Settings, stream: Running, *, at: str) -> None:
    """Send records that are none, between two foreign trades: these are taken, those told with offset and reason."""
    from kafka import KafkaConsumer, TopicPartition

    strategy = first_rule("ann", "dip", "IBM", 10**10, 100_000, 100_000, FillMode.SAME)
    shard = partition_of("IBM", settings.shards)
    stranger = next(t for t in ("BAC", "GE", "F", "AIG") if partition_of(t, settings.shards) != shard)
    foreign = [
        b'{"ticker": "IBM", "price": %s, "timestamp": "%s:%02d-05:00"}' % (price, at.encode(), second)
        for second, price in enumerate((b"200.00", b"199.90"))
    ]
    publish_openings(settings, [strategy])
    stream.wait_for("openings 1 ")
    with TapeProducer(settings) as producer:
        producer.send(shard, foreign[0], [])
        producer.send(shard, b"\x00 no block", [("type", b"trades"), ("schema", b"1")])
        producer.send(shard, b"no JSON", [])
        producer.send(shard, b"later", [("type", b"trades"), ("schema", b"9")])
        producer.send(shard, foreign[0].replace(b"IBM", stranger.encode()), [])
        producer.send(shard, foreign[1], [])
        last = producer.wait(shard)
    assert last is not None
    until(lambda: reached(settings, {shard: last + 1}), 90, lambda: stream.output)
    until(lambda: sum(int(n) for n in re.findall(r"rejected (\d+)", stream.output)) == 4, 10, lambda: stream.output)
    assert [row[6] for row in rows(settings, "fills", FILLS) if row[0] == "ann"] == [50]
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(settings.topic + ".rejected", 0)])
    rejected: list[dict[str, bytes]] = []

    def four() -> bool:
        for records in consumer.poll(200).values():
            rejected.extend(dict(record.headers) for record in records)
        return len(rejected) >= 4

    until(four, 20)
    consumer.close()
    assert [r["partition"] for r in rejected] == [str(shard).encode()] * 4
    assert [int(r["offset"]) for r in rejected] == [*range(last - 4, last)]
    assert b"Arrow" in rejected[0]["reason"]
    assert b"JSON" in rejected[1]["reason"]
    assert b"schema version '9'" in rejected[2]["reason"]
    assert b"belongs to partition" in rejected[3]["reason"]


@pytest.mark.timeout(600)
def test_every_row_is_the_reference_s_over_splits_a_kill_and_lost_state_bad_records_are_put_aside_and_a_second_refused(
    servers: Settings, tmp_path: Path
) -> None:
    days = [simulated_day(tmp_path, tickers=TICKERS, trades=5_000, day=f"2024-03-0{n}") for n in (5, 6)]
    client(servers).create_bucket(Bucket=servers.topic)
    uploaded = run(servers, "upload", *map(str, days), f"s3://{servers.topic}/days")
    assert uploaded.returncode == 0, uploaded.stderr
    trades = [[*find_sources(str(day), servers)[0].batches()] for day in days]
    tickers = sorted({ticker for batch in trades[0] for ticker in batch.column("ticker").dictionary.to_pylist()})
    strategies = drawn(tickers, 120)
    file = tmp_path / "splits.csv"
    ratios = ("4:1", "3:2", "1:10", "20:1")
    lines = [f"{ticker},2024-03-06,{ratios[i % 4]}" for i, ticker in enumerate(tickers)]
    file.write_text("\n".join(["ticker,ex_date,ratio", *lines, f"{tickers[0]},2014-06-09,7:1"]) + "\n")
    state, place = tmp_path / "state", f"s3://{servers.topic}/snapshots"
    command = ("stream", "--state", str(state), "--snapshots", place, "--snapshot-every", "1")
    sending = ("ingest", f"s3://{servers.topic}/days", "--speed", "3000", "--from", "09:30", "--splits", str(file))

    with Running(servers, *command) as stream:
        publish_openings(servers, strategies)
        stream.wait_for("openings 120")
        with Running(servers, *sending) as ingest:
            until(lambda: re.search(r"fills [1-9].*\n(.*\n)*.*snapshot ", stream.output), 60, lambda: stream.output)
            started = psutil.Process(stream.process.pid).children(recursive=True)
            stream.kill()
            assert psutil.wait_procs(started, 30)[1] == [], "what a stream started outlives it"
            assert ingest.process.wait(90) == 0, ingest.output
            ingest.wait_for(f"{TICKERS + 1} splits sent.")
    for shard in range(servers.shards - 1):  # the last one stays as the kill has left it
        folder = state / f"shard-{shard:04d}"
        if shard == 0:
            (folder / "meta.json").unlink()
        else:
            content = (folder / "positions").read_bytes()
            (folder / "positions").write_bytes(content[:64] + bytes(64) + content[128:])
    events = [read_splits(file), *trades[0], *trades[1]]
    reference = Reference().feed([openings(*strategies), *events])
    assert len(reference.fills) > 1_000
    assert len([fill for fill in reference.fills if fill[-1] == Reason.SPLIT]) > 5
    with Running(servers, *command) as stream:
        until(lambda: reached(servers, ends(servers)), 90, lambda: stream.output)
        assert stream.output.count("goes on from snapshot") == servers.shards - 1, stream.output
        check_against(reference, servers)
        check_days(reference, servers)
        leaders, wanted = Reader(connect(servers)).leaders(), leaders_of_shards(strategies, events, servers.shards)
        assert leaders is not None
        assert len(wanted.by_gain) > 50
        assert encode_leaders(leaders) == encode_leaders(wanted)
        second = run(servers, *command)
        assert second.returncode == 1
        assert "one runs already" in second.stderr
        put_aside(servers, stream, at="2024-03-07T10:00")
        assert len(rows(servers, "fills", FILLS)) == len(reference.fills) + 1
        (jvm,) = (c for c in psutil.Process(stream.process.pid).children(recursive=True) if c.name() == "java")
        jvm.kill()
        assert stream.process.wait(60) == 1
        until(lambda: "its JVM has ended" in stream.output, 10, lambda: stream.output)


def test_tables_of_another_tape_are_refused(servers: Settings, tmp_path: Path) -> None:
    writer = Writer(connect(servers))
    writer.watermark("another", 0, 5)
    done = run(servers, "stream", "--state", str(tmp_path / "state"))
    assert done.returncode == 1
    assert "another tape" in done.stderr
    assert "database drop" in done.stderr


def test_a_tape_that_lost_its_end_is_noticed(servers: Settings, tmp_path: Path) -> None:
    strategy = first_rule("ann", "dip", "IBM", 10**10, 100_000, 100_000)
    shard = partition_of("IBM", servers.shards)
    publish_openings(servers, [strategy])
    store = ShardStore(tmp_path / "state", shard, tape_id(servers))
    step(store, [openings(strategy)])
    rewrite(store, next=99)
    Writer(connect(servers)).watermark(tape_id(servers), shard, 99)
    done = run(servers, "stream", "--state", str(tmp_path / "state"))
    assert done.returncode == 1
    assert "the tape ends at 1" in done.stderr


def test_without_a_broker_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(Settings(home=tmp_path), "stream")
    assert done.returncode == 1
    assert "riskcontrol up" in done.stderr

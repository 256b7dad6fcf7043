"""Without state, snapshot and the tape's beginning, the tables make positions that go on as they were."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from kafka import KafkaAdminClient, TopicPartition

from database.session import connect
from database.writes import Writer
from ingestion.columns import Directory
from ingestion.producer import TapeProducer, publish_openings
from ingestion.sources import find_sources
from ingestion.topic import ensure_topic, partition_of, tape_id
from riskcontrol.blocks import TRADES_HEADERS, Event
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.errors import ServerError, StateError
from riskcontrol.language.parser import parse
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Action, Strategy, first_rule
from riskcontrol.terms import FillMode, Session, Terms
from spark.drain import Drain
from spark.reopen import put_back, reopen
from spark.restore import lost, stand
from spark.state import ShardStore
from spark.task import Done, Work, advance_shard
from tests.core.test_engine import openings, tapes, tuples
from tests.processes import simulated_day
from tests.reference import Reference
from tests.spark.test_stream import FILLS, ends, rows


@given(tape=tapes())
def test_positions_put_back_go_on_as_they_were(tape: list[Event]) -> None:
    half = len(tape) // 2
    book = Book()
    advance(book, tape[:half])
    slots = book.used_slots()
    opened = [event for event in tape[:half] if isinstance(event, Openings)]
    other = Book()
    advance(other, [event.take(event.action == Action.OPEN) for event in opened])
    assert (other.used_slots() == slots).all()
    put_back(other, slots, book.positions[slots])
    # What is no position: the last prices of tickers and their open bars.
    names = {ticker: number for number, ticker in enumerate(other.tickers["ticker"][: other.count("tickers")].tolist())}
    for row in book.tickers[: book.count("tickers")]:
        if row["ticker"].item() in names:
            known = other.tickers[names[row["ticker"].item()]]
            for column in ("price", "time", "latest", "bar", "open", "high", "low", "close"):
                known[column] = row[column]
    assert sorted(tuples(advance(other, tape[half:]).fills)) == sorted(tuples(advance(book, tape[half:]).fills))


class Line:
    """A tape, tables, and what leads shards along it without Spark.

    Args:
        settings: Servers.
        state: Folder of the shards' state.
    """

    def __init__(self, settings: Settings, state: Path) -> None:
        self.settings = settings
        self.state = state
        self.tape = tape_id(settings)

    def advance(self, to: Callable[[int, int], int]) -> list[Done]:
        """Lead each shard to an offset made of where it stands and where it ends."""
        done = []
        for shard, end in ends(self.settings).items():
            store = ShardStore(self.state, shard, self.tape)
            with store.locked():
                at = store.recover().next
            if (target := min(end, to(at, end))) > at:
                work = Work(self.settings, self.state, self.tape, shard, self.settings.shards, at, target)
                done.append(advance_shard(work))
        self.drain()
        return done

    def drain(self) -> None:
        """Put the rows into the tables."""
        Drain(connect(self.settings), self.state, self.tape).settle()

    def forget(self, offsets: dict[int, int]) -> None:
        """Let the tape no longer hold what is before these offsets."""
        admin = KafkaAdminClient(bootstrap_servers=self.settings.kafka)
        try:
            admin.delete_records({TopicPartition(self.settings.topic, shard): at for shard, at in offsets.items()})
        finally:
            admin.close()


def sure(tickers: list[str], count: int) -> list[Strategy]:
    """Return strategies of which the tables have everything: they fill on the deciding trade and look at no peak."""
    rng = np.random.default_rng(8)
    cents = rng.integers(2, 30, (count, 2)).tolist()
    return [
        first_rule(f"u{i}", "s", tickers[i % len(tickers)], 10**10, low * 10_000, high * 10_000, FillMode.SAME)
        for i, (low, high) in enumerate(cents)
    ]


@pytest.mark.servers
def test_from_the_tables_alone_the_rows_go_on_as_undisturbed(
    servers: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_topic(servers)
    day = simulated_day(tmp_path, tickers=9, trades=12_000, seed=5)
    trades = list(find_sources(str(day), servers)[0].batches())
    tickers = sorted({ticker for batch in trades for ticker in batch.column("ticker").dictionary.to_pylist()})
    shape = shape_text(parse("price > 0"), None, 0, Session.REGULAR)
    holder = Strategy("ann", "holds", tickers[0], 10**10, *shape, Terms(trailing_stop=500_000, fill=FillMode.SAME))
    strategies = [*sure(tickers, 90), holder]
    publish_openings(servers, strategies)
    line = Line(servers, tmp_path / "state")
    line.advance(lambda at, end: end)
    publish_openings(servers, strategies[:3], action=Action.STOP)
    send(servers, trades)
    line.advance(lambda at, end: (at + end) // 2)
    marks = Writer(connect(servers)).watermarks(line.tape)

    def dying(self: Writer, *_: object) -> None:
        self.flush()
        raise ServerError("killed before the watermark", server="cassandra")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "watermark", dying)
        with pytest.raises(ServerError, match="killed"):
            line.advance(lambda at, end: at + 5)
    line.forget(marks)
    shutil.rmtree(line.state)
    with pytest.raises(StateError, match="--from-cassandra"):
        stand(line.state, line.tape, marks, None, marks)
    assert lost(line.state, line.tape, marks, None, marks) == marks
    reopen(servers, line.state, line.tape, servers.shards, marks)
    assert lost(line.state, line.tape, marks, None, marks) == {}
    store = ShardStore(line.state, partition_of(tickers[0], servers.shards), line.tape)
    with store.locked():
        book = store.book(store.recover())
    (held,) = book.positions[[slot for slot in book.used_slots() if book.usernames(np.array([slot]))[0] == b"ann"]]
    assert 0 < held["entry"] < held["peak"], "the tables' bars tell how high it has been"
    line.advance(lambda at, end: end)
    reference = Reference().feed([openings(*strategies), openings(*strategies[:3], action=Action.STOP), *trades])
    found = rows(servers, "fills", FILLS)
    assert len(found) > 100
    assert [row[:-1] for row in found] == sorted(row[:-1] for row in reference.fills)
    columns = "username, name, ticker, cash, shares, fills, reference"
    seen = {key: p for key, p in reference.positions.items() if p.reference is not None}
    assert {row[:3]: row[3:] for row in rows(servers, "positions", columns) if row[-1]} == {
        key: (p.cash, p.shares, p.fills, p.reference) for key, p in seen.items()
    }


def send(settings: Settings, trades: list[pa.RecordBatch]) -> None:
    """Put trades onto the tape in small blocks."""
    with TapeProducer(settings) as producer:
        directory = Directory(producer.partitions)
        for first, part in enumerate(batch.slice(at, 300) for batch in trades for at in range(0, len(batch), 300)):
            for partition, mine in enumerate(directory.split(directory.rows(part, first=first * 300))):
                if len(mine):
                    producer.send(partition, directory.encode(mine), TRADES_HEADERS)
        for partition in range(producer.partitions):
            producer.wait(partition)


@pytest.mark.servers
def test_tables_that_the_tape_has_passed_are_an_error(servers: Settings, tmp_path: Path) -> None:
    ensure_topic(servers)
    with pytest.raises(StateError, match="the tables stand at offset 0, but the tape begins at 7"):
        reopen(servers, tmp_path / "state", tape_id(servers), servers.shards, {0: 7})

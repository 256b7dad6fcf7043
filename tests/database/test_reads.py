from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from cassandra.cluster import Session

import database.reads
from database.reads import PositionRow, Reader, StrategyRow
from database.writes import Writer
from riskcontrol.blocks import encode
from riskcontrol.errors import ServerError
from riskcontrol.strategy import Action
from tests.database.tables import bars, fills, openings, positions

pytestmark = pytest.mark.servers

MINUTE = 60_000_000_000
DAY = dt.date(2024, 3, 5)
OPEN = int(dt.datetime(2024, 3, 5, 14, 30, tzinfo=dt.UTC).timestamp()) * 1_000_000_000


@pytest.fixture
def reader(session: Session) -> Reader:
    return Reader(session)


@pytest.fixture
def writer(session: Session) -> Writer:
    return Writer(session)


def _marks(*rows: tuple[str, int, int]) -> bytes:
    tickers, prices, times = zip(*rows, strict=True)
    return encode(pa.record_batch([tickers, prices, times], names=["ticker", "price", "time"]))


def test_a_user_s_strategies_are_listed_in_order(reader: Reader, writer: Writer) -> None:
    mine = dataclasses.replace(openings(3), username=np.full(3, b"carol"))
    with writer:
        writer.strategies(mine)
        writer.strategies(dataclasses.replace(mine.take(slice(1, 2)), action=np.array([Action.STOP], np.int8)))
    assert reader.strategies("carol") == [
        StrategyRow("carol", "BRK.B", "a-long-strategy-name-123", 1, 2, 3, "next", 11, None),
        StrategyRow("carol", "T1", "s1", 2, 3, 4, "same", 11, 11),
        StrategyRow("carol", "T2", "s1", 3, 4, 5, "next", 11, None),
    ]
    assert reader.user_exists("carol")


@pytest.mark.parametrize("username", ["nobody", "", "No Body", "x\0", "'; DROP TABLE users", "u" * 100_000, "\ud800"])
def test_an_unknown_user_has_no_strategies(reader: Reader, username: str) -> None:
    assert reader.strategies(username) == []
    assert not reader.user_exists(username)


def test_a_stop_without_its_opening_is_no_strategy(reader: Reader, writer: Writer) -> None:
    with writer:
        writer.strategies(dataclasses.replace(openings(1, Action.STOP), username=np.array([b"dave"])))
    assert reader.strategies("dave") == []


def test_a_registered_user_exists_without_a_strategy(reader: Reader, writer: Writer) -> None:
    with writer:
        writer.users(np.array([b"erin"]), created=dt.datetime.now(dt.UTC), origin="form")
    assert reader.user_exists("erin")


def test_positions_come_in_the_order_asked_and_none_where_there_is_none(reader: Reader, writer: Writer) -> None:
    with writer:
        writer.positions(positions(200), version=1)
    username, name, ticker = positions(200).username, positions(200).name, positions(200).ticker
    asked = [
        StrategyRow(u.decode(), t.decode(), n.decode(), 1, 1, 1, "next", 1, None)
        for u, t, n in zip(username.tolist(), ticker.tolist(), name.tolist(), strict=True)
    ][::-1]
    asked.insert(1, StrategyRow("user0", "NONE", "s1", 1, 1, 1, "next", 1, None))
    found = reader.positions(asked)
    assert found[0] == PositionRow("T3", "user199", "s1", 199, 199, 199, 199, 199, "stopped")
    assert found[1] is None
    assert [row.username for row in found if row] == [f"user{i}" for i in range(199, -1, -1)]
    assert reader.positions([]) == []


def test_fills_are_the_newest_oldest_first(reader: Reader, writer: Writer) -> None:
    whose = {"username": np.full(12_000, b"frank"), "name": np.full(12_000, b"s1"), "ticker": np.full(12_000, b"IBM")}
    with writer:
        writer.fills(dataclasses.replace(fills(12_000), **whose))
    newest = reader.fills("frank", "IBM", "s1")
    assert newest["number"].tolist() == list(range(2_001, 12_001))
    assert newest.columns.tolist() == ["time", "number", "price", "shares", "cash", "sequence"]
    assert set(newest.dtypes) == {np.dtype(np.int64)}
    assert newest.iloc[-1].tolist() == [11_999_000, 12_000, 12_004, -11_999, -(11_999**3), 11_992]
    assert reader.fills("frank", "IBM", "s1", limit=3)["number"].tolist() == [11_998, 11_999, 12_000]
    assert reader.fills("frank", "IBM", "s1", since=11_998_000)["number"].tolist() == [11_999, 12_000]
    nothing = reader.fills("frank", "IBM", "s2")
    assert (len(nothing), nothing.columns.tolist(), set(nothing.dtypes)) == (
        0,
        newest.columns.tolist(),
        {np.dtype(np.int64)},
    )


def test_bars_of_several_days_come_in_order(reader: Reader, writer: Writer) -> None:
    day = 24 * 60 * MINUTE
    with writer:
        writer.bars(bars("IBM", [OPEN + day, OPEN + MINUTE, OPEN, OPEN + 2 * day]))
    found = reader.bars("IBM", [DAY + dt.timedelta(days=1), DAY, DAY])
    assert found["time"].tolist() == [OPEN, OPEN + MINUTE, OPEN + day]
    assert found.columns.tolist() == ["time", "open", "high", "low", "close", "volume", "notional", "trades"]
    assert set(found.dtypes) == {np.dtype(np.int64)}
    assert len(reader.bars("IBM", [])) == len(reader.bars("GE", [DAY])) == 0
    assert reader.trade_counts(["IBM", "GE"], DAY) == {"IBM": 7 + 8, "GE": 0}


def test_marks_hold_each_ticker_s_newest_price_and_are_kept_for_a_moment(
    reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer:
        writer.marks(0, _marks(("A", 10, 5), ("B", 20, 6)))
        writer.marks(1, _marks(("B", 30, 4)))
    clock = [100.0]
    # In that module only: the driver's timers go by the real clock.
    monkeypatch.setattr(database.reads, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert reader.marks() == {"A": (5, 10), "B": (6, 20)}
    with writer:
        writer.marks(1, _marks(("B", 30, 7)))
    assert reader.marks() == {"A": (5, 10), "B": (6, 20)}
    clock[0] += database.reads.MARKS_SECONDS + 0.01
    assert reader.marks() == {"A": (5, 10), "B": (7, 30)}
    with writer:
        writer.marks(1, b"damaged")
    clock[0] += 1
    with pytest.raises(ServerError, match="row 1 of marks is damaged"):
        reader.marks()


def test_batches_of_today_and_yesterday_come_newest_first(reader: Reader, writer: Writer) -> None:
    empty = reader.batches()
    now = dt.datetime.now(dt.UTC).replace(microsecond=250_000)
    moments = [now - dt.timedelta(hours=hours) for hours in (0, 24, 72)]
    for i, moment in enumerate(moments):
        writer.batch(time=moment, trades=i, processing=0.5, event_time=7)
    found = reader.batches()
    assert found["time"].tolist() == [pd.Timestamp(moment) for moment in moments[:2]]
    assert found["trades"].tolist() == [0, 1]
    assert found["lag"].tolist() == [0, 0]
    assert found["processing"].tolist() == [0.5, 0.5]
    assert found["delay"].isna().all()
    assert len(reader.batches(limit=1)) == 1
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == found.dtypes.to_dict()


def test_many_threads_may_share_a_reader(reader: Reader, writer: Writer) -> None:
    with writer:
        writer.strategies(dataclasses.replace(openings(1), username=np.array([b"grace"])))
    counts: list[int] = []
    threads = [
        threading.Thread(target=lambda: counts.extend(len(reader.strategies("grace")) for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1] * 160

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from cassandra.cluster import Session

import database.reads
from database.reads import AFTER_ALL, BEFORE_ALL, Place, PositionRow, Reader, StrategyRow
from database.writes import Writer
from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode, openings_batch
from riskcontrol.days import encode_day
from riskcontrol.errors import ServerError
from riskcontrol.rows import Accepted, Openings
from riskcontrol.strategy import FIRST_SHAPE, Action, Strategy
from tests.database.tables import SHAPES, TERMS, bars, fills, openings, positions

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


def _strategy(
    username: str, name: str, ticker: str, cash: int = 1, *rules: Any, stopped: int | None = None, since: int = 0
) -> StrategyRow:
    shape, parameters, terms = rules or (SHAPES[0], (0.1, 0.2), TERMS[0])
    return StrategyRow(username, name, ticker, cash, shape, parameters, terms, opened=11, stopped=stopped, since=since)


def test_a_user_s_strategies_are_listed_in_order(reader: Reader, writer: Writer) -> None:
    mine = dataclasses.replace(openings(3), username=np.full(3, b"carol"), since=np.array([0, 0, 7]))
    with writer:
        writer.strategies(mine)
        writer.strategies(dataclasses.replace(mine.take(slice(1, 2)), action=np.array([Action.STOP], np.int8)))
    assert reader.strategies("carol") == [
        _strategy("carol", "a-long-strategy-name-123", "BRK.B", 1, SHAPES[0], (0.25, 0.1), TERMS[0]),
        _strategy("carol", "s1", "T1", 2, SHAPES[1], (1.25,), TERMS[1], stopped=11),
        _strategy("carol", "s1", "T2", 3, SHAPES[0], (2.25, 2.1), TERMS[0], since=7),
    ]
    assert reader.user_exists("carol")


def test_any_strategy_comes_back_as_it_was_opened(reader: Reader, writer: Writer) -> None:
    most = '{"buy":"price <= reference - $0 and price > $1","sell":"price >= reference + $2 or price < $3"}'
    rules: list[tuple[str, tuple[float, ...]]] = [
        ('{"buy":"price < 5"}', ()),
        *((FIRST_SHAPE, numbers) for numbers in ((0.1, 0.2), (0.0, 0.2), (0.1, 0.0), (0.0, 0.0))),
        *((most, numbers) for numbers in ((1.0, 2.0, 3.0, 4.5), (1.0, 0.0, 3.0, 0.0), (0.0, 0.0, 0.0, 999_999_999.0))),
    ]
    opened = [
        Strategy("heidi", f"s{i}", "IBM", 5, shape, numbers, terms)
        for i, ((shape, numbers), terms) in enumerate(itertools.product(rules, TERMS))
    ]
    rows = decode(encode(openings_batch(opened, time=11)), OPENINGS_HEADERS)
    assert isinstance(rows, Openings)
    with writer:
        writer.strategies(Accepted.of(rows, np.zeros(len(rows), np.int64)))
    found = [
        Strategy(row.username, row.name, row.ticker, row.cash, row.shape, row.parameters, row.terms)
        for row in reader.strategies("heidi")
    ]
    assert sorted(found, key=lambda row: int(row.name[1:])) == opened


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": "<b>"},
        {"shape": '{"buy":"price < <script>"}'},
        {"terms": '{"speed":1}'},
        {"p0": -1.0},
        {"p1": float("nan")},
    ],
)
def test_a_strategy_that_is_none_is_told_instead_of_shown(
    reader: Reader, writer: Writer, changed: dict[str, str | float]
) -> None:
    arrays = {
        name: np.array([value], np.object_ if isinstance(value, str) else np.float64) for name, value in changed.items()
    }
    with writer:
        writer.strategies(dataclasses.replace(openings(1), username=np.array([b"mallory"]), **arrays))
    with pytest.raises(ServerError, match=r"row 'mallory', 'BRK.B', \S+ of strategies is damaged"):
        reader.strategies("mallory")


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
        _strategy(u.decode(), n.decode(), t.decode())
        for u, t, n in zip(username.tolist(), ticker.tolist(), name.tolist(), strict=True)
    ][::-1]
    asked.insert(1, _strategy("user0", "s1", "NONE"))
    found = reader.positions(asked)
    assert found[0] == PositionRow("T3", "user199", "s1", 199, 199, 199, 199, 205, 206, 199, "stopped")
    assert found[1] is None
    assert [row.username for row in found if row] == [f"user{i}" for i in range(199, -1, -1)]
    assert reader.positions([]) == []


def test_fills_are_the_newest_oldest_first(reader: Reader, writer: Writer) -> None:
    whose = {"username": np.full(12_000, b"frank"), "name": np.full(12_000, b"s1"), "ticker": np.full(12_000, b"IBM")}
    with writer:
        writer.fills(dataclasses.replace(fills(12_000), **whose))
    newest = reader.fills("frank", "IBM", "s1")
    assert newest["number"].tolist() == list(range(2_001, 12_001))
    assert newest.columns.tolist() == ["time", "number", "price", "shares", "fee", "cash", "sequence", "reason"]
    assert set(newest.dtypes[:-1]) == {np.dtype(np.int64)}
    assert newest.iloc[-1].tolist() == [11_999_000, 12_000, 12_004, -11_999, 3, -(11_999**3), 11_992, "split"]
    assert reader.fills("frank", "IBM", "s1", limit=3)["number"].tolist() == [11_998, 11_999, 12_000]
    assert reader.fills("frank", "IBM", "s1", since=11_998_000)["number"].tolist() == [11_999, 12_000]
    nothing = reader.fills("frank", "IBM", "s2")
    assert (len(nothing), nothing.dtypes.to_dict()) == (0, newest.dtypes.to_dict())


@pytest.mark.parametrize("newest", [False, True])
def test_fills_come_a_page_at_a_time_by_time_and_number(reader: Reader, writer: Writer, newest: bool) -> None:
    whose = {"username": np.full(9, b"gina"), "name": np.full(9, b"s1"), "ticker": np.full(9, b"IBM")}
    with writer:
        writer.fills(dataclasses.replace(fills(9), **whose, time=np.repeat([10, 20, 30], 3)))

    def page(low: Place, high: Place, limit: int) -> list[int]:
        found = reader.fills_between("gina", "IBM", "s1", low, high, newest=newest, limit=limit)
        numbers: list[int] = found["number"].tolist()
        return numbers

    assert page(BEFORE_ALL, AFTER_ALL, 100) == sorted(range(1, 10), reverse=newest)
    assert page((20, 4), (30, 9), 2) == ([8, 7] if newest else [5, 6])
    assert page((20, 0), (30, 0), 100) == ([6, 5, 4] if newest else [4, 5, 6])
    assert page((30, 9), AFTER_ALL, 100) == page(BEFORE_ALL, (10, 1), 100) == []
    empty = reader.fills_between("gina", "IBM", "s2", BEFORE_ALL, AFTER_ALL, newest=newest, limit=1)
    assert list(empty.columns) == list(reader.fills("gina", "IBM", "s1").columns)


def test_the_newest_fills_of_many_come_in_the_order_asked(reader: Reader, writer: Writer) -> None:
    with writer:
        for name, count in (("one", 30), ("two", 1)):
            whose = {"username": np.full(count, b"eva"), "name": np.full(count, name), "ticker": np.full(count, "IBM")}
            writer.fills(dataclasses.replace(fills(count), **{key: what.astype("S") for key, what in whose.items()}))
    asked = [_strategy("eva", name, "IBM") for name in ("two", "none", "one")]
    two, none, one = reader.newest_fills(asked, limit=20)
    assert (two["number"].tolist(), none["number"].tolist()) == ([1], [])
    assert one["number"].tolist() == list(range(11, 31))
    assert none.dtypes.to_dict() == one.dtypes.to_dict()
    assert reader.newest_fills([], limit=20) == []


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
        writer.marks(0, _marks(("A", 10, 5), ("B", 20, 6)), version=1)
        writer.marks(1, _marks(("B", 30, 4)), version=2)
    clock = [100.0]
    # In that module only: the driver's timers go by the real clock.
    monkeypatch.setattr(database.reads, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    assert reader.marks() == {"A": (5, 10), "B": (6, 20)}
    with writer:
        writer.marks(1, _marks(("B", 30, 7)), version=3)
    assert reader.marks() == {"A": (5, 10), "B": (6, 20)}
    clock[0] += database.reads.MARKS_SECONDS + 0.01
    assert reader.marks() == {"A": (5, 10), "B": (7, 30)}
    with writer:
        writer.marks(1, b"damaged", version=4)
    clock[0] += 1
    with pytest.raises(ServerError, match="row 1 of marks is damaged"):
        reader.marks()


def test_a_day_is_that_of_all_its_shards_and_an_older_row_never_covers_a_newer_one(
    reader: Reader, writer: Writer
) -> None:
    old, new, other = (bars(name, [OPEN + minute * MINUTE]) for name, minute in (("IBM", 1), ("IBM", 9), ("BAC", 2)))
    with writer:
        writer.day(0, OPEN + 9 * MINUTE, encode_day(new), version=8)
    with writer:
        writer.day(0, OPEN + MINUTE, encode_day(old), version=7)
        writer.day(1, OPEN + 2 * MINUTE, encode_day(other), version=1)
    found = reader.day(DAY)
    assert found[["ticker", "time"]].to_numpy().tolist() == [["IBM", OPEN + 9 * MINUTE], ["BAC", OPEN + 2 * MINUTE]]
    for name in ("open", "high", "low", "close", "volume", "notional", "trades"):
        assert found[name].tolist() == [*getattr(new, name).tolist(), *getattr(other, name).tolist()]
    nothing = reader.day(dt.date(2024, 3, 6))
    assert nothing.columns.tolist() == found.columns.tolist()
    assert nothing.empty
    with writer:
        writer.day(1, OPEN, b"damaged", version=2)
    with pytest.raises(ServerError, match="row 1 of days is damaged"):
        reader.day(DAY)


def test_the_nodes_that_are_up_are_counted(reader: Reader) -> None:
    assert reader.nodes() == (1, 1)


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

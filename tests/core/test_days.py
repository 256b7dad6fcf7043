"""The day so far of every ticker: the same as added up by hand, wherever the tape is cut."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.book import DAY, Book
from riskcontrol.days import add_bars, day_number, day_so_far, encode_day
from riskcontrol.engine import advance
from riskcontrol.minutes import BAR
from riskcontrol.newyork import NEW_YORK, date_of
from riskcontrol.packed import unpacked
from riskcontrol.rows import Bars
from riskcontrol.trades import HIGH_LOW, LAST, NS_PER_MINUTE, NS_PER_SECOND, VOLUME
from tests.core.test_engine import trades, tuples

Row = tuple[str, int, int, int, int]
EVENING = int(dt.datetime(2024, 3, 5, 23, 57, tzinfo=NEW_YORK).timestamp()) * NS_PER_SECOND


def by_hand(rows: list[Row]) -> dict[dt.date, list[tuple[object, ...]]]:
    """Return what each day was when the last of its minutes ended, from trades whose times don't fall."""
    found: dict[dt.date, list[tuple[object, ...]]] = {}
    for at in range(1, len(rows)):
        minute = rows[at - 1][1] // NS_PER_MINUTE
        if rows[at][1] // NS_PER_MINUTE == minute:
            continue
        day: dict[str, list[int]] = {}
        for ticker, time, price, size, flags in rows[:at]:
            if date_of(time) == date_of(minute * NS_PER_MINUTE) and flags & (LAST | HIGH_LOW | VOLUME):
                bar = day.setdefault(ticker, [0] * 7)
                if flags & LAST:
                    bar[0], bar[3] = bar[0] or price, price
                if flags & HIGH_LOW:
                    bar[1], bar[2] = max(bar[1], price), min(bar[2] or price, price)
                if flags & VOLUME:
                    bar[4], bar[5] = bar[4] + size, bar[5] + price * size
                bar[6] += 1
        found[date_of(minute * NS_PER_MINUTE)] = sorted(
            (ticker, minute * NS_PER_MINUTE, *bar) for ticker, bar in day.items()
        )
    return found


@st.composite
def evenings(draw: st.DrawFn) -> list[Row]:
    """Trades of some minutes around New York's midnight, in the order of time."""
    offsets = sorted(draw(st.lists(st.integers(0, 6 * 60), max_size=25)))
    return [
        (
            draw(st.sampled_from(["IBM", "BAC", "BRK.B"])),
            EVENING + offset * NS_PER_SECOND,
            draw(st.integers(1, 9)) * 1_000_000,
            draw(st.integers(1, 9)),
            draw(st.integers(0, 15)),
        )
        for offset in offsets
    ]


@given(evenings(), st.integers(1, 30))
def test_a_day_is_what_its_trades_add_up_to_wherever_the_tape_is_cut(rows: list[Row], size: int) -> None:
    book, found = Book(), {}
    for first in range(0, len(rows), size):
        outcome = advance(book, [trades(rows[first : first + size])], rank=True)
        found |= {date_of(int(one.time[0])): sorted(tuples(one)) for one in outcome.days if len(one)}
    assert found == {day: bars for day, bars in by_hand(rows).items() if bars}


def test_each_day_is_told_once_by_its_last_minute() -> None:
    times = [EVENING + minute * NS_PER_MINUTE for minute in range(6)]
    tape = [trades([("IBM", time, 1_000_000 + i, 1, 15) for i, time in enumerate(times)])]
    first, second = advance(Book(), tape, rank=True).days
    assert (first.time.tolist(), first.trades.tolist()) == ([times[2]], [3])
    assert (second.time.tolist(), second.trades.tolist()) == ([times[4]], [2])
    assert advance(Book(), tape).days == []


def test_the_table_of_days_is_saved_where_it_changed() -> None:
    book = Book()
    rows = [(ticker, minute * NS_PER_MINUTE + 1, 1_000_000, 1, 15) for minute in (1, 2) for ticker in ("IBM", "BAC")]
    assert advance(book, [trades(rows[:2])]).touched.rows["days"].tolist() == [0, 1]  # new ones
    assert advance(book, [trades(rows[2:3])]).touched.rows["days"].tolist() == [0]
    assert book.days["trades"][:2].tolist() == [1, 0]


def test_sums_stay_within_64_bits() -> None:
    days, bars = np.zeros(1, DAY), np.zeros(2, BAR)
    bars["time"] = [0, NS_PER_MINUTE]
    bars["notional"] = np.iinfo(np.int64).max - 1
    add_bars(days, bars)
    assert days["notional"].tolist() == [np.iinfo(np.int64).max]


@pytest.mark.parametrize("time", [0, EVENING, EVENING + 3 * NS_PER_MINUTE])
def test_a_days_number_is_its_new_york_date(time: int) -> None:
    assert dt.date(1970, 1, 1) + dt.timedelta(days=day_number(time)) == date_of(time)


def test_what_is_packed_is_what_was_there() -> None:
    book = Book()
    advance(book, [trades([("BRK.B", NS_PER_MINUTE, 5_000_000, 7, 15)])])
    found = day_so_far(book, NS_PER_MINUTE)
    (table,) = unpacked(encode_day(found))
    (row,) = table.to_pylist()
    assert row == {
        **dict.fromkeys(("open", "high", "low", "close"), 5_000_000),
        **{"ticker": "BRK.B", "volume": 7, "notional": 35_000_000, "trades": 1},
    }
    assert isinstance(found, Bars)

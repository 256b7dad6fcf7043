"""The equity curve against a slow loop, and its edges."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskcontrol.equity import Equity, equity_curve
from riskcontrol.trades import NS_PER_MINUTE as MINUTE

FIELDS = ("time", "price", "cash", "shares", "value", "profit")
NOTHING: dict[str, Any] = {
    "fill_time": [],
    "fill_price": [],
    "fill_shares": [],
    "fill_cash": [],
    "bar_time": [],
    "bar_close": [],
}


@st.composite
def histories(draw: st.DrawFn) -> dict[str, Any]:
    """All-in, all-out fills as the first rule makes them, and bars with gaps.

    Six round trips at four times the price each, and then the dearest mark, still fit into 64 bits.
    """
    cash = draw(st.integers(1_000, 10**10))
    prices = draw(st.lists(st.integers(100, 400), max_size=12))
    times = sorted(draw(st.lists(st.integers(0, 20 * MINUTE), min_size=len(prices), max_size=len(prices))))
    # On the minute's edge now and then, where before and after are easily confused.
    times = sorted(t - t % MINUTE if draw(st.booleans()) else t for t in times)
    minutes = sorted(draw(st.sets(st.integers(0, 25), max_size=15)))
    shares, money, fills = 0, cash, []
    for time, price in zip(times, prices, strict=True):
        change = -shares if shares else money // price
        if change:
            shares, money = shares + change, money - change * price
            fills.append((time, price, change, money))
    return {
        "cash": cash,
        "fill_time": [fill[0] for fill in fills],
        "fill_price": [fill[1] for fill in fills],
        "fill_shares": [fill[2] for fill in fills],
        "fill_cash": [fill[3] for fill in fills],
        "bar_time": [m * MINUTE for m in minutes],
        "bar_close": draw(st.lists(st.integers(1, 10**7), min_size=len(minutes), max_size=len(minutes))),
        "mark": draw(st.none() | st.tuples(st.integers(0, 40 * MINUTE), st.integers(1, 10**7))),
    }


def slow(h: dict[str, Any]) -> list[tuple[int, ...]]:
    """The same, one event after the other."""
    events = [(t + MINUTE, 0, i) for i, t in enumerate(h["bar_time"])]
    events += [(t, 1, i) for i, t in enumerate(h["fill_time"])]
    money, shares, rows = h["cash"], 0, []
    for time, kind, i in sorted(events):
        price = h["bar_close"][i] if kind == 0 else h["fill_price"][i]
        if kind == 1:
            money, shares = h["fill_cash"][i], shares + h["fill_shares"][i]
        rows.append((time, price, money, shares, money + shares * price, money + shares * price - h["cash"]))
    if h["mark"]:
        time = max([h["mark"][0]] + [row[0] for row in rows])
        value = money + shares * h["mark"][1]
        rows.append((time, h["mark"][1], money, shares, value, value - h["cash"]))
    return rows


def rows_of(curve: Equity) -> list[tuple[int, ...]]:
    return list(zip(*(getattr(curve, name).tolist() for name in FIELDS), strict=True))


@given(histories())
def test_the_curve_is_what_a_loop_over_the_events_gives(history: dict[str, Any]) -> None:
    cash = history.pop("cash")
    assert rows_of(equity_curve(cash, **history)) == slow({"cash": cash, **history})


@given(histories(), st.data())
def test_a_history_cut_at_its_front_ends_in_the_same_curve(history: dict[str, Any], data: st.DataObject) -> None:
    cash = history.pop("cash")
    whole = equity_curve(cash, **history)
    assume(history["fill_time"])
    cut = data.draw(st.integers(0, len(history["fill_time"]) - 1))
    for name in ("fill_time", "fill_price", "fill_shares", "fill_cash"):
        history[name] = history[name][cut:]
    first = bisect_left([t + MINUTE for t in history["bar_time"]], history["fill_time"][0] + 1)
    history["bar_time"], history["bar_close"] = history["bar_time"][first:], history["bar_close"][first:]
    part = equity_curve(cash, **history)
    assert rows_of(part) == rows_of(whole)[-len(part) :]


def test_without_fills_and_bars_there_is_only_the_mark() -> None:
    assert rows_of(equity_curve(500, **NOTHING, mark=(7, 90))) == [(7, 90, 500, 0, 500, 0)]
    assert len(equity_curve(500, **NOTHING)) == 0


def test_a_fill_on_the_minutes_edge_belongs_to_the_next_minute() -> None:
    curve = equity_curve(
        100, fill_time=[MINUTE], fill_price=[10], fill_shares=[10], fill_cash=[0], bar_time=[0], bar_close=[20]
    )
    assert curve.value.tolist() == [100, 100]
    assert curve.shares.tolist() == [0, 10]


def test_times_ascend() -> None:
    bars = {"bar_time": [0, MINUTE, 2 * MINUTE], "bar_close": [5, 6, 7]}
    fills = {"fill_time": [1, 1, MINUTE + 1], "fill_price": [5, 5, 6], "fill_shares": [2, -2, 1]}
    curve = equity_curve(10, **fills, fill_cash=[0, 10, 4], **bars, mark=(1, 8))
    assert all(a <= b for a, b in pairwise(curve.time.tolist()))


def test_arrays_out_of_order_or_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="ascend"):
        equity_curve(1, **{**NOTHING, "bar_time": [MINUTE, 0], "bar_close": [1, 1]})
    with pytest.raises(ValueError, match="length"):
        equity_curve(1, **{**NOTHING, "bar_time": [0]})


def test_a_value_beyond_64_bits_is_refused() -> None:
    fills = {"fill_time": [0], "fill_price": [1], "fill_shares": [2**40], "fill_cash": [0]}
    with pytest.raises(OverflowError):
        equity_curve(2**40, **{**NOTHING, **fills}, mark=(1, 2**40))


def test_columns_of_a_frame_are_accepted_as_they_are() -> None:
    curve = equity_curve(10, **{**NOTHING, "bar_time": np.array([0], np.int64), "bar_close": np.array([3], np.int64)})
    assert rows_of(curve) == [(MINUTE, 3, 10, 0, 10, 0)]


def test_a_minute_without_a_price_gives_no_point() -> None:
    minute = 60 * 10**9
    curve = equity_curve(
        1_000, fill_time=[], fill_price=[], fill_shares=[], fill_cash=[],
        bar_time=[0, minute, 2 * minute], bar_close=[100, 0, 95],
    )  # fmt: skip
    assert curve.price.tolist() == [100, 95]

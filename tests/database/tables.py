"""Rows for the database's tests."""

from __future__ import annotations

import numpy as np

from riskcontrol.rows import Accepted, Bars, Fills, Names, Positions
from riskcontrol.states import Reason
from riskcontrol.strategy import FIRST_SHAPE, Action
from riskcontrol.terms import FillMode, Terms

SHAPES = (FIRST_SHAPE, '{"buy":"price <= reference - $0 or rsi(close, 14) < 30","every":60}')
"""Rules of the strategies below, in turn."""
TERMS = (Terms(), Terms(stop_loss=20_000, fill=FillMode.SAME))
"""Options of the strategies below, in turn."""


def _text(values: list[str], width: int) -> Names:
    return np.array([value.encode() for value in values], f"S{width}")


def names(count: int) -> tuple[Names, Names, Names]:
    """Return usernames, strategy names and tickers of some strategies, their lengths mixed."""
    return (
        _text([f"user{i}" for i in range(count)], 32),
        _text(["s1" if i % 3 else "a-long-strategy-name-123" for i in range(count)], 24),
        _text([f"T{i % 7}" if i % 5 else "BRK.B" for i in range(count)], 16),
    )


def fills(count: int) -> Fills:
    """Return one fill each of some strategies."""
    username, name, ticker = names(count)
    i = np.arange(count, dtype=np.int64)
    return Fills(
        username,
        name,
        ticker,
        number=i + 1,
        time=i * 1_000,
        price=i + 5,
        shares=-i,
        fee=i % 4,
        cash=-(i**3),
        sequence=i - 7,
        reason=(1 + i % len(Reason)).astype(np.int8),
    )


def positions(count: int, cash: int = 0) -> Positions:
    """Return the states of some strategies."""
    username, name, ticker = names(count)
    i = np.arange(count, dtype=np.int64)
    return Positions(
        username,
        name,
        ticker,
        time=i,
        cash=i + cash,
        shares=i,
        reference=i,
        entry=i + 6,
        entered=i + 7,
        fills=i,
        status=(i % 3).astype(np.int8),
    )


def openings(count: int, action: Action = Action.OPEN, time: int = 11) -> Accepted:
    """Return the openings, or the stops, of some strategies."""
    username, name, ticker = names(count)
    i = np.arange(count, dtype=np.int64)
    return Accepted(
        action=np.full(count, action, np.int8),
        username=username,
        name=name,
        ticker=ticker,
        cash=i + 1,
        shape=np.array([SHAPES[n % 2] for n in range(count)], np.object_),
        p0=i + 0.25,
        p1=np.where(i % 2, 0.0, i + 0.1),
        p2=np.zeros(count),
        p3=np.zeros(count),
        terms=np.array([TERMS[n % 2].text() for n in range(count)], np.object_),
        time=np.full(count, time, np.int64),
        since=np.zeros(count, np.int64),
    )


def bars(ticker: str, times: list[int]) -> Bars:
    """Return bars of a ticker that start at these times."""
    n = len(times)
    numbers = [np.arange(n, dtype=np.int64) + k for k in range(7)]
    return Bars(_text([ticker] * n, 16), np.array(times, np.int64), *numbers)

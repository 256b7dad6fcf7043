"""Small records for examples: the docstrings of the statistics use them, and so may a reader in a Python prompt."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from riskcontrol.money import MICROS
from riskcontrol.rows import Ints
from riskcontrol.statistics.record import Record
from riskcontrol.statistics.round_trips import Executions
from riskcontrol.trades import NS_PER_SECOND

_MONDAY = 1_381_176_000 * NS_PER_SECOND  # 2013-10-07 16:00 New York
_DAY, _MINUTE = 86_400 * NS_PER_SECOND, 60 * NS_PER_SECOND


def daily(*values: float, closes: Sequence[float] | None = None) -> Record:
    """Return a record of one value a trading day, the first being the starting cash.

    Args:
        values: Equity at the close of each day, dollars; from Monday 2013-10-07 on, five days a week.
        closes: The benchmark's closes of the same days, dollars.

    >>> daily(100, 101, 99.99).daily.returns.round(4).tolist()
    [0.01, -0.01]
    """
    return Record(
        micros(values[0]),
        _MONDAY + _weekdays(np.arange(len(values))) * _DAY,
        np.array([micros(value) for value in values]),
        closes=None if closes is None else np.array([micros(close) for close in closes]),
    )


def traded(*trips: tuple[float, float], cash: float = 1_000, shares: int = 1, fee: float = 0) -> Record:
    """Return a record of round trips, an equity point at each fill and one at the start; a fill every minute.

    Args:
        trips: Price of entry and of exit of each, dollars.
        cash: What the run starts with, dollars.
        shares: How many are bought each time.
        fee: Of each fill, dollars.

    >>> traded((10, 12), (12, 11), shares=5).trips.profit.tolist()
    [10000000, -5000000]
    """
    prices = np.array([micros(price) for trip in trips for price in trip], np.int64)
    n = len(prices)
    signed = np.where(np.arange(n) % 2 == 0, shares, -shares)
    fees = np.full(n, micros(fee))
    money = micros(cash) - np.cumsum(signed * prices + fees)
    index = np.arange(n + 1)  # from 09:30 on, 390 minutes a session
    time = _MONDAY + _weekdays(index // 390) * _DAY + (index % 390 - 390) * _MINUTE
    held = np.where(np.arange(n) % 2 == 0, shares, 0)
    first = prices[:1] if n else np.array([MICROS])
    return Record(
        micros(cash),
        time,
        np.append([micros(cash)], money + held * prices),
        Executions(time=time[1:], price=prices, shares=signed, fee=fees, cash=money),
        np.append(first, prices),
    )


def _weekdays(index: Ints) -> Ints:
    """Return how many days after a Monday the n-th weekday is."""
    return index + index // 5 * 2


def micros(dollars: float) -> int:
    """Return an amount in dollars, written with at most six decimals, in micro-dollars.

    >>> micros(0.1)
    100000
    """
    return round(Fraction(dollars) * MICROS)

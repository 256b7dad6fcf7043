"""Which part of a history is shown: the last day, week or month of it, or all."""

from __future__ import annotations

import datetime as dt

import numpy as np

from riskcontrol.newyork import NEW_YORK, date_of
from riskcontrol.rows import Ints
from riskcontrol.trades import NS_PER_SECOND

PERIODS = {"1D": 0, "1W": 6, "1M": 29, "All": None}
"""By name: how many days before that of the last price it begins, None for no limit."""
USUAL = "All"


def start_of(period: str, last: int) -> int:
    """Return when a period begins, nanoseconds UTC: a New York midnight, or 0 for all.

    Args:
        period: One of `PERIODS`.
        last: Where it ends, nanoseconds UTC.

    >>> monday = 1381152600 * 10**9  # 2013-10-07 09:30 New York
    >>> (monday - start_of("1D", monday)) // 3_600_000_000_000, start_of("All", monday)
    (9, 0)
    """
    days = PERIODS[period]
    if days is None:
        return 0
    return midnight(date_of(last) - dt.timedelta(days=days))


def midnight(day: dt.date) -> int:
    """Return when a New York date begins, nanoseconds UTC."""
    return int(dt.datetime.combine(day, dt.time(), NEW_YORK).timestamp()) * NS_PER_SECOND


def within(time: Ints, period: str) -> slice:
    """Return the rows of a period, and the one before it, with which it starts.

    Args:
        time: Of the rows, ascending, nanoseconds UTC, shape (n,), n ≥ 1.
        period: One of `PERIODS`.
    """
    first = int(np.searchsorted(time, start_of(period, int(time[-1]))))
    return slice(max(0, first - 1), None)

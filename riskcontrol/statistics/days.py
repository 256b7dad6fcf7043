"""Trading days of New York, from times alone.

The core knows no calendar: a day counts as a trading day when the record has a point on it. A point on a Saturday or
a Sunday belongs to the Friday before, so nothing between two trading days is lost.
"""

from __future__ import annotations

import datetime as dt
import functools

import numpy as np

from riskcontrol.newyork import NEW_YORK, NS_PER_DAY
from riskcontrol.rows import Ints
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND

DAYS_A_YEAR = 252
"""Trading days in a year, by convention."""

_OPENS, _CLOSES = 570 * NS_PER_MINUTE, 960 * NS_PER_MINUTE
_SATURDAY = 2  # 1970-01-01, day 0, was a Thursday: (day - 2) % 7 is 0 on Saturdays, 6 on Fridays


def trading_days(time: Ints) -> Ints:
    """Return the New York trading day of each time, as days since 1970-01-01.

    A time is the end of what it tells of: midnight belongs to the day that it ends.

    Args:
        time: Nanoseconds UTC, shape (n,).

    >>> friday, sunday = 1381521600 * 10**9, 1381694400 * 10**9  # 16:00 on 2013-10-11 and on 2013-10-13
    >>> trading_days(np.array([friday, sunday])).tolist()
    [15989, 15989]
    """
    before = time - 1
    # Clocks change on Sundays at 2: with noon's offset for all of a day, nothing moves to another trading day.
    days, index = np.unique(before // NS_PER_DAY, return_inverse=True)
    day = (before + _offsets(days)[index]) // NS_PER_DAY
    weekday = (day - _SATURDAY) % 7
    return np.where(weekday < 2, day - weekday - 1, day)


def day_edges(first: int, last: int) -> Ints:
    """Return the last time of each trading day, from the day of a time to that of another, ascending.

    Args:
        first: Nanoseconds UTC.
        last: The same.

    >>> friday, monday = 1381521600 * 10**9, 1381780800 * 10**9  # 16:00 on 2013-10-11 and on 2013-10-14
    >>> (day_edges(friday, monday) // (3600 * 10**9) - friday // (3600 * 10**9)).tolist()
    [56, 80]
    """
    begin, end = trading_days(np.array([first, last])).tolist()
    days = np.arange(begin, end + 1)
    weekday = (days - _SATURDAY) % 7
    # New York is west of Greenwich: a day ends there when the next one has begun here.
    after = (days + np.where(weekday == 6, 3, 1))[weekday >= 2]
    return after * NS_PER_DAY - _offsets(after)


def session_time(time: Ints, days: Ints) -> Ints:
    """Return the nanoseconds of regular session (09:30-16:00 New York) that have passed at each time.

    Args:
        time: Nanoseconds UTC, shape (n,).
        days: The trading days whose sessions count, ascending, as `trading_days` gives them, shape (m,).

    >>> noon = 1381161600 * 10**9
    >>> session_time(np.array([noon]), np.array([15985])).tolist() == [150 * 60 * 10**9]
    True
    """
    opens = days * NS_PER_DAY - _offsets(days) + _OPENS
    done = np.searchsorted(opens, time, side="right")
    length = _CLOSES - _OPENS
    today = np.minimum(time - opens[np.maximum(done, 1) - 1], length)
    return np.where(done == 0, 0, (done - 1) * length + today)


def _offsets(days: Ints) -> Ints:
    return np.array([_offset(int(day)) for day in days], np.int64)


@functools.lru_cache(maxsize=16_384)
def _offset(day: int) -> int:
    """Return what to add to nanoseconds UTC to get New York's clock, at noon UTC of a day."""
    noon = dt.datetime(1970, 1, 1, 12, tzinfo=dt.UTC) + dt.timedelta(days=day)
    offset = noon.astimezone(NEW_YORK).utcoffset()
    return int((offset or dt.timedelta()).total_seconds()) * NS_PER_SECOND

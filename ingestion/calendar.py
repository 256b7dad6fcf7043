"""New York's clock and the exchange's sessions, for one day at a time."""

from __future__ import annotations

import datetime as dt
import functools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingestion import sessions
from riskcontrol.newyork import NEW_YORK
from riskcontrol.trades import NS_PER_SECOND

EPOCH = dt.date(1970, 1, 1)
FIRST_YEAR, LAST_YEAR = 1971, 2098
"""Days outside of these years are typing errors, not trading days."""


@dataclass(frozen=True, slots=True)
class Day:
    """One New York day.

    Attributes:
        date: The day.
        midnights: For each hour of the wall clock, what to add to nanoseconds since local midnight to get
            nanoseconds UTC: ``int64[24]``. They differ only on the two days a year when clocks change; a time
            that comes twice on such a day is taken as the first of the two.
        opens: First nanosecond UTC of the regular session; with `closes`, an empty interval on a closed day.
        closes: First nanosecond UTC after it (13:00 New York on half days).
    """

    date: dt.date
    midnights: NDArray[np.int64]
    opens: int
    closes: int


@functools.lru_cache(maxsize=4096)
def day(date: dt.date) -> Day:
    """Return what is to know of a New York day.

    >>> monday = day(dt.date(2013, 10, 7))
    >>> (monday.closes - monday.opens) / 3600e9
    6.5
    """
    midnights = np.array([_midnight(date, hour) for hour in range(24)], np.int64)
    midnights.flags.writeable = False
    opens, closes = _session(date)
    return Day(date, midnights, opens, closes)


def _midnight(date: dt.date, hour: int) -> int:
    return _nanoseconds(date, dt.time(hour)) - hour * 3600 * NS_PER_SECOND


def _session(date: dt.date) -> tuple[int, int]:
    if date.year in sessions.CLOSED:
        hours = sessions.hours(date)
        return (_nanoseconds(date, hours[0]), _nanoseconds(date, hours[1])) if hours else (0, 0)
    return by_library(date)


def _nanoseconds(date: dt.date, time: dt.time) -> int:
    return int(dt.datetime.combine(date, time, NEW_YORK).timestamp()) * NS_PER_SECOND


def by_library(date: dt.date) -> tuple[int, int]:
    """Return `Day.opens` and `Day.closes` as the library of exchange calendars has them."""
    exchange = _exchange(date.year // 10)
    if not exchange.is_session(date.isoformat()):
        return 0, 0
    return exchange.session_open(date.isoformat()).value, exchange.session_close(date.isoformat()).value


@functools.cache
def _exchange(decade: int) -> Any:
    """Return the exchange's calendar of ten years: as quick to make as that of a day."""
    with warnings.catch_warnings():
        # The library's own use of pandas is not for our users to mend.
        warnings.simplefilter("ignore")
        # Imported here, for it brings pandas and takes a second.
        from exchange_calendars import get_calendar  # noqa: PLC0415

        # A month more at either end, for a calendar begins and ends with a session.
        return get_calendar("XNYS", start=dt.date(10 * decade - 1, 12, 1), end=dt.date(10 * decade + 10, 1, 31))

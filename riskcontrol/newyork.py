"""New York's clock, in which the market's days and hours are."""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from riskcontrol.trades import MAX_TIME, NS_PER_SECOND

NEW_YORK = ZoneInfo("America/New_York")

NS_PER_DAY = 86_400 * NS_PER_SECOND

Ints = NDArray[np.int64]


@cache
def transitions() -> tuple[Ints, Ints]:
    """Return from when on which offset holds, 1970 to 2100.

    Returns:
        Moments (nanoseconds UTC, ascending, the first one 0) and offsets from UTC (nanoseconds), of one length.

    >>> moments, offsets = transitions()
    >>> moments[0], offsets[0] // 3_600_000_000_000
    (np.int64(0), np.int64(-5))
    """
    moments, offsets = [0], [_offset(0)]
    last = MAX_TIME // NS_PER_SECOND
    step = 28 * 86_400  # no two changes are that close
    for low in range(0, last, step):
        high = min(low + step, last)
        after = _offset(high)
        if after != offsets[-1]:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(middle) == offsets[-1] else (low, middle)
            moments.append(high)
            offsets.append(after)
    return np.array(moments, np.int64) * NS_PER_SECOND, np.array(offsets, np.int64) * NS_PER_SECOND


def date_of(time: int) -> dt.date:
    """Return the date in New York.

    Args:
        time: Nanoseconds UTC.

    >>> date_of(0)
    datetime.date(1969, 12, 31)
    """
    return dt.datetime.fromtimestamp(time // NS_PER_SECOND, NEW_YORK).date()


def _offset(seconds: int) -> int:
    shift = dt.datetime.fromtimestamp(seconds, NEW_YORK).utcoffset()
    assert shift is not None  # noqa: S101  narrows the type
    return int(shift.total_seconds())


def local_time(time: Ints) -> Ints:
    """Return what New York's clock shows, as nanoseconds since its 1970 began.

    Args:
        time: Nanoseconds UTC, of any shape.

    >>> int(local_time(np.array(0))) // 3_600_000_000_000
    -5
    """
    moments, offsets = transitions()
    found: Ints = time + offsets[np.searchsorted(moments, time, side="right") - 1]
    return found

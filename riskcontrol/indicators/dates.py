"""Dates and times of bars, as the files of this world write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskcontrol.errors import InputError
from riskcontrol.newyork import NEW_YORK
from riskcontrol.trades import NS_PER_SECOND

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SINCE_EPOCH = re.compile(r"[0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19}")
"""Seconds, milliseconds, microseconds, nanoseconds, of times after 2001."""

_FORMS = (
    "is no date; write it like 2013-10-07, 2013-10-07 09:30:00 or 2013-10-07T09:30:00-04:00, "
    "or as seconds or milliseconds since 1970"
)


@dataclass(frozen=True, slots=True)
class Times:
    """When bars were.

    Attributes:
        time: Int64 nanoseconds since 1970, ascending: UTC where the dates name an offset (or are such numbers
            themselves), otherwise of the clock that they were written by.
        day: Int64 days since 1970-01-01: New York's where the dates name an offset, otherwise as written.
        aware: Whether they name an offset.
    """

    time: NDArray[np.int64]
    day: NDArray[np.int64]
    aware: bool


def read_times(texts: Sequence[str], *, source: str, lines: Sequence[int], field: str) -> Times:
    """Read the dates of a column, which must ascend.

    Args:
        texts: As written.
        source: The file, for messages.
        lines: Line of each.
        field: The column's name, for messages.

    Raises:
        InputError: One is no date, comes before the one above it, or names an offset where others don't.

    >>> read_times(["2013-10-07", "2013-10-08"], source="x.csv", lines=[2, 3], field="Date").day.tolist()
    [15985, 15986]
    """
    time, day = np.empty(len(texts), np.int64), np.empty(len(texts), np.int64)
    aware, wrong = False, ""
    for i, text in enumerate(texts):
        try:
            time[i], day[i], known = _moment(text.strip())
        except (ValueError, OverflowError):
            known, wrong = aware, _FORMS
        if i and not wrong:
            if known != aware:
                wrong = f"has {'an' if known else 'no'} offset from UTC, unlike the bar above; write all dates alike"
            elif time[i] == time[i - 1]:
                wrong = "is the date of the bar above as well; leave one bar of each date"
            elif time[i] < time[i - 1]:
                wrong = f"is before {shown(texts[i - 1])} above it; sort the bars by date, oldest first"
        if wrong:
            raise InputError(f"{shown(text)} {wrong}", source=source, line=lines[i], field=field)
        aware = known
    return Times(time, day, aware)


def shown(text: str) -> str:
    """Return a file's text for a message: in quotes, short, nothing in it that a terminal obeys."""
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _moment(text: str) -> tuple[int, int, bool]:
    """Return nanoseconds, day number and whether the text names an offset.

    Raises:
        ValueError: It is no date.
        OverflowError: It is none that a calendar has.
    """
    if _SINCE_EPOCH.fullmatch(text):
        ns = int(text) * 10 ** (19 - len(text))
        at = (EPOCH + dt.timedelta(microseconds=ns // 1000)).astimezone(NEW_YORK)
        return ns, _day(at), True
    at = dt.datetime.fromisoformat(text)
    aware = at.tzinfo is not None
    since = (at if aware else at.replace(tzinfo=dt.UTC)) - EPOCH
    ns = (since.days * 86_400 + since.seconds) * NS_PER_SECOND + since.microseconds * 1000
    if not -(2**63) <= ns < 2**63:
        raise OverflowError
    return ns, _day(at.astimezone(NEW_YORK) if aware else at), aware


def _day(at: dt.datetime) -> int:
    return at.toordinal() - EPOCH.toordinal()

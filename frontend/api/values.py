"""From integers of the tables to what the API writes, and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np

from frontend.api.problems import ProblemError, Wrong
from riskcontrol.money import MICROS
from riskcontrol.statistics import STATISTICS, Value
from riskcontrol.trades import MAX_TIME, NS_PER_SECOND

_UNITS = {
    "money": "dollars",
    "percent": "fraction",
    "ratio": "number",
    "count": "count",
    "duration": "seconds",
    "days": "trading days",
}


def money(micros: int) -> str:
    """Return micro-dollars as dollars, exactly.

    >>> money(181_850_000), money(-1), money(10**16)
    ('181.85', '-0.000001', '10000000000.00')
    """
    whole, rest = divmod(abs(int(micros)), MICROS)
    return f"{'-' if micros < 0 else ''}{whole}.{f'{rest:06d}'.rstrip('0'):<02}"


def price(micros: int) -> str | None:
    """Return a price in dollars; None for 0, which stands for none."""
    return money(micros) if micros else None


def iso(time: int) -> str:
    """Return nanoseconds UTC as ISO 8601.

    >>> iso(1_381_152_600_000_000_001)
    '2013-10-07T13:30:00.000000001Z'
    """
    seconds, rest = divmod(int(time), NS_PER_SECOND)
    return f"{np.datetime64(seconds, 's')}.{rest:09d}Z"


def moment(time: int | None) -> str | None:
    """Return a time as ISO 8601; None for None and 0, which stand for none."""
    return iso(time) if time else None


def nanoseconds(time: dt.datetime) -> int:
    """Return a time as nanoseconds UTC; of one before 1970 or after 2100, that bound: nothing is beyond them.

    Args:
        time: Aware.

    >>> nanoseconds(dt.datetime(1, 1, 1, tzinfo=dt.UTC)), nanoseconds(dt.datetime(1970, 1, 1, 0, 0, 1, 2, dt.UTC))
    (0, 1000002000)
    """
    since = time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    found = (since.days * 86_400 + since.seconds) * NS_PER_SECOND + since.microseconds * 1_000
    return min(max(0, found), MAX_TIME)


def statistics(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Return statistics as `StatisticValue` has them."""
    found = []
    for name, value in values.items():
        one = STATISTICS[name]
        written: float | int | str | None = value
        if value is not None and one.unit == "money":
            written = money(int(value))
        elif value is not None and one.unit == "duration":
            written = value / NS_PER_SECOND
        found.append({"name": name, "title": one.title, "unit": _UNITS[one.unit], "value": written})
    return found


def place_of(cursor: str) -> tuple[int, int]:
    """Return the place among fills that a cursor says.

    Args:
        cursor: A `PlaceCursor`.

    >>> place_of("1381152900000000000-3")
    (1381152900000000000, 3)
    """
    time, _, number = cursor.partition("-")
    return int(time), int(number)


def wrong(field: str, detail: str) -> ProblemError:
    """Return the error of one parameter."""
    return ProblemError(422, f"{field}: {detail}", [Wrong(field, detail)])

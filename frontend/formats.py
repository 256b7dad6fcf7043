"""How times, money and rules are written on the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskcontrol.money import MICROS, to_dollars
from riskcontrol.trades import NS_PER_SECOND

NEW_YORK = ZoneInfo("America/New_York")
ZONE = "New York"
"""The zone of every time on the pages, as it is written there."""
MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
"""Stands where there is no value."""


def moment(time: int) -> str:
    """Write an event time, nanoseconds UTC, as New York date and time.

    >>> moment(1381152600 * 10**9)
    '2013-10-07 09:30:00'
    """
    return datetime.fromtimestamp(time // NS_PER_SECOND, UTC).astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S")


def new_york_day(time: int) -> date:
    """Return the New York date of an event time, nanoseconds UTC.

    >>> new_york_day(1381152600 * 10**9).isoformat()
    '2013-10-07'
    """
    return datetime.fromtimestamp(time // NS_PER_SECOND, UTC).astimezone(NEW_YORK).date()


def wall_clock(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return event times as milliseconds of the New York wall clock, for a graph's date axis.

    A date axis knows no zones: it shows what it is given as if that were UTC.

    Args:
        times: Nanoseconds UTC, shape (n,).
    """
    local = pd.DatetimeIndex(times.astype("datetime64[ns]"), tz="UTC").tz_convert(NEW_YORK).tz_localize(None)
    milliseconds: NDArray[np.float64] = local.as_unit("ns").asi8 / 1e6
    return milliseconds


def dollars(micros: int | NDArray[np.int64]) -> float | NDArray[np.float64]:
    """Return micro-dollars as dollars, for a cell or a graph only: floats hold no money.

    >>> dollars(181_850_000)
    181.85
    """
    return micros / MICROS


def amount(micros: int) -> str:
    """Write an amount exactly, with as many decimals as it needs and at least two.

    >>> amount(1_234_567_890_000), amount(-100), amount(50_000)
    ('1,234,567.89', '−0.0001', '0.05')
    """
    value = to_dollars(abs(micros))
    places = max(2, -int(value.as_tuple().exponent))
    return f"{MINUS if micros < 0 else ''}{value:,.{places}f}"


def cents(micros: int, *, sign: bool = False) -> str:
    """Write an amount rounded to cents, with its sign in front if asked.

    >>> cents(1_234_567_891_000), cents(5_000_000, sign=True), cents(-4_000)
    ('$1,234,567.89', '+$5.00', '$0.00')
    """
    rounded = round(abs(micros) / 10_000)
    mark = "" if not rounded else MINUS if micros < 0 else "+" if sign else ""
    return f"{mark}${rounded // 100:,}.{rounded % 100:02d}"


def percent(part: int, whole: int) -> str:
    """Write a signed share of `whole` in percent; a dash where there is no whole.

    >>> percent(5, 1000), percent(-25, 1000), percent(0, 7)
    ('+0.50%', '−2.50%', '0.00%')
    """
    if not whole:
        return NONE
    text = f"{abs(part) / whole * 100:,.2f}%"
    mark = "" if text == "0.00%" else MINUS if part < 0 else "+"
    return mark + text


def rule(buy_below: int, sell_above: int) -> str:
    """Write the first rule in words; both in micro-dollars.

    >>> rule(100_000, 200_000)
    'buy ≤ ref − 0.10, sell ≥ ref + 0.20'
    """
    return f"buy ≤ ref {MINUS} {amount(buy_below)}, sell ≥ ref + {amount(sell_above)}"

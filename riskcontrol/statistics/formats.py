"""How the value of a statistic is written."""

from __future__ import annotations

import math

from riskcontrol.money import MICROS
from riskcontrol.statistics.days import DAYS_A_YEAR
from riskcontrol.statistics.registry import GROWTH_DAYS, MINIMUM_DAYS, STATISTICS, TAIL_DAYS, Statistic, Value
from riskcontrol.trades import NS_PER_SECOND

NONE = "\N{EM DASH}"
"""Stands where there is no honest number."""
MINUS = "\N{MINUS SIGN}"

_PARTS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def format_value(statistic: Statistic, value: Value) -> str:
    """Write a statistic's value as people read it.

    >>> from riskcontrol.statistics import STATISTICS
    >>> format_value(STATISTICS["end_equity"], -1_234_567_891), format_value(STATISTICS["sharpe"], None)
    ('−$1,234.57', '—')
    >>> format_value(STATISTICS["total_return"], 0.1234), format_value(STATISTICS["sharpe"], -0.001)
    ('12.34%', '0.00')
    >>> format_value(STATISTICS["longest_drawdown"], 93_784 * 10**9), format_value(STATISTICS["fills"], 1_024)
    ('1 d 2 h', '1,024')
    """
    if value is None:
        return NONE
    if statistic.unit == "duration":
        return _duration(int(value))
    if statistic.unit in ("count", "days"):
        return f"{value:,}"
    size = {"money": abs(value) / MICROS, "percent": abs(value) * 100, "ratio": abs(value)}[statistic.unit]
    number = f"{size:,.2f}"
    sign = MINUS if value < 0 and number != "0.00" else ""
    return f"{sign}{'$' * (statistic.unit == 'money')}{number}{'%' * (statistic.unit == 'percent')}"


def why_none(values: dict[str, Value]) -> str:
    """Return why some of these statistics have no number, or nothing where none of daily returns lacks it.

    >>> why_none({"sharpe": 1.0, "win_rate": None})
    ''
    >>> why_none({"calmar": None})[:52]
    '—: no honest number. Those of daily returns need 2 t'
    """
    if not any(value is None and STATISTICS[name].needs_days for name, value in values.items()):
        return ""
    return (
        f"{NONE}: no honest number. Those of daily returns need {MINIMUM_DAYS} trading days (value at risk: "
        f"{TAIL_DAYS}; annualised return, Calmar ratio and alpha: {GROWTH_DAYS}), and returns that differ."
    )


def how_sure(values: dict[str, Value]) -> str:
    """Return how far chance alone takes the Sharpe ratio of a run of few days, nothing where there is none.

    Formula: √(252 / (n − 1)), its standard error where the true one is zero; n is the number of days.
    Source: Lo, The Statistics of Sharpe Ratios (2002), with n − 1 as in the probabilistic Sharpe ratio.

    >>> how_sure({"sharpe": 18.78, "days": 2})
    'The Sharpe ratio of 2 trading days alone is ±15.87 by chance (its standard error): it tells hardly anything yet.'
    >>> how_sure({"sharpe": None, "days": 1}), how_sure({"sharpe": 2.0, "days": 30})
    ('', '')
    """
    days = int(values["days"] or 0)
    if values.get("sharpe") is None or days >= GROWTH_DAYS:
        return ""
    error = math.sqrt(DAYS_A_YEAR / (days - 1))
    return (
        f"The Sharpe ratio of {days} trading days alone is ±{error:.2f} by chance (its standard error): "
        "it tells hardly anything yet."
    )


def plain(values: dict[str, Value]) -> dict[str, Value]:
    """Return values for JSON: money in dollars, durations in seconds, percent as fractions.

    >>> plain({"end_equity": 1_500_000, "longest_drawdown": 3 * 10**9, "total_return": 0.5, "sharpe": None})
    {'end_equity': 1.5, 'longest_drawdown': 3.0, 'total_return': 0.5, 'sharpe': None}
    """
    scale = {"money": MICROS, "duration": NS_PER_SECOND}
    return {
        name: value / scale[unit] if value is not None and (unit := STATISTICS[name].unit) in scale else value
        for name, value in values.items()
    }


def _duration(nanoseconds: int) -> str:
    """Write a duration with its two largest units."""
    left, parts = nanoseconds // NS_PER_SECOND, []
    for unit, seconds in _PARTS:
        count, left = divmod(left, seconds)
        parts.append((count, unit))
    first = next((i for i, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"

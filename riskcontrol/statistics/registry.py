"""The one list of statistics: each is a function of a `Record`, defined once, with its formula and its source.

A statistic is None, shown as "—", where no honest number exists: its docstring says when. Three cases hold for all:
the record lacks what it needs (fills, a benchmark); it needs days and the run has fewer than two, or equity at or under
zero at the end of one; the number is too large for 64 bits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from riskcontrol.statistics.record import Record

Unit = Literal["money", "percent", "ratio", "count", "duration", "days"]
"""Micro-dollars (int), fraction (0.1 is shown as 10%), plain number, count, nanoseconds (int), trading days (int)."""

Need = Literal["equity", "fills", "benchmark"]
Value = float | int | None
Function = Callable[[Record], Value]

MINIMUM_DAYS = 2
"""Daily returns under which statistics of days are None."""

TAIL_DAYS = 20
"""Daily returns under which the worst twentieth of them is less than one."""

GROWTH_DAYS = 30
"""Daily returns under which what compounds them to a year is None: 5 % in two days would be 46,700 % in 252."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """One statistic.

    Attributes:
        name: Its key.
        title: How it is called on pages.
        unit: What its values are.
        needs: What a record must have for it.
        needs_days: Whether it is computed from daily returns.
        function: Computes it; its docstring is the definition.
    """

    name: str
    title: str
    unit: Unit
    needs: Need
    needs_days: bool
    function: Function


STATISTICS: dict[str, Statistic] = {}
"""Every statistic by name, in the order in which they are shown."""


def statistic(
    title: str, unit: Unit, *, needs: Need = "equity", needs_days: bool = False, name: str = ""
) -> Callable[[Function], Function]:
    """Register a function as a statistic, and see to the cases in which each of them is None.

    Args:
        title: How it is called on pages.
        unit: What its values are.
        needs: What a record must have for it.
        needs_days: Whether it is computed from daily returns.
        name: Its key, where it isn't the function's name.
    """

    def register(function: Function) -> Function:
        @functools.wraps(function)
        def compute_one(record: Record) -> Value:
            if not has(record, needs) or (needs_days and len(record.daily.returns) < MINIMUM_DAYS):
                return None
            try:
                value = function(record)
            except OverflowError:
                return None
            return value if value is not None and math.isfinite(value) else None

        key = name or function.__name__
        STATISTICS[key] = Statistic(key, title, unit, needs, needs_days, compute_one)
        return compute_one

    return register


def has(record: Record, need: Need) -> bool:
    """Tell whether a record has what a statistic needs.

    >>> from riskcontrol.statistics.examples import daily
    >>> has(daily(100, 101), "equity"), has(daily(100, 101), "fills")
    (True, False)
    """
    return {"equity": True, "fills": record.fills is not None, "benchmark": record.closes is not None}[need]


def compute(record: Record) -> dict[str, Value]:
    """Return every statistic of a record by name, in the order of `STATISTICS`.

    >>> from riskcontrol.statistics.examples import daily
    >>> compute(daily(100, 101))["total_return"]
    0.01
    """
    return {one.name: one.function(record) for one in STATISTICS.values()}

"""What a run made."""

from __future__ import annotations

import math

from riskcontrol.statistics.days import DAYS_A_YEAR
from riskcontrol.statistics.record import Record
from riskcontrol.statistics.registry import GROWTH_DAYS, statistic


@statistic("Start equity", "money")
def start_equity(record: Record) -> int:
    """Return what the run started with.

    Formula: the starting cash.
    None: never.
    Source: exact, in micro-dollars.

    >>> from riskcontrol.statistics.examples import daily
    >>> start_equity(daily(100, 110))
    100000000
    """
    return record.cash


@statistic("End equity", "money")
def end_equity(record: Record) -> int:
    """Return what the run was worth at its end, shares marked to the market.

    Formula: cash + shares × last price.
    None: never.
    Source: exact, in micro-dollars.

    >>> from riskcontrol.statistics.examples import daily
    >>> end_equity(daily(100, 110))
    110000000
    """
    return int(record.value[-1])


@statistic("Return", "percent")
def total_return(record: Record) -> float | None:
    """Return what the run made, as a share of what it started with.

    Formula: end equity / start equity − 1.
    None: start equity at or under zero.
    Source: empyrical-reloaded `cum_returns_final`.

    >>> from riskcontrol.statistics.examples import daily
    >>> total_return(daily(100, 110, 121))
    0.21
    """
    return gained(record.cash, int(record.value[-1]))


def gained(start: int, end: int) -> float | None:
    """Return `total_return` of what a run began with and what it was worth at its end, micro-dollars."""
    return (end - start) / start if start > 0 else None


@statistic("Annualised return", "percent", needs_days=True)
def annualised_return(record: Record) -> float | None:
    """Return the yearly growth that would compound to the run's return.

    Formula: (last day's equity / start equity)^(252 / days) − 1.
    None: fewer than 30 days, whose growth no year goes on with; equity at or under zero.
    Source: empyrical-reloaded `annual_return`.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(annualised_return(daily(*range(1_000, 1_031))), 4)
    0.2818
    """
    daily = record.daily
    if len(daily) < GROWTH_DAYS:
        return None
    return math.pow(int(daily.values[-1]) / daily.start, DAYS_A_YEAR / len(daily)) - 1


@statistic("Trading days", "days")
def days(record: Record) -> int:
    """Return how many trading days have a return.

    Formula: the New York days that have an equity point (weekends count to their Friday); a first day that lasts no
    time, with the starting cash, is where the run starts and isn't counted.
    None: never.
    Source: `riskcontrol/statistics/days.py`.

    >>> from riskcontrol.statistics.examples import daily
    >>> days(daily(100, 110, 121))
    2
    """
    return len(record.daily)

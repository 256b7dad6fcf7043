"""The run beside its ticker, bought at the first point and held to the last."""

from __future__ import annotations

import math

import numpy as np

from riskcontrol.statistics.days import DAYS_A_YEAR
from riskcontrol.statistics.record import Record
from riskcontrol.statistics.registry import GROWTH_DAYS, statistic
from riskcontrol.statistics.risk import NO_DEVIATION


@statistic("Buy & hold return", "percent", needs="benchmark")
def buy_and_hold_return(record: Record) -> float:
    """Return what the ticker itself made over the run.

    Formula: last close / first close − 1, without fees.
    None: no benchmark.
    Source: "Buy & Hold Return" of backtesting.py.

    >>> from riskcontrol.statistics.examples import daily
    >>> buy_and_hold_return(daily(100, 100, 100, closes=[50, 51, 55]))
    0.1
    """
    assert record.closes is not None  # noqa: S101 - the registry has seen to it
    first, last = int(record.closes[0]), int(record.closes[-1])
    return (last - first) / first


@statistic("Alpha", "percent", needs="benchmark", needs_days=True)
def alpha(record: Record) -> float | None:
    """Return the yearly return that the ticker's moves don't explain.

    Formula: (1 + mean(r − β × b))^252 − 1; r and b are the daily returns of run and ticker, risk-free rate zero.
    None: no benchmark; fewer than 30 days; equity at or under zero; a ticker that didn't move.
    Source: empyrical-reloaded `alpha`; Jensen (1968).

    >>> from riskcontrol.statistics.examples import daily
    >>> round(alpha(daily(*range(1_000, 1_031), closes=[50, 51] * 15 + [50])), 4)
    0.2818
    """
    slope, daily = beta(record), record.daily
    if slope is None or daily.benchmark is None or len(daily) < GROWTH_DAYS:
        return None
    return math.pow(1 + float(np.mean(daily.returns - slope * daily.benchmark)), DAYS_A_YEAR) - 1


@statistic("Beta", "ratio", needs="benchmark", needs_days=True)
def beta(record: Record) -> float | None:
    """Return by how much the run moved for each unit that the ticker moved.

    Formula: covariance of the daily returns of run and ticker / variance of the ticker's.
    None: no benchmark; fewer than two days; equity at or under zero; a ticker whose deviation is under 10⁻⁹.
    Source: empyrical-reloaded `beta`.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(beta(daily(100, 102, 100.98, closes=[50, 52, 50.96])), 4)
    0.5
    """
    returns, market = record.daily.returns, record.daily.benchmark
    if market is None or float(np.std(market)) < NO_DEVIATION:
        return None
    centred = market - np.mean(market)
    return float(np.mean(centred * returns) / np.mean(centred**2))

"""How much a run's daily returns vary, and what it made for that. Risk-free rate and required return are zero."""

from __future__ import annotations

import math

import numpy as np

from riskcontrol.statistics.days import DAYS_A_YEAR
from riskcontrol.statistics.record import Floats, Record
from riskcontrol.statistics.registry import TAIL_DAYS, statistic

NO_DEVIATION = 1e-9
"""Deviation of daily returns that is none: money is rounded to micro-dollars, and a ratio to that means nothing."""

TAIL = 0.05


@statistic("Volatility", "percent", needs_days=True)
def volatility(record: Record) -> float:
    """Return the yearly standard deviation of daily returns.

    Formula: s × √252; s = standard deviation of daily returns with n − 1.
    None: fewer than two days; equity at or under zero.
    Source: empyrical-reloaded `annual_volatility`.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(volatility(daily(100, 101, 99.99)), 4)
    0.2245
    """
    return float(np.std(record.daily.returns, ddof=1)) * math.sqrt(DAYS_A_YEAR)


@statistic("Sharpe ratio", "ratio", needs_days=True)
def sharpe(record: Record) -> float:
    """Return the yearly mean return for each unit of volatility.

    Formula: mean / s × √252; mean and s (with n − 1) of daily returns, risk-free rate zero.
    None: fewer than two days; equity at or under zero; s under 10⁻⁹.
    Source: empyrical-reloaded `sharpe_ratio`; Sharpe, The Sharpe Ratio (1994).

    >>> from riskcontrol.statistics.examples import daily
    >>> round(sharpe(daily(100, 102, 100.98)), 4)
    3.7417
    """
    return float(sharpes(record.daily.returns))


def sharpes(returns: Floats) -> Floats:
    """Return `sharpe` of two or more daily returns along the last axis, NaN where there is none."""
    return _daily_sharpes(returns) * math.sqrt(DAYS_A_YEAR)


@statistic("Sortino ratio", "ratio", needs_days=True)
def sortino(record: Record) -> float:
    """Return the yearly mean return for each unit of downside deviation.

    Formula: mean / d × √252; d = √(mean of min(return, 0)² over all days), required return zero.
    None: fewer than two days; equity at or under zero; d under 10⁻⁹, as without a losing day.
    Source: empyrical-reloaded `sortino_ratio`; Rollinger and Hoffman, Sortino: A 'Sharper' Ratio (2013).

    >>> from riskcontrol.statistics.examples import daily
    >>> round(sortino(daily(100, 102, 100.98)), 4)
    11.225
    """
    return float(sortinos(record.daily.returns))


def sortinos(returns: Floats) -> Floats:
    """Return `sortino` of daily returns along the last axis, NaN where there is none."""
    downside = np.sqrt(np.mean(np.minimum(returns, 0) ** 2, axis=-1))
    return _for_each(np.mean(returns, axis=-1), downside) * math.sqrt(DAYS_A_YEAR)


@statistic("Probabilistic Sharpe ratio", "percent", needs_days=True)
def probabilistic_sharpe(record: Record) -> float | None:
    """Return the probability that the true Sharpe ratio is above zero, given how long and how skewed the run was.

    Formula: Φ(S × √(n − 1) / √(1 − γ₃ S + (γ₄ − 1) / 4 × S²)); S = mean / s of the n daily returns, not annualised,
    γ₃ their skewness, γ₄ their kurtosis (3 for a normal distribution), Φ the normal distribution function.
    None: fewer than two days; equity at or under zero; s under 10⁻⁹; the root's argument under 10⁻⁹.
    Source: Bailey and López de Prado, The Sharpe Ratio Efficient Frontier (2012), with benchmark zero.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(probabilistic_sharpe(daily(100, 102, 100.98, 103, 102.5)), 4)
    0.7499
    """
    return probability_above(record.daily.returns, 0.0)


def probability_above(returns: Floats, benchmark: float) -> float | None:
    """Return the probability that the true Sharpe ratio of daily returns is above another one; None as above.

    Args:
        returns: Two or more.
        benchmark: The other one, of days, not annualised; it is taken off S in the formula's numerator.
    """
    ratio = float(_daily_sharpes(returns))
    if math.isnan(ratio):
        return None
    standard = (returns - np.mean(returns)) / np.std(returns)
    skewness, kurtosis = float(np.mean(standard**3)), float(np.mean(standard**4))
    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance < NO_DEVIATION:
        return None
    # erfc keeps its digits in both tails.
    return math.erfc((benchmark - ratio) * math.sqrt((len(returns) - 1) / variance / 2)) / 2


@statistic("Value at risk, 95%", "percent", needs_days=True)
def value_at_risk(record: Record) -> float | None:
    """Return the daily return that one day in twenty falls short of.

    Formula: the 5th percentile of daily returns, linear between neighbours; a loss is negative.
    None: fewer than 20 days (a twentieth is less than one); equity at or under zero.
    Source: empyrical-reloaded `value_at_risk`.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(value_at_risk(daily(*range(100, 60, -1))), 4)
    -0.0156
    """
    returns = record.daily.returns
    return float(np.percentile(returns, 100 * TAIL)) if len(returns) >= TAIL_DAYS else None


@statistic("Conditional value at risk, 95%", "percent", needs_days=True)
def conditional_value_at_risk(record: Record) -> float | None:
    """Return the mean daily return of the worst twentieth of days (expected shortfall).

    Formula: mean of the k lowest daily returns, k = ⌊0.05 × (n − 1)⌋ + 1; a loss is negative.
    None: fewer than 20 days (a twentieth is less than one); equity at or under zero.
    Source: empyrical-reloaded `conditional_value_at_risk`.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(conditional_value_at_risk(daily(*range(100, 60, -1))), 4)
    -0.016
    """
    returns = record.daily.returns
    if len(returns) < TAIL_DAYS:
        return None
    return float(np.mean(np.sort(returns)[: int((len(returns) - 1) * TAIL) + 1]))


def _daily_sharpes(returns: Floats) -> Floats:
    return _for_each(np.mean(returns, axis=-1), np.std(returns, axis=-1, ddof=1))


def _for_each(mean: Floats, deviation: Floats) -> Floats:
    """Return the mean for each unit of deviation, NaN where that is none."""
    found = np.full(np.shape(mean), math.nan)
    np.divide(mean, deviation, out=found, where=deviation >= NO_DEVIATION)
    return found

"""What round trips made, after fees. One that broke even is neither won nor lost; one still open isn't counted."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from riskcontrol.rows import Ints
from riskcontrol.statistics.record import Record
from riskcontrol.statistics.registry import statistic
from riskcontrol.statistics.round_trips import RoundTrips


@statistic("Round trips", "count", needs="fills", name="round_trips")
def count_round_trips(record: Record) -> int:
    """Return how many purchases were sold again.

    Formula: count.
    None: fills unknown.
    Source: exact.

    >>> from riskcontrol.statistics.examples import traded
    >>> count_round_trips(traded((10, 12), (12, 11)))
    2
    """
    return len(_trips(record))


@statistic("Win rate", "percent", needs="fills")
def win_rate(record: Record) -> float | None:
    """Return the share of round trips that made money.

    Formula: round trips with profit > 0 / round trips.
    None: no round trips.
    Source: "Win Rate" of backtesting.py.

    >>> from riskcontrol.statistics.examples import traded
    >>> win_rate(traded((10, 12), (12, 11), (11, 11), (11, 12)))
    0.5
    """
    profit = _trips(record).profit
    return int(np.sum(profit > 0)) / len(profit) if len(profit) else None


@statistic("Best round trip", "percent", needs="fills")
def best_round_trip(record: Record) -> float | None:
    """Return the highest return of a round trip.

    Formula: max of profit / (cost of the purchase with its fee).
    None: no round trips.
    Source: "Best Trade" of backtesting.py.

    >>> from riskcontrol.statistics.examples import traded
    >>> best_round_trip(traded((10, 12), (12, 9)))
    0.2
    """
    returns = _trips(record).returns
    return float(np.max(returns)) if len(returns) else None


@statistic("Worst round trip", "percent", needs="fills")
def worst_round_trip(record: Record) -> float | None:
    """Return the lowest return of a round trip.

    Formula: min of profit / (cost of the purchase with its fee).
    None: no round trips.
    Source: "Worst Trade" of backtesting.py.

    >>> from riskcontrol.statistics.examples import traded
    >>> worst_round_trip(traded((10, 12), (12, 9)))
    -0.25
    """
    returns = _trips(record).returns
    return float(np.min(returns)) if len(returns) else None


@statistic("Average round trip", "percent", needs="fills")
def average_round_trip(record: Record) -> float | None:
    """Return the mean return of a round trip.

    Formula: mean of profit / (cost of the purchase with its fee).
    None: no round trips.
    Source: arithmetic mean of the round trips.

    >>> from riskcontrol.statistics.examples import traded
    >>> round(average_round_trip(traded((10, 12), (12, 9))), 9)
    -0.025
    """
    returns = _trips(record).returns
    return float(np.mean(returns)) if len(returns) else None


@statistic("Profit factor", "ratio", needs="fills")
def profit_factor(record: Record) -> float | None:
    """Return the money won for each dollar lost.

    Formula: sum of positive profits / |sum of negative profits|.
    None: no losing round trip.
    Source: "Profit Factor" of backtesting.py, in money.

    >>> from riskcontrol.statistics.examples import traded
    >>> profit_factor(traded((10, 12), (12, 11)))
    2.0
    """
    won, lost = _won_and_lost(record)
    return _total(won) / -_total(lost) if len(lost) else None


@statistic("Expectancy", "money", needs="fills")
def expectancy(record: Record) -> int | None:
    """Return what a round trip made on average, in money.

    Formula: win rate × average win − loss rate × average loss = sum of profits / round trips, to the micro-dollar.
    None: no round trips.
    Source: Tharp, Trade Your Way to Financial Freedom (1998), in money instead of multiples of risk.

    >>> from riskcontrol.statistics.examples import traded
    >>> expectancy(traded((10, 12), (12, 11)))
    500000
    """
    profit = _trips(record).profit
    return round(Fraction(_total(profit), len(profit))) if len(profit) else None


@statistic("Payoff", "ratio", needs="fills")
def payoff(record: Record) -> float | None:
    """Return the size of an average win against that of an average loss.

    Formula: mean of positive profits / |mean of negative profits|.
    None: no winning or no losing round trip.
    Source: quantstats `payoff_ratio`, of round trips in money.

    >>> from riskcontrol.statistics.examples import traded
    >>> payoff(traded((10, 12), (12, 11), (11, 13)))
    2.0
    """
    won, lost = _won_and_lost(record)
    if not len(won) or not len(lost):
        return None
    return _total(won) * len(lost) / (-_total(lost) * len(won))


@statistic("System quality number", "ratio", needs="fills")
def sqn(record: Record) -> float | None:
    """Return how far the average profit lies from zero, in standard errors.

    Formula: √n × mean / s of the n profits, s with n − 1: the t-statistic of the mean profit.
    None: fewer than two round trips; all profits the same.
    Source: Tharp, Definitive Guide to Position Sizing (2008); "SQN" of backtesting.py, in money.

    >>> from riskcontrol.statistics.examples import traded
    >>> round(sqn(traded((10, 12), (12, 11), (11, 13))), 4)
    1.0
    """
    profit = _trips(record).profit
    if len(profit) < 2 or np.min(profit) == np.max(profit):
        return None
    return math.sqrt(len(profit)) * float(np.mean(profit)) / float(np.std(profit, ddof=1))


@statistic("Kelly criterion", "percent", needs="fills")
def kelly(record: Record) -> float | None:
    """Return the share of the money whose stake would have grown it fastest; negative: not to be staked at all.

    Formula: p − (1 − p) / payoff; p = won / (won + lost), since a round trip that broke even changes no stake.
    None: no winning or no losing round trip.
    Source: Kelly (1956); "Kelly Criterion" of backtesting.py.

    >>> from riskcontrol.statistics.examples import traded
    >>> round(kelly(traded((10, 12), (12, 11), (11, 13), (13, 13))), 4)
    0.5
    """
    won, lost = _won_and_lost(record)
    ratio = payoff(record)
    if ratio is None:
        return None
    p = len(won) / (len(won) + len(lost))
    return p - (1 - p) / ratio


def _trips(record: Record) -> RoundTrips:
    assert record.trips is not None  # noqa: S101 - the registry has seen to it
    return record.trips


def _won_and_lost(record: Record) -> tuple[Ints, Ints]:
    profit = _trips(record).profit
    return profit[profit > 0], profit[profit < 0]


def _total(profit: Ints) -> int:
    return sum(profit.tolist())  # in Python's integers: no sum is too large

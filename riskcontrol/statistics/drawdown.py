"""How far a run fell from its peaks, on all equity points, not on the ends of days alone."""

from __future__ import annotations

import numpy as np

from riskcontrol.rows import Ints
from riskcontrol.statistics.record import Floats, Record
from riskcontrol.statistics.registry import statistic
from riskcontrol.statistics.returns import annualised_return


@statistic("Max drawdown", "percent")
def max_drawdown(record: Record) -> float | None:
    """Return the deepest fall from a peak, negative; 0 where equity never fell.

    Formula: min over all points of equity / highest equity so far − 1; the starting cash is the first peak.
    None: start equity at or under zero.
    Source: empyrical-reloaded `max_drawdown`.

    >>> from riskcontrol.statistics.examples import daily
    >>> max_drawdown(daily(100, 120, 90, 130))
    -0.25
    """
    if record.cash <= 0:
        return None
    return float(np.min(_drawdowns(_from_start(record))))


@statistic("Max drawdown duration", "duration")
def max_drawdown_duration(record: Record) -> int | None:
    """Return how long the deepest fall lasted, until its peak was regained or the run ended; 0 without one.

    Formula: from the last point at the peak before the lowest point to the first point after it that is as high.
    None: start equity at or under zero.
    Source: backtesting.py's durations, of the max drawdown alone.

    >>> from riskcontrol.statistics.examples import daily
    >>> max_drawdown_duration(daily(100, 120, 90, 130)) // (24 * 3600 * 10**9)
    2
    """
    if record.cash <= 0:
        return None
    value = _from_start(record)
    low = int(np.argmin(_drawdowns(value)))
    peak = value[: low + 1].max()
    begin = int(np.flatnonzero(value[: low + 1] == peak)[-1])
    if begin == low:
        return 0
    regained = np.flatnonzero(value[low:] >= peak)
    end = low + int(regained[0]) if len(regained) else -1
    time = _times(record)
    return int(time[end] - time[begin])


@statistic("Longest drawdown", "duration")
def longest_drawdown(record: Record) -> int | None:
    """Return the longest time under a peak, however shallow; 0 where equity never fell.

    Formula: the longest time from a point at the highest equity so far to the next point that is as high, or to the
    run's end, with a lower point between them.
    None: start equity at or under zero.
    Source: "Max. Drawdown Duration" of backtesting.py.

    >>> from riskcontrol.statistics.examples import daily
    >>> longest_drawdown(daily(100, 99, 98, 99, 120, 90, 130)) // (24 * 3600 * 10**9)
    4
    """
    if record.cash <= 0:
        return None
    value, time = _from_start(record), _times(record)
    at_peak = np.flatnonzero(value >= np.maximum.accumulate(value))
    ends = np.append(at_peak[1:], len(value) - 1)
    under = (ends - at_peak > 1) | (value[ends] < value[at_peak])
    return int(np.max((time[ends] - time[at_peak])[under], initial=0))


@statistic("Calmar ratio", "ratio", needs_days=True)
def calmar(record: Record) -> float | None:
    """Return the annualised return for each unit of max drawdown.

    Formula: annualised return / |max drawdown|.
    None: fewer than 30 days; equity at or under zero; no drawdown.
    Source: empyrical-reloaded `calmar_ratio`; here over the whole run, with the drawdown of all points.

    >>> from riskcontrol.statistics.examples import daily
    >>> round(calmar(daily(1_000, 900, *range(1_001, 1_031))), 4)
    2.7161
    """
    growth, deepest = annualised_return(record), max_drawdown(record)
    return growth / -deepest if growth is not None and deepest else None


def drawdowns(record: Record) -> Floats:
    """Return how far equity is under its highest so far, at each of a record's points: 0 or negative, a fraction.

    The starting cash is the first peak, as of the max drawdown; nothing (NaN) where it is at or under zero.

    >>> from riskcontrol.statistics.examples import daily
    >>> drawdowns(daily(100, 120, 90, 130)).tolist()
    [0.0, 0.0, -0.25, 0.0]
    """
    if record.cash <= 0:
        return np.full(len(record.value), np.nan)
    return _drawdowns(_from_start(record))[1:]


def _from_start(record: Record) -> Ints:
    """Return equity with the starting cash in front."""
    return np.concatenate([[record.cash], record.value])


def _times(record: Record) -> Ints:
    """Return the times that belong to `_from_start`."""
    return np.concatenate([record.time[:1], record.time])


def _drawdowns(value: Ints) -> Floats:
    peaks = np.maximum.accumulate(value)
    falls: Floats = (value - peaks) / peaks
    return falls

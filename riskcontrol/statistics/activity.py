"""How much a run traded, what that cost, and how long it was in the market."""

from __future__ import annotations

import numpy as np

from riskcontrol.statistics.record import Record
from riskcontrol.statistics.registry import statistic
from riskcontrol.statistics.round_trips import Executions


@statistic("Exposure", "percent", needs="fills")
def exposure(record: Record) -> float | None:
    """Return the share of the market's time in which shares were held.

    Formula: time with shares held / time of the run, both of the regular session (09:30-16:00 New York, on the days
    that have equity points, from the first point to the last).
    None: fills unknown; no regular session between the first point and the last.
    Source: "Exposure Time" of backtesting.py, by time instead of by bars, so that it doesn't depend on their length.

    >>> from riskcontrol.statistics.examples import traded
    >>> round(exposure(traded((10, 12), (12, 11))), 4)
    0.5
    """
    held, whole = record.session
    return held / whole if whole else None


@statistic("Fills", "count", needs="fills", name="fills")
def count_fills(record: Record) -> int:
    """Return how many times the run bought or sold.

    Formula: count.
    None: fills unknown.
    Source: exact.

    >>> from riskcontrol.statistics.examples import traded
    >>> count_fills(traded((10, 12), (12, 11)))
    4
    """
    return len(_fills(record))


@statistic("Fees", "money", needs="fills")
def fees(record: Record) -> int:
    """Return what all fills cost on top of their prices.

    Formula: sum of the fees of all fills.
    None: fills unknown.
    Source: exact, in micro-dollars.

    >>> from riskcontrol.statistics.examples import traded
    >>> fees(traded((10, 12), (12, 11), fee=0.5))
    2000000
    """
    return int(np.sum(_fills(record).fee))


@statistic("Turnover", "ratio", needs="fills")
def turnover(record: Record) -> float | None:
    """Return how many times the run's money was turned into shares and back.

    Formula: ½ × sum over fills of (shares × price) / equity right after that fill.
    None: fills unknown; equity at or under zero after a fill.
    Source: portfolio turnover, half of what was bought and sold, each fill against the equity of its own time.

    >>> from riskcontrol.statistics.examples import traded
    >>> turnover(traded((10, 10), (10, 10), cash=100, shares=5))
    1.0
    """
    fills = _fills(record)
    held = np.maximum(fills.shares, 0)  # a sale sells all
    equity = fills.cash + held * fills.price
    if (equity <= 0).any():
        return None
    return float(np.sum(np.abs(fills.shares) * fills.price / equity)) / 2


def _fills(record: Record) -> Executions:
    assert record.fills is not None  # noqa: S101 - the registry has seen to it
    return record.fills

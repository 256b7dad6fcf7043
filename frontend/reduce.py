"""Fewer points without losing an extreme: what a screen can show is a fraction of what a day holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskcontrol.trades import NS_PER_MINUTE

MOST_POINTS = 2_000
"""Most points in a trace."""


def keep_extremes(values: NDArray[np.int64] | NDArray[np.float64], most: int = MOST_POINTS) -> NDArray[np.int64]:
    """Return the indices to keep: the first, last, lowest and highest of each stretch of the series.

    A line drawn through them covers the same pixels as one through all points, as long as a stretch is
    narrower than a pixel or two.

    Args:
        values: The series, in the order of time, shape (n,).
        most: Most indices to return, at least 4.

    Returns:
        Ascending indices, all of them if there are at most `most`.

    >>> keep_extremes(np.array([5, 5, 9, 5, 5, 5, 1, 5, 5]), most=4).tolist()
    [0, 2, 6, 8]
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, max(1, most // 4) + 1).astype(np.int64)
    starts, ends = edges[:-1], edges[1:]
    lowest = [start + int(np.argmin(values[start:end])) for start, end in zip(starts, ends, strict=True)]
    highest = [start + int(np.argmax(values[start:end])) for start, end in zip(starts, ends, strict=True)]
    return np.unique(np.concatenate([starts, lowest, highest, ends - 1]))


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many indices, the first and the last among them and the others evenly between, ascending.

    >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def hour_ends(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which points are the last of their hour, ascending.

    Args:
        times: Ends of bars, ascending, nanoseconds UTC, shape (n,).

    >>> hour_ends(np.array([59, 60, 61, 120]) * 60_000_000_000).tolist()
    [1, 3]
    """
    # What ends at the full hour is of the hour before.
    return np.flatnonzero(np.append(np.diff((times - 1) // (60 * NS_PER_MINUTE)) > 0, True))

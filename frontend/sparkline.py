"""A line so small that it has no axes: what assets/cells.js draws in a cell of a table."""

from __future__ import annotations

from typing import Any

from frontend.formats import signed_percent
from frontend.reduce import keep_extremes
from riskcontrol.rows import Ints

WIDTH, HEIGHT, MARGIN = 100, 28, 2
"""Of the drawing, in its own units."""
MOST_POINTS = 48


def sparkline(values: Ints, start: int) -> dict[str, Any] | None:
    """Return the line through a series, and the height at which it started from.

    Args:
        values: The series, in the order of time, shape (n,).
        start: What it started from, more than 0.

    Returns:
        `points` as an SVG polyline has them, `zero` the height of the start, `gain` whether the series ends at or above
        it, `words` what the line shows; None for fewer than two points.

    >>> import numpy as np
    >>> sparkline(np.array([100, 90, 120]), 100)["points"]
    '0,18 50,26 100,2'
    """
    if len(values) < 2:
        return None
    kept = keep_extremes(values, MOST_POINTS)
    low, high = min(int(values.min()), start), max(int(values.max()), start)

    def height(value: float) -> float:
        return HEIGHT / 2 if high == low else MARGIN + (HEIGHT - 2 * MARGIN) * (high - value) / (high - low)

    step = WIDTH / (len(values) - 1)
    points = " ".join(f"{step * at:.3g},{height(int(values[at])):.3g}" for at in kept.tolist())
    last = int(values[-1])
    words = [
        f"{name} {signed_percent((value - start) / start)}"
        for name, value in (("now", last), ("lowest", low), ("highest", high))
    ]
    return {
        "points": points,
        "zero": round(height(start), 1),
        "gain": last >= start,
        "words": f"Value over time: {', '.join(words)}",
    }

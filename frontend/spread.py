"""How all strategies' returns are spread: pure functions of the counts in the leaders' bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from frontend.figures import BUY, FRAME, SELL
from frontend.formats import signed_percent
from riskcontrol.leaders import COARSE, EDGES, NEAR, QUANTILES, Leaders
from riskcontrol.rows import Ints

MOST_BARS = 60
MOST_MARKS = 200
"""Most strategies of one's own that are marked."""
_OUTSIDE = 0.005
"""Share of all that the bars at either end may gather."""
_WIDTHS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Bars of equal width; the first and the last hold what lies beyond them too."""

    start: float
    """Where the first bar begins, a return as a fraction."""
    width: float
    counts: Ints

    def bounds(self, bar: int) -> tuple[float, float]:
        """Return between which returns a bar lies; infinite at the ends."""
        last = len(self.counts) - 1
        low = -math.inf if bar == 0 else self.start + bar * self.width
        return low, math.inf if bar == last else self.start + (bar + 1) * self.width


def histogram(leaders: Leaders, most: int = MOST_BARS) -> Histogram:
    """Return the returns of all strategies as bars that show where nearly all of them lie, and zero.

    Args:
        leaders: Their counts, at least one.
        most: Most bars.
    """
    low, high = min(0.0, leaders.quantile(_OUTSIDE)), max(0.0, leaders.quantile(1 - _OUTSIDE))
    # Bars narrower than a bin would be empty now and then.
    narrowest = COARSE if low < -NEAR or high > NEAR else 0.0
    width = next((w for w in _WIDTHS if w >= narrowest and (high - low) / w <= most - 2), _WIDTHS[-1])
    first, last = math.floor(round(low / width, 6)), math.ceil(round(high / width, 6))
    if first == last:
        last += 1
    middles = np.append((EDGES[:-2] + EDGES[1:-1]) / 2, EDGES[-2])
    bar = np.clip(np.floor(middles / width).astype(np.int64), first, last - 1) - first
    return Histogram(first * width, width, np.bincount(bar, leaders.counts, last - first).astype(np.int64))


def figure(bars: Histogram, median: float, own: Sequence[tuple[str, float]], *, key: str) -> dict[str, Any]:
    """Return the graph of the spread.

    Args:
        bars: The bars.
        median: The return that half of all stay under.
        own: One's own strategies, each with its name and return; those beyond the graph stand at its edge.
        key: What is shown, in words that stay the same while it is: zoom lasts as long.
    """
    count = len(bars.counts)
    middle = 100 * (bars.start + bars.width * (np.arange(count) + 0.5))
    names = [_between(*bars.bounds(bar)) for bar in range(count)]
    edge = (100 * bars.start, 100 * (bars.start + bars.width * count))
    marked = [(name, gain) for name, gain in own[:MOST_MARKS] if math.isfinite(gain)]
    bar_trace = {
        "type": "bar",
        "name": "Strategies",
        "x": middle.round(6).tolist(),
        "y": bars.counts.tolist(),
        "width": 100 * bars.width * 0.92,
        "customdata": names,
        "marker": {"color": [SELL if at < 0 else BUY for at in middle], "opacity": 0.75},
        "hovertemplate": "%{customdata}: %{y:,}<extra></extra>",
    }
    own_trace = {
        "type": "scatter",
        "name": "Yours",
        "mode": "markers",
        "x": [min(max(100 * gain, edge[0]), edge[1]) for _, gain in marked],
        "y": [0] * len(marked),
        "customdata": [f"{name} {signed_percent(gain)}" for name, gain in marked],
        "marker": {"symbol": "diamond", "size": 11, "color": "#1c7ed6", "line": {"color": "#fff", "width": 1}},
        "cliponaxis": False,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": 100 * median, "x1": 100 * median, "y0": 0, "y1": 1}
    layout = {
        **FRAME,
        "margin": {**FRAME["margin"], "t": 26},
        "uirevision": key,
        "hovermode": "closest",
        "bargap": 0,
        "xaxis": {
            "title": {"text": "Return since it was opened, %", "standoff": 8},
            "automargin": True,
            "zeroline": True,
            "nticks": 8,
        },
        "yaxis": {
            "title": {"text": "Strategies", "standoff": 8},
            "automargin": True,
            "nticks": 5,
            "rangemode": "tozero",
        },
        "shapes": [{**line, "line": {"color": "#868e96", "width": 1.5, "dash": "dot"}}],
        "annotations": [
            {
                "text": f"median {signed_percent(median)}",
                "x": 100 * median,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
            }
        ],
    }
    return {"data": [bar_trace, own_trace], "layout": layout}


def table(bars: Histogram) -> list[tuple[str, str]]:
    """Return the bars as rows of a table: which returns, how many strategies."""
    return [(_between(*bars.bounds(bar)), f"{count:,}") for bar, count in enumerate(bars.counts.tolist())]


def quantiles(leaders: Leaders) -> list[tuple[str, str]]:
    """Return the quantiles in words: which share of all strategies is under which return."""
    return [(f"{share:.0%}", signed_percent(leaders.quantile(share))) for share in QUANTILES]


def _between(low: float, high: float) -> str:
    """Write between which returns a bar lies.

    >>> _between(-0.01, 0.005), _between(-math.inf, -0.2), _between(0.2, math.inf)
    ('−1.0 to +0.5 %', 'under −20.0 %', '+20.0 % and more')
    """

    def written(gain: float) -> str:
        return signed_percent(gain, places=1).removesuffix("%")

    if math.isinf(low):
        return f"under {written(high)} %"
    return f"{written(low)} % and more" if math.isinf(high) else f"{written(low)} to {written(high)} %"

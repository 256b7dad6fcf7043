"""The graph of a strategy's trading: candles with its fills and its indicators. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from frontend import candles
from frontend.figures import FillMarks, array, fill_traces
from frontend.formats import dollars, moment, wall_clock
from frontend.overlays import Line
from frontend.periods import start_of
from frontend.reduce import keep_extremes

MOST_CANDLES = 600
"""Most candles that are drawn: narrower ones can't be told from lines."""
MOST_PANELS = 3
"""Most indicators with a scale of their own that are drawn, each in a panel below the volume."""
LAST = candles.LAST
"""Number of the trace that a new price changes."""
BOUGHT, SOLD = "#1864ab", "#e8590c"
"""Colours of fills: those of rising and falling prices are the candles'."""
_COLORS = ("#1c7ed6", "#f08c00", "#7950f2", "#0c8599", "#ae3ec9", "#5c940d", "#c2255c", "#868e96")
_PANEL, _GAP = 0.15, 0.035


def shown_bars(bars: pd.DataFrame, period: str, last: int) -> tuple[str, pd.DataFrame]:
    """Return the candles of a period, as fine as may be, and their length, one of `candles.INTERVALS`.

    Args:
        bars: Of a minute.
        period: One of `frontend.periods.PERIODS`.
        last: Where it ends, nanoseconds UTC.
    """
    return candles.fitted(bars[bars["time"] >= start_of(period, last)], "1m", MOST_CANDLES)


def figure(
    bars: pd.DataFrame, interval: str, last: int, fills: FillMarks, lines: Sequence[Line], *, key: str
) -> dict[str, Any]:
    """Return the graph.

    Args:
        bars: The candles, at least one.
        interval: Their length, one of `candles.INTERVALS`.
        last: The last price, micro-dollars.
        fills: What to mark; those before the first candle are left out.
        lines: Indicators; what lies before the first candle is left out, and volumes of other bars than the candles.
        key: What is shown, in words that stay the same while it is: zoom and selection last as long.
    """
    bars = candles.drawn(bars)
    drawn = candles.figure(bars, interval, last, key=key)
    data, layout = drawn["data"], drawn["layout"]
    start, minutes = int(bars["time"].iloc[0]), candles.INTERVALS[interval]
    lines = [line for line in lines if line.panel != "volume" or line.minutes == minutes]
    panels = list(dict.fromkeys(line.panel for line in lines if line.panel not in ("price", "volume")))[:MOST_PANELS]
    axes = {"price": "y", "volume": "y2"} | {panel: f"y{3 + i}" for i, panel in enumerate(panels)}
    data += [
        _line(line, axes[line.panel], _COLORS[i % len(_COLORS)], start)
        for i, line in enumerate(lines)
        if line.panel in axes
    ]
    recent = fills.time >= start
    marks = FillMarks(fills.time[recent], fills.price[recent], fills.shares[recent], fills.reason[recent])
    data += [trace for trace in fill_traces(marks, "y", (BOUGHT, SOLD)) if trace["customdata"]]
    return {"data": data, "layout": layout | _axes(layout, panels)}


def marks(drawn: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return shape, colour and meaning of fills and lines in a graph, which has no room for them on a narrow screen."""
    return [
        (trace["marker"]["symbol"], trace["marker"]["color"], trace["name"])
        if "marker" in trace
        else ("line", trace["line"]["color"], trace["name"])
        for trace in drawn["data"][LAST + 1 :]
    ]


def rows(bars: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the graph's table, the newest first."""
    newest = bars.iloc[::-1]
    prices = {name: np.asarray(dollars(newest[name].to_numpy(np.int64))).tolist() for name in ("open", "high", "low")}
    closes, volumes = np.asarray(dollars(newest["close"].to_numpy(np.int64))).tolist(), newest["volume"].tolist()
    return [
        {"id": str(time), "time": moment(time), "open": o, "high": h, "low": low, "close": c, "volume": v}
        for time, o, h, low, c, v in zip(newest["time"].tolist(), *prices.values(), closes, volumes, strict=True)
    ]


def _line(line: Line, axis: str, color: str, start: int) -> dict[str, Any]:
    first = int(np.searchsorted(line.time, start))
    time, value = line.time[first:], line.value[first:]
    keep = keep_extremes(value)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": line.label,
        "yaxis": axis,
        "x": array(wall_clock(time[keep])),
        "y": array(value[keep]),
        "line": {"color": color, "width": 1.4},
        "hovertemplate": "%{y:,.2f}",
    }


def _axes(layout: dict[str, Any], panels: Sequence[str]) -> dict[str, Any]:
    """Return the axes: price, volume, and a panel for each indicator with a scale of its own."""
    below = len(panels) + 1
    bottoms = [(below - 1 - i) * (_PANEL + _GAP) for i in range(below)]
    domains = [[bottom, bottom + _PANEL] for bottom in bottoms]
    own = {
        f"yaxis{3 + i}": {
            "domain": domain,
            "anchor": "x",
            "automargin": True,
            "nticks": 3,
            "side": "right",
            "title": {"text": panel, "standoff": 6},
        }
        for i, (panel, domain) in enumerate(zip(panels, domains[1:], strict=True))
    }
    return own | {
        "xaxis": layout["xaxis"] | {"anchor": f"y{2 + len(panels)}"},
        "yaxis": layout["yaxis"] | {"domain": [domains[0][1] + _GAP, 1]},
        "yaxis2": layout["yaxis2"] | {"domain": domains[0]},
    }

"""The graph of a preview and its twin as a table, made by pure functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontend.figures import FRAME, LEGEND, SERIES, TIME_AXIS, FillMarks, array, closed_hours, fill_traces
from frontend.formats import MINUS, cents, dollars, moment, reason, wall_clock
from frontend.preview import Preview
from frontend.reduce import hour_ends

HELD = "#868e96"
_MOST_ROWS = 120
_HOUR = 3_600_000
"""Milliseconds."""


def figure(preview: Preview, key: str) -> dict[str, Any]:
    """Return the graph: equity beside buy & hold, below it the price with the fills marked.

    Args:
        preview: What became of the strategy.
        key: Stays the same while zoom and selection shall.
    """
    curve = preview.curve
    milliseconds = wall_clock(curve["time"])
    x = array(milliseconds)

    def line(name: str, label: str, color: str, axis: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "mode": "lines",
            "name": label,
            "x": x,
            "y": array(np.asarray(dollars(curve[name]))),
            "yaxis": axis,
            "line": {"color": color, "width": 1.6, **more},
            "hovertemplate": "%{y:$,.2f}" if name != "price" else "%{y:$,.4f}",
        }

    data = [
        line("held", "Buy & hold", HELD, "y", dash="dot"),
        line("value", "Equity", SERIES["value"].color, "y"),
        line("price", "Price", SERIES["price"].color, "y2"),
    ]
    reasons = np.array([reason(name) for name in preview.reasons], np.object_)
    marks = FillMarks(**preview.fills, reason=reasons)
    data += fill_traces(marks, "y2")
    axis = {"anchor": "x", "automargin": True, "tickformat": "$,.2f", "nticks": 5}
    layout = {
        **FRAME,
        "uirevision": key,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        **LEGEND,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 36},
        "xaxis": {
            **TIME_AXIS,
            # Left to itself, it leaves room for the hours that are cut out.
            "range": [float(milliseconds[0]), float(-(-milliseconds[-1] // _HOUR) * _HOUR)],
            "anchor": "y2",
            "hoverformat": "%Y-%m-%d %H:%M",
            "nticks": 6,
            "rangebreaks": closed_hours(curve["time"]),
        },
        "yaxis": {**axis, "domain": [0.5, 1.0], "title": {"text": "Value", "standoff": 8}},
        "yaxis2": {**axis, "domain": [0.0, 0.44], "title": {"text": "Price", "standoff": 8}},
    }
    return {"data": data, "layout": layout}


def equity_rows(preview: Preview) -> list[tuple[str, str, str, str]]:
    """Return the curve as rows of time, equity, buy & hold and price: the last point of each hour, the newest first."""
    curve = preview.curve
    ends = hour_ends(curve["time"])[::-1][:_MOST_ROWS]
    return [
        (
            moment(int(curve["time"][i]))[:16],
            cents(int(curve["value"][i])),
            cents(int(curve["held"][i])),
            cents(int(curve["price"][i])),
        )
        for i in ends
    ]


def fill_rows(preview: Preview) -> list[tuple[str, str, str, str]]:
    """Return the fills as rows of time, shares, price and reason, the newest first."""
    columns = (preview.fills[name].tolist() for name in ("time", "shares", "price"))
    rows = [
        (moment(time), f"{'+' if shares > 0 else MINUS}{abs(shares):,}", f"${price / 1e6:,.4f}", reason(why))
        for time, shares, price, why in zip(*columns, preview.reasons, strict=True)
    ]
    return rows[::-1][:_MOST_ROWS]

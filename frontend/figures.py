"""Graphs as plain dictionaries, made by pure functions from an equity curve.

A line has two traces: its history, which changes when a minute ends or a fill comes, and its live end,
which changes with every mark. So a new mark replaces two points instead of the whole graph. Colours are
middle tones that stand out on light and dark; texts and grid lines get theirs from the style sheet.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontend.formats import ZONE, dollars, wall_clock
from frontend.reduce import keep_extremes
from riskcontrol.equity import Equity
from riskcontrol.rows import Ints
from riskcontrol.trades import NS_PER_SECOND

BUY, SELL = "#2f9e44", "#e03131"
_DAY = 86_400 * NS_PER_SECOND
_GAP = 0.05


@dataclass(frozen=True, slots=True)
class Series:
    """One line that can be shown."""

    label: str
    color: str
    step: bool = False
    money: bool = True


SERIES = {
    "value": Series("Value", "#1c7ed6"),
    "profit": Series("Profit", "#7950f2"),
    "cash": Series("Cash", "#ae3ec9", step=True),
    "shares": Series("Shares", "#0c8599", step=True, money=False),
    "price": Series("Price", "#868e96"),
}
ALL = "all"
SHOWS = (*SERIES, ALL)
"""What a graph can show: one of the series, or all of them below each other."""
Y_AXES = ("yaxis", *(f"yaxis{i}" for i in range(2, len(SERIES) + 1)))
"""Names of the vertical axes, from the top."""


@dataclass(frozen=True, slots=True, eq=False)
class FillMarks:
    """Fills to be marked on the price."""

    time: Ints
    price: Ints
    shares: Ints
    reason: NDArray[np.object_]
    """In words."""


def figure(curve: Equity, fills: FillMarks, show: str, *, key: str) -> dict[str, Any]:
    """Return the graph of a curve.

    Args:
        curve: The strategy's equity; its last point is the live one.
        fills: The fills to mark where the price is shown.
        show: One of `SHOWS`.
        key: What is shown, in words that stay the same while it is: zoom and selection last as long.
    """
    names = _names(show)
    data = [trace for i, name in enumerate(names) for trace in _line(curve, name, i)]
    if "price" in names:
        data += fill_traces(fills, _axis(names.index("price")))
    return {"data": data, "layout": _layout(curve, names, key)}


def live_end(curve: Equity, show: str) -> dict[int, dict[str, Any]]:
    """Return what a new mark changes in `figure`: by trace number, the properties to replace."""
    return {2 * i + 1: _end(curve, name) for i, name in enumerate(_names(show))}


def empty(message: str) -> dict[str, Any]:
    """Return a graph with nothing in it but a message."""
    hidden = {"visible": False, "fixedrange": True}
    note = {"text": message, "showarrow": False, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5}
    return {"data": [], "layout": {**FRAME, "xaxis": hidden, "yaxis": hidden, "annotations": [note]}}


FRAME: dict[str, Any] = {
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 12},
    "margin": {"l": 8, "r": 16, "t": 12, "b": 36},
    "showlegend": False,
    "dragmode": "zoom",
    "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#868e96", "activecolor": "#1c7ed6"},
}
"""What the layouts of all graphs have in common."""
LEGEND: dict[str, Any] = {
    "showlegend": True,
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
}
"""What those with a legend have besides: it stands above the graph."""
TIME_AXIS: dict[str, Any] = {
    "type": "date",
    "title": {"text": f"Time ({ZONE})", "standoff": 8},
    "hoverformat": "%Y-%m-%d %H:%M:%S",
    "automargin": True,
    "tickangle": 0,
    "nticks": 8,
}
"""The axis of time of every graph."""


def _names(show: str) -> tuple[str, ...]:
    if show not in SHOWS:
        raise ValueError(f"{show!r} is not one of {', '.join(SHOWS)}")
    return tuple(SERIES) if show == ALL else (show,)


def _axis(i: int) -> str:
    return f"y{i + 1}" if i else "y"


def array(values: NDArray[Any]) -> dict[str, str]:
    """Return an array in the binary form that plotly.js reads; a tenth of the work of text."""
    return {"dtype": "f8", "bdata": base64.b64encode(np.asarray(values, "<f8").tobytes()).decode("ascii")}


def _values(curve: Equity, name: str) -> Ints:
    values: Ints = getattr(curve, name)
    return values


def _shown(values: Ints, name: str) -> Any:
    return dollars(values) if SERIES[name].money else values


def _line(curve: Equity, name: str, i: int) -> list[dict[str, Any]]:
    series = SERIES[name]
    values = _values(curve, name)[:-1]
    keep = keep_extremes(values)
    number = "%{y:$,.2f}" if series.money else "%{y:,}"
    if name == "price":
        number = "%{y:$,.4f}"
    common = {
        "type": "scatter",
        "name": series.label,
        "yaxis": _axis(i),
        "line": {"color": series.color, "width": 1.6, "shape": "hv" if series.step else "linear"},
        "hovertemplate": number,
    }
    history = {
        **common,
        "mode": "lines",
        "x": array(wall_clock(curve.time[:-1][keep])),
        "y": array(_shown(values[keep], name)),
    }
    if name == "profit":
        history |= {"fill": "tozeroy", "fillcolor": "rgba(121,80,242,0.10)"}
    end = {**common, "mode": "lines+markers", "marker": {"color": series.color, "size": [0, 8]}, **_end(curve, name)}
    return [history, end]


def _end(curve: Equity, name: str) -> dict[str, Any]:
    time, values = curve.time[-2:], _values(curve, name)[-2:]
    if len(time) == 1:
        time, values = np.repeat(time, 2), np.repeat(values, 2)
    return {"x": wall_clock(time).tolist(), "y": _shown(values, name).tolist()}


def fill_traces(fills: FillMarks, axis: str, colors: tuple[str, str] = (BUY, SELL)) -> list[dict[str, Any]]:
    """Return the marks of fills, which differ by shape and by colour: purchases, then sales.

    Args:
        fills: What to mark.
        axis: Name of the vertical axis, which is that of the price.
        colors: Of purchases and of sales.
    """
    traces = []
    traded = fills.reason != "split"
    sides = (
        ("Buy", colors[0], "triangle-up", traded & (fills.shares > 0)),
        ("Sell", colors[1], "triangle-down", traded & (fills.shares < 0)),
    )
    for label, color, symbol, side in sides:
        rows = np.flatnonzero(side)
        rows = rows[keep_extremes(fills.price[rows])]
        traces.append(
            {
                "type": "scatter",
                "name": label,
                "mode": "markers",
                "yaxis": axis,
                "x": array(wall_clock(fills.time[rows])),
                "y": array(np.asarray(dollars(fills.price[rows]))),
                "customdata": [*zip(np.abs(fills.shares[rows]).tolist(), fills.reason[rows].tolist(), strict=True)],
                "marker": {
                    "symbol": symbol,
                    "color": color,
                    "size": 12,
                    "line": {"color": "rgba(255,255,255,0.9)", "width": 1.2},
                },
                "hovertemplate": "%{customdata[0]:,} at %{y:$,.4f} (%{customdata[1]})",
            }
        )
    return traces


def _layout(curve: Equity, names: tuple[str, ...], key: str) -> dict[str, Any]:
    last = len(names) - 1
    layout: dict[str, Any] = {
        **FRAME,
        "uirevision": key,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "xaxis": {
            **TIME_AXIS,
            "anchor": _axis(last),
            "rangebreaks": closed_hours(curve.time),
        },
    }
    height = (1 - _GAP * last) / len(names)
    for i, name in enumerate(names):
        top = 1 - i * (height + _GAP)
        axis: dict[str, Any] = {
            "domain": [max(0.0, top - height), top],
            "anchor": "x",
            "automargin": True,
            "nticks": 5 if last else 8,
            "title": {"text": SERIES[name].label, "standoff": 8},
        }
        if SERIES[name].money:
            axis |= {"tickformat": "$,.2f"}
        else:
            axis |= {"tickformat": ",d", "rangemode": "tozero"}
        if name == "profit":
            axis |= {"zeroline": True, "zerolinewidth": 1.5}
        layout[Y_AXES[i]] = axis
    return layout


def closed_hours(times: Ints) -> list[dict[str, Any]]:
    """Return the nights and weekends to leave out of an axis of more than a day.

    Args:
        times: Times of its points, ascending, nanoseconds UTC, shape (n,).
    """
    if not len(times) or times[-1] - times[0] < _DAY / 2:
        return []
    hours = wall_clock(times) % 86_400_000 / 3_600_000
    last = float(np.ceil(hours.max()))
    last += 1 / 60 if last == hours.max() else 0  # a point on that bound would be hidden, and its line with it
    nights = {"bounds": [last, float(np.floor(hours.min()))], "pattern": "hour"}
    return [{"bounds": ["sat", "mon"]}, nights]

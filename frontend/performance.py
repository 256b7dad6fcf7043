"""The graph of what a strategy made: equity beside buy & hold, and below it the fall from its peak. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontend.figures import FRAME, LEGEND, TIME_AXIS, array, closed_hours
from frontend.formats import ZONE, dollars, moment, signed_percent, wall_clock
from frontend.periods import within
from frontend.reduce import evenly, keep_extremes
from frontend.reports import Report
from riskcontrol.equity import Equity
from riskcontrol.rows import Ints

EQUITY, HOLD, FALL = "#1c7ed6", "#868e96", "#e03131"
MOST_ROWS = 500
"""Most rows of the graph's table."""
_LINES = (
    ("Equity", EQUITY, "y", "%{y:$,.2f}", "solid"),
    ("Buy & hold", HOLD, "y", "%{y:$,.2f}", "dot"),
    ("Drawdown", FALL, "y2", "%{y:.2%}", "solid"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """A period of a report, the last point being live; columns of shape (n,), n ≥ 1."""

    time: Ints
    equity: Ints
    """Micro-dollars."""
    hold: Ints
    """What buying and holding the ticker from the period's start would have made of the equity it began with."""
    fall: NDArray[np.float64]
    """How far the equity is under its highest since the strategy's start: 0 or negative, a fraction."""

    def words(self) -> str:
        """Say in words what the graph shows."""
        made, held = (column[-1] / column[0] - 1 if column[0] > 0 else np.nan for column in (self.equity, self.hold))
        said = f"Equity {_percent(made)}, buy & hold {_percent(held)} since {moment(int(self.time[0]))} {ZONE}"
        return f"{said}; deepest drawdown {_percent(float(np.min(self.fall)))}."


def performance(report: Report, live: Equity, period: str) -> Performance:
    """Return a period of a report.

    Args:
        report: The report.
        live: The curve's live end: its last point is the newest.
        period: One of `frontend.periods.PERIODS`.
    """
    record = report.record
    assert record.closes is not None  # noqa: S101  a report's record has them
    closes, peak = record.closes, max([record.cash, *record.value[:-1].tolist()])
    value, price = int(live.value[-1]), int(live.price[-1])
    time = np.append(record.time[:-1], live.time[-1])
    # Closes are comparable across splits; the newest price is as the last of them, whose own price is the curve's.
    close = closes[-1] * (price / report.curve.price[-1])
    hold = np.append(report.benchmark[:-1], round(record.cash * (close / closes[0])))
    fall = np.append(report.drawdown[:-1], min(0.0, value / max(peak, value) - 1) if peak > 0 else np.nan)
    equity = np.append(record.value[:-1], value)
    shown = within(time, period)
    start = shown.start
    hold = hold[shown] if hold[start] <= 0 else np.rint(hold[shown] * (equity[start] / hold[start])).astype(np.int64)
    return Performance(time[shown], equity[shown], hold, fall[shown])


def figure(shown: Performance, *, key: str) -> dict[str, Any]:
    """Return the graph: each line's history, which changes with minutes and fills, and its live end.

    Args:
        shown: What to show.
        key: What is shown, in words that stay the same while it is: zoom and selection last as long.
    """
    data: list[dict[str, Any]] = []
    for (label, color, axis, number, dash), values, end in zip(_LINES, _columns(shown), _ends(shown), strict=True):
        history = values[:-1]
        keep = keep_extremes(history)
        line = {
            "type": "scatter",
            "name": label,
            "legendgroup": label,
            "yaxis": axis,
            "line": {"color": color, "width": 1.6, "dash": dash},
            "hovertemplate": number,
        }
        fill = {"fill": "tozeroy", "fillcolor": "rgba(224,49,49,0.14)"} if label == "Drawdown" else {}
        data.append(
            {
                **line,
                **fill,
                "mode": "lines",
                "showlegend": label != "Drawdown",
                "x": array(wall_clock(shown.time[:-1][keep])),
                "y": array(history[keep]),
            }
        )
        marker = {"color": color, "size": [0, 8 if label == "Equity" else 0]}
        data.append({**line, "mode": "lines+markers", "marker": marker, "showlegend": False, **end})
    return {"data": data, "layout": _layout(shown, key)}


def live_end(shown: Performance) -> dict[int, dict[str, Any]]:
    """Return what a new mark changes in `figure`: by trace number, the properties to replace."""
    return {2 * i + 1: end for i, end in enumerate(_ends(shown))}


def rows(shown: Performance) -> list[dict[str, Any]]:
    """Return the rows of the graph's table, the newest first, evenly thinned where there are more than `MOST_ROWS`."""
    places = evenly(len(shown.time), MOST_ROWS)[::-1]
    equity, hold, fall = (column[places].tolist() for column in _columns(shown))
    return [
        {"id": str(place), "time": moment(time), "equity": made, "hold": held, "fall": fallen * 100}
        for place, time, made, held, fallen in zip(
            places.tolist(), shown.time[places].tolist(), equity, hold, fall, strict=True
        )
    ]


def _columns(shown: Performance) -> tuple[NDArray[np.float64], ...]:
    return np.asarray(dollars(shown.equity)), np.asarray(dollars(shown.hold)), shown.fall


def _ends(shown: Performance) -> list[dict[str, Any]]:
    places = [-2, -1] if len(shown.time) > 1 else [-1, -1]
    at = wall_clock(shown.time[places]).tolist()
    return [{"x": at, "y": values[places].tolist()} for values in _columns(shown)]


def _percent(fraction: float) -> str:
    return signed_percent(fraction) if np.isfinite(fraction) else "unknown"


def _layout(shown: Performance, key: str) -> dict[str, Any]:
    return {
        **FRAME,
        "uirevision": key,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        **LEGEND,
        "margin": {**FRAME["margin"], "t": 28},
        "xaxis": {
            **TIME_AXIS,
            "anchor": "y2",
            "rangebreaks": closed_hours(shown.time),
        },
        "yaxis": {
            "domain": [0.32, 1],
            "anchor": "x",
            "automargin": True,
            "nticks": 7,
            "tickformat": "$,.2f",
            "side": "right",
        },
        "yaxis2": {
            "domain": [0, 0.25],
            "anchor": "x",
            "automargin": True,
            "nticks": 4,
            "tickformat": ".1%",
            "side": "right",
            "rangemode": "tozero",
            "title": {"text": "Drawdown", "standoff": 8},
        },
    }

"""How the stream keeps pace: its batches of the last hour as a graph, as figures and as rows; pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from frontend.figures import FRAME, LEGEND, TIME_AXIS, array
from frontend.formats import ZONE, moment, wall_clock
from frontend.pulse import interval_of
from frontend.reduce import keep_extremes
from riskcontrol.trades import NS_PER_SECOND

PROCESSING, DELAY, INTERVAL = 0, 1, 2
"""Numbers of the graph's traces."""
TABLE_ROWS = 120
"""Most batches in the table."""
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What the last hour's batches come to."""

    batches: int
    interval: float
    """Seconds between two of them, usually."""
    median: float
    """Of their processing, seconds."""
    p99: float
    delay_p99: float
    lag: int
    """Records of the tape not yet taken at the start of the last one."""
    waiting: int
    """Rows not yet in the tables."""
    behind: float
    """Seconds that the oldest of them waits."""
    rejected: int
    speed: float | None
    """Seconds of event time in a second, over the last minute of batches; None without."""


def pace(batches: pd.DataFrame) -> Pace | None:
    """Return what batches come to; None without any.

    Args:
        batches: Oldest first, with the columns of `Reader.batches`.
    """
    if batches.empty:
        return None
    last, interval = batches.iloc[-1], interval_of(batches["time"])
    processing, delay = batches["processing"].to_numpy(), batches["delay"].to_numpy()
    return Pace(
        batches=len(batches),
        interval=interval,
        median=float(np.median(processing)),
        p99=float(np.quantile(processing, 0.99)),
        delay_p99=float(np.quantile(delay, 0.99)),
        lag=int(last["lag"]),
        waiting=int(last["waiting"]),
        behind=float(last["behind"]) if last["waiting"] else 0.0,
        rejected=int(batches["rejected"].sum()),
        speed=_speed(batches),
    )


def _speed(batches: pd.DataFrame) -> float | None:
    """Return how much event time passes in a second of the clock."""
    moved = batches[(batches["event_time"] > 0) & (batches["trades"] > 0)]
    moved = moved[moved["time"] > batches["time"].iloc[-1] - pd.Timedelta(minutes=1)]
    if len(moved) < 2:
        return None
    seconds = (moved["time"].iloc[-1] - moved["time"].iloc[0]).total_seconds()
    events = (int(moved["event_time"].iloc[-1]) - int(moved["event_time"].iloc[0])) / NS_PER_SECOND
    return events / seconds if seconds > 0 and events >= 0 else None


def figure(batches: pd.DataFrame) -> dict[str, Any]:
    """Return the graph: processing and delay of each batch, and a line at the interval that they have.

    Args:
        batches: Oldest first, with the columns of `Reader.batches`, at least one.
    """
    times = times_of(batches)
    interval = interval_of(batches["time"])
    lines = [
        _line(times, batches["processing"].to_numpy(), "Processing", "#1c7ed6", 1.4),
        _line(times, batches["delay"].to_numpy(), "Delay", "#e8590c", 1.2),
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"Interval, {interval:g} s",
            "x": wall_clock(times[[0, -1]]).tolist(),
            "y": [interval, interval],
            "line": {"color": "#868e96", "width": 1.2, "dash": "dash"},
            "hoverinfo": "skip",
        },
    ]
    layout = {
        **FRAME,
        "uirevision": "pace",
        "hovermode": "x unified",
        **LEGEND,
        "xaxis": {
            **TIME_AXIS,
            "title": {"text": f"Wall clock ({ZONE})", "standoff": 8},
        },
        "yaxis": {"title": {"text": "Seconds", "standoff": 8}, "automargin": True, "nticks": 6, "rangemode": "tozero"},
    }
    return {"data": lines, "layout": layout}


def times_of(batches: pd.DataFrame) -> np.ndarray:
    """Return the batches' times, nanoseconds UTC."""
    times: np.ndarray = batches["time"].astype("datetime64[ns, UTC]").astype(np.int64).to_numpy()
    return times


def _line(times: np.ndarray, seconds: np.ndarray, name: str, color: str, width: float) -> dict[str, Any]:
    keep = keep_extremes(np.rint(seconds * _MICRO).astype(np.int64))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": array(wall_clock(times[keep])),
        "y": array(seconds[keep]),
        "line": {"color": color, "width": width},
        "hovertemplate": "%{y:.3f} s",
    }


def rows(batches: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the newest batches as rows of a table, the newest first."""
    newest = batches.iloc[: -TABLE_ROWS - 1 : -1]
    names = ("processing", "delay", "trades", "fills", "bars", "lag", "waiting", "rejected")
    columns = (newest[name].tolist() for name in names)
    return [
        {"id": str(time), "time": moment(time), **dict(zip(names, row, strict=True))}
        for time, *row in zip(times_of(newest).tolist(), *columns, strict=True)
    ]

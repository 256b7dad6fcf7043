"""Candles with their volume as plain dictionaries, from bars of a minute: pure functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontend.figures import BUY, FRAME, SELL, TIME_AXIS, array, closed_hours
from frontend.formats import dollars, wall_clock
from frontend.reduce import MOST_POINTS
from riskcontrol.newyork import NS_PER_DAY, local_time
from riskcontrol.trades import NS_PER_MINUTE

INTERVALS = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "1d": 1_440}
"""Lengths of a candle, as the address says them, in minutes."""
LAST = 2
"""Number of the trace with the last price."""
_FIELDS = ("time", "open", "high", "low", "close", "volume", "notional", "trades")
_MOST = np.iinfo(np.int64).max


def joined(bars: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """Join bars of a minute to longer ones, which begin where New York's clock says.

    Args:
        bars: int64 columns time, open, high, low, close, volume, notional, trades, as `Reader.bars` returns them.
        minutes: Length of a bar, a divisor of a day's minutes.

    Returns:
        The same columns; prices of a bar whose trades set none are 0.

    >>> day = 1381152600 * 10**9  # 2013-10-07 09:30 New York
    >>> rows = [(day + n * 60 * 10**9, 5 + n, 9, 2, 6 + n, 10, 60, 1) for n in range(4)]
    >>> joined(pd.DataFrame(rows, columns=_FIELDS), 2)[["open", "close", "volume"]].to_numpy().tolist()
    [[5, 7, 20], [7, 9, 20]]
    """
    if minutes == 1 or bars.empty:
        return bars
    column = {name: bars[name].to_numpy(np.int64) for name in _FIELDS}
    local = local_time(column["time"])
    into = local % NS_PER_DAY % (minutes * NS_PER_MINUTE)
    starts = np.flatnonzero(np.diff(local - into, prepend=-_MOST))
    places = np.arange(len(bars))
    priced = column["open"] > 0
    first = np.minimum.reduceat(np.where(priced, places, len(bars)), starts)
    last = np.maximum.reduceat(np.where(priced, places, -1), starts)
    some = last >= 0
    lows = np.minimum.reduceat(np.where(column["low"] > 0, column["low"], _MOST), starts)
    return pd.DataFrame(
        {
            "time": (column["time"] - into)[starts],
            "open": np.where(some, column["open"][np.minimum(first, len(bars) - 1)], 0),
            "high": np.maximum.reduceat(column["high"], starts),
            "low": np.where(lows == _MOST, 0, lows),
            "close": np.where(some, column["close"][last], 0),
            **{name: np.add.reduceat(column[name], starts) for name in ("volume", "notional", "trades")},
        }
    )


def fitted(bars: pd.DataFrame, interval: str, most: int = MOST_POINTS) -> tuple[str, pd.DataFrame]:
    """Return bars of an interval, or of the next longer one that makes at most `most`.

    Args:
        bars: Of a minute.
        interval: One of `INTERVALS`.
        most: Most bars to return.
    """
    names = list(INTERVALS)
    for name in names[names.index(interval) :]:
        found = joined(bars, INTERVALS[name])
        if len(found) <= most:
            return name, found
    return name, found.iloc[-most:]


def figure(bars: pd.DataFrame, interval: str, last: int, *, key: str) -> dict[str, Any]:
    """Return the graph: candles, volume below them, and a line at the last price.

    Args:
        bars: At most `MOST_POINTS`, at least one; those without prices have volume alone.
        interval: Their length, one of `INTERVALS`.
        last: The last price, micro-dollars.
        key: What is shown, in words that stay the same while it is: zoom lasts as long.
    """
    time = bars["time"].to_numpy(np.int64)
    at = array(wall_clock(time))
    unpriced = bars["open"].to_numpy() == 0
    prices = {
        name: array(np.where(unpriced, np.nan, np.asarray(dollars(bars[name].to_numpy(np.int64)))))
        for name in ("open", "high", "low", "close")
    }
    up, down = ({"line": {"color": color, "width": 1.2}, "fillcolor": color} for color in (BUY, SELL))
    candles = {
        "type": "candlestick", "name": "Price", "x": at, **prices, "increasing": up, "decreasing": down,
    }  # fmt: skip
    falls = (bars["close"] < bars["open"]).to_numpy()
    volume = {
        "type": "bar",
        "name": "Volume",
        "x": at,
        "y": array(bars["volume"].to_numpy()),
        "yaxis": "y2",
        "marker": {"color": np.where(falls, SELL, BUY).tolist(), "opacity": 0.55, "line": {"width": 0}},
        "hovertemplate": "%{y:,}",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "Last",
        **last_line(bars, last),
        "line": {"color": "#1c7ed6", "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }
    return {"data": [candles, volume, line], "layout": _layout(_breaks(time, interval), key)}


def last_line(bars: pd.DataFrame, last: int) -> dict[str, Any]:
    """Return what a new last price changes in trace `LAST` of `figure`."""
    ends = wall_clock(bars["time"].to_numpy(np.int64)[[0, -1]])
    return {"x": ends.tolist(), "y": [dollars(last)] * 2}


def _breaks(time: NDArray[np.int64], interval: str) -> list[dict[str, Any]]:
    """Return what to leave out of the axis: nights and weekends; of bars of a day, weekends alone."""
    length = INTERVALS[interval] * NS_PER_MINUTE
    if length == NS_PER_DAY:
        return closed_hours(time)[:1]
    return closed_hours(np.column_stack([time, time + length - 1]).ravel())


def _layout(breaks: list[dict[str, Any]], key: str) -> dict[str, Any]:
    return {
        **FRAME,
        "uirevision": key,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "bargap": 0.15,
        "xaxis": {
            **TIME_AXIS,
            "anchor": "y2",
            "hoverformat": "%Y-%m-%d %H:%M",
            "rangeslider": {"visible": False},
            "rangebreaks": breaks,
        },
        "yaxis": {"domain": [0.27, 1], "automargin": True, "nticks": 8, "tickformat": "$,.2f", "side": "right"},
        "yaxis2": {
            "domain": [0, 0.2],
            "anchor": "x",
            "automargin": True,
            "nticks": 3,
            "tickformat": "~s",
            "rangemode": "tozero",
            "side": "right",
            "fixedrange": True,
        },
    }

"""The tables of a strategy's page: their columns, and their rows from a report."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import html

from frontend import grids
from frontend.formats import ZONE, dollars, moment, reason
from frontend.reduce import evenly
from frontend.reports import Report
from riskcontrol.equity import Equity
from riskcontrol.statistics import STATISTICS, RoundTrips, format_value

MOST_ROWS = 500
"""Most rows of a table, the newest."""
_ROW = 32
_TIME = f"Time ({ZONE})"


def fills_table() -> html.Div:
    """Return the table of fills."""
    columns = [
        grids.column("time", _TIME, 172),
        grids.wide(grids.number("number", "Fill", 64, "count")),
        grids.column("reason", "Reason", 96, "What made it buy or sell: its rule, or one of its options"),
        grids.signed("shares", "Shares", 76, "count", "Bought: positive; sold: negative"),
        grids.number("price", "Price, $", 92, "price", "What was paid for a share: with slippage, without the fee"),
        grids.wide(grids.number("fee", "Fee, $", 84, "price")),
        grids.wide(grids.number("cash", "Cash after, $", 116, "money")),
    ]
    return grids.grid("strategy-fills", columns, label="Fills", height=120, row_height=_ROW)


def trips_table() -> html.Div:
    """Return the table of round trips."""
    columns = [
        grids.column("exit", f"Sold ({ZONE})", 172),
        grids.wide(grids.column("entry", f"Bought ({ZONE})", 172)),
        grids.wide(grids.column("held", "Held", 92)),
        grids.wide(grids.number("shares", "Shares", 84, "count")),
        grids.wide(grids.number("bought", "Entry, $", 92, "price", "Price at which they were bought")),
        grids.wide(grids.number("sold", "Exit, $", 92, "price", "Price at which they were sold")),
        grids.wide(grids.number("fees", "Fees, $", 84, "price")),
        grids.signed("profit", "Profit, $", 100, "gain", "After fees"),
        grids.signed("return", "Return", 90, "percent", "Profit as a share of what the purchase cost"),
    ]
    return grids.grid("strategy-trips", columns, label="Round trips", height=120, row_height=_ROW)


def overview_twin() -> html.Div:
    """Return the table of what the overview's graph shows."""
    columns = [
        grids.column("time", _TIME, 172),
        grids.number("equity", "Equity, $", 110, "money"),
        grids.number("hold", "Buy & hold, $", 110, "money"),
        grids.number("fall", "Drawdown", 90, "percent"),
    ]
    return _twin("overview", columns)


def price_twin() -> html.Div:
    """Return the table of the candles."""
    prices = [grids.number(name, f"{name.capitalize()}, $", 90, "price") for name in ("open", "high", "low", "close")]
    columns = [grids.column("time", _TIME, 172), *prices, grids.number("volume", "Volume", 90, "count")]
    return _twin("price", columns)


def series_twin() -> html.Div:
    """Return the table of all series."""
    columns = [
        grids.column("time", _TIME, 172),
        grids.number("value", "Value, $", 110, "money"),
        grids.signed("profit", "Profit, $", 100, "gain"),
        grids.number("cash", "Cash, $", 110, "money"),
        grids.number("shares", "Shares", 84, "count"),
        grids.number("price", "Price, $", 90, "price"),
    ]
    return _twin("series", columns)


def fill_rows(report: Report) -> list[dict[str, Any]]:
    """Return the rows of the newest fills, the newest first."""
    newest = report.fills.iloc[: -MOST_ROWS - 1 : -1]
    names = ("number", "time", "reason", "shares", "price", "fee", "cash")
    return [
        {
            "id": str(number),
            "number": number,
            "time": moment(time),
            "reason": reason(why),
            "shares": shares,
            "price": dollars(price),
            "fee": dollars(fee),
            "cash": dollars(cash),
        }
        for number, time, why, shares, price, fee, cash in zip(*(newest[name].tolist() for name in names), strict=True)
    ]


def trip_rows(trips: RoundTrips) -> list[dict[str, Any]]:
    """Return the rows of the newest round trips, the newest first."""
    newest = trips.take(slice(None, -MOST_ROWS - 1, -1))
    names = ("entry_time", "exit_time", "duration", "shares", "entry_price", "exit_price", "fees", "profit", "returns")
    held = STATISTICS["longest_drawdown"]  # a duration like any other
    return [
        {
            "id": str(len(trips) - at),
            "entry": moment(entry),
            "exit": moment(out),
            "held": format_value(held, duration),
            "shares": shares,
            "bought": dollars(bought),
            "sold": dollars(sold),
            "fees": dollars(fees),
            "profit": dollars(profit),
            "return": made * 100,
        }
        for at, (entry, out, duration, shares, bought, sold, fees, profit, made) in enumerate(
            zip(*(getattr(newest, name).tolist() for name in names), strict=True)
        )
    ]


def series_rows(curve: Equity) -> list[dict[str, Any]]:
    """Return the rows of a curve, the newest first, evenly thinned where there are more than `MOST_ROWS`."""
    places = evenly(len(curve), MOST_ROWS)[::-1]
    some = curve.take(places)
    money = {name: np.asarray(dollars(getattr(some, name))).tolist() for name in ("value", "profit", "cash", "price")}
    columns = {"time": [moment(time) for time in some.time.tolist()], "shares": some.shares.tolist(), **money}
    keys = ("id", *columns)
    return [dict(zip(keys, row, strict=True)) for row in zip(map(str, places.tolist()), *columns.values(), strict=True)]


def newest_of(count: int, shown: int, what: str) -> str:
    """Say how many rows a table has of how many there are.

    >>> newest_of(3, 3, "fill"), newest_of(1, 1, "fill"), newest_of(1_200, 500, "fill"), newest_of(0, 0, "fill")
    ('3 fills', '1 fill', 'The newest 500 of 1,200 fills', 'No fills yet')
    """
    if not count:
        return f"No {what}s yet"
    if shown < count:
        return f"The newest {shown:,} of {count:,} {what}s"
    return f"{count:,} {what}{'s' * (count != 1)}"


def height(rows: int) -> dict[str, int]:
    """Return the style of a table of so many rows."""
    return {"height": grids.HEADER + _ROW * min(max(rows, 1), 16) + grids.BORDER + 12}


def _twin(name: str, columns: list[dict[str, Any]]) -> html.Div:
    label = "What the graph shows, as a table"
    return grids.grid(f"strategy-{name}-rows", columns, label=label, height=320, row_height=_ROW)

"""A user's page: the strategies in a table, and the chosen one over time."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from urllib.parse import unquote

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from frontend import form
from frontend.context import Context, in_thread, username_of
from frontend.formats import ZONE
from frontend.openings import pending as pending_of
from frontend.pages import home
from frontend.positions import table
from frontend.shell import alert
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.strategy import check_username

ADDRESS = {"path_template": "/user/<username>"}
_MOST_ROWS_IN_VIEW = 9
_ROW, _HEADER, _BORDER = 40, 42, 10


def layout(username: str = "", **query: str) -> dmc.Container:
    """Return the page of the address ``/user/USERNAME``.

    Args:
        username: Whose page, as the address has it.
        query: What follows the ``?``; nothing is looked at.
    """
    try:
        username = check_username(unquote(username))
    except StrategyError as error:
        return home.start(f"No such user: a username {error.message}.")
    return dmc.Container(
        [
            dcc.Store(id="username", data=username),
            dcc.Store(id="table-version"),
            form.layout(),
            dmc.Group(
                [
                    dmc.Title(username, order=1, size="h2"),
                    dmc.Button("New strategy", id="new-open"),
                ],
                justify="space-between",
                className="heading",
            ),
            html.Div(dmc.Text("Loading the positions …", c="dimmed"), id="notice", role="status"),
            html.Div(
                [html.Div(id="totals", className="totals"), dmc.Paper(_grid(), withBorder=True, className="panel")],
                id="positions",
                hidden=True,
            ),
        ],
        size=1440,
        px=0,
    )


_TICKER = {"field": "ticker", "headerName": "Ticker", "width": 88}


def _grid() -> dag.AgGrid:
    signed = {"gain": "params.value > 0", "loss": "params.value < 0"}
    return dag.AgGrid(
        id="table",
        rowData=[],
        columnDefs=[
            _column("time", f"Time ({ZONE})", 172, "Time of the last price"),
            {**_TICKER, "pinned": "left", "lockPinned": True, "cellClass": "ticker"},
            _column("name", "Name", 92),
            _number("price", "Price", 90, "price", "Price of the last trade that drives strategies"),
            _number("cash", "Cash, $", 112, "money"),
            _number("shares", "Shares", 84, "count"),
            _number("entry", "Entry", 84, "price", "Price at which its shares were bought"),
            {
                **_column(
                    "rule", "Rule", 240, "reference: the price of its last fill, at first of the first trade it sees"
                ),
                "sortable": False,
                "cellClass": "rule",
                "tooltipField": "rule",
            },
            {
                **_number("profit", "Profit, $", 108, "gain", "Value less what it started with"),
                "cellClassRules": signed,
            },
            _number("value", "Value, $", 116, "money", "Cash + shares × price"),
            _number("fills", "Fills", 70, "count"),
            {
                **_column("status", "Status", 122, "waiting: for its first trade; sent: not yet written by the stream"),
                "cellClass": "status",
                "cellClassRules": {
                    "status-running": "params.value == 'running'",
                    "status-halted": "params.value == 'halted' || params.value == 'not confirmed'",
                },
            },
        ],
        dashGridOptions={
            **_GRID_OPTIONS,
            "rowHeight": _ROW,
            "headerHeight": _HEADER,
        },
        style={"height": 120},
        **_GRID,
    )


_GRID: dict[str, Any] = {
    "defaultColDef": {"sortable": True, "resizable": True, "suppressMovable": True},
    "getRowId": "params.data.id",
    "className": "grid",
}
_GRID_OPTIONS = {"animateRows": False, "enableBrowserTooltips": True}  # the grid's own end at its borders


def _column(field: str, title: str, width: int, help: str | None = None) -> dict[str, Any]:
    column = {"field": field, "headerName": title, "minWidth": width, "flex": width}
    return {**column, "headerTooltip": help} if help else column


def _number(field: str, title: str, width: int, format: str, help: str | None = None) -> dict[str, Any]:
    return {
        **_column(field, title, width, help),
        "cellClass": "number",
        "headerClass": "ag-right-aligned-header",
        "valueFormatter": {"function": f"{format}(params.value)"},
    }


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""

    @app.callback(
        Output("table", "rowData"),
        Output("table", "style"),
        Output("totals", "children"),
        Output("notice", "children"),
        Output("positions", "hidden"),
        Output("table-version", "data"),
        Input("username", "data"),
        Input("market", "data"),
        Input("pending", "data"),
        State("table-version", "data"),
        running=[(Output("clock", "disabled"), True, False)],
    )
    @in_thread
    def refresh(username: Any, market: Any, pending: Any, shown: Any) -> tuple[Any, ...] | list[Any]:
        """Bring the table up to date, where anything in it changed."""
        username = username_of(username)
        waiting = pending_of(pending, username, time.time())
        try:
            strategies = context.source.read(lambda reader: reader.strategies(username))
            positions = context.source.read(lambda reader: reader.positions(strategies))
            known = bool(strategies or waiting) or context.source.read(lambda reader: reader.user_exists(username))
            prices = context.market.snapshot().prices
        except ServerError:
            if shown:  # what is on the page stays, under the frame's message
                return (no_update,) * 6
            message = alert("The positions can't be shown while the database is away.", "gray")
            return (no_update,) * 3 + (message, True, no_update)
        rows, totals = table(strategies, positions, prices, waiting)
        version = _digest([rows, known])
        if version == shown:
            return (no_update,) * 6
        if not rows:
            message = alert(_nothing(username, known), "blue" if known else "yellow", "no-positions")
            return [], no_update, None, message, True, version
        height = _HEADER + _ROW * min(len(rows), _MOST_ROWS_IN_VIEW) + _BORDER
        return rows, {"height": height}, _cards(totals.words()), None, False, version


def _nothing(username: str, known: bool) -> str:
    if known:
        return f"{username} has no strategies yet. Open one: it starts at the ticker's next trade."
    return f"No user {username!r}. Check the spelling, or open a strategy to begin as {username!r}."


def _cards(words: dict[str, str]) -> list[Any]:
    cards = []
    for label, figure in words.items():
        tone = ""
        if label in ("Profit", "Return"):
            tone = " gain" if figure.startswith("+") else " loss" if figure.startswith("−") else ""
        cards.append(
            html.Div(
                [html.Div(label, className="label"), html.Div(figure, className="figure" + tone)], className="card"
            )
        )
    return cards


def _digest(what: Any) -> str:
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=12).hexdigest()

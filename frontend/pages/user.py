"""A user's page: the strategies in a table, and the chosen one over time."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any
from urllib.parse import unquote

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from frontend.context import Context, in_thread, username_of
from frontend.figures import ALL, SERIES, SHOWS, empty
from frontend.formats import ZONE
from frontend.openings import pending as pending_of
from frontend.pages import home
from frontend.pages.strategy import FILLS_HEADER, FILLS_ROW
from frontend.positions import table
from frontend.shell import alert
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.strategy import check_username

ADDRESS = {"path_template": "/user/<username>"}
_MOST_ROWS_IN_VIEW = 9
_ROW, _HEADER, _BORDER = 40, 42, 10


def layout(username: str = "", strategy: str = "", show: str = "value", **query: str) -> dmc.Container:
    """Return the page of the address ``/user/USERNAME?strategy=TICKER NAME&show=value``.

    Args:
        username: Whose page, as the address has it.
        strategy: Which strategy is chosen at first.
        show: What the graph shows at first.
        query: The rest of what follows the ``?``; nothing is looked at.
    """
    try:
        username = check_username(unquote(username))
    except StrategyError as error:
        return home.start(f"No such user: a username {error.message}.")
    return dmc.Container(
        [
            dcc.Store(id="username", data=username),
            dcc.Store(id="wanted", data=strategy[:64]),
            dcc.Store(id="chosen"),
            dcc.Store(id="table-version"),
            dcc.Store(id="graph-version"),
            html.Div(id="address", hidden=True),
            dmc.Group(
                [
                    dmc.Title(username, order=1, size="h2"),
                    dmc.Anchor("New strategy", href=f"/new?user={username}", id="new-open"),
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
            html.Div(
                dmc.Paper(_detail(show if show in SHOWS else "value"), withBorder=True, className="panel detail"),
                id="detail",
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
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
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


def _fills() -> html.Div:
    grid = dag.AgGrid(
        id="fills",
        rowData=[],
        columnDefs=[
            _column("time", f"Time ({ZONE})", 172),
            _number("number", "Fill", 64, "count"),
            _column("reason", "Reason", 112, "What made it buy or sell: its rule, or one of its options"),
            _number("shares", "Shares", 84, "count", "Bought: positive; sold: negative"),
            _number("price", "Price", 90, "price", "What was paid: with slippage, without the fee"),
            _number("fee", "Fee, $", 84, "price"),
            _number("cash", "Cash after, $", 116, "money"),
        ],
        dashGridOptions={**_GRID_OPTIONS, "rowHeight": FILLS_ROW, "headerHeight": FILLS_HEADER},
        **_GRID,
    )
    title = dmc.Title(id="fills-title", order=3, size="h5")
    return html.Div([title, grid], id="fills-panel", hidden=True)


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


def _detail(show: str) -> list[Any]:
    labels = {**{name: series.label for name, series in SERIES.items()}, ALL: "All"}
    return [
        dmc.Group(
            [
                dmc.Group(
                    [
                        dmc.Title(id="detail-title", order=2, size="h4"),
                        dmc.Text(id="detail-holds", size="sm"),
                        dmc.Text(id="detail-rule", c="dimmed", size="sm"),
                    ],
                    gap="0 12px",
                    align="baseline",
                ),
                dmc.Button("Stop", id="stop", variant="light", color="red", size="xs", disabled=True),
            ],
            justify="space-between",
            className="detail-heading",
            wrap="nowrap",
            align="flex-start",
        ),
        html.Div(
            dmc.SegmentedControl(
                id="show",
                value=show,
                data=[{"value": name, "label": label} for name, label in labels.items()],
                size="xs",
                attributes={"root": {"aria-label": "What the graph shows"}},
            ),
            className="scroll-x",
        ),
        html.Div(
            dcc.Graph(
                id="graph",
                figure=empty("Loading …"),
                config={
                    "displaylogo": False,
                    "responsive": True,
                    # Sharing would upload the graph to a foreign server.
                    "plotlyServerURL": "",
                    "showSendToCloud": False,
                    "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d"],
                },
                style={"height": "100%"},
            ),
            id="graph-frame",
            className="graph",
        ),
        _fills(),
        dmc.Modal(
            [
                dmc.Text(id="stop-question"),
                dmc.Group(
                    [
                        dmc.Button("Keep it running", id="stop-cancel", variant="default"),
                        dmc.Button("Stop it", id="stop-confirm", color="red"),
                    ],
                    justify="flex-end",
                    mt="md",
                ),
            ],
            id="stop-dialog",
            title="Stop this strategy?",
            opened=False,
        ),
    ]


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""

    @app.callback(
        Output("table", "rowData"),
        Output("table", "style"),
        Output("table", "selectedRows"),
        Output("totals", "children"),
        Output("notice", "children"),
        Output("positions", "hidden"),
        Output("detail", "hidden"),
        Output("table-version", "data"),
        Input("username", "data"),
        Input("market", "data"),
        Input("pending", "data"),
        State("table-version", "data"),
        State("table", "selectedRows"),
        State("wanted", "data"),
        running=[(Output("clock", "disabled"), True, False)],
    )
    @in_thread
    def refresh(
        username: Any, market: Any, pending: Any, shown: Any, selected: Any, wanted: Any
    ) -> tuple[Any, ...] | list[Any]:
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
                return (no_update,) * 8
            message = alert("The positions can't be shown while the database is away.", "gray")
            return (no_update,) * 4 + (message, True, True, no_update)
        rows, totals = table(strategies, positions, prices, waiting)
        version = _digest([rows, known])
        if version == shown:
            return (no_update,) * 8
        if not rows:
            message = alert(_nothing(username, known), "blue" if known else "yellow", "no-positions")
            return [], no_update, [], None, message, True, True, version
        height = _HEADER + _ROW * min(len(rows), _MOST_ROWS_IN_VIEW) + _BORDER
        choice = no_update if selected else {"ids": [_first_choice(rows, wanted)]}
        return rows, {"height": height}, choice, _cards(totals.words()), None, False, False, version

    app.clientside_callback(
        ClientsideFunction("riskcontrol", "choose"),
        Output("chosen", "data"),
        Input("table", "selectedRows"),
        State("chosen", "data"),
    )
    app.clientside_callback(
        ClientsideFunction("riskcontrol", "address"),
        Output("address", "children"),
        Input("chosen", "data"),
        Input("show", "value"),
    )


def _first_choice(rows: list[dict[str, Any]], wanted: Any) -> str:
    """Return the key of the strategy to show at first: the one asked for, or the newest that has seen a trade."""
    keys: list[str] = [row["id"] for row in rows]
    if wanted in keys:
        return str(wanted)
    return next((row["id"] for row in rows if row["status"] == "running"), keys[0])


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

"""A strategy's page: what to do with it and why, what it made, where it traded, and every statistic."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from database.reads import PositionRow, StrategyRow
from frontend import alert_panel, candles, exports, graphs, grids, strategy_tables
from frontend.access import require_change, viewer
from frontend.account_menu import shown_if
from frontend.addresses import checked_names, copy_address, share_address, ticker_address, user_address
from frontend.answers import changed
from frontend.context import Context, in_thread, one_of, text, which_of
from frontend.controls import choice
from frontend.figures import ALL, SERIES, SHOWS
from frontend.formats import session_words
from frontend.grids import named
from frontend.openings import pending as pending_of
from frontend.overlays import Overlays
from frontend.pages import home
from frontend.periods import PERIODS, USUAL
from frontend.positions import CONFIRM_SECONDS, SENT, UNCONFIRMED, status_of
from frontend.shell import TITLE, WIDE, alert, titled
from frontend.strategy_view import GRAPHS, TABS, Look, View, described, view_of
from frontend.toasts import toast
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.strategy import Action


def title(username: str = "", ticker: str = "", name: str = "") -> str:
    """Return the page's title; that of all pages where the address names no strategy."""
    try:
        _, ticker, name = checked_names(unquote(username), unquote(ticker), unquote(name))
    except StrategyError:
        return TITLE
    return titled(f"{name} on {ticker}")


PAGE = {"path_template": "/user/<username>/<ticker>/<name>", "order": 0, "title": title}
"""It comes before the page of a user, whose template takes any number of slashes."""
_NO_ACTIONS = "strategy-actions strategy-actions-none"
"""Until there is a strategy that something can be done with; they have their place already."""
_FILES = {
    "Fills, CSV": ("fills", "csv"),
    "Fills, Parquet": ("fills", "parquet"),
    "Equity, CSV": ("equity", "csv"),
    "Equity, Parquet": ("equity", "parquet"),
}
_TWINS = {
    "overview": strategy_tables.overview_twin,
    "price": strategy_tables.price_twin,
    "series": strategy_tables.series_twin,
}
_OUTPUTS = {
    "notice": Output("strategy-notice", "children"),
    "all_hidden": Output("strategy-all", "hidden"),
    "status": Output("strategy-status", "children"),
    "status_class": Output("strategy-status", "className"),
    "rule": Output("strategy-rule", "children"),
    "stopped": Output("strategy-stop", "disabled"),
    "actions": Output("strategy-actions", "className"),
    "cards": Output("strategy-cards", "children"),
    "verdict": Output("strategy-verdict", "children"),
    "position": Output("strategy-position", "children"),
    **{f"{name}_figure": Output(f"strategy-{name}-graph", "figure") for name in GRAPHS},
    **{f"{name}_note": Output(f"strategy-{name}-note", "children") for name in GRAPHS},
    **{f"{name}_rows": Output(f"strategy-{name}-rows", "rowData") for name in GRAPHS},
    "series_class": Output("strategy-series-frame", "className"),
    **{f"{name}_rows": Output(f"strategy-{name}", "rowData") for name in ("fills", "trips")},
    **{f"{name}_style": Output(f"strategy-{name}", "style") for name in ("fills", "trips")},
    **{f"{name}_note": Output(f"strategy-{name}-note", "children") for name in ("fills", "trips")},
    "statistics": Output("strategy-statistics", "children"),
    "version": Output("strategy-version", "data"),
}
"""What the page's callback may change."""


def layout(
    username: Any = "", ticker: Any = "", name: Any = "", tab: Any = "", period: Any = "", show: Any = "", **query: Any
) -> dmc.Container:
    """Return the page of the address ``/user/USERNAME/TICKER/NAME?tab=price&period=1W``.

    Args:
        username: Whose strategy, as the address has it.
        ticker: Of which ticker, likewise.
        name: Of which name.
        tab: One of `TABS`.
        period: One of `PERIODS`.
        show: What the tab of series shows, one of `SHOWS`.
        query: The rest of what follows the ``?``; nothing is looked at.
    """
    try:
        # What is given twice in an address comes as a list.
        username, ticker, name = checked_names(*(unquote(str(part)) for part in (username, ticker, name)))
    except StrategyError as error:
        return home.start(f"No such strategy: {error.message}.")
    tab, period, show = one_of(tab, TABS, "overview"), one_of(period, PERIODS, USUAL), one_of(show, SHOWS, "value")
    return dmc.Container(
        [
            dcc.Store(id="strategy", data={"username": username, "ticker": ticker, "name": name}),
            dcc.Store(id="strategy-version"),
            dcc.Store(id="strategy-again"),
            _head(username, ticker, name),
            html.Div(dmc.Text("Loading the strategy …", c="dimmed"), id="strategy-notice", role="status"),
            html.Div(
                [
                    html.Div(id="strategy-cards", className="strategy-cards"),
                    html.Div(
                        [
                            html.Section(id="strategy-verdict", className="panel", **named("Verdict")),
                            html.Section(id="strategy-position", className="panel", **named("Position")),
                        ],
                        className="strategy-top",
                    ),
                    html.Section(_tabs(tab, period, show), className="panel strategy-tabs", **named("Details")),
                ],
                id="strategy-all",
                hidden=True,
            ),
            _stop_dialog(),
            alert_panel.dialog() if viewer().changes(username) else None,
        ],
        **WIDE,
    )


def _head(username: str, ticker: str, name: str) -> html.Div:
    who = viewer()
    files = [
        html.Li(html.A(label, href=exports.address(username, ticker, name, what, kind)))
        for label, (what, kind) in _FILES.items()
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        [
                            dcc.Link(username, href=user_address(username), className="crumb")
                            if who.sees(username)
                            else html.Span(username, className="crumb"),
                            html.Span("/", className="crumb-gap"),
                            dcc.Link(ticker, href=ticker_address(ticker), className="crumb"),
                        ],
                        className="crumbs",
                    ),
                    html.Div(
                        [
                            dmc.Title(f"{name} on {ticker}", order=1, size="h2"),
                            html.Span(id="strategy-status", className="strategy-state"),
                        ],
                        className="strategy-title",
                    ),
                    html.P(id="strategy-rule", className="strategy-rule"),
                ],
                className="strategy-names",
            ),
            html.Div(
                [
                    html.Details(
                        [html.Summary("Export", className="strategy-action"), html.Ul(files)],
                        className="strategy-export",
                        style=shown_if(who.sees(username)),
                    ),
                    html.Div(
                        [
                            _link("Clone", copy_address(username, ticker, name), "strategy-clone"),
                            _link("Edit", copy_address(username, ticker, name, edit=True), "strategy-edit"),
                            html.A(
                                "Share",
                                href=share_address(ticker, name),
                                className="strategy-action",
                                style=shown_if(bool(who.username)),
                            ),
                            dmc.Button("Alerts", id="alerts-open", variant="default", size="sm"),
                            dmc.Button("Stop", id="strategy-stop", variant="default", size="sm", disabled=True),
                        ],
                        className="strategy-actions",
                        style=shown_if(who.changes(username)),
                    ),
                ],
                id="strategy-actions",
                className=_NO_ACTIONS,
            ),
        ],
        className="strategy-head",
    )


def _link(label: str, address: str, element_id: str) -> dcc.Link:
    return dcc.Link(label, href=address, id=element_id, className="strategy-action")


def _tabs(tab: str, period: str, show: str) -> dmc.Tabs:
    panels = {
        "overview": _graph("overview"),
        "price": _graph("price", below=candles.WICKS),
        "series": _graph("series", html.Div(_shows(show), className="scroll-x")),
        "fills": [html.P(id="strategy-fills-note", className="about"), strategy_tables.fills_table()],
        "trips": [html.P(id="strategy-trips-note", className="about"), strategy_tables.trips_table()],
        "statistics": html.Div(id="strategy-statistics"),
    }
    return dmc.Tabs(
        [
            html.Div(
                [
                    dmc.TabsList([dmc.TabsTab(label, value=value) for value, label in TABS.items()]),
                    html.Div(
                        choice(
                            "strategy-period", {name: name for name in PERIODS}, period, about="Period of the graphs"
                        ),
                        id="strategy-period-frame",
                    ),
                ],
                className="tab-bar",
            ),
            *(dmc.TabsPanel(panels[value], value=value, className="tab-panel") for value in TABS),
        ],
        id="strategy-tab",
        value=tab,
        variant="default",
    )


def _graph(name: str, *above: Any, below: str = "") -> list[Any]:
    twin = dmc.Accordion(
        dmc.AccordionItem(
            [dmc.AccordionControl("As a table"), dmc.AccordionPanel(_TWINS[name]())],
            value="table",
        ),
        id=f"strategy-{name}-twin",
        className="twin-of-graph",
        chevronPosition="left",
        variant="default",
    )
    graph = graphs.graph(f"strategy-{name}-graph")
    frame = html.Div(graph, id=f"strategy-{name}-frame", className=f"strategy-graph strategy-graph-{name}")
    note = html.P(id=f"strategy-{name}-note", className="about", role="status")
    return [*above, note, frame, html.P(below, className="hint"), twin]


def _shows(show: str) -> dmc.SegmentedControl:
    labels = {**{name: series.label for name, series in SERIES.items()}, ALL: "All"}
    return choice("strategy-show", labels, show, about="What the graph shows")


def _stop_dialog() -> dmc.Modal:
    return dmc.Modal(
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
    )


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""
    overlays = Overlays()
    grids.register(app, "strategy-fills", "strategy-trips", *(f"strategy-{name}-rows" for name in GRAPHS))

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={
            "which": Input("strategy", "data"),
            "market": Input("market", "data"),
            "again": Input("strategy-again", "data"),
            "tab": Input("strategy-tab", "value"),
            "period": Input("strategy-period", "value"),
            "show": Input("strategy-show", "value"),
            **{f"{name}_twin": Input(f"strategy-{name}-twin", "value") for name in GRAPHS},
            "pending": State("pending", "data"),
            "shown": State("strategy-version", "data"),
        },
    )
    def refresh(
        which: Any, market: Any, again: Any, tab: Any, period: Any, show: Any, pending: Any, shown: Any, **twins: Any
    ) -> dict[str, Any]:
        """Bring the page up to date: all of a tab, only what a new price changes, or nothing."""
        username, ticker, name = which_of(which)
        tab = one_of(text(tab, "tab"), TABS, "overview")
        look = Look(
            tab=tab,
            period=one_of(text(period, "period"), PERIODS, USUAL),
            show=one_of(text(show, "show"), SHOWS, "value"),
            twin=twins.get(f"{tab}_twin") == "table",
        )
        try:
            strategy, position = _find(context, username, ticker, name)
            if strategy is None or position is None:
                sent = pending_of(pending, username, time.time())
                waits = next((one.status for one in reversed(sent) if (one.ticker, one.name) == (ticker, name)), None)
                rejects = f"{context.settings.topic}.rejected"
                found = _without((username, ticker, name), strategy, waits, rejects=rejects)
                return changed(_OUTPUTS, **({} if found["version"] == shown else found))
            snapshot = context.market.snapshot()
            view = View(strategy, position, snapshot.prices.get(ticker), look, snapshot.resting)
            return changed(_OUTPUTS, **view_of(view, context, overlays, shown if isinstance(shown, dict) else {}))
        except ServerError as error:
            if shown:  # what is on the page stays, under the frame's message
                return changed(_OUTPUTS)
            said = alert(f"The strategy can't be shown while the database is away: {error}", "gray")
            return changed(_OUTPUTS, notice=said, all_hidden=True)

    @app.callback(
        Output("stop-dialog", "opened"),
        Output("stop-question", "children"),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("strategy-stop", "n_clicks"),
        Input("stop-cancel", "n_clicks"),
        Input("stop-confirm", "n_clicks"),
        State("strategy", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def stop(asked: Any, cancelled: Any, confirmed: Any, which: Any) -> tuple[Any, ...]:
        """Ask, then stop the strategy."""
        if not (asked or cancelled or confirmed):  # called because the page appeared
            return (no_update,) * 3
        username, ticker, name = which_of(which)
        require_change(username)
        if ctx.triggered_id == "strategy-stop":
            question = (
                f"{name} on {ticker} will not trade any more. Its cash and shares stay as they are; shares go on being "
                "worth their last price."
            )
            return True, question, no_update
        if ctx.triggered_id != "stop-confirm":
            return False, no_update, no_update
        try:
            strategy = context.source.read(lambda reader: reader.strategy(username, ticker, name))
            if strategy is None:
                return False, no_update, toast(f"{name} on {ticker} isn't known to the stream yet.", "yellow")
            context.publish(strategy, Action.STOP)
        except ServerError as error:
            return False, no_update, toast(f"It was not stopped. {error}", "red")
        return False, no_update, toast(f"Stop of {name} on {ticker} sent to the stream.", "blue")

    app.clientside_callback(ClientsideFunction("strategy", "again"), Input("strategy-version", "data"))
    app.clientside_callback(
        ClientsideFunction("strategy", "address"),
        Output("strategy-period-frame", "hidden"),
        Input("strategy-tab", "value"),
        Input("strategy-period", "value"),
        Input("strategy-show", "value"),
    )


def _without(
    which: tuple[str, str, str], strategy: StrategyRow | None, waits: str | None, *, rejects: str
) -> dict[str, Any]:
    """Return what is shown of a strategy that hasn't seen a trade, or that there isn't.

    Args:
        which: Username, ticker and name.
        strategy: Its row, where there is one.
        waits: `SENT` or `UNCONFIRMED` if this browser has sent it.
        rejects: The topic of records that couldn't be used.
    """
    username, ticker, name = which
    if strategy is not None:
        first = f"the first trade of {ticker}{session_words(strategy.shape)}"
        said = alert(f"Waiting for {first}. {name} starts with it.", "blue", "strategy-waiting")
        about = described(strategy, status_of(strategy, None))
    elif waits == SENT:
        said = alert(f"{name} on {ticker} was sent to the stream, which hasn't written it yet.", "blue")
        about = {"status": SENT, "status_class": "strategy-state", "stopped": True}
    elif waits == UNCONFIRMED:
        said = alert(
            [
                f"{name} on {ticker} was sent, but the stream hasn't confirmed it within {CONFIRM_SECONDS} seconds. ",
                dcc.Link("Health", href="/health"),
                " tells whether a stream runs and how far behind it is: one that comes or catches up opens it all the "
                f"same. An opening that it refused is in the topic {rejects}, with the reason.",
            ],
            "yellow",
            "strategy-unconfirmed",
        )
        about = {"status": UNCONFIRMED, "status_class": "strategy-state strategy-state-not-confirmed", "stopped": True}
    else:
        said = alert(f"{username} has no strategy {name} on {ticker}.", "yellow", "no-strategy")
        about = {"status": "unknown", "status_class": "strategy-state", "stopped": True}
    return {"actions": _NO_ACTIONS, **about, "notice": said, "all_hidden": True, "version": {"none": about["status"]}}


def _find(context: Context, username: str, ticker: str, name: str) -> tuple[StrategyRow | None, PositionRow | None]:
    """Return a strategy and its position, as far as there are any."""
    strategy = context.source.read(lambda reader: reader.strategy(username, ticker, name))
    if strategy is None:
        return None, None
    return strategy, context.source.read(lambda reader: reader.positions([strategy]))[0]

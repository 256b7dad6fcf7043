"""The bell in the header: how many alerts are new, a list of them, and a toast for each that comes."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from frontend.access import Viewer, viewer
from frontend.account_menu import shown_if
from frontend.addresses import strategy_address
from frontend.context import Context, in_thread, unfolded
from frontend.formats import ZONE, moment
from frontend.grids import named
from frontend.toasts import MOST_SHOWN, toast
from riskcontrol.alerts.box import FAILED, PENDING, SENT, Alert
from riskcontrol.errors import ServerError

CLOCK_MS = 2_000
"""How often a page asks whether there are new ones."""
MOST_LISTED = 30
_MOST_COUNTED = 99
_TOAST_SECONDS = 8.0
_CHANNELS = {"webhook": "webhook", "email": "e-mail"}
_STATES = {PENDING: "waits", SENT: "sent", FAILED: "failed"}


def button(who: Viewer) -> html.Div:
    """Return the bell; nobody sees it but somebody with an account.

    Args:
        who: Who asks.
    """
    unfolds: dict[str, Any] = {"aria-expanded": "false", "aria-controls": "bell-list"}
    return html.Div(
        [
            dcc.Interval(id="bell-clock", interval=CLOCK_MS, disabled=not who.username),
            dcc.Store(id="bell-known"),
            html.Button(
                [
                    html.Span(className="sign sign-bell"),
                    html.Span("List of alerts", className="unseen"),
                    html.Span(id="bell-count"),
                ],
                id="bell",
                type="button",
                className="bell",
                **unfolds,
            ),
            html.Div(id="bell-list", className="bell-list panel", hidden=True, role="region", **named("Alerts")),
        ],
        className="bell-frame",
        style=shown_if(bool(who.username)),
    )


def register(app: Dash, context: Context) -> None:
    """Add the bell's callbacks."""

    @app.callback(
        Output("bell-count", "children"),
        Output("bell-known", "data"),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("bell-clock", "n_intervals"),
        State("bell-known", "data"),
        running=[(Output("bell-clock", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    @in_thread
    def ring(n: Any, known: Any) -> tuple[Any, ...]:
        """Tell whether there are new ones; those that came while the page is open show themselves."""
        username = viewer().username
        if not username:
            return (no_update,) * 3
        try:
            last, seen = context.alerts.read(lambda alerts: alerts.unseen(username))
            before = known.get("last") if isinstance(known, dict) else None
            told = {"last": last, "seen": seen}
            if told == known:
                return (no_update,) * 3
            fresh = last - before if isinstance(before, int) else 0
            newest = context.alerts.read(lambda alerts: alerts.newest(username, MOST_SHOWN)) if fresh > 0 else []
        except ServerError:  # the frame says so
            return (no_update,) * 3
        return _counted(last - seen), told, toasts(newest[:fresh], fresh) if newest else no_update

    @app.callback(
        Output("bell-list", "children"),
        Output("bell-list", "hidden"),
        Output("bell", "aria-expanded"),
        Output("bell-count", "children", allow_duplicate=True),
        Input("bell", "n_clicks"),
        Input("bell-known", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def show(clicks: Any, known: Any) -> tuple[Any, ...]:
        """Unfold the list, and note that it was looked at."""
        username = viewer().username
        if not username or not unfolded(clicks):
            return no_update, True, "false", no_update
        try:
            newest = context.alerts.read(lambda alerts: alerts.newest(username, MOST_LISTED))
            if newest:
                context.alerts.read(lambda alerts: alerts.look(username, newest[0].number))
        except ServerError as error:
            return html.P(f"They can't be shown while the database is away: {error}"), False, "true", no_update
        return listed(newest), False, "true", _counted(0)


def toasts(newest: list[Alert], count: int) -> list[dict[str, Any]]:
    """Return what shows itself in a corner.

    Args:
        newest: The newest ones, the newest first.
        count: How many there are.
    """
    shown = []
    for alert in reversed(newest):
        shown += toast(alert.said, "blue", seconds=_TOAST_SECONDS, element_id=f"alert-{alert.number}")
    if count > len(newest):
        shown[0] = {**shown[0], "message": f"{count - len(newest) + 1:,} more alerts; the bell lists them."}
    return shown


def listed(alerts: list[Alert]) -> list[Any]:
    """Return the list, the newest first."""
    if not alerts:
        said = "No alerts yet. What you are told is set on the page of each of your strategies, under Alerts."
        return [html.P(said, className="hint")]
    return [
        html.H2("Alerts", className="section-title"),
        html.Ol([_item(alert) for alert in alerts], className="bell-items"),
        html.P(f"Times are the tape's, {ZONE}.", className="hint"),
    ]


def _item(alert: Alert) -> html.Li:
    states = [
        f"{words} {_STATES[state]}"
        for channel, words in _CHANNELS.items()
        if (state := alert.state(channel)) in _STATES
    ]
    address = strategy_address(alert.username, alert.ticker, alert.name)
    return html.Li(
        [
            html.Span([f"{moment(alert.time)} {ZONE}", *(f" · {words}" for words in states)], className="event-time"),
            html.Span([dcc.Link(f"{alert.name} on {alert.ticker}", href=address), f" {alert.words}"]),
        ]
    )


def _counted(count: int) -> list[Any]:
    if count <= 0:
        return []
    shown = str(count) if count <= _MOST_COUNTED else f"{_MOST_COUNTED}+"
    return [html.Span(shown, className="bell-number"), html.Span(" new", className="unseen")]

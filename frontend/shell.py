"""What surrounds every page: the ways to the others and to a user, the stream's state, the pipeline line, the clock."""

from __future__ import annotations

import time
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from frontend import bell
from frontend.access import viewer
from frontend.account_menu import account_menu, shown_if, visitor_store
from frontend.addresses import user_address
from frontend.busy import USUAL_MS
from frontend.calls import NOTHING, Answer
from frontend.context import Context, text
from frontend.grids import named
from frontend.market import Snapshot
from frontend.openings import maybe_waiting, waiting
from frontend.pulse import State as StreamState
from frontend.scripts import SCHEME
from frontend.shared import OfVersion
from frontend.toasts import MOST_SHOWN
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.strategy import check_username

TITLE = "RiskControl"
WIDE: dict[str, Any] = {"size": 1440, "px": 0}
"""How wide most pages are: arguments of a `dmc.Container`."""

_OUTPUTS = {
    "market": Output("market", "data"),
    "pipeline": Output("pipeline", "children"),
    "dot": Output("dot", "className"),
    "trouble": Output("trouble", "children"),
    "interval": Output("clock", "interval"),
}
"""What the clock's callback may change."""

INDEX = """<!DOCTYPE html>
<html lang="en">
    <head>
        {%metas%}
        <title>{%title%}</title>
        <link rel="icon" type="image/svg+xml" href="/assets/icon.svg">
        <script>{%scheme%}</script>
        {%css%}
    </head>
    <body>
        <a class="skip" href="#content">Skip to the content</a>
        {%app_entry%}
        <footer>{%config%}{%scripts%}{%renderer%}</footer>
    </body>
</html>""".replace("{%scheme%}", SCHEME)

THEME: dict[str, Any] = {
    "primaryColor": "blue",
    "primaryShade": 8,
    "defaultRadius": "md",
    "fontFamily": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif",
    "headings": {"fontWeight": "650"},
}


def titled(what: str) -> str:
    """Return the title of a page in the browser.

    >>> titled("IBM")
    'IBM · RiskControl'
    """
    return f"{what} · {TITLE}"


WAYS = {
    "overview": ("Overview", "/"),
    "leaders": ("Leaders", "/leaders"),
    "market": ("Market", "/market"),
    "health": ("Health", "/health"),
    "new": ("New strategy", "/new"),
}
"""What the navigation leads to; assets/riskcontrol.js adds the user visited last, which only the browser knows."""


def layout(*, simulated: bool = False) -> dmc.MantineProvider:
    """Return the frame that pages are shown in, as whoever asks may see it.

    Args:
        simulated: Whether it says that the trades are.
    """
    who = viewer()
    brand = dmc.Anchor(
        [html.Span(className="mark"), html.Span(TITLE, className="brand-name")],
        href="/",
        className="brand",
        underline="never",
        c="inherit",
        attributes={"root": {"aria-label": f"{TITLE}: start page"}},
    )
    find = dmc.TextInput(
        id="find-username",
        placeholder="Go to a user",
        attributes={"input": {"aria-label": "Go to a user", "autoCapitalize": "none", "spellCheck": "false"}},
        size="sm",
        className="find",
        style=shown_if(who.everything),
        debounce=True,  # sends its text together with Enter
    )
    scheme = dmc.ColorSchemeToggle(
        id="scheme",
        lightIcon=html.Span(className="sign sign-sun"),
        darkIcon=html.Span(className="sign sign-moon"),
        variant="default",
        size="lg",
        **{"aria-label": "Light or dark"},
    )
    burger = html.Div(
        dmc.Burger(
            id="burger",
            opened=False,
            size="sm",
            **{**named("Pages"), "aria-controls": "ways", "aria-expanded": "false"},
        ),
        className="burger",
    )
    ways = html.Nav(
        [
            dmc.Anchor(label, id=f"way-{name}", href=address, className="way", underline="never", c="inherit")
            for name, (label, address) in WAYS.items()
        ],
        id="ways",
        className="ways",
        style=shown_if(who.member),
        **named("Pages"),
    )
    header = html.Div(
        [burger, brand, ways, html.Div([find, bell.button(who), scheme, account_menu(who)], className="tools")],
        className="bar",
    )
    return dmc.MantineProvider(
        [
            dcc.Location(id="goto", refresh="callback-nav"),
            dcc.Interval(id="clock", interval=USUAL_MS),
            dcc.Store(id="market"),
            dcc.Store(id="pending", storage_type="session"),
            visitor_store(who),
            dmc.NotificationContainer(id="toasts", position="bottom-right", limit=MOST_SHOWN),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(header),
                    dmc.AppShellMain(
                        html.Div(
                            [html.Div(id="trouble", role="status", className="trouble"), dash.page_container],
                            id="content",
                            tabIndex="-1",
                        ),
                        className="page",
                    ),
                    dmc.AppShellFooter(
                        html.Div(
                            [
                                html.Span(["Simulated", html.Span(" trades")], className="badge simulated")
                                if simulated
                                else None,
                                html.Span(id="dot", className="dot"),
                                html.Span("Asking the pipeline …", id="pipeline"),
                            ],
                            className="bar pipeline",
                            role="contentinfo",
                        )
                    ),
                ],
                header={"height": 56},
                footer={"height": 34},
                padding="md",
            ),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )


def alert(message: str | list[Any], color: str, element_id: str | None = None) -> dmc.Alert:
    """Return a message across the page; a list may have links in it."""
    named = {"id": element_id} if element_id else {}
    return dmc.Alert(message, color=color, variant="light", className="message", **named)


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the frame."""
    told = OfVersion[Answer]()

    def answer(snapshot: Snapshot, shown: Any, asks: Any) -> Answer:
        interval = context.calls.busy.interval()
        pace = {} if interval == (asks or USUAL_MS) else {"interval": interval}
        if shown == snapshot.version:
            return Answer(_OUTPUTS, pace) if pace else NOTHING
        if pace:  # once a page: among the others' it would push out what most get
            return _told(snapshot, **pace)
        return told.value(snapshot.version, lambda: _told(snapshot))

    def at_once(n: Any, shown: Any, pending: Any, asks: Any) -> Answer | None:
        snapshot = context.market.at_hand()
        if snapshot is None or maybe_waiting(pending, time.time()):  # whether one is waiting takes time to read
            return None
        return answer(snapshot, shown, asks)

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={
            "n": Input("clock", "n_intervals"),
            "shown": State("market", "data"),
            "pending": State("pending", "data"),
            "asks": State("clock", "interval"),
        },
        at_once=at_once,
    )
    def beat(n: Any, shown: Any, pending: Any, asks: Any) -> Answer | dict[str, Any]:
        """Tell the page, once a second, whether anything it shows may have changed."""
        try:
            snapshot = context.market.snapshot()
        except ServerError as error:
            version = f"away {error}"
            if shown == version:
                return NOTHING
            message = f"The database is away: {error}. This page goes on by itself when it is back."
            trouble = alert(message, "red", "database-away")
            return {"market": version, "pipeline": "Database away", "dot": "dot dot-stopped", "trouble": trouble}
        if waiting(pending, time.time()):
            # An opening that isn't confirmed is asked about with each tick.
            return _told(snapshot, market=f"{snapshot.version} {n}")
        return answer(snapshot, shown, asks)

    @app.callback(
        Output("goto", "href", allow_duplicate=True),
        Output("find-username", "error"),
        Output("find-username", "value"),
        Input("find-username", "n_submit"),
        State("find-username", "value"),
        prevent_initial_call=True,
    )
    def find(n: Any, value: Any) -> tuple[Any, ...]:
        """Go to the user whose name was typed into the header."""
        return go_to(value)

    app.clientside_callback(
        ClientsideFunction("riskcontrol", "ways"),
        Input("_pages_location", "pathname"),
        Input("visitor", "data"),
    )
    app.clientside_callback(ClientsideFunction("riskcontrol", "fold"), Input("_pages_location", "pathname"))
    app.clientside_callback(
        ClientsideFunction("riskcontrol", "unfold"),
        Output("ways", "className"),
        Output("burger", "aria-expanded"),
        Input("burger", "opened"),
    )


def _told(snapshot: Snapshot, **more: Any) -> Answer:
    """Return what the frame shows of the market; `more` goes before it."""
    trouble = snapshot.pulse.trouble()
    running = snapshot.pulse.state is StreamState.RUNNING and not snapshot.pulse.behind
    values = {
        "market": snapshot.version,
        "pipeline": snapshot.pulse.words(),
        "dot": "dot dot-running" if running else "dot dot-stopped",
        "trouble": alert(trouble, "yellow", "stream-stopped") if trouble else None,
    }
    return Answer(_OUTPUTS, values | more)


def go_to(value: Any) -> tuple[Any, ...]:
    """Return where to go for a typed username, the error at its field, and what stays in the field."""
    typed = text(value, "username").lower()
    if not typed:
        return no_update, "Type a username", no_update
    try:
        return user_address(check_username(typed)), None, ""
    except StrategyError as error:
        return no_update, f"A username {error.message}", no_update

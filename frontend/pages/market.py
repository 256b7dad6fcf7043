"""The market at a glance: how fast it trades, what trades most, what moves, and the way to any ticker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from frontend.addresses import ticker_address
from frontend.board import LEAST_PRICE, Board, Quote, movers
from frontend.calls import NOTHING, Answer
from frontend.cards import card
from frontend.context import Context, in_thread, text
from frontend.controls import unfolding
from frontend.formats import NONE, ZONE, amount, compact, minute, signed_percent, tone
from frontend.market import Snapshot
from frontend.positions import Prices
from frontend.recent import Rates, Recent
from frontend.shared import OfVersion
from frontend.shell import WIDE, alert, titled
from riskcontrol.errors import ServerError
from riskcontrol.trades import NS_PER_MINUTE, TICKER_LENGTH

PAGE = {"path": "/market", "title": titled("Market")}

LISTS = {
    "active": ("Most active", "by money traded today"),
    "gainers": ("Gainers", f"since the day's first price, at ${LEAST_PRICE // 1_000_000} or more"),
    "losers": ("Losers", f"since the day's first price, at ${LEAST_PRICE // 1_000_000} or more"),
}
"""The lists of tickers, with their titles and what they are ranked by."""

_OUTPUTS = {
    **{name: Output(f"board-{name}", "children") for name in ("day", "cards", *LISTS, "notice")},
    "version": Output("board-version", "data"),
    "there": Output("board-there", "data"),
}
"""What the page's callback may change."""


def layout(**query: str) -> dmc.Container:
    """Return the page.

    Args:
        query: What follows the ``?`` of the address; nothing is looked at.
    """
    return dmc.Container(
        [
            dcc.Store(id="board-version"),
            dcc.Store(id="board-there"),
            html.Div(
                [
                    html.Div([dmc.Title("Market", order=1, size="h2"), html.Div(id="board-day", className="muted")]),
                    dmc.Select(
                        id="ticker-search",
                        placeholder="Find a ticker",
                        searchable=True,
                        data=[],
                        filter={"function": "tickers"},
                        selectFirstOptionOnChange=True,
                        nothingFoundMessage="No such ticker has traded",
                        **unfolding(
                            "Tickers",
                            {"aria-label": "Find a ticker", "maxLength": TICKER_LENGTH, "spellCheck": "false"},
                        ),
                        className="ticker-search",
                    ),
                ],
                className="market-head",
            ),
            html.Div(dmc.Text("Loading the market …", c="dimmed"), id="board-notice", role="status"),
            html.Div(id="board-cards", className="market-cards"),
            html.Div(
                [html.Section(id=f"board-{name}", className=f"quotes quotes-{name}") for name in LISTS],
                className="market-lists",
            ),
        ],
        **WIDE,
    )


def register(app: Dash, context: Context, recent: Recent) -> None:
    """Add the page's callbacks.

    Args:
        app: The application.
        context: What callbacks share.
        recent: The stream's last hour.
    """
    made = OfVersion[dict[str, Any]]()
    # On a page that shows something already, and on a new one.
    sent = {True: OfVersion[Answer](), False: OfVersion[Answer]()}

    def at_once(market: Any, shown: Any) -> Answer | None:
        snapshot, known = context.market.at_hand(), context.market.board_at_hand()
        if snapshot is None or known is None:
            return None
        version = _version(snapshot, known[0])
        return NOTHING if version == shown else sent[bool(shown)].at_hand(version)

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={"market": Input("market", "data"), "shown": State("board-version", "data")},
        at_once=at_once,
    )
    def refresh(market: Any, shown: Any) -> Answer | dict[str, Any]:
        """Bring the page up to date, where anything in it changed."""
        try:
            snapshot = context.market.snapshot()
            board = context.market.board()
            version = _version(snapshot, board)
            if version == shown:
                return NOTHING
            content = made.value(version, lambda: _shown(snapshot, board, recent.rates(snapshot)))
        except ServerError:
            if shown:  # what is on the page stays, under the frame's message
                return NOTHING
            return {"notice": alert("The market can't be shown while the database is away.", "gray")}
        values = {**content, "version": version, **({} if shown else {"there": "yes"})}
        return sent[bool(shown)].value(version, lambda: Answer(_OUTPUTS, values))

    @app.callback(
        Output("ticker-search", "data"),
        Input("board-there", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def known(there: Any) -> Any:
        """Tell the search all tickers, the most traded first, once the page is there; the browser looks among them."""
        try:
            board = context.market.board()
            prices = context.market.snapshot().prices
        except ServerError:
            return no_update  # the frame says already that the database is away
        traded = board.quotes if board else {}
        return [*traded, *sorted(prices.keys() - traded.keys())]

    @app.callback(
        Output("goto", "href", allow_duplicate=True),
        Output("ticker-search", "value"),
        Input("ticker-search", "value"),
        prevent_initial_call=True,
    )
    def find(value: Any) -> tuple[Any, ...]:
        """Go to the ticker that was chosen."""
        ticker = text(value, "ticker")
        return (ticker_address(ticker), None) if ticker else (no_update, no_update)


def _version(snapshot: Snapshot, board: Board | None) -> str:
    return f"{snapshot.version} {board.time if board else 0}"


def _shown(snapshot: Snapshot, board: Board | None, rates: Rates) -> dict[str, Any]:
    if board is None:
        message = "No minute of a trading day is over yet. Trades come with riskcontrol ingest; search works already."
        cards = [card("Trades/s", f"{rates.trades:,.0f}")]
        return {"day": "", "cards": cards, **dict.fromkeys(LISTS), "notice": alert(message, "blue")}
    day = f"{board.day:%A}, {board.day} · until {minute(board.time + NS_PER_MINUTE)} {ZONE}"
    figures = {
        "Trades/s, last minute": f"{rates.trades:,.0f}",
        "Tickers traded today": f"{board.tickers:,}",
        "Trades today": compact(board.trades),
        "Money traded today": f"${compact(board.notional // 1_000_000)}",
        "Rising : falling": f"{board.rising:,} : {board.falling:,}",
    }
    return {
        "day": day,
        "cards": [card(label, figure) for label, figure in figures.items()],
        "active": _quotes("active", board.active, snapshot.prices),
        "gainers": _quotes("gainers", movers(board.gainers, snapshot.prices), snapshot.prices),
        "losers": _quotes("losers", movers(board.losers, snapshot.prices, falling=True), snapshot.prices),
        "notice": None,
    }


def _quotes(name: str, quotes: Sequence[Quote], prices: Prices) -> list[Any]:
    """Return a list of tickers as a table."""
    title, ranked = LISTS[name]
    active = name == "active"
    heads = ["Ticker", "Last, $", "Change", *(["Money, $", "Shares", "Trades"] if active else ["Money, $"])]
    body = []
    for quote in quotes:
        last, change = quote.last(prices), quote.change(prices)
        numbers = [
            html.Td(amount(last) if last else NONE),
            html.Td(signed_percent(change) if change is not None else NONE, className=tone(change or 0.0) or None),
            html.Td(compact(quote.notional // 1_000_000)),
        ]
        if active:
            numbers += [html.Td(compact(quote.volume), className="wide"), html.Td(compact(quote.trades))]
        link = html.A(quote.ticker, href=ticker_address(quote.ticker), className="in-app")
        body.append(html.Tr([html.Th(link, scope="row"), *numbers]))
    caption = html.Caption([html.Span(title, className="quotes-title"), html.Span(ranked, className="muted")])
    if not body:
        return [html.Table([caption]), html.P("None so far.", className="muted quotes-none")]
    wide = {"Shares": "wide"}
    head = html.Thead(html.Tr([html.Th(label, scope="col", className=wide.get(label)) for label in heads]))
    return [html.Table([caption, head, html.Tbody(body)])]

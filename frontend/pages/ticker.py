"""A ticker's page: candles with the volume below them, the day so far, and the way to a strategy on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote as quoted
from urllib.parse import unquote

import dash_mantine_components as dmc
import numpy as np
import pandas as pd
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from frontend import candles, graphs, grids
from frontend.board import Board, Quote
from frontend.calls import Answer
from frontend.context import Context, in_thread, one_of, text, unfolded
from frontend.controls import choice
from frontend.figures import empty
from frontend.formats import NONE, ZONE, amount, compact, dollars, moment, signed_percent, tone
from frontend.market import Snapshot
from frontend.shell import TITLE, WIDE, alert, titled
from riskcontrol.errors import ServerError
from riskcontrol.newyork import date_of
from riskcontrol.trades import NS_PER_MINUTE, TICKER_PATTERN


def title(ticker: str = "") -> str:
    """Return the page's title; that of all pages where the address has no ticker."""
    ticker = unquote(ticker)
    return titled(ticker) if TICKER_PATTERN.fullmatch(ticker) else TITLE


PAGE = {"path_template": "/market/<ticker>", "title": title}

PERIODS = {"1d": ("Day", 1), "5d": ("5 days", 7), "1mo": ("Month", 31)}
"""What is shown, as the address says it: words, and how many calendar days."""
USUAL = {"1d": "1m", "5d": "5m", "1mo": "30m"}
"""Interval that a period is shown in where none is chosen."""
TABLE_ROWS = 500
"""Most rows of the table below the graph."""
_SATURDAY = 5

_OUTPUTS = {
    "figure": Output("candles", "figure"),
    "version": Output("candles-version", "data"),
    "last": Output("ticker-last", "children"),
    "figures": Output("ticker-figures", "children"),
    "note": Output("candles-note", "children"),
    "notice": Output("ticker-notice", "children"),
    "hidden": Output("ticker-all", "hidden"),
}
"""What the page's callback may change."""


def layout(ticker: str = "", period: str = "1d", interval: str = "", **query: str) -> dmc.Container:
    """Return the page of the address ``/market/TICKER?period=5d&interval=5m``.

    Args:
        ticker: Which, as the address has it.
        period: One of `PERIODS`.
        interval: One of `candles.INTERVALS`; empty for the period's usual one.
        query: The rest of what follows the ``?``; nothing is looked at.
    """
    ticker = unquote(ticker)
    to_market = html.A("Market", href="/market", className="in-app crumb")
    if not TICKER_PATTERN.fullmatch(ticker):
        message = (
            "No such ticker: one has up to 16 letters, digits or any of . / _ - and begins with a letter or digit."
        )
        return dmc.Container([to_market, alert(message, "red", "ticker-error")], **WIDE)
    period = one_of(period, PERIODS, "1d")
    interval = one_of(interval, candles.INTERVALS, USUAL[period])
    return dmc.Container(
        [
            dcc.Store(id="ticker", data=ticker),
            dcc.Store(id="candles-version"),
            dcc.Store(id="twin-version"),
            html.Div(
                [
                    html.Div(
                        [
                            to_market,
                            html.Div(
                                [dmc.Title(ticker, order=1, size="h2"), html.Div(id="ticker-last", className="last")],
                                className="ticker-title",
                            ),
                        ]
                    ),
                    html.A(
                        f"New strategy on {ticker}",
                        href=f"/new?ticker={quoted(ticker, safe='')}",
                        id="ticker-new",
                        className="in-app action",
                    ),
                ],
                className="market-head",
            ),
            html.Div(dmc.Text(f"Loading {ticker} …", c="dimmed"), id="ticker-notice", role="status"),
            html.Div(
                [
                    html.Dl(id="ticker-figures", className="ticker-figures"),
                    html.Section(
                        [
                            html.Div(
                                [
                                    _picker("period", {name: words for name, (words, _) in PERIODS.items()}, period),
                                    _picker(
                                        "interval",
                                        {name: name for name in candles.INTERVALS},
                                        interval,
                                    ),
                                    html.Span(id="candles-note", className="muted", role="status"),
                                ],
                                className="pickers",
                            ),
                            html.Div(
                                graphs.graph("candles"),
                                className="candles",
                            ),
                            html.P(candles.WICKS, className="hint"),
                            html.Details(
                                [
                                    html.Summary("As a table", id="candles-twin"),
                                    html.Div(_table(), id="candles-table", className="twin-grid"),
                                ]
                            ),
                        ],
                        className="panel candles-panel",
                        **grids.named(f"{ticker}: candles and volume"),
                    ),
                ],
                id="ticker-all",
                hidden=True,
            ),
        ],
        **WIDE,
    )


def _picker(name: str, labels: dict[str, str], value: str) -> html.Div:
    return html.Div(choice(f"candles-{name}", labels, value, about=name.capitalize()), className="scroll-x")


def _table() -> html.Div:
    return grids.grid(
        "candles-rows",
        [
            grids.pinned(grids.moments("time", f"Time ({ZONE})")),
            *(grids.number(name, name.capitalize(), 84, "price") for name in ("open", "high", "low", "close")),
            grids.number("volume", "Volume", 92, "count", "Shares"),
            grids.number("vwap", "VWAP", 92, "price", "Average price, weighted by volume"),
            grids.number("trades", "Trades", 84, "count"),
        ],
        label="The candles as a table",
        height=320,
        row_height=32,
    )


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""

    def at_once(market: Any, period: Any, interval: Any, ticker: Any, shown: Any) -> Answer | None:
        chosen, ticker = _chosen(period, interval), text(ticker, "ticker")
        snapshot, board = context.market.at_hand(), context.market.board_at_hand()
        if snapshot is None or board is None or not isinstance(shown, dict):
            return None
        known = _known(snapshot, board[0], ticker)
        changes = _moved(known, ticker, *chosen, shown) if known else None
        return None if changes is None else Answer(_OUTPUTS, changes)

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={
            "market": Input("market", "data"),
            "period": Input("candles-period", "value"),
            "interval": Input("candles-interval", "value"),
            "ticker": State("ticker", "data"),
            "shown": State("candles-version", "data"),
        },
        at_once=at_once,
    )
    def refresh(market: Any, period: Any, interval: Any, ticker: Any, shown: Any) -> dict[str, Any]:
        """Bring the page up to date: the whole graph, only its last price, or nothing."""
        chosen = _chosen(period, interval)
        ticker = text(ticker, "ticker")
        shown = shown if isinstance(shown, dict) else {}
        try:
            return _drawn(context, ticker, *chosen, shown)
        except ServerError:
            if shown:  # what is on the page stays, under the frame's message
                return {}
            return {"notice": alert(f"{ticker} can't be shown while the database is away.", "gray"), "hidden": True}

    @app.callback(
        Output("candles-rows", "rowData"),
        Output("twin-version", "data"),
        Input("candles-twin", "n_clicks"),
        Input("candles-version", "data"),
        State("ticker", "data"),
        State("candles-period", "value"),
        State("candles-interval", "value"),
        State("twin-version", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def twin(clicks: Any, version: Any, ticker: Any, period: Any, interval: Any, shown: Any) -> tuple[Any, Any]:
        """Fill the table below the graph while it is open, where its candles changed."""
        if not unfolded(clicks):
            return no_update, no_update
        drawn = [version.get("key"), version.get("bars")] if isinstance(version, dict) else None
        if drawn is not None and drawn == shown:
            return no_update, no_update
        ticker, (period, interval) = text(ticker, "ticker"), _chosen(period, interval)
        try:
            known = _known(context.market.snapshot(), context.market.board(), ticker)
            if known is None:
                return no_update, no_update
            _, bars = _bars(context, ticker, period, interval, known.latest)
        except ServerError:
            return no_update, no_update
        return [_row(bar) for bar in bars.iloc[: -TABLE_ROWS - 1 : -1].itertuples()], drawn

    app.clientside_callback(
        ClientsideFunction("market", "address"),
        Input("candles-period", "value"),
        Input("candles-interval", "value"),
    )


def _chosen(period: Any, interval: Any) -> tuple[str, str]:
    """Return what the pickers say; the usual where it isn't one of theirs."""
    period = one_of(text(period, "period"), PERIODS, "1d")
    return period, one_of(text(interval, "interval"), candles.INTERVALS, USUAL[period])


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a ticker that has traded."""

    latest: int
    """Time of its newest trade, or of the newest minute that counts it, nanoseconds UTC."""
    quote: Quote | None
    """Its day so far."""
    time: int
    last: int
    """Its last price, and when it was made; 0 before any."""
    snapshot: Snapshot

    def version(self, ticker: str, period: str, interval: str) -> dict[str, str]:
        """Return what tells whether anything has changed, as the browser keeps it."""
        # As text: JavaScript's numbers are too short for nanoseconds.
        return {
            "key": f"{ticker} {period} {interval}",
            "bars": str(self.latest // NS_PER_MINUTE),
            "day": str(self.quote.time if self.quote else 0),
            "last": f"{self.time} {self.last}",
        }


def _known(snapshot: Snapshot, board: Board | None, ticker: str) -> _Known | None:
    """Return what is known of a ticker; None if it never traded."""
    found = board.quotes.get(ticker) if board else None
    time, last = snapshot.prices.get(ticker, (0, 0))
    latest = max(time, found.time if found else 0)
    return _Known(latest, found, time, last or (found.close if found else 0), snapshot) if latest else None


def _bars(context: Context, ticker: str, period: str, interval: str, latest: int) -> tuple[str, pd.DataFrame]:
    """Return a period's candles, of the interval or of the next longer one that is not too many of them."""
    today = date_of(latest)
    days = [day for day in _days(today, PERIODS[period][1]) if day.weekday() < _SATURDAY or day == today]
    bars = context.source.read(lambda reader: context.past.bars(reader, ticker, days, today))
    return candles.fitted(bars, interval)


def _days(last: date, count: int) -> list[date]:
    return [last - timedelta(days=back) for back in range(count - 1, -1, -1)]


def _moved(known: _Known, ticker: str, period: str, interval: str, shown: dict[str, Any]) -> dict[str, Any] | None:
    """Return what changes on a page that shows the same candles, which may be nothing; None where it doesn't."""
    version = known.version(ticker, period, interval)
    if shown == version:
        return {}
    if any(shown.get(part) != version[part] for part in ("key", "bars")):
        return None
    moved = graphs.traces({candles.LAST: {"y": [dollars(known.last)] * 2}})
    return {**_described(known, version, shown), "figure": moved}


def _described(known: _Known, version: dict[str, str], shown: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a ticker above its candles, where it isn't there already."""
    said = {"version": version, "last": _last(known.last, known.time, known.quote, known.snapshot)}
    if shown.get("day") == version["day"] and shown.get("key") == version["key"]:
        return said
    return said | {"figures": _figures(known.quote), "notice": None, "hidden": False}


def _drawn(context: Context, ticker: str, period: str, interval: str, shown: dict[str, Any]) -> dict[str, Any]:
    known = _known(context.market.snapshot(), context.market.board(), ticker)
    if known is None:
        unknown = {"key": f"{ticker} {period} {interval}", "bars": "unknown"}
        if shown == unknown:
            return {}
        message = (
            f"{ticker} has not traded on this stream. Check the spelling, or find it on the market's page. A strategy "
            "on it can be opened all the same and waits for its first trade."
        )
        return {"version": unknown, "notice": alert(message, "yellow", "ticker-unknown"), "hidden": True}
    if (moved := _moved(known, ticker, period, interval, shown)) is not None:
        return moved
    version = known.version(ticker, period, interval)
    described = _described(known, version, shown)
    used, bars = _bars(context, ticker, period, interval, known.latest)
    if bars.empty:
        version["bars"] = ""
        return {**described, "figure": empty(f"{ticker}'s first minute isn't over yet"), "note": ""}
    key = version["key"]
    figure = candles.figure(bars, used, known.last, key=key)
    same = shown.get("key") == key and shown.get("bars")
    note = f"Shown in {used}: {interval} would be more than can be drawn." if used != interval else ""
    return {**described, "figure": graphs.renewed(figure, "xaxis.rangebreaks") if same else figure, "note": note}


def _last(last: int, time: int, quote: Quote | None, snapshot: Snapshot) -> list[Any]:
    change = quote.change(snapshot.prices) if quote else None
    said = [html.Span(f"${amount(last)}" if last else NONE, className="last-price")]
    if change is not None:
        said.append(html.Span(f"{signed_percent(change)} today", className=tone(change)))
    if time:
        said.append(html.Span(f"{moment(time)} {ZONE}", className="muted"))
    return said


def _figures(quote: Quote | None) -> list[Any]:
    if quote is None:
        return []
    vwap = round(quote.notional / quote.volume) if quote.volume else 0
    shown = {
        **{name.capitalize(): getattr(quote, name) for name in ("open", "high", "low")},
        "VWAP": vwap,
    }
    words = {label: f"${amount(_cents(micros))}" if micros else NONE for label, micros in shown.items()}
    words |= {
        "Shares": compact(quote.volume),
        "Money": f"${compact(quote.notional // 1_000_000)}",
        "Trades": f"{quote.trades:,}",
    }
    return [html.Div([html.Dt(label), html.Dd(value)]) for label, value in words.items()]


def _cents(micros: int) -> int:
    """Round an average to four decimals."""
    return round(micros, -2)


def _row(bar: Any) -> dict[str, Any]:
    """Return a row of the table from one with the columns of `Reader.bars`."""
    prices = {name: getattr(bar, name) for name in ("open", "high", "low", "close")}
    return {
        "id": str(bar.time),
        "time": moment(bar.time)[:16],
        **{name: dollars(price) if price else None for name, price in prices.items()},
        "volume": bar.volume,
        "vwap": float(np.round(bar.notional / bar.volume / 1e6, 4)) if bar.volume else None,
        "trades": bar.trades,
    }

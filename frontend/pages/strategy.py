"""The chosen strategy of a user's page: its graph over time, and the button that stops it."""

from __future__ import annotations

from typing import Any

import pandas as pd
from dash import Dash, Input, Output, Patch, State, ctx, no_update

from database.reads import PositionRow, StrategyRow
from frontend import history
from frontend.context import Context, in_thread, text, username_of
from frontend.figures import ALL, SHOWS, Y_AXES, empty, figure, live_end
from frontend.formats import ZONE, amount, dollars, moment, reason, rule
from frontend.market import Snapshot
from riskcontrol.errors import ServerError
from riskcontrol.strategy import Action, Strategy

MOST_FILLS = 500
"""Most fills in the table."""
FILLS_ROW, FILLS_HEADER = 32, 36
"""Heights of that table's parts, pixels."""
_FILLS_IN_VIEW, _BORDER = 8, 10

_OUTPUTS = {
    "figure": Output("graph", "figure"),
    "version": Output("graph-version", "data"),
    "frame": Output("graph-frame", "className"),
    "title": Output("detail-title", "children"),
    "rule": Output("detail-rule", "children"),
    "holds": Output("detail-holds", "children"),
    "stopped": Output("stop", "disabled"),
    "fills": Output("fills", "rowData"),
    "fills_size": Output("fills", "style"),
    "fills_title": Output("fills-title", "children"),
    "no_fills": Output("fills-panel", "hidden"),
}
"""What the graph's callback may change."""


def register(app: Dash, context: Context) -> None:
    """Add the callbacks."""

    @app.callback(
        output=_OUTPUTS,
        inputs=[
            Input("chosen", "data"),
            Input("show", "value"),
            Input("table-version", "data"),
            State("username", "data"),
            State("graph-version", "data"),
        ],
        running=[(Output("clock", "disabled"), True, False)],
    )
    @in_thread
    def draw(chosen: Any, show: Any, table: Any, username: Any, shown: Any) -> dict[str, Any]:
        """Bring the graph up to date: whole, only its live end, or not at all."""
        username, show = username_of(username), _show(show)
        ticker, name = _chosen(chosen)
        if not name:
            return _changed()
        try:
            strategy, position = _find(context, username, ticker, name)
            market = context.market.snapshot()
            return _drawn(context, strategy, position, market, (ticker, name), show, shown)
        except ServerError as error:
            if shown:
                return _changed()
            message = empty(f"The database is away: {error}")
            return _bare(message, f"{ticker} · {name}", None, version=None, stopped=True)

    @app.callback(
        Output("stop-dialog", "opened"),
        Output("stop-question", "children"),
        Output("toasts", "sendNotifications", allow_duplicate=True),
        Input("stop", "n_clicks"),
        Input("stop-cancel", "n_clicks"),
        Input("stop-confirm", "n_clicks"),
        State("username", "data"),
        State("chosen", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def stop(asked: Any, cancelled: Any, confirmed: Any, username: Any, chosen: Any) -> tuple[Any, ...]:
        """Ask, then stop the chosen strategy."""
        if not (asked or cancelled or confirmed):  # called because the page appeared
            return (no_update,) * 3
        username = username_of(username)
        ticker, name = _chosen(chosen)
        if ctx.triggered_id == "stop" and name:
            question = f"{name} on {ticker} will not trade any more. Its cash and shares stay as they are."
            return True, question, no_update
        if ctx.triggered_id != "stop-confirm" or not name:
            return False, no_update, no_update
        try:
            strategy, _ = _find(context, username, ticker, name)
            if strategy is None:
                return False, no_update, toast(f"{name} on {ticker} isn't known to the stream yet.", "yellow")
            context.publish(strategy, Action.STOP)
        except ServerError as error:
            return False, no_update, toast(f"It was not stopped. {error}", "red")
        return False, no_update, toast(f"Stop of {name} on {ticker} sent to the stream.", "blue")


def toast(message: str, color: str) -> list[dict[str, Any]]:
    """Return a message that shows itself in a corner for some seconds."""
    return [{"action": "show", "message": message, "color": color, "autoClose": 6_000, "withBorder": True}]


def _show(value: Any) -> str:
    show = text(value, "show")
    return show if show in SHOWS else "value"


def _chosen(value: Any) -> tuple[str, str]:
    """Return ticker and name of the chosen strategy; empty ones if none is."""
    if value is None:
        return "", ""
    ticker, _, name = text(value, "chosen").partition(" ")
    return ticker, name


def _find(context: Context, username: str, ticker: str, name: str) -> tuple[StrategyRow | None, PositionRow | None]:
    """Return a strategy and its position, as far as there are any."""
    strategies = context.source.read(lambda reader: reader.strategies(username))
    found = [row for row in strategies if (row.ticker, row.name) == (ticker, name)]
    if not found:
        return None, None
    return found[0], context.source.read(lambda reader: reader.positions(found))[0]


def _drawn(
    context: Context,
    strategy: StrategyRow | None,
    position: PositionRow | None,
    market: Snapshot,
    chosen: tuple[str, str],
    show: str,
    shown: Any,
) -> dict[str, Any]:
    ticker, name = chosen
    title = f"{ticker} · {name}"
    if strategy is None or position is None:
        version = {"key": title, "history": "none"}
        if shown == version:
            return _changed()
        message = empty(f"Waiting for the first trade of {ticker}")
        return _bare(message, title, strategy, version=version, stopped=strategy is None)
    mark = market.prices.get(ticker)
    key = f"{strategy.username} {ticker} {name}"
    # As text: JavaScript's numbers are too short for nanoseconds.
    marked = " ".join(map(str, mark or ()))
    version = {"key": key, "show": show, "history": history.version(position, mark), "mark": marked}
    shown = shown if isinstance(shown, dict) else {}
    stopped = position.status != "running" or strategy.stopped is not None
    same = all(shown.get(part) == version[part] for part in ("key", "show", "history"))
    if same and shown.get("mark") == marked:
        return _changed()
    try:
        if same and mark and (before := history.parse_point(shown.get("before"))):
            patch = Patch()
            for number, changes in live_end(history.live(strategy, position, before, mark), show).items():
                for axis, values in changes.items():
                    patch["data"][number][axis] = values
            return _changed(figure=patch, version={**version, "before": shown["before"]})
        report = context.source.read(lambda reader: context.reports.of(reader, strategy, position, mark))
        if mark:  # the report may be some seconds old
            time, price = report.curve.time[-2:][0], report.curve.price[-2:][0]
            history.live(strategy, position, (int(time), int(price)), mark)
    except OverflowError as error:
        return _bare(empty(f"There is no graph: {error}"), title, strategy, version=None, stopped=stopped)
    curve, fills = report.curve, report.fills
    version["before"] = " ".join(str(column[-2:][0]) for column in (curve.time, curve.price))
    new = figure(curve, history.marks(fills), show, key=key)
    known = shown.get("key") == key
    frame = "graph graph-all" if show == ALL else "graph"
    return _described(title, strategy, stopped=stopped) | {
        "figure": changes_of(new, same_axes=shown.get("show") == show) if known else new,
        "version": version,
        "frame": frame,
        "holds": holding(position),
        **_fills(fills, position.fills),
    }


def _changed(**values: Any) -> dict[str, Any]:
    """Return what the callback of the graph answers where only these outputs change."""
    return {**dict.fromkeys(_OUTPUTS, no_update), **values}


def _described(title: str, strategy: Strategy | None, *, stopped: bool) -> dict[str, Any]:
    words = rule(strategy.shape, strategy.parameters, strategy.terms) if strategy else ()
    return {"title": title, "rule": "\n".join(filter(None, words)), "stopped": stopped}


def _bare(
    message: dict[str, Any], title: str, strategy: Strategy | None, *, version: Any, stopped: bool
) -> dict[str, Any]:
    """Return what is shown of a strategy without a graph."""
    described = _described(title, strategy, stopped=stopped)
    return described | {
        "figure": message,
        "version": version,
        "frame": "graph",
        "holds": "",
        "fills": [],
        "fills_size": no_update,
        "fills_title": "",
        "no_fills": True,
    }


def _fills(fills: pd.DataFrame, count: int) -> dict[str, Any]:
    """Return the table of fills, the newest first; `count` is how many there are in all."""
    newest = fills.iloc[: -MOST_FILLS - 1 : -1]
    height = FILLS_HEADER + FILLS_ROW * min(len(newest), _FILLS_IN_VIEW) + _BORDER
    title = "Fills" if count <= len(newest) else f"Fills, the newest {len(newest):,} of {count:,}"
    return {
        "fills": [fill_row(row) for row in newest.itertuples()],
        "fills_size": {"height": height},
        "fills_title": title,
        "no_fills": not len(newest),
    }


def fill_row(fill: Any) -> dict[str, Any]:
    """Return a row of the table of fills from one with the columns of `Reader.fills`."""
    return {
        "id": str(fill.number),
        "number": fill.number,
        "time": moment(fill.time),
        "reason": reason(fill.reason),
        "shares": fill.shares,
        "price": dollars(fill.price),
        "fee": dollars(fill.fee),
        "cash": dollars(fill.cash),
    }


def holding(position: PositionRow) -> str:
    """Write what a position holds and since when."""
    if not position.shares:
        return "Holds no shares"
    return f"Holds {position.shares:,} shares bought at ${amount(position.entry)} on {moment(position.entered)} {ZONE}"


def changes_of(new: dict[str, Any], *, same_axes: bool) -> Patch:
    """Return what changes the graph of a strategy into a new one of the same.

    The browser keeps zoom and selection in the layout, so no axis is sent that stays.

    Args:
        new: The graph to be shown.
        same_axes: Whether it shows the same series.
    """
    patch = Patch()
    patch["data"] = new["data"]
    layout = new["layout"]
    patch["layout"]["xaxis"]["rangebreaks"] = layout["xaxis"]["rangebreaks"]
    if not same_axes:
        patch["layout"]["xaxis"]["anchor"] = layout["xaxis"]["anchor"]
        for axis in Y_AXES:
            patch["layout"][axis] = layout.get(axis, {"visible": False})
    return patch

"""The chosen strategy of a user's page: its graph over time, and the button that stops it."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, Patch, State, ctx, no_update

from database.reads import PositionRow, StrategyRow
from frontend import history
from frontend.context import Context, in_thread, text, username_of
from frontend.figures import ALL, SHOWS, Y_AXES, empty, figure, live_end
from frontend.formats import rule
from frontend.market import Snapshot
from riskcontrol.errors import ServerError
from riskcontrol.strategy import Action, FillMode, Strategy


def register(app: Dash, context: Context) -> None:
    """Add the callbacks."""

    @app.callback(
        Output("graph", "figure"),
        Output("graph-version", "data"),
        Output("graph-frame", "className"),
        Output("detail-title", "children"),
        Output("detail-rule", "children"),
        Output("stop", "disabled"),
        Input("chosen", "data"),
        Input("show", "value"),
        Input("table-version", "data"),
        State("username", "data"),
        State("graph-version", "data"),
        running=[(Output("clock", "disabled"), True, False)],
    )
    @in_thread
    def draw(chosen: Any, show: Any, table: Any, username: Any, shown: Any) -> tuple[Any, ...]:
        """Bring the graph up to date: whole, only its live end, or not at all."""
        username, show = username_of(username), _show(show)
        ticker, name = _chosen(chosen)
        if not name:
            return (no_update,) * 6
        try:
            strategy, position = _find(context, username, ticker, name)
            market = context.market.snapshot()
            return _drawn(context, strategy, position, market, (ticker, name), show, shown)
        except ServerError as error:
            if shown:
                return (no_update,) * 6
            return empty(f"The database is away: {error}"), None, "graph", f"{ticker} · {name}", "", True

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
            context.publish(_as_opened(strategy), Action.STOP)
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


def _as_opened(row: StrategyRow) -> Strategy:
    return Strategy(
        row.username, row.name, row.ticker, row.cash, row.buy_below, row.sell_above, FillMode[row.fill.upper()]
    )


def _drawn(
    context: Context,
    strategy: StrategyRow | None,
    position: PositionRow | None,
    market: Snapshot,
    chosen: tuple[str, str],
    show: str,
    shown: Any,
) -> tuple[Any, ...]:
    ticker, name = chosen
    title = f"{ticker} · {name}"
    if strategy is None or position is None:
        version = {"key": title, "history": "none"}
        if shown == version:
            return (no_update,) * 6
        words = rule(strategy.buy_below, strategy.sell_above) if strategy else ""
        return empty(f"Waiting for the first trade of {ticker}"), version, "graph", title, words, strategy is None
    mark = market.prices.get(ticker)
    key = f"{strategy.username} {ticker} {name}"
    # As text: JavaScript's numbers are too short for nanoseconds.
    marked = " ".join(map(str, mark or ()))
    version = {"key": key, "show": show, "history": history.version(position, mark), "mark": marked}
    shown = shown if isinstance(shown, dict) else {}
    words = rule(strategy.buy_below, strategy.sell_above)
    stopped = position.status != "running" or strategy.stopped is not None
    same = all(shown.get(part) == version[part] for part in ("key", "show", "history"))
    if same and shown.get("mark") == marked:
        return (no_update,) * 6
    try:
        if same and mark and (before := history.parse_point(shown.get("before"))):
            patch = Patch()
            for number, changes in live_end(history.live(strategy, position, before, mark), show).items():
                for axis, values in changes.items():
                    patch["data"][number][axis] = values
            return patch, {**version, "before": shown["before"]}, no_update, no_update, no_update, no_update
        curve, fills = context.source.read(lambda reader: history.load(reader, context.past, strategy, position, mark))
    except OverflowError as error:
        return empty(f"There is no graph: {error}"), None, "graph", title, words, stopped
    frame = "graph graph-all" if show == ALL else "graph"
    version["before"] = " ".join(str(column[-2:][0]) for column in (curve.time, curve.price))
    new = figure(curve, fills, show, key=key)
    if shown.get("key") == key:
        return changes_of(new, same_axes=shown.get("show") == show), version, frame, title, words, stopped
    return new, version, frame, title, words, stopped


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

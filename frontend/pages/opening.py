"""Opening a strategy from the form of a user's page."""

from __future__ import annotations

import time
from typing import Any

from dash import Dash, Input, Output, State, ctx, no_update

from frontend import form
from frontend.addresses import user_address
from frontend.context import Context, in_thread, text, username_of
from frontend.openings import MOST, pending, sent
from frontend.pages.strategy import toast
from frontend.shell import alert
from riskcontrol.errors import ServerError
from riskcontrol.strategy import Action, Strategy


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the form."""

    @app.callback(
        Output("new-strategy", "opened"),
        Output("new-username", "value"),
        Output("new-message", "children"),
        Input("new-open", "n_clicks"),
        Input("new-cancel", "n_clicks"),
        State("username", "data"),
        prevent_initial_call=True,
    )
    def show(asked: Any, cancelled: Any, username: Any) -> tuple[Any, ...]:
        """Open the form for this page's user, or close it."""
        return ctx.triggered_id == "new-open", username_of(username), None

    @app.callback(
        Output("new-ticker-hint", "children"),
        Input("new-ticker", "value"),
        prevent_initial_call=True,
    )
    @in_thread
    def hint(typed: Any) -> Any:
        """Warn of a ticker that the stream has never traded."""
        try:
            warning = form.ticker_hint(text(typed, "ticker"), context.market.snapshot().prices)
        except ServerError:
            return None  # the frame says already that the database is away
        return alert(warning, "yellow", "ticker-warning") if warning else None

    @app.callback(
        *(Output(form.element(field), "error") for field in form.FIELDS),
        Output("new-message", "children", allow_duplicate=True),
        Output("new-strategy", "opened", allow_duplicate=True),
        Output("new-name", "value"),
        Output("pending", "data"),
        Output("toasts", "sendNotifications"),
        Output("goto", "href", allow_duplicate=True),
        Input("new-submit", "n_clicks"),
        *(State(form.element(field), "value") for field in form.FIELDS),
        State("new-fill", "value"),
        State("pending", "data"),
        State("username", "data"),
        running=[(Output("new-submit", "loading"), True, False)],
        prevent_initial_call=True,
    )
    @in_thread
    def submit(clicks: Any, *typed: Any) -> tuple[Any, ...]:
        """Check what was typed and send it to the stream."""
        if not clicks:  # called because the page appeared
            return (no_update,) * (len(form.FIELDS) + 6)
        *fields, fill, kept, page = typed
        values = {field: text(value, field) for field, value in zip(form.FIELDS, fields, strict=True)}
        mode = "same" if text(fill, "fill") == "same" else "next"
        strategy, errors = form.read(values, mode)
        message = None
        if strategy is not None:
            try:
                if _taken(context, strategy, kept):
                    errors = {"name": f"{strategy.username} has {strategy.name!r} on {strategy.ticker} already"}
                else:
                    context.publish(strategy, Action.OPEN)
            except ServerError as error:
                message = alert(f"It was not opened. {error}", "red", "new-failure")
        shown = tuple(errors.get(field) for field in form.FIELDS)
        if strategy is None or errors or message is not None:
            return (*shown, message, no_update, no_update, no_update, no_update, no_update)
        told = toast(f"{strategy.name} on {strategy.ticker} opened, waiting for its first trade.", "green")
        keep = [*(kept if isinstance(kept, list) else []), sent(strategy, time.time())][-MOST:]
        elsewhere = user_address(strategy.username) if strategy.username != page else no_update
        return (*shown, None, False, "", keep, told, elsewhere)


def _taken(context: Context, strategy: Strategy, kept: Any) -> bool:
    """Tell whether the user has a strategy of this name on the ticker; if the database is away, the job will know."""
    mine = (strategy.ticker, strategy.name)
    if any(mine == (sent.ticker, sent.name) for sent in pending(kept, strategy.username, time.time())):
        return True
    known = context.source.read(lambda reader: reader.strategies(strategy.username))
    return any(mine == (row.ticker, row.name) for row in known)

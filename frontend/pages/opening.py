"""Sending the strategy that was written to the stream."""

from __future__ import annotations

import time
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from frontend import fields, form
from frontend.addresses import strategy_address
from frontend.answers import changed
from frontend.context import Context, in_thread
from frontend.form import FIELDS, Problem, element
from frontend.openings import MOST, sent
from frontend.pages.new import find, names_of, source_of, taken, values_of
from frontend.shell import alert
from frontend.toasts import toast
from riskcontrol.errors import ServerError
from riskcontrol.strategy import Action

_OUTPUTS = {
    "errors": {name: Output(element(name), "error", allow_duplicate=True) for name in fields.MARKED},
    "unfolded": Output("new-options", "value", allow_duplicate=True),
    "message": Output("new-message", "children"),
    "sent": Output("new-sent", "data"),
}
"""All of them on the page: with one outside it, Dash would call `submit` as the page appears, and while that runs the
button is disabled and loses clicks."""


def register(app: Dash, context: Context) -> None:
    """Add the callbacks that send a strategy."""

    @app.callback(
        output=_OUTPUTS,
        inputs={
            "clicks": Input("new-submit", "n_clicks"),
            "typed": {name: State(element(name), "value") for name in FIELDS},
            "kept": State("pending", "data"),
            "source": State("new-source", "data"),
        },
        running=[(Output("new-submit", "loading"), True, False)],
        prevent_initial_call=True,
    )
    @in_thread
    def submit(clicks: Any, typed: Any, kept: Any, source: Any) -> dict[str, Any]:
        """Check what was typed and send it to the stream; of a new version, stop the old one after that."""
        if not clicks:  # nobody asked for it
            raise PreventUpdate
        values = values_of({element(name): value for name, value in typed.items()})
        version = source_of(source)
        if version is not None and not version["edit"]:
            version = None
        reading = form.read(values)
        problems = dict(reading.problems)
        if version is not None:
            problems |= _moved(values, version)
        if problems or reading.strategy is None:
            return _refused(problems)
        strategy = reading.strategy
        try:
            if values["name"]:
                problems = taken(context, values, kept)
            else:
                names = names_of(context, strategy.username, strategy.ticker, kept)
                made = form.free_name(values["template"] or "strategy", names)
                strategy = form.read({**values, "name": made}).strategy or strategy
            if problems:
                return _refused(problems)
            context.publish(strategy, Action.OPEN)
        except ServerError as error:
            return _answer({}, message=alert(f"It was not opened. {error}", "red", "new-failure"))
        said, color = f"{strategy.name} on {strategy.ticker} was sent to the stream.", "blue"
        if version is not None:
            said, color = _stop(context, version, said)
        return _answer(
            {},
            message=None,
            sent={
                "pending": [*(kept if isinstance(kept, list) else []), sent(strategy, time.time())][-MOST:],
                "toasts": toast(said, color),
                "address": strategy_address(strategy.username, strategy.ticker, strategy.name),
                "visitor": strategy.username,
            },
        )

    # It hands the frame what is the frame's, and forgets the draft before it leads away.
    app.clientside_callback(
        ClientsideFunction("strategy_form", "leave"),
        Output("goto", "href", allow_duplicate=True),
        Input("new-sent", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(ClientsideFunction("strategy_form", "focus"), Input("new-message", "children"))


def _answer(problems: dict[str, Problem], **values: Any) -> dict[str, Any]:
    errors = {name: fields.error(problems.get(name)) for name in fields.MARKED}
    return changed(_OUTPUTS, errors=errors, **values)


def _refused(problems: dict[str, Problem]) -> dict[str, Any]:
    message = "It was not opened: what has to be mended is marked above."
    unfolded = "options" if set(problems) & set(form.OPTIONS) else no_update
    return _answer(problems, message=alert(message, "red", "new-failure"), unfolded=unfolded)


def _moved(values: dict[str, str], version: dict[str, Any]) -> dict[str, Problem]:
    """Return what is wrong with a new version that isn't its user's, or isn't on its ticker."""
    given = {"username": values["username"].lower(), "ticker": values["ticker"]}
    return {
        name: Problem(f"a new version of {version['name']} stays with {version[name]}")
        for name in given
        if given[name] != version[name]
    }


def _stop(context: Context, version: dict[str, Any], told: str) -> tuple[str, str]:
    """Stop the strategy that there is a new version of; returns what to say, and its colour."""
    name = version["name"]
    try:
        old = find(context, version)
        if old is None or old.stopped is not None:
            return told, "blue"
        context.publish(old, Action.STOP)
    except ServerError as error:
        return f"{told} But {name} was not stopped: {error} Stop it on its page.", "red"
    return f"{told} So was the stop of {name}.", "blue"

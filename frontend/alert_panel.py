"""What the owner of a strategy is told of it, and where: a small form on the strategy's page."""

from __future__ import annotations

import re
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update
from dash.exceptions import PreventUpdate
from fastapi import HTTPException

from frontend.answers import changed
from frontend.context import Context, in_thread, text, which_of
from frontend.controls import unfolding
from frontend.grids import named
from frontend.own_alerts import Wanted
from frontend.shell import alert
from frontend.toasts import toast
from riskcontrol.alerts.addresses import LONGEST_URL
from riskcontrol.alerts.hours import USUAL_ZONE, read_quiet, zones
from riskcontrol.alerts.rules import (
    LONGEST_EMAIL,
    MOST_CAP,
    USUAL_CAP,
    Contact,
    Rule,
    check_email,
    percent_text,
    read_cap,
    read_drawdown,
)
from riskcontrol.errors import AlertError, ServerError

SWITCHES = ("fills", "verdict", "webhook", "email")
"""What is on or off."""
TEXTS = {"drawdown": 20, "url": LONGEST_URL, "address": LONGEST_EMAIL, "code": 20, "quiet": 20, "zone": 60, "cap": 10}
"""What is typed, and how long it may be."""
_MARKED = ("drawdown", "url", "address", "code", "quiet", "zone", "cap")
_FIELDS = {"email": "address"}
"""Where an error is shown whose field isn't called as the form calls it."""

_SHOWN = {
    "opened": Output("alerts-dialog", "opened", allow_duplicate=True),
    "switches": {name: Output(f"alerts-{name}", "checked") for name in SWITCHES},
    "texts": {name: Output(f"alerts-{name}", "value") for name in TEXTS},
    "zones": Output("alerts-zone", "data"),
    "about": Output("alerts-about", "children"),
    "message": Output("alerts-message", "children", allow_duplicate=True),
}
_SAVED = {
    "opened": Output("alerts-dialog", "opened"),
    "errors": {name: Output(f"alerts-{name}", "error") for name in _MARKED},
    "message": Output("alerts-message", "children"),
    "toasts": Output("toasts", "sendNotifications", allow_duplicate=True),
}


def dialog() -> dmc.Modal:
    """Return the form; it is filled when it is opened."""
    what = html.Fieldset(
        [
            html.Legend("Tell me"),
            _switch("fills", "each fill"),
            _switch("verdict", "when the verdict changes"),
            _text("drawdown", "when it falls further from a peak than, %", "no limit", inputMode="decimal"),
        ],
        className="alert-fields",
    )
    where = html.Fieldset(
        [
            html.Legend("In the list under the bell, and of this strategy also"),
            html.Div([_switch("webhook", "by webhook"), _switch("email", "by e-mail")], className="alert-row"),
        ],
        className="alert-fields",
    )
    places = html.Fieldset(
        [
            html.Legend("Where and when, for all my strategies"),
            _text("url", "Webhook", "https://example.com/hook", inputMode="url"),
            html.Div(
                [
                    _text("address", "E-mail", "ann@example.com", inputMode="email"),
                    _text("code", "Code from the e-mail", "to confirm it"),
                ],
                className="alert-row",
            ),
            html.Div(
                [
                    _text("quiet", "Quiet hours", "22:00-07:00"),
                    dmc.Select(
                        id="alerts-zone",
                        label="by the clock of",
                        data=[USUAL_ZONE],
                        value=USUAL_ZONE,
                        searchable=True,
                        allowDeselect=False,
                        limit=50,
                        nothingFoundMessage="No such time zone",
                        **unfolding("Time zones"),
                    ),
                ],
                className="alert-row",
            ),
            _text("cap", f"Messages an hour, 1 to {MOST_CAP}, to each place", str(USUAL_CAP), inputMode="numeric"),
            html.P("What comes in quiet hours or beyond that is told together, later.", className="hint"),
            html.P(id="alerts-about", className="hint"),
        ],
        className="alert-fields",
    )
    buttons = dmc.Group(
        [
            dmc.Button("Close", id="alerts-close", variant="default"),
            dmc.Button("Save", id="alerts-save"),
        ],
        justify="flex-end",
    )
    return dmc.Modal(
        [what, where, places, html.Div(id="alerts-message", role="status"), buttons],
        id="alerts-dialog",
        title="Alerts of this strategy",
        closeButtonProps=named("Close"),
        opened=False,
    )


def register(app: Dash, context: Context) -> None:
    """Add the form's callbacks."""

    @app.callback(
        output=_SHOWN,
        inputs={
            "clicks": Input("alerts-open", "n_clicks"),
            "which": State("strategy", "data"),
        },
        prevent_initial_call=True,
    )
    @in_thread
    def show(clicks: Any, which: Any) -> dict[str, Any]:
        """Open the form with what is set."""
        if not clicks:
            raise PreventUpdate
        key = which_of(which)
        try:
            rule = context.alerts.read(lambda alerts: alerts.rule(*key)) or Rule(*key)
            contact = context.alerts.read(lambda alerts: alerts.contact(key[0]))
        except ServerError as error:
            said = alert(f"What is set can't be shown while the database is away: {error}", "gray")
            return {
                **changed(_SHOWN, opened=True, message=said),
                "switches": dict.fromkeys(SWITCHES, no_update),
                "texts": dict.fromkeys(TEXTS, no_update),
            }
        return {
            "opened": True,
            "switches": {
                "fills": rule.fills is not None,
                "verdict": rule.verdict is not None,
                "webhook": rule.webhook,
                "email": rule.email,
            },
            "texts": {
                "drawdown": percent_text(rule.drawdown) if rule.drawdown else "",
                "url": contact.url,
                "address": contact.email,
                "code": "",
                "quiet": contact.quiet.span if contact.quiet else "",
                "zone": contact.quiet.zone if contact.quiet else USUAL_ZONE,
                "cap": str(contact.cap),
            },
            "zones": sorted(zones()),
            "about": _about(contact, mail=bool(context.settings.smtp)),
            "message": None,
        }

    @app.callback(
        output=_SAVED,
        inputs={
            "save": Input("alerts-save", "n_clicks"),
            "which": State("strategy", "data"),
            "switches": {name: State(f"alerts-{name}", "checked") for name in SWITCHES},
            "texts": {name: State(f"alerts-{name}", "value") for name in TEXTS},
        },
        running=[(Output("alerts-save", "loading"), True, False)],
        prevent_initial_call=True,
    )
    @in_thread
    def save(save: Any, which: Any, switches: Any, texts: Any) -> dict[str, Any]:
        """Check what was typed and keep it."""
        if not save:
            raise PreventUpdate
        key = which_of(which)
        typed = {name: text(texts.get(name), name, most + 20) for name, most in TEXTS.items()}
        try:
            wanted = wanted_of(key, {name: switches.get(name) is True for name in SWITCHES}, typed)
            count = _fills(context, key)
            contact, secret = context.alerts.read(lambda alerts: alerts.set(wanted, count))
        except AlertError as error:
            return _refused(error)
        except ServerError as error:
            return _answer({}, message=alert(f"It was not saved. {error}", "red"))
        said = [_secret(secret)] if secret else []
        if contact.email and not contact.confirmed:
            said.append(alert(f"A code is on its way to {contact.email}: type it above, and save again.", "blue"))
        told = toast("Alerts are saved.", "green")
        return _answer({}, opened=bool(said), message=said, toasts=told)

    @app.callback(
        Output("alerts-dialog", "opened", allow_duplicate=True),
        Input("alerts-close", "n_clicks"),
        prevent_initial_call=True,
    )
    def close(clicks: Any) -> Any:
        """Close the form."""
        return no_update if not clicks else False


def wanted_of(key: tuple[str, str, str], switches: dict[str, bool], typed: dict[str, str]) -> Wanted:
    """Return what was typed, as it is wanted.

    Args:
        key: Username, ticker and name of the strategy.
        switches: By `SWITCHES`.
        typed: By `TEXTS`.

    Raises:
        AlertError: Some of it can't be accepted; the first.
    """
    rule = Rule(
        *key,
        drawdown=read_drawdown(typed["drawdown"]) if typed["drawdown"] else None,
        webhook=switches["webhook"],
        email=switches["email"],
    )
    if rule.webhook and not typed["url"]:
        raise AlertError("must be there for what goes by webhook", field="url")
    if rule.email and not typed["address"]:
        raise AlertError("must be there for what goes by e-mail", field="email")
    if typed["address"]:
        check_email(typed["address"])
    quiet = read_quiet(typed["quiet"], typed["zone"] or USUAL_ZONE)
    contact = Contact(key[0], typed["url"], "", typed["address"], quiet=quiet, cap=read_cap(typed["cap"]))
    return Wanted(rule, switches["fills"], switches["verdict"], contact, typed["code"])


def _fills(context: Context, key: tuple[str, str, str]) -> int:
    """Return how many fills a strategy has.

    Raises:
        HTTPException: There is no such strategy.
        ServerError: The database is away.
    """
    strategy = context.source.read(lambda reader: reader.strategy(*key))
    if strategy is None:
        raise HTTPException(404, "no such strategy")
    position = context.source.read(lambda reader: reader.positions([strategy]))[0]
    return position.fills if position else 0


def _answer(errors: dict[str, str], **values: Any) -> dict[str, Any]:
    return changed(_SAVED, errors={name: errors.get(name) for name in _MARKED}, **values)


def _refused(error: AlertError) -> dict[str, Any]:
    field = _FIELDS.get(error.field, error.field)
    said = re.sub(r"^\w", lambda first: first[0].upper(), f"It {error.message}.")
    if field in _MARKED:
        return _answer({field: said}, message=None)
    return _answer({}, message=alert(f"It was not saved: {error.message}.", "red"))


def _about(contact: Contact, *, mail: bool) -> str:
    if not mail:
        return "This server sends no e-mail: it has no mail server (docs/alerts.md)."
    if contact.email and not contact.confirmed:
        return f"{contact.email} gets nothing before the code that was sent there is typed."
    return ""


def _secret(secret: str) -> html.Div:
    return html.Div(
        [
            html.P("The webhook's secret, shown this once. Its receiver checks signatures by it:"),
            html.Code(secret, id="alerts-secret"),
        ],
        className="alert-secret",
    )


def _switch(name: str, label: str) -> dmc.Checkbox:
    return dmc.Checkbox(id=f"alerts-{name}", label=label, checked=False)


def _text(name: str, label: str, placeholder: str, **attributes: Any) -> dmc.TextInput:
    return dmc.TextInput(
        id=f"alerts-{name}",
        label=label,
        value="",
        placeholder=placeholder,
        attributes={
            "input": {"autoComplete": "off", "spellCheck": "false", "maxLength": TEXTS[name], **attributes},
        },
    )

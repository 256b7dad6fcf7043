"""The pages at the door, as HTML: they work without scripts, for who has none of ours yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

from frontend import once
from frontend.addresses import strategy_address, user_address
from frontend.scripts import FORGET, SCHEME, source
from riskcontrol.accounts.links import Published
from riskcontrol.accounts.passwords import LONGEST, SHORTEST
from riskcontrol.errors import TablesMissing
from riskcontrol.strategy import USERNAME_LENGTH

POLICY = (
    f"default-src 'none'; script-src {source(SCHEME)} {source(FORGET)}; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What these pages may fetch: our style and icon. The mask of the icon is within the style."""
MAKE_TABLES = "Whoever runs this server makes them with: riskcontrol database init"

KEYS = "/keys"
"""Where one's keys are."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form.

    Attributes:
        name: What it is sent as.
        label: What it is called.
        kind: Of input.
        purpose: What it is for, as browsers and password managers call it (`autocomplete`).
        hint: What belongs into it.
    """

    name: str
    label: str
    kind: str
    purpose: str
    hint: str = ""


_USERNAME = Field("username", "Username", "text", "username")
_NEW_HINT = f"{SHORTEST} characters or more. A sentence is easy to keep in mind."
SIGN_IN = (_USERNAME, Field("password", "Password", "password", "current-password"))
REGISTER = (
    Field("username", "Username", "text", "username", "Small letters, digits and . _ - are what it may have."),
    Field("password", "Password", "password", "new-password", _NEW_HINT),
    Field("again", "The password once more", "password", "new-password"),
)
CURRENT = Field("old", "Current password", "password", "current-password")
CHANGE = (
    CURRENT,
    Field("password", "New password", "password", "new-password", _NEW_HINT),
    Field("again", "The new password once more", "password", "new-password"),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with what was sent: a field, or empty for all of it, and what to do."""

    field: str
    message: str


def sign_in_page(
    next_: str, values: Mapping[str, str], trouble: Trouble | None, status: int = 200, told: str = ""
) -> HTMLResponse:
    """Return the page on which one signs in.

    Args:
        next_: Where to go then; empty for one's own page.
        values: What was typed.
        trouble: What is wrong with it.
        status: Of the answer.
        told: What happened before.
    """
    hidden = {"next": next_} if next_ else {}
    form = fields_form("/sign-in", SIGN_IN, submit("Sign in"), values, trouble, hidden)
    body = f"{told_of(told)}{form}<p>No account yet? <a href='/register'>Register</a></p>"
    return page("Sign in", body, status, FORGET)


def register_page(values: Mapping[str, str], trouble: Trouble | None, status: int = 200) -> HTMLResponse:
    """Return the page on which one registers."""
    form = fields_form("/register", REGISTER, submit("Register"), values, trouble, {})
    return page("Register", f"{form}<p>You have an account? <a href='/sign-in'>Sign in</a></p>", status)


def account_page(
    username: str,
    admin: bool,
    pages: Sequence[Published],
    trouble: Trouble | None = None,
    status: int = 200,
    told: str = "",
) -> HTMLResponse:
    """Return the page of one's own account.

    Args:
        username: Whose.
        admin: Whether it is an admin's.
        pages: What is published.
        trouble: What is wrong with a change of the password.
        status: Of the answer.
        told: What happened before.
    """
    who = (
        f"<p>You are signed in as <b>{escape(username)}</b>{', an admin: you see all strategies' if admin else ''}.</p>"
    )
    change = fields_form("/account", CHANGE, submit("Change the password"), {"username": username}, trouble, {})
    rows = "".join(map(_published, pages))
    shared = f"<ul class='door-list'>{rows}</ul>" if rows else "<p class='door-muted'>None.</p>"
    out = button("/sign-out", "Sign out here", {}) + button("/sign-out", "Sign out everywhere", {"everywhere": "yes"})
    return page(
        "Your account",
        f"{told_of(told)}{who}<div class='door-row'>{out}</div>"
        "<p class='door-muted'>Everywhere revokes your keys as well.</p>"
        f"<h2>Password</h2><p class='door-muted'>A new one ends all other sessions, and no key.</p>{change}"
        f"<h2>Published pages</h2>{shared}"
        "<h2>Keys</h2><p class='door-muted'>With a key, a program uses the API in your name.</p>"
        f"<p><a href='{KEYS}'>Your keys</a></p>"
        f"{_back(username)}",
        status,
    )


def share_page(username: str, ticker: str, name: str, known: Published | None, address: str = "") -> HTMLResponse:
    """Return the page on which a strategy is published and taken back.

    Args:
        username: Whose strategy.
        ticker: Of which ticker.
        name: Of which name.
        known: Its link, if it has one.
        address: The link, if it was made just now.
    """
    which = {"ticker": ticker, "name": name}
    state = "Nobody but you sees it."
    if address:
        state = "Whoever has this link can read its page, and see your username. It is shown only now: keep it."
    elif known is not None:
        state = f"Published on {known.created:%Y-%m-%d %H:%M} UTC: whoever has the link can read its page."
    shown = (
        "<label class='door-label' for='link'>Link</label>"
        f"<input class='door-input' id='link' readonly value='{escape(address)}'>"
    )
    again = "Make a new link, which ends this one" if known is not None else "Publish under a link"
    buttons = button("/share", again, {**which, "do": "publish", **once.fresh()})
    if known is not None:
        buttons += button("/share", "Take back", {**which, "do": "take-back"})
    where = escape(strategy_address(username, ticker, name))
    return page(
        f"Share {name} on {ticker}",
        f"<p role='status'>{escape(state)}</p>{shown if address else ''}<div class='door-row'>{buttons}</div>"
        "<p class='door-muted'>The page shows what the strategy does, live. Nothing can be changed from it, and none "
        f"of your other strategies is seen.</p><p><a href='{where}'>Back to {escape(name)}</a></p>",
    )


def message_page(title: str, message: str, status: int) -> HTMLResponse:
    """Return a page that says one thing."""
    return page(title, f"<p>{escape(message)}</p><p><a href='/'>To the start page</a></p>", status)


def away_page(error: BaseException | None) -> HTMLResponse:
    """Return the page of a server whose database fails it; strangers aren't told where that is.

    Args:
        error: What it said.
    """
    if isinstance(error, TablesMissing):
        return message_page("Tables are missing", f"Accounts have none yet in this database. {MAKE_TABLES}", 503)
    return message_page("The database is away", "So nobody's session can be checked. Try again in a minute.", 503)


def half_out_page() -> HTMLResponse:
    """Return the page of somebody who signs out while the database is away: its cookie goes, nothing else does."""
    return message_page(
        "Signed out of this browser alone",
        "The database is away, so nothing but this browser's cookie could be taken back. Copies of it, your other "
        "sessions and your keys stay good until you sign in once more and sign out everywhere, or their time is over.",
        503,
    )


def page(title: str, body: str, status: int = 200, script: str = "") -> HTMLResponse:
    """Return a page around a body.

    Args:
        title: In its head and as its heading.
        body: HTML.
        status: Of the answer.
        script: One that runs in it; `POLICY` names those that may.
    """
    text = f"""<!DOCTYPE html>
<html lang="en" class="door">
    <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{escape(title)} · RiskControl</title>
        <link rel="icon" type="image/svg+xml" href="/assets/icon.svg">
        <script>{SCHEME}</script>
        <link rel="stylesheet" href="/assets/riskcontrol.css">
        <link rel="stylesheet" href="/assets/door.css">
        {f"<script>{script}</script>" if script else ""}
    </head>
    <body>
        <header class="door-head"><a class="brand" href="/"><span class="mark"></span>RiskControl</a></header>
        <main class="door-card"><h1>{escape(title)}</h1>{body}</main>
    </body>
</html>
"""
    return HTMLResponse(text, status, {"content-security-policy": POLICY})


def button(action: str, label: str, values: Mapping[str, str], about: str = "") -> str:
    """Return a button that sends some values.

    Args:
        action: Where to.
        label: What stands on it.
        values: What is sent.
        about: What it is about, for those who don't see where it stands.
    """
    named = f" aria-label='{escape(f'{label}: {about}')}'" if about else ""
    return (
        f"<form method='post' action='{escape(action)}'>{_hidden(values)}"
        f"<button class='door-button door-plain'{named}>{escape(label)}</button></form>"
    )


def submit(label: str, name: str = "", value: str = "") -> str:
    """Return the button that sends a form around it.

    Args:
        label: What stands on it.
        name: Of what it sends along, where a form has several; empty for nothing.
        value: What it sends along.
    """
    sent = f' name="{escape(name)}" value="{escape(value)}"' if name else ""
    return f"<button class='door-button'{sent}>{escape(label)}</button>"


def fields_form(
    action: str,
    fields: Sequence[Field],
    buttons: str,
    values: Mapping[str, str],
    trouble: Trouble | None,
    hidden: Mapping[str, str],
) -> str:
    """Return a form with fields to fill in.

    Args:
        action: Where it is sent.
        fields: Its fields.
        buttons: HTML of `submit`.
        values: What stands in the fields.
        trouble: What is wrong with what was sent.
        hidden: What is sent along.
    """
    inputs = "".join(_input(field, values.get(field.name, ""), trouble) for field in fields)
    whole = ""
    if trouble is not None and trouble.field not in {field.name for field in fields}:
        whole = f"<p class='door-trouble' role='alert'>{escape(trouble.message)}</p>"
    if "username" not in {field.name for field in fields}:  # for password managers
        hidden = {**hidden, "username": values.get("username", "")}
    return (
        f"<form method='post' action='{escape(action)}' class='door-form'>{whole}{inputs}{_hidden(hidden)}"
        f"{buttons}</form>"
    )


def _input(field: Field, value: str, trouble: Trouble | None) -> str:
    wrong = trouble if trouble is not None and trouble.field == field.name else None
    notes = {"hint": field.hint, "error": wrong.message if wrong else ""}
    described = " ".join(f"{field.name}-{kind}" for kind, words in notes.items() if words)
    attributes = {
        "id": field.name,
        "name": field.name,
        "type": field.kind,
        "autocomplete": field.purpose,
        "maxlength": str(USERNAME_LENGTH if field.kind == "text" else 2 * LONGEST),
        **({"value": value, "autocapitalize": "none", "spellcheck": "false"} if field.kind == "text" else {}),
        **({"aria-describedby": described} if described else {}),
        **({"aria-invalid": "true"} if wrong else {}),
    }
    written = " ".join(f'{name}="{escape(text)}"' for name, text in attributes.items())
    focus = " autofocus" if wrong or field.purpose == "username" else ""
    hint = f"<p class='door-hint' id='{field.name}-hint'>{escape(field.hint)}</p>" if field.hint else ""
    error = (
        f"<p class='door-trouble' id='{field.name}-error' role='alert'>{escape(notes['error'])}</p>" if wrong else ""
    )
    return (
        f"<label class='door-label' for='{field.name}'>{escape(field.label)}</label>{hint}"
        f"<input class='door-input' required {written}{focus}>{error}"
    )


def _hidden(values: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(text)}">' for name, text in values.items()
    )


def _published(one: Published) -> str:
    where = escape(strategy_address(one.username, one.ticker, one.name))
    take_back = button("/share", "Take back", {"ticker": one.ticker, "name": one.name, "do": "take-back"}, one.name)
    since = f"<span class='door-muted'>since {one.created:%Y-%m-%d %H:%M} UTC</span>"
    return f"<li><a href='{where}'>{escape(one.name)} on {escape(one.ticker)}</a>{since}{take_back}</li>"


def told_of(message: str) -> str:
    """Return what happened, as a page says it; nothing of nothing."""
    return f"<p class='door-told' role='status'>{escape(message)}</p>" if message else ""


def _back(username: str) -> str:
    return f"<p><a href='{escape(user_address(username))}'>Back to your strategies</a></p>"

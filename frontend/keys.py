"""The page on which one makes and revokes keys for the API: at the door, without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import HTMLResponse, Response

from frontend import door, once
from frontend.access import viewer
from frontend.door import Trouble
from frontend.gate import Entrance
from frontend.once import Once
from frontend.reception import form_of, patient, tried, trouble_of
from riskcontrol.accounts.keys import PREFIX, Key, Scope
from riskcontrol.errors import AccountError

_MAY = {Scope.READ: "read", Scope.WRITE: "read, open and stop"}
_AGAIN = "The form was sent twice, and made one key. If you haven't kept that, revoke it and make another one."


def register(server: FastAPI, entrance: Entrance) -> None:
    """Add the page.

    Args:
        server: The server.
        entrance: Knows who comes.
    """
    accounts, keys, forms = entrance.accounts, entrance.accounts.keys, Once()

    @server.get(door.KEYS, include_in_schema=False)
    async def keys_of_mine() -> Response:
        """Show one's own keys."""
        username = viewer().username
        return keys_page(username, await tried(lambda: keys.of(username)))

    @server.post(door.KEYS, include_in_schema=False)
    async def change_keys(request: Request) -> Response:
        """Make a key, or revoke one."""
        sent = await form_of(request)
        username, token, told = viewer().username, "", ""
        try:
            if "revoke" in sent:
                await tried(lambda: keys.revoke(username, sent["revoke"], now=entrance.clock()))
            else:
                with forms.first(username, sent) as first:
                    if first:
                        token = await make(username, _scope(sent.get("scope", "")), sent.get(door.CURRENT.name, ""))
                    else:
                        told = _AGAIN
        except AccountError as error:
            known = await tried(lambda: keys.of(username))
            return patient(keys_page(username, known, trouble=trouble_of(error), status=400), error)
        entrance.forget()
        return keys_page(username, await tried(lambda: keys.of(username)), token=token, told=told)

    async def make(username: str, scope: Scope, password: str) -> str:
        """Make a key for one who knows the password: a session alone, or its copy, gets none that outlasts it."""

        def create() -> str:
            accounts.confirm(username, password, now=entrance.clock())
            return keys.create(username, scope, now=entrance.clock())[0]

        return await tried(create)


def keys_page(
    username: str,
    keys: Sequence[Key],
    *,
    token: str = "",
    told: str = "",
    trouble: Trouble | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return the page of one's keys.

    Args:
        username: Whose.
        keys: The newest first.
        token: A key that was made just now.
        told: What happened otherwise.
        trouble: What is wrong with what was asked for.
        status: Of the answer.
    """
    shown = (
        "<label class='door-label' for='key'>The new key. It is shown only now: keep it.</label>"
        f"<input class='door-input' id='key' readonly value='{escape(token)}'>"
        if token
        else ""
    )
    buttons = "".join(door.submit(f"Make a key that may {may}", "scope", scope.value) for scope, may in _MAY.items())
    row = f"<div class='door-row'>{buttons}</div>"
    form = door.fields_form(door.KEYS, (door.CURRENT,), row, {"username": username}, trouble, once.fresh())
    rows = "".join(map(_row, keys))
    listed = f"<ul class='door-list'>{rows}</ul>" if rows else "<p class='door-muted'>None.</p>"
    return door.page(
        "Keys",
        "<p>With a key, a program uses the API under <code>/api/v1</code> in your name. Whoever has it can do what it "
        "may; a new password doesn't end it. Revoking it does, and so does signing out everywhere, which revokes "
        f"all.</p>{door.told_of(told)}{shown}{form}<h2>Your keys</h2>{listed}"
        "<p><a href='/account'>Back to your account</a></p>",
        status,
    )


def _row(key: Key) -> str:
    state = f"used last on {key.used}" if key.used else "never used"
    end = door.button(door.KEYS, "Revoke", {"revoke": key.number}, f"key {key.number}")
    if key.revoked is not None:
        state, end = f"revoked {key.revoked:%Y-%m-%d %H:%M} UTC", ""
    about = f"may {_MAY[key.scope]}, since {key.created:%Y-%m-%d %H:%M} UTC, {state}"
    return f"<li>Key <code>{PREFIX}{key.number}_…</code><span class='door-muted'>{about}</span>{end}</li>"


def _scope(value: str) -> Scope:
    """Return a scope that a form names.

    Raises:
        HTTPException: It names none.
    """
    try:
        return Scope(value)
    except ValueError:
        raise HTTPException(400, "scope: read or write is expected") from None

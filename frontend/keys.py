"""The page on which one makes and revokes keys for the API: at the door, without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fastapi import FastAPI, HTTPException, Request
from starlette.responses import Response

from frontend import door
from frontend.access import viewer
from frontend.gate import Entrance
from frontend.reception import form_of, tried
from riskcontrol.accounts.keys import PREFIX, Key, Scope
from riskcontrol.errors import AccountError

_MAY = {Scope.READ: "read", Scope.WRITE: "read, open and stop"}


def register(server: FastAPI, entrance: Entrance) -> None:
    """Add the page.

    Args:
        server: The server.
        entrance: Knows who comes.
    """
    keys = entrance.accounts.keys

    @server.get(door.KEYS, include_in_schema=False)
    async def keys_of_mine() -> Response:
        """Show one's own keys."""
        username = viewer().username
        return keys_page(await tried(lambda: keys.of(username)))

    @server.post(door.KEYS, include_in_schema=False)
    async def change_keys(request: Request) -> Response:
        """Make a key, or revoke one."""
        sent = await form_of(request)
        username, token = viewer().username, ""
        try:
            if "revoke" in sent:
                await tried(lambda: keys.revoke(username, sent["revoke"], now=entrance.clock()))
            else:
                scope = _scope(sent.get("scope", ""))
                token, _ = await tried(lambda: keys.create(username, scope, now=entrance.clock()))
        except AccountError as error:
            return keys_page(await tried(lambda: keys.of(username)), trouble=error.message, status=400)
        entrance.forget()
        return keys_page(await tried(lambda: keys.of(username)), token=token)


def keys_page(keys: Sequence[Key], *, token: str = "", trouble: str = "", status: int = 200) -> Response:
    """Return the page of one's keys.

    Args:
        keys: The newest first.
        token: A key that was made just now.
        trouble: What is wrong with what was asked for.
        status: Of the answer.
    """
    shown = (
        "<label class='door-label' for='key'>The new key. It is shown only now: keep it.</label>"
        f"<input class='door-input' id='key' readonly value='{escape(token)}'>"
        if token
        else ""
    )
    wrong = f"<p class='door-trouble' role='alert'>{escape(trouble)}</p>" if trouble else ""
    buttons = "".join(
        door.button(door.KEYS, f"Make a key that may {may}", {"scope": scope.value}) for scope, may in _MAY.items()
    )
    rows = "".join(map(_row, keys))
    listed = f"<ul class='door-list'>{rows}</ul>" if rows else "<p class='door-muted'>None.</p>"
    return door.page(
        "Keys",
        "<p>With a key, a program uses the API under <code>/api/v1</code> in your name. Whoever has it can do what it "
        f"may; a new password doesn't end it, revoking it does.</p>{wrong}{shown}<div class='door-row'>{buttons}</div>"
        f"<h2>Your keys</h2>{listed}<p><a href='/account'>Back to your account</a></p>",
        status,
    )


def _row(key: Key) -> str:
    state = f"used last on {key.used}" if key.used else "never used"
    end = door.button(door.KEYS, "Revoke", {"revoke": key.number}, f"key {key.number}")
    if key.revoked is not None:
        state, end = f"revoked {key.revoked:%Y-%m-%d %H:%M} UTC", ""
    about = f"may {_MAY[key.scope]}, since {key.created:%Y-%m-%d %H:%M} UTC, {state}"
    return f"<li><code>{PREFIX}{key.number}</code><span class='door-muted'>{about}</span>{end}</li>"


def _scope(value: str) -> Scope:
    """Return a scope that a form names.

    Raises:
        HTTPException: It names none.
    """
    try:
        return Scope(value)
    except ValueError:
        raise HTTPException(400, "scope: read or write is expected") from None

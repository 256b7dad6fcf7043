"""What every request passes: limits on what comes in, headers on what goes out."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1 << 20
"""Largest request body, bytes."""

HEADERS = {
    # Everything comes from this server. Dash evaluates formatters of the table and writes style attributes.
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)


class Guard:
    """Refuses other names, and bodies that no page sends; forbids pages to fetch anything from elsewhere.

    Args:
        app: What answers the requests that pass.
        loopback_only: Whether only requests to a loopback name pass. A website whose name is made to lead to
            127.0.0.1 (DNS rebinding) is of one origin with the pages, so nothing else keeps it from using them.
    """

    def __init__(self, app: ASGIApp, *, loopback_only: bool = True) -> None:
        self.app = app
        self.loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal: Response | None = None
        if self.loopback_only and not is_loopback(headers.getlist("host")):
            refusal = PlainTextResponse(
                "Refused: these pages answer only to a loopback name (127.0.0.1, localhost, [::1]), so that no website "
                "can use them under a name of its own. Open them at such an address.\n",
                400,
            )
        elif scope["method"] not in ("GET", "HEAD"):
            length = headers.get("content-length", "")
            if not length.isdecimal():
                refusal = JSONResponse({"detail": "a body of known length is expected"}, 411)
            elif int(length) > MAX_BODY:
                refusal = JSONResponse({"detail": f"at most {MAX_BODY:,} bytes are accepted"}, 413)
            # A page of another site can send this type only after asking, and is told no.
            elif not headers.get("content-type", "").startswith("application/json"):
                refusal = JSONResponse({"detail": "application/json is expected"}, 415)
        await (refusal or self.app)(scope, receive, send_with_headers)


def is_loopback(hosts: list[str]) -> bool:
    """Return whether a request's Host headers are one that names this machine itself.

    >>> is_loopback(["localhost:8050"]), is_loopback(["127.0.0.1.example.com"]), is_loopback([])
    (True, False, False)
    """
    return len(hosts) == 1 and _LOOPBACK.fullmatch(hosts[0]) is not None

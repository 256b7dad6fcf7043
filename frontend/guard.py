"""What every request passes: limits on what comes in, headers on what goes out."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
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


class Guard:
    """Refuses bodies that no page sends, and forbids pages to fetch anything from elsewhere.

    Args:
        app: What answers the requests that pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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

        refusal = None
        if scope["method"] not in ("GET", "HEAD"):
            headers = Headers(scope=scope)
            length = headers.get("content-length", "")
            if not length.isdecimal():
                refusal = JSONResponse({"detail": "a body of known length is expected"}, 411)
            elif int(length) > MAX_BODY:
                refusal = JSONResponse({"detail": f"at most {MAX_BODY:,} bytes are accepted"}, 413)
            # A page of another site can send this type only after asking, and is told no.
            elif not headers.get("content-type", "").startswith("application/json"):
                refusal = JSONResponse({"detail": "application/json is expected"}, 415)
        await (refusal or self.app)(scope, receive, send_with_headers)

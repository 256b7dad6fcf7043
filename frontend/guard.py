"""What every request passes: limits on what comes in and from where, headers on what goes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontend.api.problems import missing_body, problem

MAX_BODY = 1 << 20
"""Largest request body, bytes."""
_LONGEST_LENGTH = 19
"""Digits of a length: those of 64 bits."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",  # for browsers that don't know frame-ancestors
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TLS_HEADERS = {"strict-transport-security": "max-age=31536000"}
_KEEPABLE = ("/assets/", "/_dash-component-suites/")
"""What a browser may keep: it is nobody's. All else is gone from a browser whose user has signed out."""

_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
_PORT = re.compile(r":\d{1,5}$", re.ASCII)
_FORM = "application/x-www-form-urlencoded"


class Guard:
    """Refuses other names, other sites, and bodies that no page sends; forbids pages to fetch anything from elsewhere.

    Args:
        app: What answers the requests that pass.
        loopback_only: Whether only requests to a loopback name pass. A website whose name is made to lead to
            127.0.0.1 (DNS rebinding) is of one origin with the pages, so nothing else keeps it from using them.
        hosts: Names that pass as well; then no others do.
        forms: Addresses that take forms; all others take JSON alone.
        scripts: Returns the scripts within pages, as a content policy names them; Dash adds some when it starts.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        loopback_only: bool = True,
        hosts: Collection[str] = (),
        forms: Collection[str] = (),
        scripts: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.app = app
        self.loopback_only = loopback_only
        self.hosts = frozenset(host.lower() for host in hosts)
        self.forms = frozenset(forms)
        self.scripts = scripts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket would come past all that follows, and none of our pages opens one
            await send({"type": "websocket.close", "code": 1008})
            return
        kept = scope["path"].startswith(_KEEPABLE)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                more = _TLS_HEADERS if scope["scheme"] == "https" else {}
                for name, value in {**HEADERS, **more}.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", policy(self.scripts()))
                if not kept:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        refusal: Response | None = None
        if not self._named(headers.getlist("host")):
            refusal = PlainTextResponse(
                "Refused: these pages answer only to a loopback name (127.0.0.1, localhost, [::1]) and to the names "
                "given with --public-host, so that no website can use them under a name of its own. Open them at such "
                "an address.\n",
                400,
            )
        elif scope["method"] in ("GET", "HEAD"):
            # Dash reads a body to its end, whatever the method.
            if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
                refusal = problem(400, f"{scope['method']} takes no body")
        else:
            refusal = self._refused(scope, headers)
        await (refusal or self.app)(scope, receive, send_with_headers)

    def _named(self, hosts: list[str]) -> bool:
        """Return whether a request is to one of our names."""
        if is_loopback(hosts):
            return True
        if self.hosts:
            return len(hosts) == 1 and _PORT.sub("", hosts[0].lower()) in self.hosts
        return not self.loopback_only

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        """Return what a request that may change something is refused with, or None."""
        length, chunks = headers.get("content-length", ""), headers.get("transfer-encoding")
        # Most programs send a DELETE without a body; a page of another site can't without asking, as with JSON.
        bodiless = scope["method"] == "DELETE" and length in ("", "0") and chunks is None
        kind = _FORM if scope["path"] in self.forms else "application/json"
        of_kind = headers.get("content-type", "").startswith(kind)
        nothing = chunks is None and (not length or (length == "0" and not of_kind))
        if nothing and not bodiless and scope["path"].startswith("/api/"):
            return missing_body().response
        # One that is sent in chunks would have another length than it says.
        if not bodiless and (not length.isdecimal() or chunks is not None):
            return problem(411, "a body of known length is expected: say it in Content-Length")
        if len(length) > _LONGEST_LENGTH or (length and int(length) > MAX_BODY):
            return problem(413, f"at most {MAX_BODY:,} bytes are accepted")
        # A page of another site can send JSON only after asking, and is told no; a form it can send at any time.
        if not bodiless and not of_kind:
            return problem(415, f"{kind} is expected")
        if not from_here(headers, scope["scheme"]):
            return problem(403, "refused: another site sent this, or a proxy in between needs --behind-proxy")
        return None


def policy(scripts: Sequence[str]) -> str:
    """Return the content policy of pages: everything comes from this server.

    Args:
        scripts: Those within pages, by their hashes. No other text becomes a script.
    """
    # Tables evaluate formatters, and graphs write style attributes.
    sources = " ".join(["'self'", "'unsafe-eval'", *scripts])
    return (
        f"default-src 'self'; script-src {sources}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def from_here(headers: Headers, scheme: str) -> bool:
    """Return whether a page of ours sent a request, or something that is no browser.

    Browsers say where a request comes from, and no page can make them lie. What says nothing is no browser; if it has
    a cookie all the same, it is refused.

    Args:
        headers: Of the request.
        scheme: Of the request.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        return origin.lower() == f"{scheme}://{headers.get('host', '')}".lower()
    return "cookie" not in headers


def is_loopback(hosts: list[str]) -> bool:
    """Return whether a request's Host headers are one that names this machine itself.

    >>> is_loopback(["localhost:8050"]), is_loopback(["127.0.0.1.example.com"]), is_loopback([])
    (True, False, False)
    """
    return len(hosts) == 1 and _LOOPBACK.fullmatch(hosts[0]) is not None

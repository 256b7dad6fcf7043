"""Who asks: the account of a session's cookie, and what a link opens; nobody else comes in."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from urllib.parse import quote

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from frontend.access import EVERYBODY, NOBODY, Viewer, asked_by
from frontend.api.problems import ProblemError, problem
from frontend.api.rates import Buckets
from frontend.door import away_page, message_page
from riskcontrol.accounts import keys
from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.browsers import LIFETIME_SECONDS as BROWSER_SECONDS
from riskcontrol.accounts.links import PATTERN, Published
from riskcontrol.accounts.service import Accounts
from riskcontrol.accounts.sessions import LIFETIME_SECONDS, Session
from riskcontrol.errors import ServerError

FRESH_SECONDS = 5.0
"""How long what was read of a session or link counts: so long one that has ended may go on, on another server."""
STALE_SECONDS = 600.0
"""How long it counts while the database is away: its pages say so, instead of sending people out."""
MOST_KEPT = 20_000

SHARED = "/shared/"
LINK_HEADER = "x-riskcontrol-link"
"""What assets/session.js sends along from a page under a link."""

API = "/api/"
"""Below it is what programs ask for, also with a key."""

_OPEN = ("/sign-in", "/register", "/sign-out", "/api/v1/health", "/api/v1/ready", "/_dash-dependencies")
_OPEN_BELOW = ("/assets/", "/_dash-component-suites/")
"""What holds nobody's data, for everybody."""
_LINKED = ("/_dash-layout", "/_dash-update-component")
"""What a page under a link asks for."""
BROWSER = "-browser"
"""What the name of a browser's own cookie ends with."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recently(Generic[Key, Value]):
    """Answers questions, and keeps the answers for a moment.

    Args:
        ask: Answers; raises `ServerError` when the database is away.
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, ask: Callable[[Key], Value], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._epoch = 0

    def at_hand(self, key: Key, seconds: float | None = None) -> tuple[Value] | None:
        """Return the answer, alone in a tuple, if it is at most so old; without a number, `FRESH_SECONDS`."""
        with self._lock:
            kept = self._kept.get(key)
        most = FRESH_SECONDS if seconds is None else seconds
        return (kept[1],) if kept is not None and self._clock() - kept[0] < most else None

    def answer(self, key: Key) -> Value:
        """Return the answer of now, or an older one while the database is away.

        Raises:
            ServerError: The database is away, and there is no older one.
        """
        with self._lock:
            epoch = self._epoch
        try:
            value = self._ask(key)
        except ServerError:
            if (old := self.at_hand(key, STALE_SECONDS)) is not None:
                return old[0]
            raise
        with self._lock:
            if epoch != self._epoch:
                return value  # it was asked for before what was known was forgotten, and may be of before
            self._kept[key] = self._clock(), value
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return value

    def forget(self) -> None:
        """Forget all answers, also those that are on their way."""
        with self._lock:
            self._kept.clear()
            self._epoch += 1


class Entrance:
    """Knows who comes, by cookies and links.

    Args:
        accounts: The accounts.
        clock: Seconds since 1970; another one in tests.
    """

    def __init__(self, accounts: Accounts, *, clock: Callable[[], float] = time.time) -> None:
        self.accounts = accounts
        self.clock = clock
        self._sessions: Recently[Session, Account | None] = Recently(accounts.whose)
        self._links: Recently[str, Published | None] = Recently(accounts.opens)
        self._keys: Recently[str, keys.Holder | None] = Recently(lambda key: accounts.keys.whose(key, now=clock()))

    def session(self, headers: Headers, scheme: str) -> Session | None:
        """Return the session of a request's cookie, if it is one of ours that hasn't expired."""
        token = cookie_parser(headers.get("cookie", "")).get(self.cookie(scheme), "")
        return self.accounts.read(token, self.clock()) if token else None

    async def account(self, session: Session | None) -> Account | None:
        """Return the account of a session, if that hasn't ended.

        Raises:
            ServerError: The database is away.
        """
        if session is None:
            return None
        known = self._sessions.at_hand(session)
        return known[0] if known else await run_in_threadpool(self._sessions.answer, session)

    async def opens(self, link: str) -> Published | None:
        """Return what a link opens; None for none.

        Raises:
            ServerError: The database is away.
        """
        if not PATTERN.fullmatch(link):
            return None
        known = self._links.at_hand(link)
        return known[0] if known else await run_in_threadpool(self._links.answer, link)

    async def holder(self, key: str) -> keys.Holder | None:
        """Return who may use a key; None for one that is none.

        Raises:
            ServerError: The database is away.
        """
        if not keys.PATTERN.fullmatch(key):
            return None
        known = self._keys.at_hand(key)
        return known[0] if known else await run_in_threadpool(self._keys.answer, key)

    def forget(self) -> None:
        """Forget what was known of sessions, links and keys: one of them has just changed."""
        self._sessions.forget()
        self._links.forget()
        self._keys.forget()

    def cookie(self, scheme: str) -> str:
        """Return the cookie's name; over TLS one that only this host can have set, over TLS.

        Servers on other ports of a host share its cookies: the name tells installations apart.
        """
        name = f"riskcontrol-{self.accounts.identity}"
        return f"__Host-{name}" if scheme == "https" else name

    def browser(self, headers: Headers, scheme: str) -> str:
        """Return the token of a browser in which somebody has signed in before; empty without one."""
        return cookie_parser(headers.get("cookie", "")).get(self.cookie(scheme) + BROWSER, "")

    def let_in(self, response: Response, account: Account, scheme: str) -> None:
        """Set the cookies of a new session, and of a browser that was signed in with."""
        token = self.accounts.issue(account, self.clock())
        self._set(response, self.cookie(scheme), token, LIFETIME_SECONDS, scheme)
        known = self.accounts.browser(account)
        self._set(response, self.cookie(scheme) + BROWSER, known, BROWSER_SECONDS, scheme)

    def let_out(self, response: Response, scheme: str) -> None:
        """Take the session's cookie back."""
        self._set(response, self.cookie(scheme), "", 0, scheme)

    def _set(self, response: Response, name: str, value: str, seconds: int, scheme: str) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            httponly=True,
            samesite="lax",
            secure=scheme == "https",
        )


class Gate:
    """Lets requests in that somebody makes who may come in, and says who it is.

    Args:
        app: What answers them.
        entrance: Knows who comes; None where there is no sign-in.
    """

    def __init__(self, app: ASGIApp, *, entrance: Entrance | None) -> None:
        self.app = app
        self.entrance = entrance
        self.buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        refusal: Response | None = None
        viewer = NOBODY
        try:
            viewer = await self._viewer(scope)
        except ServerError as error:
            if not _is_open(path):
                refusal = _away(path, error)
        except ProblemError as error:
            refusal = error.response
        if refusal is None and not (viewer.member or _is_open(path)):
            if viewer.shown is None and path.startswith(SHARED):
                refusal = message_page(
                    "No such page", "This link leads nowhere: it was taken back, or it isn't complete.", 404
                )
            elif viewer.shown is None or not (path.startswith(SHARED) or path in _LINKED):
                refusal = _sign_in_first(scope)
        if refusal is None and path.startswith(API):
            refusal = self._too_many(viewer)
        with asked_by(viewer):
            await (refusal or self.app)(scope, receive, send)

    async def _viewer(self, scope: Scope) -> Viewer:
        """Return who asks.

        Raises:
            ServerError: The database is away, and who asks isn't known from before.
            ProblemError: A key is worth nothing, or is sent to a page.
        """
        if self.entrance is None:
            return EVERYBODY
        headers, path = Headers(scope=scope), scope["path"]
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (path.startswith(API) or token.startswith(keys.PREFIX)):
            return await self._program(self.entrance, path, token)
        account = await self.entrance.account(self.entrance.session(headers, scope["scheme"]))
        link = headers.get(LINK_HEADER, "") if path in _LINKED else ""
        if path.startswith(SHARED):
            link = path.removeprefix(SHARED)
        return Viewer(
            username=account.username if account else "",
            everything=account is not None and account.role is Role.ADMIN,
            shown=await self.entrance.opens(link) if link else None,
            pseudonym=self.entrance.accounts.pseudonym,
        )

    async def _program(self, entrance: Entrance, path: str, token: str) -> Viewer:
        """Return who asks with a key, whatever cookie comes along."""
        if not path.startswith(API):
            raise ProblemError(403, "keys are for /api/v1 alone; pages ask people to sign in")
        holder = await entrance.holder(token)
        if holder is None:
            wrong = {"www-authenticate": 'Bearer error="invalid_token"'}
            raise ProblemError(401, "the key is none, or is worth nothing any more", headers=wrong)
        account = holder.account
        everything = account.role is Role.ADMIN
        return Viewer(account.username, everything, key=holder.key, pseudonym=entrance.accounts.pseudonym)

    def _too_many(self, viewer: Viewer) -> Response | None:
        """Return what somebody is refused with who asks too often, or None; without sign-in there is no limit."""
        wait = self.buckets.take(viewer.key.number if viewer.key else viewer.username) if viewer.username else 0.0
        if not wait:
            return None
        return problem(429, "too many requests; wait a moment", headers={"retry-after": str(math.ceil(wait))})


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _is_page(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and not scope["path"].startswith(("/_", "/api/"))


def _sign_in_first(scope: Scope) -> Response:
    if not _is_page(scope):
        return problem(401, "sign in first, or send a key", headers={"www-authenticate": "Bearer"})
    # As it was sent: a ticker may have a slash in it, which is written otherwise.
    asked = b"?".join(part for part in (scope["raw_path"], scope["query_string"]) if part).decode("latin-1")
    wanted = "" if asked == "/" else f"?next={quote(asked, safe='')}"
    return RedirectResponse(f"/sign-in{wanted}", 303)


def _away(path: str, error: ServerError) -> Response:
    if path.startswith(("/_", "/api/")):
        return problem(503, "the database is away, so nobody's session can be checked", headers={"retry-after": "2"})
    return away_page(error)

"""The addresses at the door: register, sign in and out, one's account, and publishing a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import FastAPI, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from frontend import door
from frontend.access import viewer
from frontend.addresses import user_address
from frontend.context import Context
from frontend.door import Trouble
from frontend.gate import SHARED, Entrance
from frontend.once import Once
from riskcontrol.accounts.account import Account
from riskcontrol.accounts.links import Published
from riskcontrol.accounts.sessions import Session
from riskcontrol.errors import AccountError, ServerError, TooBusy, TooSoon
from riskcontrol.strategy import NAME_PATTERN
from riskcontrol.trades import TICKER_PATTERN

FORMS = frozenset({"/sign-in", "/register", "/sign-out", "/account", "/share", door.KEYS})
"""Addresses that take what a browser sends of a form."""
MOST_BYTES = 16_384
_MOST_FIELDS = 20
THREADS = 8
"""The door has threads of its own: however many people try passwords, those of the pages are free."""
_OWN_THREADS: RunVar[CapacityLimiter] = RunVar("threads of the door")
_LOCAL = re.compile(r"/(?![/\\])[!-~]{0,999}")
"""A place of ours: a browser takes what begins with two slashes for another host."""
_AGAIN = Trouble("again", "The two passwords differ.")

Answer = TypeVar("Answer")


def register(server: FastAPI, context: Context, entrance: Entrance) -> None:
    """Add the addresses.

    Args:
        server: The server.
        context: What callbacks share.
        entrance: Knows who comes.
    """
    accounts, forms = entrance.accounts, Once()
    server.add_exception_handler(_AwayError, _away)
    server.add_exception_handler(_NoStrategyError, _no_strategy)

    @server.get("/sign-in", include_in_schema=False)
    async def sign_in_form(next: str = "", told: str = "") -> Response:
        """Show the form."""
        if viewer().member:
            return _to(local(next))
        said = {
            "out": "You are signed out.",
            "everywhere": "You are signed out everywhere, and your keys are revoked.",
        }.get(told, "")
        return door.sign_in_page(local(next, ""), {}, None, told=said)

    @server.post("/sign-in", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        """Let somebody in who knows the password."""
        sent = await form_of(request)
        wanted = local(sent.get("next", ""), "")

        def again(trouble: Trouble, status: int) -> Response:
            return door.sign_in_page(wanted, {"username": sent.get("username", "")[:64]}, trouble, status)

        def enter() -> Account:
            typed, password = sent.get("username", ""), sent.get("password", "")
            known = entrance.browser(request.headers, request.url.scheme)
            return accounts.sign_in(typed, password, address=_address(request), now=entrance.clock(), browser=known)

        return await _let_in(request, enter, again, wanted, 401)

    @server.get("/register", include_in_schema=False)
    async def register_form() -> Response:
        """Show the form."""
        return door.register_page({}, None)

    @server.post("/register", include_in_schema=False)
    async def make_account(request: Request) -> Response:
        """Make an account, and let its owner in."""
        sent = await form_of(request)

        def again(trouble: Trouble, status: int) -> Response:
            return door.register_page({"username": sent.get("username", "")[:64]}, trouble, status)

        def enter() -> Account:
            typed, password = sent.get("username", ""), sent.get("password", "")
            if password != sent.get("again", ""):
                raise AccountError(_AGAIN.message, field=_AGAIN.field)
            return accounts.register(typed, password, address=_address(request), now=entrance.clock())

        return await _let_in(request, enter, again, "", 400)

    @server.post("/sign-out", include_in_schema=False)
    async def sign_out(request: Request) -> Response:
        """End this session, or all of the account."""
        sent = await form_of(request)
        everywhere = "everywhere" in sent
        try:
            await _end(request, everywhere)
            response = _to(f"/sign-in?told={'everywhere' if everywhere else 'out'}")
        except _AwayError:
            response = door.half_out_page()
        entrance.forget()
        entrance.let_out(response, request.url.scheme)
        return response

    async def _end(request: Request, everywhere: bool) -> None:
        session, account = await _who(request)

        def end() -> None:
            if account is not None and everywhere:
                accounts.sign_out_everywhere(account, now=entrance.clock())
            elif session is not None:
                accounts.sign_out(session)

        await tried(end)

    @server.get("/account", include_in_schema=False)
    async def account_of_mine() -> Response:
        """Show one's own account."""
        return await _account_page()

    @server.post("/account", include_in_schema=False)
    async def change_password(request: Request) -> Response:
        """Change the password, which ends all other sessions."""
        sent = await form_of(request)
        _, account = await _who(request)
        if account is None:
            raise HTTPException(401, "sign in first")

        def change() -> Account:
            if sent.get("password", "") != sent.get("again", ""):
                raise AccountError(_AGAIN.message, field=_AGAIN.field)
            old, new = sent.get("old", ""), sent.get("password", "")
            return accounts.change_password(account, old, new, now=entrance.clock())

        try:
            changed = await tried(change)
        except AccountError as error:
            return patient(await _account_page(trouble=trouble_of(error), status=400), error)
        entrance.forget()
        response = await _account_page(told="The password is changed. All other sessions have ended.")
        entrance.let_in(response, changed, request.url.scheme)
        return response

    @server.get("/share", include_in_schema=False)
    async def share(ticker: str = "", name: str = "") -> Response:
        """Show whether a strategy of one's own is published."""
        username = await _own(ticker, name)
        return door.share_page(username, ticker, name, await _published(username, ticker, name))

    @server.post("/share", include_in_schema=False)
    async def publish(request: Request) -> Response:
        """Publish a strategy of one's own, or take it back."""
        sent = await form_of(request)
        ticker, name = sent.get("ticker", ""), sent.get("name", "")
        username, address = await _own(ticker, name), ""
        if sent.get("do") == "take-back":
            await tried(lambda: accounts.store.take_back(username, ticker, name))
        else:
            try:
                with forms.first(username, sent) as first:
                    if first:
                        link = await tried(lambda: accounts.publish(username, ticker, name, now=entrance.clock()))
                        address = f"{request.url.scheme}://{request.url.netloc}{SHARED}{link}"
            except AccountError as error:
                return door.message_page("Not published", f"{_sentence(error.message)}", 400)
        entrance.forget()
        return door.share_page(username, ticker, name, await _published(username, ticker, name), address)

    async def _let_in(
        request: Request,
        enter: Callable[[], Account],
        again: Callable[[Trouble, int], Response],
        wanted: str,
        status: int,
    ) -> Response:
        try:
            account = await tried(enter)
        except AccountError as error:
            return patient(again(trouble_of(error), status), error)
        response = _to(wanted or user_address(account.username))
        entrance.let_in(response, account, request.url.scheme)
        return response

    async def _who(request: Request) -> tuple[Session | None, Account | None]:
        session = entrance.session(request.headers, request.url.scheme)
        try:
            return session, await entrance.account(session)
        except ServerError as error:
            raise _AwayError from error

    async def _account_page(trouble: Trouble | None = None, status: int = 200, told: str = "") -> Response:
        who = viewer()
        pages = await tried(lambda: accounts.store.published(who.username))
        return door.account_page(who.username, who.everything, pages, trouble, status, told)

    async def _own(ticker: str, name: str) -> str:
        """Return who asks, if that is whose strategy it is."""
        username = viewer().username
        if not TICKER_PATTERN.fullmatch(ticker) or not NAME_PATTERN.fullmatch(name):
            raise _NoStrategyError("The address names no strategy.")
        if await tried(lambda: context.source.read(lambda reader: reader.strategy(username, ticker, name))) is None:
            raise _NoStrategyError(f"You have no strategy {name} on {ticker}.")
        return username

    async def _published(username: str, ticker: str, name: str) -> Published | None:
        pages = await tried(lambda: accounts.store.published(username))
        return next((one for one in pages if (one.ticker, one.name) == (ticker, name)), None)


async def form_of(request: Request) -> dict[str, str]:
    """Return what a form sent; of a field that comes twice, the last.

    Raises:
        HTTPException: It is no form, or too large a one.
    """
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise HTTPException(413, f"at most {MOST_BYTES:,} bytes are accepted")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise HTTPException(400, "the fields of a form are expected") from None


def local(address: str, usual: str = "/") -> str:
    r"""Return an address if it is a place of ours, else the usual one.

    >>> local("/user/ann?tab=price"), local("//evil.example"), local("/\\evil.example"), local("https://evil.example")
    ('/user/ann?tab=price', '/', '/', '/')
    """
    return address if _LOCAL.fullmatch(address) else usual


class _AwayError(Exception):
    """The database is away."""


async def _away(request: Request, error: Exception) -> Response:
    return door.away_page(error.__cause__)


class _NoStrategyError(Exception):
    """There is no strategy to share; the text says so."""


async def _no_strategy(request: Request, error: Exception) -> Response:
    told = f"{error} Share, on the page of each of your strategies, leads to where it is published."
    return door.message_page("There is no such page", told, 404)


async def tried(work: Callable[[], Answer]) -> Answer:
    """Do something that waits for the database, in a thread.

    Raises:
        _AwayError: The database is away.
    """
    try:
        return await to_thread.run_sync(work, limiter=_threads())
    except ServerError as error:
        raise _AwayError from error


def _threads() -> CapacityLimiter:
    """Return the door's share of threads, of the server that asks."""
    try:
        return _OWN_THREADS.get()
    except LookupError:
        _OWN_THREADS.set(limiter := CapacityLimiter(THREADS))
        return limiter


def _to(address: str) -> Response:
    return RedirectResponse(address, 303)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def trouble_of(error: AccountError) -> Trouble:
    """Return what is wrong, as a page says it."""
    return Trouble(error.field, _sentence(error.message, error.field))


def _sentence(message: str, field: str = "") -> str:
    """Return a message as it stands in a form.

    >>> _sentence("is taken", "username"), _sentence("There is more to do."), _sentence("try again")
    ('It is taken.', 'There is more to do.', 'Try again.')
    """
    if field and message[0].islower():
        message = f"It {message}"
    return f"{message[0].upper()}{message[1:]}{'' if message.endswith('.') else '.'}"


def patient(response: Response, error: AccountError) -> Response:
    """Say when to come back, where one is to."""
    if isinstance(error, TooSoon):
        response.status_code = 429
        response.headers["retry-after"] = str(int(error.seconds) + 1)
    elif isinstance(error, TooBusy):
        response.status_code = 503
        response.headers["retry-after"] = "60"
    return response

"""What the pages' callbacks work with; one for each application, so that two never share anything."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from fastapi import HTTPException
from fastapi.concurrency import run_in_threadpool

from frontend.addresses import checked_names
from frontend.calls import Calls
from frontend.history import PastBars
from frontend.market import Market
from frontend.own_alerts import OwnAlerts
from frontend.preview import Previews
from frontend.reports import Reports
from frontend.source import Connected, Source
from riskcontrol.errors import StrategyError
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action, Strategy, check_username

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")

MOST_TEXT = 200
"""Longest text that a callback looks at."""


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that callbacks share."""

    settings: Settings
    source: Source
    market: Market
    publish: Callable[[Strategy, Action], None]
    """Sends an opening or a stop to the tape; raises `ServerError`."""
    alerts: Connected[OwnAlerts]
    """The way to the alerts of whoever asks."""
    reports: Reports = field(default_factory=Reports)
    previews: Previews = field(default_factory=Previews)
    calls: Calls = field(default_factory=Calls)
    """Where callbacks are answered that pages call each second."""

    @property
    def past(self) -> PastBars:
        """The bars kept of past days."""
        return self.reports.past


def in_thread(function: Callable[Parameters, Answer]) -> Callable[Parameters, Awaitable[Answer]]:
    """Run a callback in a thread: it waits for the database, and the server must go on meanwhile."""

    @functools.wraps(function)
    async def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        return await run_in_threadpool(function, *args, **kwargs)

    return call


def text(value: Any, field: str, most: int = MOST_TEXT) -> str:
    """Return a callback's argument as text, without spaces around it; None is empty.

    Args:
        value: What came.
        field: What the answer calls it.
        most: Longest text that is accepted.

    Raises:
        HTTPException: It isn't text: no page sends that, so somebody calls us directly.
    """
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise HTTPException(400, f"{field}: text of at most {most} characters is expected")
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise HTTPException(400, f"{field}: half a character, which can't be written")
    return value.strip()


def username_of(value: Any) -> str:
    """Return a callback's argument as a username.

    Raises:
        HTTPException: It isn't one.
    """
    try:
        return check_username(text(value, "username"))
    except StrategyError as error:
        raise HTTPException(400, str(error)) from None


def which_of(value: Any) -> tuple[str, str, str]:
    """Return the strategy that a callback's argument names: username, ticker and name.

    Raises:
        HTTPException: It names none.
    """
    given = value if isinstance(value, dict) else {}
    try:
        return checked_names(*(text(given.get(field), field) for field in ("username", "ticker", "name")))
    except StrategyError as error:
        raise HTTPException(400, str(error)) from None


def one_of(value: Any, known: Collection[str], usual: str) -> str:
    """Return a value if it is a known one, else the usual one: an address may say anything, also the same twice.

    >>> one_of(["1D", "1W"], ("1D", "1W"), "1D")
    '1D'
    """
    return value if isinstance(value, str) and value in known else usual


def unfolded(clicks: Any) -> bool:
    """Tell whether what a click unfolds, and the next one folds, is open after so many; it begins folded."""
    return isinstance(clicks, int) and clicks % 2 == 1

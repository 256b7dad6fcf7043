"""Who sees and changes what: the one place that decides it, for pages, callbacks and files alike.

The gate says who asks (`frontend.gate`); it is kept beside the request, not handed from function to function, so that
no callback can forget it. Callbacks get a reader that refuses the rows of others, and a way to the tape that refuses
their strategies. Where nobody has said who asks, everything is refused.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pandas as pd
from fastapi import HTTPException

from database.reads import Marks, Place, PositionRow, Reader, StrategyRow
from riskcontrol.accounts.keys import Key, Scope
from riskcontrol.accounts.links import Published

if TYPE_CHECKING:
    from riskcontrol.leaders import Leaders
    from riskcontrol.strategy import Strategy

OTHERS = "What others do is theirs alone. Its owner can give you a link to it."
READS = "This key may only read. Make one that may write on the page of your account."


class Refused(HTTPException):
    """Whoever asks may not see or do this. Whether there is such a thing at all is not told."""

    def __init__(self, why: str = OTHERS) -> None:
        super().__init__(403, why)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks.

    Attributes:
        username: The account that is signed in; empty without one.
        everything: Whether strategies of all users are seen: by an admin, or by anybody where there is no sign-in.
        unlocked: Whether there is no sign-in, so that anybody may change anything.
        shown: What the link opens that the request has with it.
        key: That with which a program asks in the account's name; None where somebody signed in.
        pseudonym: Gives the name under which a user is met whose strategies aren't seen.
    """

    username: str = ""
    everything: bool = False
    unlocked: bool = False
    shown: Published | None = None
    key: Key | None = None
    pseudonym: Callable[[str], str] = "somebody".format

    @property
    def member(self) -> bool:
        """Whether it is one who signed in, or need not."""
        return bool(self.username) or self.unlocked

    @property
    def only(self) -> str:
        """The only user whose strategies are seen; empty where it is everybody's or nobody's."""
        return "" if self.everything else self.username

    @property
    def only_reads(self) -> bool:
        """Whether a key is used that may change nothing."""
        return self.key is not None and self.key.scope is not Scope.WRITE

    def sees(self, username: str, ticker: str | None = None, name: str | None = None) -> bool:
        """Return whether a strategy may be seen, or without ticker and name, all of a user."""
        if self.everything or (self.username and self.username == username):
            return True
        page = self.shown
        return page is not None and (page.username, page.ticker, page.name) == (username, ticker, name)

    def changes(self, username: str) -> bool:
        """Return whether a user's strategies may be opened and stopped: by that user alone, not by an admin."""
        if self.only_reads:
            return False
        return self.unlocked or (bool(self.username) and self.username == username)

    def name_of(self, username: str) -> str:
        """Return what a user is called before this viewer."""
        return username if self.sees(username) else self.pseudonym(username)


NOBODY = Viewer()
EVERYBODY = Viewer(everything=True, unlocked=True)
"""Where there is no sign-in."""

_viewer: ContextVar[Viewer] = ContextVar("viewer", default=NOBODY)


def viewer() -> Viewer:
    """Return who asks."""
    return _viewer.get()


@contextmanager
def asked_by(who: Viewer) -> Iterator[None]:
    """Say who asks, while something runs: also in threads that it starts by `run_in_threadpool`."""
    token = _viewer.set(who)
    try:
        yield
    finally:
        _viewer.reset(token)


def require_sight(username: str, ticker: str | None = None, name: str | None = None) -> None:
    """Insist on whoever asks seeing a strategy, or all of a user.

    Raises:
        Refused: It may not be seen.
    """
    if not viewer().sees(username, ticker, name):
        raise Refused


def require_member() -> None:
    """Insist on whoever asks being signed in.

    Raises:
        Refused: It is somebody with a link.
    """
    if not viewer().member:
        raise Refused


def require_change(username: str) -> None:
    """Insist on whoever asks being allowed to open and stop a user's strategies.

    Raises:
        Refused: It isn't.
    """
    if not viewer().changes(username):
        raise Refused(READS if viewer().only_reads else OTHERS)


def guarded(part: Callable[..., Any], refusal: Callable[[str], Any]) -> Callable[..., Any]:
    """Return a page's layout or title that is made only for those who see the user in its address.

    Args:
        part: The page's own.
        refusal: Makes what others get, from what to tell them.
    """

    @functools.wraps(part)
    def show(**given: Any) -> Any:
        who = viewer()
        whose = given.get("username")
        if not (who.member or who.shown) or (whose is not None and not who.sees(unquote(str(whose)))):
            return refusal(OTHERS)
        return part(**given)

    return show


class GuardedReader(Reader):
    """Reads for whoever asks: what is about a strategy only where that is seen, what is about the market always.

    A method of `Reader` that isn't here fails: this one has no session.

    Args:
        reader: Reads.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def strategies(self, username: str) -> list[StrategyRow]:
        """Return a user's strategies."""
        require_sight(username)
        return self._reader.strategies(username)

    def strategy(self, username: str, ticker: str, name: str) -> StrategyRow | None:
        """Return one strategy of a user."""
        require_sight(username, ticker, name)
        return self._reader.strategy(username, ticker, name)

    def user_exists(self, username: str) -> bool:
        """Return whether there is such a user."""
        require_sight(username)
        return self._reader.user_exists(username)

    def positions(self, strategies: Sequence[StrategyRow]) -> list[PositionRow | None]:
        """Return the strategies' states."""
        _require_all(strategies)
        return self._reader.positions(strategies)

    def fills(
        self, username: str, ticker: str, name: str, *, limit: int = 10_000, since: int | None = None
    ) -> pd.DataFrame:
        """Return a strategy's newest fills."""
        require_sight(username, ticker, name)
        return self._reader.fills(username, ticker, name, limit=limit, since=since)

    def fills_between(
        self, username: str, ticker: str, name: str, low: Place, high: Place, *, newest: bool, limit: int
    ) -> pd.DataFrame:
        """Return some of a strategy's fills."""
        require_sight(username, ticker, name)
        return self._reader.fills_between(username, ticker, name, low, high, newest=newest, limit=limit)

    def newest_fills(self, strategies: Sequence[Strategy], *, limit: int) -> list[pd.DataFrame]:
        """Return the newest fills of each of some strategies."""
        _require_all(strategies)
        return self._reader.newest_fills(strategies, limit=limit)

    def leaders(self, *, until: int | None = None) -> Leaders | None:
        """Return who leads; the names in it are for `Viewer.name_of`."""
        require_member()
        return self._reader.leaders(until=until)

    def bars(self, ticker: str, days: Sequence[dt.date]) -> pd.DataFrame:
        """Return a ticker's bars."""
        return self._reader.bars(ticker, days)

    def trade_counts(self, tickers: Sequence[str], day: dt.date) -> dict[str, int]:
        """Return how many trades a day had."""
        return self._reader.trade_counts(tickers, day)

    def marks(self) -> Marks:
        """Return last prices."""
        return self._reader.marks()

    def day(self, day: dt.date) -> pd.DataFrame:
        """Return the day so far."""
        return self._reader.day(day)

    def nodes(self) -> tuple[int, int]:
        """Return how many nodes are up."""
        return self._reader.nodes()

    def batches(self, *, limit: int = 60) -> pd.DataFrame:
        """Return the stream's last batches."""
        return self._reader.batches(limit=limit)

    def newest_batch(self) -> dt.datetime | None:
        """See `Reader`; everybody may."""
        return self._reader.newest_batch()


def _require_all(strategies: Sequence[Strategy]) -> None:
    for one in strategies:
        require_sight(one.username, one.ticker, one.name)

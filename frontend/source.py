"""The way to the database: connected when first asked, and again by itself after it was away."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from database.reads import Reader
from riskcontrol.accounts.store import Store
from riskcontrol.errors import RiskControlError, ServerError, TablesMissing

log = logging.getLogger("riskcontrol.dashboard")

Answer = TypeVar("Answer")
Kept = TypeVar("Kept")

RETRY_SECONDS = 2.0
"""How long a failed connection is not tried again, so that many viewers don't make many attempts."""


class Connected(Generic[Kept]):
    """Gives whoever asks what is connected to the database, and one kind of error when there is nothing.

    Args:
        connect: Makes it; raises a `RiskControlError` if it can't.
    """

    def __init__(self, connect: Callable[[], Kept]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._reader: Kept | None = None
        self._failure = ServerError("not connected yet", server="cassandra")
        self._failed_at = float("-inf")

    def read(self, ask: Callable[[Kept], Answer]) -> Answer:
        """Return what `ask` gets from it.

        Raises:
            ServerError: The database can't be reached, or doesn't answer.
        """
        reader = self._reader or self._connected()
        try:
            return ask(reader)
        except ServerError as error:
            self._reader = None  # a local server that was started again may listen elsewhere
            raise _plain(error) from error

    def _connected(self) -> Kept:
        # Whoever comes while another connects doesn't queue up behind it: the page asks again in a second.
        if time.monotonic() - self._failed_at < RETRY_SECONDS or not self._lock.acquire(blocking=False):
            raise self._failure
        try:
            if self._reader is None:
                self._reader = self._connect()
            return self._reader
        except RiskControlError as error:
            self._failure = _plain(error)
            self._failed_at = time.monotonic()
            raise self._failure from error
        finally:
            self._lock.release()


class Source(Connected[Reader]):
    """Gives callbacks a reader."""


class AccountSource:
    """Gives accounts their tables: a `riskcontrol.accounts.store.Store` that connects when it is first asked.

    Args:
        connect: Makes the tables; raises a `RiskControlError` if it can't.
    """

    def __init__(self, connect: Callable[[], Store]) -> None:
        self._tables = Connected(connect)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method of the tables."""
        return lambda *values, **named: self._tables.read(lambda tables: getattr(tables, name)(*values, **named))


def _plain(error: RiskControlError) -> ServerError:
    """Return the error with the server's name in front once, not once more for each time it was passed on."""
    kind = ServerError
    if isinstance(error, TablesMissing):
        kind = TablesMissing
        _tell(str(error))
    return kind(str(error).removeprefix("cassandra: "), server="cassandra")


@functools.cache
def _tell(trouble: str) -> None:
    """Tell whoever runs the server of a trouble that doesn't pass by itself, once."""
    log.error("%s", trouble)

"""What is read once for all viewers together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """Keeps what was read for as long as it counts as current.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[Value, float] | None = None
        """And when."""

    def value(self, read: Callable[[], Value], seconds: float) -> Value:
        """Return what was read last, or read it anew.

        One reads. Those who come meanwhile get what was read before it, or where that is older than `seconds` once
        more, wait.

        Args:
            read: Reads it; what it raises is passed on, and the next one tries again.
            seconds: How long what was read counts as current.
        """
        if (known := self.at_hand(seconds)) is not None:
            return known[0]
        if not self._lock.acquire(blocking=False):
            if (known := self.at_hand(2 * seconds)) is not None:
                return known[0]
            self._lock.acquire()
        try:
            if (known := self.at_hand(seconds)) is not None:
                return known[0]
            value = read()
            self._known = value, self._clock()
            return value
        finally:
            self._lock.release()

    def at_hand(self, seconds: float) -> tuple[Value] | None:
        """Return what was read last, alone in a tuple, if that was at most so long ago; never waits."""
        known = self._known
        return (known[0],) if known is not None and self._clock() - known[1] < seconds else None


class OfVersion(Generic[Value]):
    """Keeps what was made of the newest version of something, for all viewers.

    >>> made = OfVersion()
    >>> [made.value(version, lambda: f"of {version}") for version in ("1", "1", "2")]
    ['of 1', 'of 1', 'of 2']
    >>> made.value("2", lambda: 1 / 0)
    'of 2'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[object, Value] | None = None

    def at_hand(self, version: object) -> Value | None:
        """Return what was made of a version, if it is the newest one that something was made of; never waits."""
        known = self._known
        return known[1] if known is not None and known[0] == version else None

    def value(self, version: object, make: Callable[[], Value]) -> Value:
        """Return what was made of a version, or make it.

        Args:
            version: Which.
            make: Makes it; what it raises is passed on, and the next one tries again.
        """
        with self._lock:  # one makes it, the others wait for what they get
            if self._known is None or version != self._known[0]:
                self._known = version, make()
            return self._known[1]

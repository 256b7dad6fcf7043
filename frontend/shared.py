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
        self._value: Value
        self._read_at = float("-inf")

    def value(self, read: Callable[[], Value], seconds: float) -> Value:
        """Return what was read last, or read it anew.

        Args:
            read: Reads it; what it raises is passed on, and the next one tries again.
            seconds: How long what was read counts as current.
        """
        with self._lock:  # one reads, the others wait for what it gets
            if self._clock() - self._read_at >= seconds:
                self._value = read()
                self._read_at = self._clock()
            return self._value


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
        self._value: Value
        self._version: object = None

    def value(self, version: object, make: Callable[[], Value]) -> Value:
        """Return what was made of a version, or make it.

        Args:
            version: Which; never None.
            make: Makes it; what it raises is passed on, and the next one tries again.
        """
        with self._lock:  # one makes it, the others wait for what they get
            if self._version is None or version != self._version:
                self._value = make()
                self._version = version
            return self._value

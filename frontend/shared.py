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

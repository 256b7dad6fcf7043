"""Who leads, read for all viewers together: the ranking changes once a minute of the tape."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from frontend.source import Source

if TYPE_CHECKING:
    from riskcontrol.leaders import Leaders

FRESH_SECONDS = 5.0
"""How long what was read counts as current: the shards' parts of a minute come one after the other."""


class Leading:
    """Reads the leaders for all viewers together.

    Args:
        source: The way to the database.
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, source: Source, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._leaders: Leaders | None = None
        self._read_at = float("-inf")

    def now(self) -> Leaders | None:
        """Return who leads at the end of the newest minute that has one; None before the first.

        Raises:
            ServerError: The database is away.
        """
        with self._lock:  # one reads, the others wait for what it gets
            if self._clock() - self._read_at >= FRESH_SECONDS:
                self._leaders = self._source.read(lambda reader: reader.leaders())
                self._read_at = self._clock()
            return self._leaders

"""Who leads, read for all viewers together: the ranking changes once a minute of the tape."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from frontend.answers import digest
from frontend.shared import Shared
from frontend.source import Source

if TYPE_CHECKING:
    from database.reads import Reader
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
        self._leaders: Shared[tuple[Leaders | None, str]] = Shared(clock)

    def now(self) -> Leaders | None:
        """Return who leads at the end of the newest minute that has one; None before the first.

        Raises:
            ServerError: The database is away.
        """
        return self.versioned()[0]

    def versioned(self) -> tuple[Leaders | None, str]:
        """Return what `now` does, and a text that changes with it.

        Raises:
            ServerError: The database is away.
        """
        return self._leaders.value(lambda: self._source.read(_read), FRESH_SECONDS)

    def at_hand(self) -> tuple[Leaders | None, str] | None:
        """Return what `versioned` does, without waiting; None where it has to be read first."""
        known = self._leaders.at_hand(FRESH_SECONDS)
        return known[0] if known else None


def _read(reader: Reader) -> tuple[Leaders | None, str]:
    leaders = reader.leaders()
    # Shards' parts of a minute come one after the other: the counts differ where the time does not.
    return leaders, digest([leaders.time, leaders.counts.tolist()]) if leaders else ""

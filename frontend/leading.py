"""Who leads, read for all viewers together: the ranking changes once a minute of the tape."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from frontend.shared import Shared
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
        self._leaders: Shared[Leaders | None] = Shared(clock)

    def now(self) -> Leaders | None:
        """Return who leads at the end of the newest minute that has one; None before the first.

        Raises:
            ServerError: The database is away.
        """
        return self._leaders.value(lambda: self._source.read(lambda reader: reader.leaders()), FRESH_SECONDS)

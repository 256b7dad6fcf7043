"""What all viewers share: last prices and the pipeline's pulse, read at most twice a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from frontend.positions import Prices
from frontend.pulse import Pulse, pulse
from frontend.source import Source

if TYPE_CHECKING:
    from database.reads import Reader

FRESH_SECONDS = 0.5
"""How long what was read counts as current."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The market at one moment."""

    prices: Prices
    pulse: Pulse
    version: str
    """Changes whenever anything that pages show may have changed."""


class Market:
    """Reads the market for all viewers together.

    Args:
        source: The way to the database.
        clock: Seconds that only grow; another one in tests.
        now: The wall clock, UTC.
    """

    def __init__(
        self,
        source: Source,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._source = source
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._read_at = float("-inf")

    def snapshot(self) -> Snapshot:
        """Return the market as it is now.

        Raises:
            ServerError: The database is away.
        """
        with self._lock:  # one reads, the others wait for what it gets
            if self._snapshot is None or self._clock() - self._read_at >= FRESH_SECONDS:
                self._snapshot = self._source.read(self._read)
                self._read_at = self._clock()
            return self._snapshot

    def _read(self, reader: Reader) -> Snapshot:
        batches = reader.batches(limit=60)
        marks = reader.marks()
        beat = pulse(batches, pd.Timestamp(self._now()))
        newest = batches["time"].max() if len(batches) else ""
        prices = dict(marks.items())
        latest = max((at for at, _ in prices.values()), default=0)
        return Snapshot(prices, beat, f"{beat.state.value} {newest} {latest}")

"""What all viewers share: last prices, the pipeline's pulse and the day so far, read for all of them together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from frontend.board import Board, board
from frontend.positions import Prices
from frontend.pulse import Pulse, State, pulse
from frontend.shared import Shared
from frontend.source import Source
from riskcontrol.newyork import date_of

if TYPE_CHECKING:
    from database.reads import Reader

FRESH_SECONDS = 0.5
"""How long what was read counts as current."""
BOARD_SECONDS, BOARD_LATEST = 2.0, 30.0
"""The same of the day so far, while the tape moves and while it doesn't; its rows change once a minute of the tape."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The market at one moment."""

    prices: Prices
    pulse: Pulse
    batches: pd.DataFrame
    """The stream's newest batches (`Reader.batches`)."""
    latest: int
    """Time of the newest price, nanoseconds UTC; 0 before any."""
    version: str
    """Changes whenever anything that pages show may have changed."""

    @property
    def resting(self) -> bool:
        """Whether no trades come: the tape is at its end, or the stream has stopped."""
        return self.pulse.state is not State.RUNNING


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
        self._now = now
        self._snapshot: Shared[Snapshot] = Shared(clock)
        self._board: Shared[Board | None] = Shared(clock)
        self._board_of = -1

    def snapshot(self) -> Snapshot:
        """Return the market as it is now.

        Raises:
            ServerError: The database is away.
        """
        return self._snapshot.value(lambda: self._source.read(self._read), FRESH_SECONDS)

    def at_hand(self) -> Snapshot | None:
        """Return the market as it is now, without waiting; None where it has to be read first."""
        known = self._snapshot.at_hand(FRESH_SECONDS)
        return known[0] if known else None

    def board_at_hand(self) -> tuple[Board | None] | None:
        """Return the day so far alone in a tuple, without waiting; None where it has to be read first."""
        snapshot = self.at_hand()
        return self._board.at_hand(self._board_seconds(snapshot.latest)) if snapshot else None

    def board(self) -> Board | None:
        """Return the day so far; None before its first minute is over.

        Raises:
            ServerError: The database is away.
        """
        latest = self.snapshot().latest

        def read() -> Board | None:
            day = date_of(latest)
            found = board(day, self._source.read(lambda reader: reader.day(day)))
            self._board_of = latest
            return found

        return self._board.value(read, self._board_seconds(latest))

    def _board_seconds(self, latest: int) -> float:
        return BOARD_SECONDS if latest != self._board_of else BOARD_LATEST

    def _read(self, reader: Reader) -> Snapshot:
        batches = reader.batches(limit=60)
        marks = reader.marks()
        beat = pulse(batches, pd.Timestamp(self._now()))
        newest = batches["time"].max() if len(batches) else ""
        prices = dict(marks.items())
        latest = max((at for at, _ in prices.values()), default=0)
        return Snapshot(prices, beat, batches, latest, f"{beat.state.value} {newest} {latest}")

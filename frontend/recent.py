"""The stream's batches of the last hour, kept for all viewers: each look reads only those that are new."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pandas as pd

from frontend.market import Market, Snapshot
from frontend.pulse import State, interval_of
from frontend.source import Source

SPAN = pd.Timedelta(hours=1)
MOST = 3_600
"""Most batches kept: an hour of batches of a second."""
MINUTE = pd.Timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rates:
    """What the stream did in its last minute, per second of wall clock; nothing while it stands still."""

    trades: float = 0.0
    fills: float = 0.0


class Recent:
    """Keeps the last hour before the newest batch.

    Args:
        source: The way to the database.
        market: Reads the newest batches, for every page.
    """

    def __init__(self, source: Source, market: Market) -> None:
        self._source = source
        self._market = market
        self._lock = threading.Lock()
        self._kept: pd.DataFrame | None = None
        self._seen: Snapshot | None = None

    def batches(self) -> pd.DataFrame:
        """Return the batches, oldest first, with the columns of `Reader.batches`.

        Raises:
            ServerError: The database is away.
        """
        with self._lock:  # one reads, the others wait for what it gets
            snapshot, kept = self._market.snapshot(), self._kept
            if kept is not None and snapshot is self._seen:
                return kept
            new = snapshot.batches
            if kept is None or new.empty or kept.empty or not new["time"].isin(kept["time"]).any():
                kept = self._source.read(lambda reader: reader.batches(limit=MOST))
            else:
                kept = pd.concat([kept, new[new["time"] > kept["time"].iloc[-1]]])
            kept = kept.sort_values("time", ignore_index=True)
            if len(kept):
                kept = kept[kept["time"] > kept["time"].iloc[-1] - SPAN].iloc[-MOST:].reset_index(drop=True)
            self._kept, self._seen = kept, snapshot
            return kept

    def rates(self, snapshot: Snapshot) -> Rates:
        """Return the last minute's rates.

        Args:
            snapshot: The market as it is now.

        Raises:
            ServerError: The database is away.
        """
        batches = self.batches()
        if snapshot.pulse.state is not State.RUNNING or batches.empty:
            return Rates()
        last = batches[batches["time"] > batches["time"].iloc[-1] - MINUTE]
        seconds = len(last) * interval_of(batches["time"])
        return Rates(float(last["trades"].sum()) / seconds, float(last["fills"].sum()) / seconds)

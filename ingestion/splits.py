"""Which splits have to be on the tape before the next trades are."""

from __future__ import annotations

import numpy as np

from ingestion.columns import Directory, Rows
from riskcontrol.rows import Splits

_NEVER = np.iinfo(np.int64).max


class Coming:
    """Splits that wait for the first trade of their ticker after them to be sent.

    Those of before the tape's first day go with its first trades: a ticker may not have traded since. One that is sent
    once more does no harm, as the engine knows it; so a producer that was killed need not know what it had sent.

    Args:
        splits: Of any tickers.
        directory: The tickers met so far.
    """

    def __init__(self, splits: Splits, directory: Directory) -> None:
        self._splits = splits.take(np.argsort(splits.time, kind="stable"))
        self._directory = directory
        self._waiting: dict[str, list[int]] = {}
        for place, ticker in enumerate(self._splits.ticker.tolist()):
            self._waiting.setdefault(ticker.decode("ascii"), []).append(place)
        self._earliest = np.empty(0, np.int64)

    def before(self, rows: Rows) -> Splits:
        """Return the splits that belong before some of these trades; each is returned once."""
        self._meet()
        reached = np.flatnonzero(rows.time >= self._earliest[rows.ticker])
        latest: dict[int, int] = {}
        for number, time in zip(rows.ticker[reached].tolist(), rows.time[reached].tolist(), strict=True):
            latest[number] = max(time, latest.get(number, 0))
        found: list[int] = []
        for number, time in latest.items():
            waiting = self._waiting[self._directory.tickers[number]]
            due = int(np.searchsorted(self._splits.time[waiting], time, side="right"))
            found += waiting[:due]
            del waiting[:due]
            self._earliest[number] = self._splits.time[waiting[0]] if waiting else _NEVER
        return self._splits.take(np.array(sorted(found), np.int64))

    def _meet(self) -> None:
        """Look up the tickers that are new in the directory."""
        new = self._directory.tickers[len(self._earliest) :]
        times = [self._splits.time[self._waiting[ticker][0]] if ticker in self._waiting else _NEVER for ticker in new]
        self._earliest = np.concatenate([self._earliest, np.array(times, np.int64)])

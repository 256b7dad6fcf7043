"""Splits that wait in a book for the first trade of their ticker after them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskcontrol.book import Book, SplitState
from riskcontrol.rows import Ints, Splits

_NEVER = np.iinfo(np.int64).max


class Pending:
    """The splits of a book that are still to be applied.

    Args:
        book: The book; new splits are put into it.

    Attributes:
        touched: Rows of `splits` that were added or changed.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self.touched: list[int] = []
        self._known: set[tuple[int, int]] | None = None
        self._rows: dict[int, list[int]] = {}
        records = book.splits[: book.count("splits")]
        for row in np.flatnonzero(records["state"] == SplitState.PENDING).tolist():
            self._rows.setdefault(int(records[row]["ticker"]), []).append(row)

    def add(self, tickers: NDArray[np.int32], splits: Splits) -> int:
        """Take in splits, but for those that are known and those that come too late.

        Too late is one whose ticker has had a trade at or after its time: that was at prices after the split.

        Args:
            tickers: The numbers of their tickers.
            splits: They.

        Returns:
            How many are left out.
        """
        book = self.book
        if self._known is None:
            records = book.splits[: book.count("splits")]
            self._known = set(zip(records["ticker"].tolist(), records["time"].tolist(), strict=True))
        book.reserve(splits=len(splits))
        columns = (tickers, splits.time, splits.numerator, splits.denominator)
        ignored = 0
        for ticker, time, numerator, denominator in zip(*(column.tolist() for column in columns), strict=True):
            if (ticker, time) in self._known or book.tickers[ticker]["latest"] >= time:
                ignored += 1
                continue
            self._known.add((ticker, time))
            row = book.take("splits")
            book.splits[row] = (time, ticker, numerator, denominator, SplitState.PENDING)
            self._rows.setdefault(ticker, []).append(row)
            self.touched.append(row)
        return ignored

    def due(self, numbers: NDArray[np.int32], time: Ints) -> tuple[NDArray[np.bool_], list[int]] | None:
        """Find the splits that come before some of these trades, and mark them as applied.

        Args:
            numbers: The tickers of the trades, in the order of the tape, shape (n,).
            time: Their times, shape (n,).

        Returns:
            Which trades come after a split of their ticker, shape (n,), and the rows of the splits, those of one
            ticker by time; None where none is due.
        """
        if not self._rows:
            return None
        splits = self.book.splits
        earliest = np.full(self.book.count("tickers"), _NEVER)
        for ticker, rows in self._rows.items():
            earliest[ticker] = splits["time"][rows].min()
        reached = np.flatnonzero(time >= earliest[numbers])
        if not len(reached):
            return None
        first = np.full(len(earliest), len(time))
        np.minimum.at(first, numbers[reached], reached)
        due: list[int] = []
        for ticker in np.flatnonzero(first < len(time)).tolist():
            rows = sorted(self._rows.pop(ticker), key=lambda row: int(splits[row]["time"]))
            now = [row for row in rows if splits[row]["time"] <= time[first[ticker]]]
            due += now
            if len(now) < len(rows):
                self._rows[ticker] = rows[len(now) :]
        splits["state"][due] = SplitState.APPLIED
        self.touched += due
        return np.arange(len(time)) >= first[numbers], due

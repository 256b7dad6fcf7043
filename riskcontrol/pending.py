"""Splits that wait in a book for the first trade of their ticker after them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskcontrol.book import Book
from riskcontrol.rows import Ints, Splits
from riskcontrol.states import SplitState

_NEVER = np.iinfo(np.int64).max


MOST = 32
"""Splits that a book takes of a ticker, in all. Each is a fill for everybody who holds, so there must be a limit."""


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
        self._known: dict[int, set[int]] | None = None

    def add(self, tickers: NDArray[np.int32], splits: Splits) -> int:
        """Take in splits, but for those that are known, those that come too late and those over `MOST`.

        Too late is one whose ticker has had a trade at or after its time: that was at prices after the split.

        Args:
            tickers: The numbers of their tickers.
            splits: They.

        Returns:
            How many are left out.
        """
        book = self.book
        if self._known is None:
            self._known = {}
            records = book.splits[: book.count("splits")]
            for ticker, time in zip(records["ticker"].tolist(), records["time"].tolist(), strict=True):
                self._known.setdefault(ticker, set()).add(time)
        book.reserve(splits=len(splits))
        columns = (tickers, splits.time, splits.numerator, splits.denominator)
        ignored = 0
        for ticker, time, numerator, denominator in zip(*(column.tolist() for column in columns), strict=True):
            known = self._known.setdefault(ticker, set())
            if time in known or len(known) >= MOST or book.tickers[ticker]["latest"] >= time:
                ignored += 1
                continue
            known.add(time)
            row = book.take("splits")
            book.splits[row] = (time, ticker, numerator, denominator, SplitState.PENDING)
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
        splits = self.book.splits[: self.book.count("splits")]
        waiting = np.flatnonzero(splits["state"] == SplitState.PENDING)
        if not len(waiting):
            return None
        earliest = np.full(self.book.count("tickers"), _NEVER)
        np.minimum.at(earliest, splits["ticker"][waiting], splits["time"][waiting])
        reached = np.flatnonzero(time >= earliest[numbers])
        if not len(reached):
            return None
        first = np.full(len(earliest), len(time))
        np.minimum.at(first, numbers[reached], reached)
        # When the first trade is that reaches the ticker's earliest split; before all times where none does.
        moment = np.append(time, np.iinfo(np.int64).min)[first]
        due = waiting[splits["time"][waiting] <= moment[splits["ticker"][waiting]]]
        due = due[np.lexsort((splits["time"][due], splits["ticker"][due]))]
        splits["state"][due] = SplitState.APPLIED
        self.touched += due.tolist()
        return np.arange(len(time)) >= first[numbers], due.tolist()

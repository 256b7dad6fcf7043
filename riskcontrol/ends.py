"""What all strategies of a pass were worth at ends of days, without drawing the equity curve of each.

The last point of a curve in a stretch of time is the end of its last bar, or a fill after it. So one array operation
finds it for many strategies, where their curves have a point at every bar's end of the tape. The numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol.backtest import Backtest, too_valuable
from riskcontrol.equity import worth
from riskcontrol.rows import Ints
from riskcontrol.splits import of_ticker
from riskcontrol.statistics.days import day_edges
from riskcontrol.statistics.record import Floats, returns_of

_CELLS = 1 << 18
"""About so many points of strategies are in memory at a time: each array of them takes 2 MB."""


class _Points(NamedTuple):
    """The last points of equity curves in some periods, shape (strategies, periods).

    Attributes:
        there: Whether there is one.
        time, value: Of it; where there is none, they mean nothing.
    """

    there: NDArray[np.bool_]
    time: Ints
    value: Ints


class Ends:
    """The strategies of a pass at ends of periods; `of` makes one.

    Args:
        backtest: The pass; all its strategies trade one ticker.
        ticker: Which.
    """

    def __init__(self, backtest: Backtest, ticker: str) -> None:
        prices = backtest.prices[ticker]
        self._backtest, self._mark = backtest, prices.mark
        self._bar_end, self._close = backtest.bar_ends(ticker), prices.close[prices.close > 0]
        self._cash = np.array([one.cash for one in backtest.strategies], np.int64)

    @classmethod
    def of(cls, backtest: Backtest) -> Ends | None:
        """Return the ends of a pass.

        None where they take equity curves: with several tickers, with splits, without a bar that has a price, and
        where the last trade is after the last bar.
        """
        tickers = {one.ticker for one in backtest.strategies}
        if len(tickers) != 1 or len(of_ticker(backtest.splits, ticker := tickers.pop())):
            return None
        bar_end, mark = backtest.bar_ends(ticker), backtest.prices[ticker].mark
        return cls(backtest, ticker) if len(bar_end) and (mark is None or mark[0] <= bar_end[-1]) else None

    def values(self) -> Ints:
        """Return what each strategy was worth at the end, micro-dollars: the last value of its `equity_of`.

        Raises:
            riskcontrol.errors.InputError: It doesn't fit into 64 bits.
        """
        whole = np.array([np.iinfo(np.int64).max])
        return np.concatenate([points.value[:, 0] for _, points in self._points(whole)])

    def returns(self) -> Iterator[tuple[Ints, Floats]]:
        """Yield the daily returns of all strategies that have two or more, as `Record.daily` has them.

        Yields:
            Numbers of strategies, shape (n,), and their returns, shape (n, days): as many days for all of them.

        Raises:
            riskcontrol.errors.InputError: What one is worth doesn't fit into 64 bits.
        """
        edges = self._day_edges()
        if len(edges) < 2:
            return
        begins = self._begins()
        for first, points in self._points(edges):
            rows = np.arange(len(points.there))
            cash, begin = self._cash[first + rows], begins[first + rows]
            # A first day that lasts no time, with the starting cash, is where the run starts.
            at = points.there.argmax(axis=1)
            points.there[rows, at] = (points.time[rows, at] > begin) | (points.value[rows, at] != cash)
            days = points.there.sum(axis=1)
            for count in np.unique(days[days >= 2]).tolist():
                some = np.flatnonzero(days == count)
                values = points.value[some][points.there[some]].reshape(-1, count)
                before = np.column_stack([cash[some], values])
                known = (before > 0).all(axis=1)
                yield first + some[known], returns_of(before[known])

    def _points(self, edges: Ints) -> Iterator[tuple[int, _Points]]:
        """Yield the number of a strategy, and the last points of it and of those after it.

        Args:
            edges: The last times of the periods, ascending; none of the pass is after them.
        """
        bar = np.searchsorted(self._bar_end, edges, "right") - 1
        barred = np.diff(bar, prepend=-1) > 0
        bar_end, close = np.where(barred, self._bar_end[bar], 0), np.where(barred, self._close[bar], 0)
        together = max(1, _CELLS // len(edges))
        for first in range(0, len(self._cash), together):
            places = self._backtest.places[first : first + together + 1]
            fills = slice(int(places[0]), int(places[-1]))
            # Fills count from 1: in front of them lies what stands for none.
            time, price, cash, shares = (
                np.concatenate([[0], self._backtest.columns[name][fills]])
                for name in ("time", "price", "cash", "shares")
            )
            shape = len(places) - 1, len(edges)
            own = _last_fills(self._backtest.owner[fills] - first, np.searchsorted(edges, time[1:]), shape)
            filled = own > 0
            before = (places[:-1] - places[0])[:, np.newaxis]  # the last fill of the strategies before
            latest = np.maximum(np.maximum.accumulate(own, axis=1), before)
            # A fill at the very end of a bar comes after it.
            by_fill = filled & (time[latest] >= bar_end)
            there, worth_each = filled | barred, np.where(by_fill, price[latest], close)
            if self._mark is not None:
                worth_each[np.arange(len(there)), len(edges) - 1 - there[:, ::-1].argmax(axis=1)] = self._mark[1]
            held = np.cumsum(shares)
            in_cash = np.where(latest > before, cash[latest], self._cash[first : first + together, np.newaxis])
            try:
                value = worth(in_cash, held[latest] - held[before], worth_each)
            except OverflowError:
                raise too_valuable(self._backtest.strategies[first]) from None
            yield first, _Points(there, np.where(by_fill, time[latest], bar_end), value)

    def _begins(self) -> Ints:
        """Return the time of each strategy's first point."""
        places = self._backtest.places
        begins, fills = np.full(len(self._cash), self._bar_end[0]), np.diff(places) > 0
        begins[fills] = np.minimum(begins[fills], self._backtest.columns["time"][places[:-1][fills]])
        return begins

    def _day_edges(self) -> Ints:
        """Return the last time of each trading day on which some strategy has a point."""
        filled = self._backtest.columns["time"]
        first, last = self._bar_end[0], self._bar_end[-1]
        edges = day_edges(int(filled.min(initial=first)), int(filled.max(initial=last)))
        if len(edges) < 2:
            return edges
        used = np.zeros(len(edges), np.bool_)
        for times in (self._bar_end, filled):
            used[np.searchsorted(edges, times)] = True
        return edges[used]


def _last_fills(owner: NDArray[np.int32], period: Ints, shape: tuple[int, int]) -> Ints:
    """Return the number, from 1, of each strategy's last fill in each period; 0 where there is none.

    Args:
        owner: Whose each fill is, ascending.
        period: In which it is, ascending for each strategy.
        shape: How many strategies and periods there are.
    """
    cell = owner * shape[1] + period
    last = np.flatnonzero(np.diff(cell, append=-1))
    found = np.zeros(shape, np.int64)
    found.reshape(-1)[cell[last]] = last + 1
    return found

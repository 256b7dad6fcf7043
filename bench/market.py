"""A market for the benchmarks: trades without end at a steady rate, made as fast as the tape takes them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.money import MICROS
from riskcontrol.trades import ALL_FLAGS, NS_PER_SECOND, TRADES

DAY_TRADES = 68_100_000
"""Trades on a busy day of all US exchanges: what a second of event time holds follows from it."""

SESSION_SECONDS = 23_400
"""A regular session: 09:30 to 16:00."""

DAILY_VOLATILITY = 0.02
"""Standard deviation of a ticker's return over a session."""

_CENT = MICROS // 100
_START = 1_709_649_000 * NS_PER_SECOND  # Tuesday 2024-03-05, 09:30 in New York


class Market:
    """Prices of many tickers as a diffusion with bid-ask bounce, on the cent grid.

    Args:
        frequencies: Ticker and its share of all trades.
        seed: Of the random numbers.
        day_trades: Trades in a session of this market: sets how much event time a trade takes.
    """

    def __init__(self, frequencies: list[tuple[str, float]], seed: int, day_trades: int = DAY_TRADES) -> None:
        self._random = np.random.default_rng(seed)
        names, shares = zip(*frequencies, strict=True)
        self._names = pa.array(names, pa.utf8())
        weights = np.array(shares) / sum(shares)
        self._cumulated = np.cumsum(weights)
        self._middle = np.exp(self._random.normal(4.2, 0.8, len(names))) * MICROS
        # A ticker that trades n times a session moves by its daily volatility over the root of n at each trade.
        self._step = DAILY_VOLATILITY / np.sqrt(np.maximum(weights * day_trades, 1.0))
        self._ns_per_trade = SESSION_SECONDS * NS_PER_SECOND / day_trades
        self._made = 0

    def trades(self, count: int) -> pa.RecordBatch:
        """Return the next trades, in time order; all of them drive strategies."""
        ticker = np.minimum(np.searchsorted(self._cumulated, self._random.random(count)), len(self._names) - 1)
        return self._at(ticker)

    def jump(self, move: float) -> pa.RecordBatch:
        """Return two trades of every ticker at prices that have moved by a part, as at an opening after news.

        On the first a strategy decides, on the second it fills.
        """
        self._middle *= 1 + move
        return self._at(np.tile(np.arange(len(self._names)), 2))

    def _at(self, ticker: NDArray[np.int64]) -> pa.RecordBatch:
        count, random = len(ticker), self._random
        price = self._prices(ticker.astype(np.int32))
        number = self._made + np.arange(count)
        self._made += count
        return pa.record_batch(
            [
                pa.DictionaryArray.from_arrays(pa.array(ticker.astype(np.int32)), self._names),
                pa.array(_START + (number * self._ns_per_trade).astype(np.int64)),
                pa.array(price),
                pa.array(random.integers(1, 500, count)),
                pa.array(np.full(count, ALL_FLAGS, np.uint8)),
                pa.array(number),
            ],
            schema=TRADES,
        )

    def _prices(self, ticker: NDArray[np.int32]) -> NDArray[np.int64]:
        order = np.argsort(ticker, kind="stable")
        of = ticker[order]
        first = np.r_[True, of[1:] != of[:-1]]
        moves = np.cumsum(self._random.normal(0, self._step[of]))
        group = np.cumsum(first) - 1
        before_group = np.r_[0.0, moves[:-1]][first]
        middle = self._middle[of] * np.exp(moves - before_group[group])
        last = np.r_[first[1:], True]
        self._middle[of[last]] = middle[last]
        bounce = self._random.choice(np.array([-0.5, 0.5]), len(of)) * _CENT
        price = np.empty(len(of), np.int64)
        price[order] = np.maximum(np.rint((middle + bounce) / _CENT), 1).astype(np.int64) * _CENT
        return price

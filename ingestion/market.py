"""The trades of a simulated day, a stretch of time after the other: what, when, at which price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.market_kernel import (
    CLOSING,
    EXCHANGES,
    MOST_OPEN,
    OFFICIAL_CLOSE,
    OFFICIAL_OPEN,
    OPENING,
    TRADE,
    simulate,
)
from ingestion.tickers import Universe

SECONDS = 86_400
NS = 1_000_000_000
EARLY, LATE = 4 * 3600, 20 * 3600
"""First and last second after midnight at which trades are reported."""

CHUNK_TRADES = 131_072
"""About how many trades are simulated at once; it bounds the memory."""

_EXCHANGE_SHARE = np.cumsum([0.36, 0.13, 0.10, 0.10, 0.10, 0.08, 0.05, 0.04, 0.03, 0.01])
_NYSE, _NASDAQ = ord("N"), ord("Q")


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Consecutive trades; each array has one element per trade.

    Attributes:
        time: Nanoseconds after New York's midnight, never falling.
        ticker: Place of the company in its `Universe`.
        price: Cents.
        size: Shares.
        condition: Place in `CONDITIONS`.
        exchange: The exchange's letter.
        correction: Correction code.
    """

    time: NDArray[np.int64]
    ticker: NDArray[np.int32]
    price: NDArray[np.int64]
    size: NDArray[np.int64]
    condition: NDArray[np.uint8]
    exchange: NDArray[np.uint8]
    correction: NDArray[np.uint8]


def day_of_trades(
    market: Universe, trades: int, random: np.random.Generator, *, opens: int, closes: int
) -> Iterator[Trades]:
    """Simulate a day.

    Prices are a diffusion in the count of a ticker's trades, quoted on the cent grid, with trades at bid or ask.
    More is traded near open and close. The busiest companies have an opening and a closing print; about a quarter of
    the trades are odd lots and as many are sweeps, which come in bursts; a few are cancelled, erroneous or corrected,
    some of these at absurd prices, each followed by its record; some are reported late or out of line, with a
    condition that keeps them from setting the last price.

    Args:
        market: The companies.
        trades: How many trades in all, at least 1.
        random: Source of chance.
        opens: Second after New York's midnight at which the regular session begins.
        closes: Second at which it ends.

    Yields:
        The trades in order, about `CHUNK_TRADES` at a time.
    """
    prints = _prints(market, trades, random, opens, closes)
    drawn = trades - len(prints[0])
    until = np.round(_activity(opens, closes) * drawn).astype(np.int64)
    state = _State(market, drawn)
    done = 0
    for first, last in _stretches(until):
        count = int(until[last]) - done
        seconds = np.repeat(np.arange(first, last + 1), np.diff(until[first : last + 1], prepend=done))
        time = np.sort(seconds * NS + random.integers(0, NS, count))
        kind = np.full(count, TRADE, np.uint8)
        ticker = np.searchsorted(state.share, random.random(count)).astype(np.int32)
        a, b = np.searchsorted(prints[0], (first * NS, (last + 1) * NS))
        order = np.argsort(np.concatenate([time, prints[0][a:b]]), kind="stable")
        if len(order):
            yield state.trade(
                np.concatenate([time, prints[0][a:b]])[order],
                np.concatenate([ticker, prints[1][a:b]])[order],
                np.concatenate([kind, prints[2][a:b]])[order],
                random,
                (opens * NS, closes * NS),
            )
        done += count


def _activity(opens: int, closes: int) -> NDArray[np.float64]:
    """Return the share of the day's trades done by the end of each second: a U over the session, little beside it."""
    second = np.arange(SECONDS)
    within = (second >= opens) & (second < closes)
    place = (second - opens) / (closes - opens)
    ends = 1.5 * np.exp(-np.abs(place) / 0.02) + 2.0 * np.exp(-np.abs(1 - place) / 0.01)
    regular = within * (0.55 + 3.2 * (place - 0.52) ** 2 + ends)
    early = ((second >= EARLY) & (second < opens)) * np.exp((second - opens) / 3600.0)
    late = ((second >= closes) & (second < LATE)) * np.exp((closes - second) / 2400.0)
    share = 0.972 * regular / regular.sum() + 0.013 * early / early.sum() + 0.015 * late / late.sum()
    done: NDArray[np.float64] = np.cumsum(share)
    return done / done[-1]


def _stretches(until: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Give first and last second of stretches of about `CHUNK_TRADES` trades that cover the day."""
    first = 0
    while first < SECONDS:
        before = int(until[first - 1]) if first else 0
        last = int(np.searchsorted(until, before + CHUNK_TRADES, "right")) - 1
        last = min(max(last, first), SECONDS - 1)
        yield first, last
        first = last + 1


def _prints(
    market: Universe, trades: int, random: np.random.Generator, opens: int, closes: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
    """Return time, ticker and kind of the auctions' prints: four a company, a tenth of all trades at most."""
    count = min(len(market.symbols), trades // 40)
    ticker = np.tile(np.arange(count, dtype=np.int32), 4)
    kind = np.repeat(np.array([OPENING, OFFICIAL_OPEN, CLOSING, OFFICIAL_CLOSE], np.uint8), count)
    auction = [
        at * NS + (random.exponential(mean, count) * NS).astype(np.int64) for at, mean in ((opens, 1.5), (closes, 0.8))
    ]
    delay = random.integers(50_000, 5_000_000, (2, count))
    time = np.concatenate([auction[0], auction[0] + delay[0], auction[1], auction[1] + delay[1]])
    order = np.argsort(time, kind="stable")
    return time[order], ticker[order], kind[order]


class _State:
    """Where the market is, between two stretches of time."""

    def __init__(self, market: Universe, trades: int) -> None:
        self.share = np.cumsum(market.frequency)
        self.share[-1] = 1.0
        self._expected = np.maximum(1.0, market.frequency * trades)
        self._log_price = np.log(market.price * 100)
        self._step = market.volatility / np.sqrt(self._expected)
        self._spread = market.spread
        self._dear = market.price > 10_000
        self._listing = np.where(market.nasdaq, _NASDAQ, _NYSE).astype(np.uint8)
        self._auction = np.zeros((len(market.symbols), 2), np.int64)
        # Trades whose cancellation, error or correction record is to come: due trade, then what it repeats.
        self._open = np.zeros((MOST_OPEN, 6), np.int64)
        self._count = np.zeros(3, np.int64)
        self._lag = max(1, min(1_500, trades // 50))
        self._trades = trades

    def trade(
        self,
        time: NDArray[np.int64],
        ticker: NDArray[np.int32],
        kind: NDArray[np.uint8],
        random: np.random.Generator,
        session: tuple[int, int],
    ) -> Trades:
        """Return the trades at these times; `time` and `ticker` are changed in place where the market decides."""
        count = len(time)
        exchange = EXCHANGES[np.searchsorted(_EXCHANGE_SHARE[:-1], random.random(count))]
        columns = (
            np.empty(count, np.int64),
            np.empty(count, np.int64),
            np.empty(count, np.uint8),
            exchange,
            np.zeros(count, np.uint8),
        )
        simulate(
            time, ticker, kind, random.random((count, 5)), random.standard_normal(count), session,
            self._log_price, self._step, self._spread, self._dear, self._listing, self._expected, self._auction,
            self._open, self._count, self._lag, self._trades, *columns,
        )  # fmt: skip
        price, size, condition, exchange, correction = columns
        return Trades(time, ticker, price, size, condition, exchange, correction)

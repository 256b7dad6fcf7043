"""The market at a glance: what trades most and what moves, from the day so far and last prices; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from frontend.positions import Prices
from riskcontrol.newyork import date_of

ROWS = 15
"""Rows of a list."""
LEAST_PRICE = 1_000_000
"""Movers cost at least this much, micro-dollars: a cent more of a cent's share is no news."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A ticker's day so far; prices and `notional` in micro-dollars."""

    ticker: str
    time: int
    """Until the end of the minute that starts then, nanoseconds UTC."""
    open: int
    """The day's first price; 0 if no trade has set one."""
    high: int
    low: int
    close: int
    volume: int
    notional: int
    trades: int

    def last(self, prices: Prices) -> int:
        """Return the newest price known of this day; 0 without one."""
        time, price = prices.get(self.ticker, (0, 0))
        return price if price and date_of(time) == date_of(self.time) else self.close

    def change(self, prices: Prices) -> float | None:
        """Return the change since the day's first price, as a fraction; None without prices."""
        last = self.last(prices)
        return last / self.open - 1.0 if self.open and last else None


@dataclass(frozen=True, slots=True)
class Board:
    """A day of the market so far.

    Attributes:
        day: Its New York date.
        time: Start of the newest minute in it, nanoseconds UTC.
        tickers: How many traded.
        trades, notional: Sums over all.
        rising, falling: How many cost more, and less, than at first.
        active: The most traded by money, the most first.
        gainers, losers: What moved most since the day's first price, the most first.
        quotes: Of every ticker, the most traded first.
    """

    day: date
    time: int
    tickers: int
    trades: int
    notional: int
    rising: int
    falling: int
    active: tuple[Quote, ...]
    gainers: tuple[Quote, ...]
    losers: tuple[Quote, ...]
    quotes: Mapping[str, Quote]


def movers(quotes: Sequence[Quote], prices: Prices, *, falling: bool = False) -> list[Quote]:
    """Return what moves most now, the most first, without what has turned round since the lists were made.

    Args:
        quotes: A board's gainers or losers, chosen at the end of a minute.
        prices: Last prices.
        falling: Whether what falls is asked for.
    """
    sign = -1 if falling else 1
    moved = [(sign * (quote.change(prices) or 0.0), quote) for quote in quotes]
    return [quote for change, quote in sorted(moved, key=lambda one: -one[0]) if change > 0]


def board(day: date, table: pd.DataFrame) -> Board | None:
    """Return a day of the market; None where nothing is known of it yet.

    Args:
        day: New York date.
        table: Of `database.reads.Reader.day`.
    """
    if table.empty:
        return None
    table = table.sort_values(["notional", "ticker"], ascending=[False, True], ignore_index=True)
    first, close = table["open"].to_numpy(np.int64), table["close"].to_numpy(np.int64)
    priced = (first > 0) & (close > 0)
    change = np.where(priced, close / np.maximum(first, 1) - 1.0, 0.0)
    found = [Quote(*row) for row in table.itertuples(index=False, name=None)]
    worth = np.flatnonzero(priced & (close >= LEAST_PRICE))
    by_change = worth[np.argsort(-change[worth], kind="stable")]
    return Board(
        day=day,
        time=int(table["time"].max()),
        tickers=len(table),
        trades=int(table["trades"].sum()),
        notional=sum(table["notional"].tolist()),
        rising=int(np.count_nonzero(change > 0)),
        falling=int(np.count_nonzero(change < 0)),
        active=tuple(found[:ROWS]),
        gainers=tuple(found[i] for i in by_change[:ROWS] if change[i] > 0),
        losers=tuple(found[i] for i in by_change[::-1][:ROWS] if change[i] < 0),
        quotes={quote.ticker: quote for quote in found},
    )

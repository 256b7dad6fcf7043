"""The compiled loop that puts trades into bars of a minute."""

from __future__ import annotations

import numpy as np

from riskcontrol.cohorts import grown
from riskcontrol.compiling import entry
from riskcontrol.trades import HIGH_LOW, LAST, NS_PER_MINUTE, VOLUME

_MOST = np.iinfo(np.int64).max

BAR = np.dtype(
    [(name, "i8") for name in ("time", "open", "high", "low", "close", "volume", "notional", "trades")]
    + [("ticker", "i4"), ("pad", "i4")]
)
"""A closed bar, before the name is put to it."""


@entry
def advance_bars(tickers, starts, price, time, size, flags):
    """Put trades into their ticker's bar of a minute.

    A bar closes when a trade of a later minute arrives. A trade of an earlier minute than the open bar's came
    late: it counts in the open bar, so that no volume is lost.

    Args:
        tickers: Of the book; the open bars in it are changed in place.
        starts: int64, shape (tickers + 1,): where each ticker's trades start.
        price, time, size, flags: All trades, grouped by ticker, shape (n,).

    Returns:
        The bars (`BAR`) that closed, and how many trades came late.
    """
    bars, n, late = np.empty(1024, BAR), 0, 0
    for t in range(len(starts) - 1):
        ticker = tickers[t]
        for i in range(starts[t], starts[t + 1]):
            if flags[i] & (LAST | HIGH_LOW | VOLUME) == 0:
                continue
            minute = time[i] - time[i] % NS_PER_MINUTE
            if ticker.trades > 0 and minute > ticker.bar:
                if n == len(bars):
                    bars = grown(bars)
                bar = bars[n]
                bar.time, bar.ticker = ticker.bar, t
                bar.open, bar.high, bar.low, bar.close = ticker.open, ticker.high, ticker.low, ticker.close
                bar.volume, bar.notional, bar.trades = ticker.volume, ticker.notional, ticker.trades
                n += 1
                ticker.trades = 0
            if ticker.trades == 0:
                ticker.bar = minute
                ticker.open = ticker.high = ticker.low = ticker.close = ticker.volume = ticker.notional = 0
            elif minute < ticker.bar:
                late += 1
            ticker.trades += 1
            if flags[i] & LAST:
                if ticker.open == 0:
                    ticker.open = price[i]
                ticker.close = price[i]
            if flags[i] & HIGH_LOW:
                ticker.high = max(ticker.high, price[i])
                ticker.low = price[i] if ticker.low == 0 else min(ticker.low, price[i])
            if flags[i] & VOLUME:
                ticker.volume += size[i]
                # Held at the most that fits: a minute of 9 million million dollars is nobody's.
                ticker.notional = min(ticker.notional, _MOST - price[i] * size[i]) + price[i] * size[i]
    return bars[:n], late


@entry
def add_to_days(days, bars, dates):
    """Add bars of a minute to their tickers' days.

    Args:
        days: `riskcontrol.book.DAY` by ticker; changed in place.
        bars: `BAR`, by ticker and then by time.
        dates: int64, of each bar, New York's: days since 1970.
    """
    for k in range(len(bars)):
        bar, day = bars[k], days[bars[k].ticker]
        if day.day != dates[k]:
            day.day = dates[k]
            day.open = day.high = day.low = day.close = 0
            day.volume = day.notional = day.trades = 0
        if day.open == 0:
            day.open = bar.open
        if bar.close != 0:
            day.close = bar.close
        day.high = max(day.high, bar.high)
        if day.low == 0 or 0 < bar.low < day.low:  # 0 is none
            day.low = bar.low
        day.volume = min(day.volume, _MOST - bar.volume) + bar.volume
        day.notional = min(day.notional, _MOST - bar.notional) + bar.notional
        day.trades = min(day.trades, _MOST - bar.trades) + bar.trades

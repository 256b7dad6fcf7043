"""The day so far of every ticker: its bars of a minute added up, and packed at the end of each minute of event time.

A page about the market needs the day's first price and volume of thousands of tickers at once; adding them up from bars
would mean as many reads. So a book keeps a bar of the day for each ticker, and whoever keeps the tables gets one packed
row a shard and day (`riskcontrol.engine.Outcome.days`), the same however the tape was cut into batches.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.book import BAR_FIELDS, Book
from riskcontrol.minutes import BAR, add_to_days
from riskcontrol.newyork import NS_PER_DAY, local_time
from riskcontrol.packed import packed
from riskcontrol.rows import Bars


def day_number(time: int) -> int:
    """Return New York's date of a time (nanoseconds UTC) as days since 1970-01-01.

    >>> day_number(0)
    -1
    """
    return int(local_time(np.array(time)) // NS_PER_DAY)


def add_bars(days: NDArray[np.void], bars: NDArray[np.void]) -> None:
    """Add bars of a minute to their tickers' days; a bar of a later day begins a new one.

    Args:
        days: `riskcontrol.book.DAY` by ticker; changed in place.
        bars: `riskcontrol.minutes.BAR`, by ticker and then by time.
    """
    if len(bars):
        add_to_days(days, bars, local_time(bars["time"]) // NS_PER_DAY)


def day_so_far(book: Book, time: int) -> Bars:
    """Return the day so far of each ticker that traded in it, open minutes included.

    Args:
        book: The book; it stays as it is.
        time: A time of the day, nanoseconds UTC.

    Returns:
        A row a ticker, by its number in the book; `time` is the one given. A ticker whose trades set no price (odd lots
        alone) has 0 for prices.
    """
    tickers = book.tickers[: book.count("tickers")]
    days = book.days[: len(tickers)].copy()
    traded = np.flatnonzero(tickers["trades"] > 0)
    minutes = np.zeros(len(traded), BAR)
    minutes["ticker"], minutes["time"] = traded, tickers["bar"][traded]
    for field in BAR_FIELDS:
        minutes[field] = tickers[field][traded]
    add_bars(days, minutes)
    rows = np.flatnonzero((days["day"] == day_number(time)) & (days["trades"] > 0))
    return Bars(tickers["ticker"][rows], np.full(len(rows), time), *(days[field][rows] for field in BAR_FIELDS))


def encode_day(rows: Bars) -> bytes:
    """Return rows of `day_so_far` as bytes, packed: `ticker` as text, and the fields of a bar."""
    names = pa.array(rows.ticker.astype("U").tolist(), pa.utf8())
    columns = [names, *(pa.array(getattr(rows, field)) for field in BAR_FIELDS)]
    return packed(pa.record_batch(columns, names=["ticker", *BAR_FIELDS]))

"""Bars of any interval up to a day from trades: open, high, low, close, volume, and what VWAP needs.

Which trade counts for what is in its flags (`riskcontrol.trades`), whatever the session: an auction's closing print a
second after four o'clock still closes the day. Bars are cut by New York's clock: a day is New York's, and
shorter intervals count from its midnight.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.compiling import entry
from riskcontrol.errors import InputError
from riskcontrol.newyork import NEW_YORK
from riskcontrol.trades import HIGH_LOW, LAST, NS_PER_MINUTE, NS_PER_SECOND, VOLUME

HOUR = 60 * NS_PER_MINUTE
DAY = 24 * HOUR
SESSION_OPENS = 570 * NS_PER_MINUTE
"""09:30, after midnight."""

BARS = pa.schema(
    [
        pa.field("ticker", pa.utf8(), nullable=False),
        pa.field("time", pa.timestamp("ns", "America/New_York"), nullable=False),
        pa.field("open", pa.int64()),
        pa.field("high", pa.int64()),
        pa.field("low", pa.int64()),
        pa.field("close", pa.int64()),
        pa.field("volume", pa.int64(), nullable=False),
        pa.field("notional", pa.int64(), nullable=False),
    ]
)
"""Schema of bars: `time` is a bar's start; prices are micro-dollars, null where no trade of the bar sets them;
`notional` is the sum of price × size of the trades that count as volume, micro-dollars, so VWAP = notional / volume."""

_UNITS = {"s": NS_PER_SECOND, "m": NS_PER_MINUTE, "h": HOUR, "d": DAY}
_TICKER, _START, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME, _NOTIONAL, _BEFORE = range(9)
_MOST = np.iinfo(np.int64).max


def parse_interval(text: str) -> int:
    """Return an interval in nanoseconds.

    Args:
        text: A number and a unit, s, m, h or d; at most one day.

    Raises:
        ValueError: It isn't one.

    >>> parse_interval("5m") // NS_PER_SECOND
    300
    """
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text.strip())
    interval = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < interval <= DAY:
        raise ValueError(f"{text!r} is not an interval like 30s, 1m, 5m, 1h or 1d (at most one day)")
    return interval


def alignment(interval: int) -> str:
    """Return where the bars of an interval lie in the day, if not as one may think; else nothing.

    Args:
        interval: Length of a bar, nanoseconds, at most a day.

    >>> alignment(5 * NS_PER_MINUTE), alignment(DAY)
    ('', '')
    >>> alignment(HOUR)
    "Bars count from New York's midnight: the session's first begins at 09:00."
    >>> alignment(35 * NS_PER_SECOND)[-52:]
    "09:29:55, and the day's last is cut off at midnight."
    """
    first = SESSION_OPENS - SESSION_OPENS % interval
    if interval == DAY or (first == SESSION_OPENS and DAY % interval == 0):
        return ""
    at = dt.datetime.fromtimestamp(first // NS_PER_SECOND, dt.UTC)
    cut = ", and the day's last is cut off at midnight" if DAY % interval else ""
    clock = f"{at:%H:%M:%S}".removesuffix(":00")
    return f"Bars count from New York's midnight: the session's first begins at {clock}{cut}."


class Aggregator:
    """Collects bars from batches of trades, in any number of steps.

    The first and last trade of a bar are those of the order in which trades are added; bars may be revisited.

    Args:
        interval: Length of a bar, nanoseconds, at most a day.
        tickers: What to look at; None: everything.
    """

    def __init__(self, interval: int, tickers: Collection[str] | None = None) -> None:
        self._interval = interval
        self._wanted = None if tickers is None else frozenset(tickers)
        self._numbers: dict[str, int] = {}
        self._latest = np.zeros(0, np.int64)
        self._bars = np.zeros((0, 9), np.int64)
        self._count = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Add trades.

        Args:
            batch: Schema `riskcontrol.trades.TRADES`.

        Raises:
            InputError: A bar's sum of price × size doesn't fit into 64 bits.
        """
        if not batch.num_rows:
            return
        ticker = batch.column("ticker")
        numbers = np.array([self._number(name) for name in ticker.dictionary.to_pylist()], np.int64)
        time = batch.column("time").to_numpy()
        self._make_room(batch.num_rows)
        hours = time // HOUR
        first = hours.min()
        self._count = _add(
            numbers[ticker.indices.to_numpy()],
            time,
            hours - first,
            _offsets(hours - first, int(first)),
            batch.column("price").to_numpy(),
            batch.column("size").to_numpy(),
            batch.column("flags").to_numpy(),
            self._interval,
            self._latest,
            self._bars,
            self._count,
        )
        if self._count < 0:
            raise InputError("a bar's sum of price × size is over 64 bits; take a shorter interval")

    def bars(self) -> pa.Table:
        """Return the bars so far, by ticker and time, with the schema `BARS`."""
        bars = self._bars[: self._count]
        names = np.array([*self._numbers, ""], object)
        ticker = names[bars[:, _TICKER]]
        order = np.lexsort((bars[:, _START], ticker.astype(str)))
        bars = bars[order]
        prices = [pa.array(bars[:, at], mask=bars[:, at] == 0) for at in (_OPEN, _HIGH, _LOW, _CLOSE)]
        time = pa.array(_to_utc(bars[:, _START])).cast(BARS.field("time").type)
        rest = [pa.array(bars[:, _VOLUME]), pa.array(bars[:, _NOTIONAL])]
        return pa.table([pa.array(ticker[order], pa.utf8()), time, *prices, *rest], schema=BARS)

    def _number(self, name: str) -> int:
        if self._wanted is not None and name not in self._wanted:
            return -1
        return self._numbers.setdefault(name, len(self._numbers))

    def _make_room(self, rows: int) -> None:
        if len(self._latest) < len(self._numbers):
            new = np.full(2 * len(self._numbers) - len(self._latest), -1, np.int64)
            self._latest = np.concatenate([self._latest, new])
        if len(self._bars) < self._count + rows:
            self._bars = np.concatenate([self._bars[: self._count], np.zeros((self._count + 2 * rows, 9), np.int64)])


def aggregate(batches: Iterable[pa.RecordBatch], interval: int, tickers: Collection[str] | None = None) -> pa.Table:
    """Return the bars of trades.

    Args:
        batches: Trades, schema `riskcontrol.trades.TRADES`.
        interval: Length of a bar, nanoseconds, at most a day.
        tickers: What to look at; None: everything.

    Returns:
        Bars by ticker and time, schema `BARS`.

    Raises:
        InputError: A bar's sum of price × size doesn't fit into 64 bits.
    """
    aggregator = Aggregator(interval, tickers)
    for batch in batches:
        aggregator.add(batch)
    return aggregator.bars()


def _offsets(hours: NDArray[np.int64], first: int) -> NDArray[np.int64]:
    """Return New York's offset from UTC in each hour met, nanoseconds, by hours after the first."""
    offsets = np.zeros(int(hours.max()) + 1, np.int64)
    met = np.zeros(len(offsets), np.bool_)
    met[hours] = True
    for hour in np.flatnonzero(met):
        offsets[hour] = _offset(first + int(hour))
    return offsets


@functools.lru_cache(maxsize=65_536)
def _offset(hour: int) -> int:
    """Return New York's offset from UTC in an hour since 1970 UTC, nanoseconds; clocks change on the hour."""
    offset = dt.datetime.fromtimestamp(hour * 3600, NEW_YORK).utcoffset()
    assert offset is not None  # noqa: S101 - for the type checker: the zone is known
    return int(offset.total_seconds()) * NS_PER_SECOND


def _to_utc(local: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return nanoseconds UTC of New York's wall clock; an hour that comes twice is taken as its first coming."""
    hours, place = np.unique(local // HOUR, return_inverse=True)
    utc = [
        int(dt.datetime.fromtimestamp(h * 3600, dt.UTC).replace(tzinfo=NEW_YORK).timestamp()) for h in hours.tolist()
    ]
    return np.array(utc, np.int64)[place] * NS_PER_SECOND + local % HOUR


@entry
def _add(
    tickers: Any,
    times: Any,
    hours: Any,
    offsets: Any,
    prices: Any,
    sizes: Any,
    flags: Any,
    interval: int,
    latest: Any,
    bars: Any,
    count: int,
) -> int:
    """Add trades to bars; return the number of bars, or -1 if a sum doesn't fit.

    Each ticker's bars form a chain from the latest back (`_BEFORE`), so that the bar of a trade in time order is
    found at once, and that of a late one by going back.
    """
    for i in range(tickers.size):
        ticker = tickers[i]
        updates = flags[i]
        if ticker < 0 or updates & (LAST | HIGH_LOW | VOLUME) == 0:
            continue
        local = times[i] + offsets[hours[i]]
        start = local - local % DAY % interval
        after = -1
        at = latest[ticker]
        while at >= 0 and bars[at, _START] > start:
            after, at = at, bars[at, _BEFORE]
        if at < 0 or bars[at, _START] != start:
            new = count
            count += 1
            bars[new, :] = 0
            bars[new, _TICKER], bars[new, _START], bars[new, _BEFORE] = ticker, start, at
            if after < 0:
                latest[ticker] = new
            else:
                bars[after, _BEFORE] = new
            at = new
        bar = bars[at]
        price = prices[i]
        if updates & LAST:
            if bar[_OPEN] == 0:
                bar[_OPEN] = price
            bar[_CLOSE] = price
        if updates & HIGH_LOW:
            bar[_HIGH] = max(bar[_HIGH], price)
            if bar[_LOW] == 0 or price < bar[_LOW]:
                bar[_LOW] = price
        if updates & VOLUME:
            notional = price * sizes[i]
            if bar[_NOTIONAL] > _MOST - notional:
                return -1
            bar[_VOLUME] += sizes[i]
            bar[_NOTIONAL] += notional
    return count

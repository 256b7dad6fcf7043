"""Trades and sources made by hand, for tests of what comes after reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from ingestion.columns import Directory, Rows
from ingestion.report import Report
from riskcontrol.errors import InputError
from riskcontrol.trades import NS_PER_SECOND, TRADES

DAY = dt.date(2024, 3, 5)


def at(clock: str, day: dt.date = DAY) -> int:
    """Return a New York time as nanoseconds UTC."""
    local = dt.datetime.combine(day, dt.time.fromisoformat(clock), ZoneInfo("America/New_York"))
    return int(local.timestamp()) * NS_PER_SECOND


def batch(tickers: Sequence[str], times: Sequence[int], first: int = 0) -> pa.RecordBatch:
    """Return trades whose price, size and sequence number tell them apart."""
    count = len(tickers)
    number = np.arange(first, first + count)
    columns = [
        pa.array(tickers, pa.utf8()).dictionary_encode(),
        pa.array(times, pa.int64()),
        pa.array(1_000_000 + number),
        pa.array(1 + number % 900),
        pa.array(np.full(count, 15, np.uint8)),
        pa.array(1 + number),
    ]
    return pa.record_batch(columns, schema=TRADES)


def rows(tickers: Sequence[str], times: Sequence[int], partitions: int = 4) -> tuple[Directory, Rows]:
    """Return the same as columns."""
    directory = Directory(partitions)
    return directory, directory.rows(batch(tickers, times), first=0)


@dataclass
class Made:
    """A source without a file: `count` trades of 40 tickers, evenly over `seconds` from `start`."""

    name: str = "made"
    count: int = 20_000
    size: int = 1_000
    start: int = field(default_factory=lambda: at("09:30"))
    seconds: float = 23_400.0
    by_ticker: bool = False
    fails_after: int | None = None
    location: str = "made.gz"
    day: dt.date | None = DAY
    report: Report = field(default_factory=Report)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the trades in batches of 3,000, in order of time or of ticker."""
        number = np.arange(self.count)
        times = self.start + (number / self.count * self.seconds * NS_PER_SECOND).astype(np.int64)
        ticker = (number * 7 + number // 40) % 40
        if self.by_ticker:
            order = np.argsort(ticker, kind="stable")
            times, ticker = times[order], ticker[order]
        names = np.array([f"T{n}" for n in range(40)])
        for first in range(0, self.count, 3_000):
            if self.fails_after is not None and first >= self.fails_after:
                raise InputError("cut short", source=self.location)
            part = slice(first, first + 3_000)
            self.report.bytes_read = self.size * first // self.count
            yield batch(names[ticker[part]].tolist(), times[part].tolist(), first)

"""Simulated trading days as Daily TAQ files, so that nobody needs foreign data to begin."""

from __future__ import annotations

import datetime
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingestion import market_kernel
from ingestion.background import background
from ingestion.calendar import day as calendar_day
from ingestion.market import Trades, day_of_trades
from ingestion.tickers import Universe, universe
from riskcontrol.errors import InputError
from riskcontrol.trades import NS_PER_SECOND

HEADER = (
    b"Time|Exchange|Symbol|Sale Condition|Trade Volume|Trade Price|Trade Stop Stock Indicator|"
    b"Trade Correction Indicator|Sequence Number|Trade Id|Source of Trade|Trade Reporting Facility|"
    b"Participant Timestamp|Trade Reporting Facility TRF Timestamp|Trade Through Exempt Indicator\n"
)
MAX_TRADES = 1_000_000_000
"""Most trades in a day: ten times the real market's."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written.

    Args:
        path: The file.
        trades: Lines in it, without header and trailer.
        size: Its bytes.
        seconds: How long it took.
    """

    path: Path
    trades: int
    size: int
    seconds: float


def file_name(day: datetime.date) -> str:
    """Return the name that a day's file has.

    >>> file_name(datetime.date(2024, 3, 5))
    'EQY_US_ALL_TRADE_20240305.gz'
    """
    return f"EQY_US_ALL_TRADE_{day:%Y%m%d}.gz"


def simulate_day(
    path: Path,
    *,
    day: datetime.date,
    tickers: int,
    trades: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Write a simulated trading day, in time order; the same arguments give the same bytes.

    Args:
        path: The file to write; it appears when it is whole. Its folder is made.
        day: A day on which the New York Stock Exchange trades.
        tickers: How many companies, 1 to `ingestion.tickers.MAX_TICKERS`.
        trades: How many trades, 1 to `MAX_TRADES`.
        seed: Any whole number from 0.
        progress: Called now and then with the trades written so far.

    Raises:
        InputError: An argument is out of its range, or the file can't be written.
    """
    began = time.monotonic()
    if not 1 <= trades <= MAX_TRADES:
        raise InputError(f"{trades:,} is not between 1 and {MAX_TRADES:,}", source="simulation", field="trades")
    try:
        market = universe(tickers, seed)
    except ValueError as error:
        raise InputError(str(error), source="simulation") from None
    opens, closes = _session(day)
    random = np.random.default_rng([seed, day.toordinal()])
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            squeeze = zlib.compressobj(1, wbits=31)  # gzip without name and time: the same bytes each time
            file.write(squeeze.compress(HEADER))
            lines = _lines(market, day_of_trades(market, trades, random, opens=opens, closes=closes))
            with closing(background(lines)) as chunks:
                for count, text in chunks:
                    file.write(squeeze.compress(text))
                    if progress is not None:
                        progress(count)
            file.write(squeeze.compress(f"END|{day:%Y%m%d}|{trades}{'|' * 13}\n".encode()))
            file.write(squeeze.flush())
        partial.replace(path)
    except OSError as error:
        raise InputError(f"can't be written: {error.strerror}", source=str(path)) from error
    finally:
        with suppress(OSError):  # most often it isn't there any more
            partial.unlink()
    return Summary(path, trades, path.stat().st_size, time.monotonic() - began)


def _session(day: datetime.date) -> tuple[int, int]:
    """Return the seconds after New York's midnight at which the regular session opens and closes."""
    found = calendar_day(day)
    if not found.opens:
        raise InputError(
            f"{day:%A, %d %B %Y} is not a trading day in New York; take another", source="simulation", field="day"
        )
    midnight = int(found.midnights[9])
    return (found.opens - midnight) // NS_PER_SECOND, (found.closes - midnight) // NS_PER_SECOND


def _lines(market: Universe, chunks: Iterator[Trades]) -> Iterator[tuple[int, bytes]]:
    """Give the trades as text, with the count of trades so far."""
    symbols = np.array([symbol.encode() for symbol in market.symbols])
    letters = symbols.view(np.uint8).reshape(len(symbols), -1)
    lengths = np.array([len(symbol) for symbol in market.symbols], np.int64)
    conditions = np.frombuffer(b"".join(market_kernel.CONDITIONS), np.uint8).reshape(-1, 4)
    exempt = np.array([b"F" in condition for condition in market_kernel.CONDITIONS], np.uint8)
    source = np.where(market.nasdaq, ord("N"), ord("C")).astype(np.uint8)
    written = 0
    for chunk in chunks:
        into = np.empty(len(chunk.time) * market_kernel.LINE_BYTES, np.uint8)
        used = market_kernel.write(
            into,
            chunk.time,
            letters,
            lengths,
            chunk.ticker,
            chunk.price,
            chunk.size,
            conditions,
            chunk.condition,
            chunk.exchange,
            chunk.correction,
            source,
            exempt,
            written + 1,
        )
        written += len(chunk.time)
        yield written, into[:used].tobytes()

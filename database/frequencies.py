"""How often tickers trade: by a list, by trade files counted, by the stream, or as the simulator has them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc

from database.reads import Reader
from ingestion.sources import find_sources
from ingestion.tickers import ticker_frequencies
from riskcontrol.errors import InputError
from riskcontrol.newyork import date_of
from riskcontrol.settings import Settings
from riskcontrol.trades import DRIVING, TICKER_PATTERN

SIMULATED_TICKERS = 100
SIMULATED_SEED = 1

_HEADER = ["ticker", "frequency"]
_MAX_FREQUENCY = 1e15

OnRead = Callable[[str, int, int], None]
"""Told while trade files are counted: file, compressed bytes read, compressed bytes in all."""


def simulated(tickers: int = SIMULATED_TICKERS, seed: int = SIMULATED_SEED) -> dict[str, float]:
    """Return the frequencies of the simulated market; by default, those of `riskcontrol simulate`.

    Args:
        tickers: How many companies.
        seed: That of the simulation.

    >>> len(simulated())
    100
    """
    return dict(ticker_frequencies(tickers, seed))


def from_location(location: str, settings: Settings, *, on_read: OnRead | None = None) -> dict[str, float]:
    """Return the frequencies that a file lists, or else those of the trades in trade files.

    Args:
        location: A CSV file with the header ``ticker,frequency``; or a trade file, a folder of them or their place on
            S3, of which the trades that drive strategies are counted.
        settings: Where S3 is.
        on_read: Told how far the counting is.

    Raises:
        InputError: It can't be read, or holds nothing to go by.
        ServerError: S3 refuses, or can't be reached.
    """
    path = Path(location)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(64).lstrip(b"\xef\xbb\xbf").lower().startswith(b"ticker,"):
                return from_list(path)
    return _counted(location, settings, on_read)


def from_list(path: Path) -> dict[str, float]:
    """Return the frequencies in a CSV file with the header ``ticker,frequency``.

    Raises:
        InputError: A line of it is wrong.
    """
    source = str(path)
    frequencies: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            if [name.strip().lower() for name in next(rows, [])] != _HEADER:
                raise InputError("the header must be ticker,frequency", source=source, line=1)
            for row in rows:
                if row:
                    ticker, frequency = _listed(row, source, rows.line_num)
                    if ticker in frequencies:
                        raise InputError(f"{ticker} is listed twice", source=source, line=rows.line_num, field="ticker")
                    frequencies[ticker] = frequency
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"can't be read as CSV ({error})", source=source) from error
    if not frequencies:
        raise InputError("lists no tickers", source=source)
    return frequencies


def from_stream(reader: Reader) -> dict[str, float]:
    """Return the frequencies of what the stream has seen: the trades of its last day, in bars that have closed.

    Raises:
        InputError: It hasn't seen any trade.
        ServerError: The database doesn't answer.
    """
    marks = reader.marks()
    if not marks:
        raise InputError(
            "no trade has come through yet; send some with: riskcontrol ingest, or name tickers with --tickers FILE",
            source="the stream",
        )
    newest = max(time for time, _ in marks.values())
    day = date_of(newest)
    counts = reader.trade_counts(sorted(marks), day)
    return {ticker: count + 1.0 for ticker, count in counts.items()}  # one more: its bar that is still open


def _listed(row: list[str], source: str, line: int) -> tuple[str, float]:
    if len(row) != len(_HEADER):
        raise InputError(f"{len(row)} fields; 2 are expected: ticker,frequency", source=source, line=line)
    ticker = row[0].strip()
    if not TICKER_PATTERN.fullmatch(ticker):
        raise InputError(f"{ticker[:40]!r} is not a ticker like IBM or BRK.B", source=source, line=line, field="ticker")
    try:
        frequency = float(row[1])
    except ValueError:
        frequency = -1.0
    if not 0 < frequency <= _MAX_FREQUENCY:
        raise InputError(
            f"{row[1][:40]!r} is not a number above 0, such as trades a day",
            source=source,
            line=line,
            field="frequency",
        )
    return ticker, frequency


def _counted(location: str, settings: Settings, on_read: OnRead | None) -> dict[str, float]:
    counts: Counter[str] = Counter()
    sources = find_sources(location, settings)
    size = sum(source.size for source in sources)
    before = 0
    for source in sources:
        for batch in source.batches():
            flags = batch.column("flags").to_numpy()
            driving = batch.column("ticker").filter((flags & DRIVING) == DRIVING)
            for pair in pc.value_counts(driving).to_pylist():
                counts[pair["values"]] += pair["counts"]
            if on_read is not None:
                on_read(source.name, before + source.report.bytes_read, size)
        before += source.size
    if not counts:
        raise InputError("holds no trade that drives strategies", source=location)
    return {ticker: float(count) for ticker, count in counts.items()}

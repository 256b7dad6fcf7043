"""Files of bars: CSV or Parquet with a date and any of open, high, low, close, volume, notional, vwap."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.errors import InputError
from riskcontrol.indicators.dates import Times, read_times, shown

DATES = ("datetime", "timestamp", "date_time", "time", "date", "open_time", "open time", "unnamed: 0")
"""Names of the date column, in lower case, the surest first; the first column may have none, as pandas's index."""

TICKERS = ("ticker", "symbol")

LARGEST = 1e15
"""Larger numbers are no prices, volumes or sums of dollars of a bar."""

_MISSING = ("", "nan", "null", "na", "none")
_HINTS = {
    "high": "or, in highest, name another: highest(close, 20)",
    "low": "or, in lowest, name another: lowest(close, 20)",
    "notional": "or a column vwap, or high, low, close and volume",
}


@dataclass(frozen=True, slots=True)
class BarFile:
    """What was read of a file.

    Attributes:
        source: The file's name.
        date: Name of the date column.
        dates: The dates as they were written.
        times: The same, as numbers.
        columns: Float64 columns by their names in `registry.COLUMNS`; NaN where a cell is empty.
        lines: Line (of Parquet: row) of each bar.
    """

    source: str
    date: str
    dates: list[str]
    times: Times
    columns: dict[str, NDArray[np.float64]]
    lines: list[int]


@dataclass(slots=True)
class _Raw:
    """The wanted columns of a file as text or, of Parquet, as numbers where they are numbers."""

    header: list[str]
    columns: dict[int, list[str] | NDArray[np.float64]]
    lines: list[int]


class NoTickerColumn(InputError):
    """A ticker was asked for of a file that doesn't say whose its bars are."""


Opened = Callable[[Path], AbstractContextManager[IO[bytes]]]


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def read_bars(path: Path, wanted: Collection[str], ticker: str = "", opened: Opened = _open) -> BarFile:
    """Read bars, oldest first.

    The header's names may be in any case and order; columns that aren't wanted are not looked at. Where `notional` is
    wanted and isn't there, it is vwap × volume, or else (high + low + close) / 3 × volume.

    Args:
        path: CSV, or Parquet by its ending.
        wanted: Columns that must be there, of open, high, low, close, volume, notional; `day` comes from the dates.
        ticker: Which bars to take of a file that has a column ticker or symbol.
        opened: Opens a CSV file; may show how far its reading is.

    Raises:
        InputError: Something is missing or wrong; it names the file, the line, the column and the remedy.
    """
    source, needed = str(path), [name for name in wanted if name != "day"]
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            raw, chosen = _parquet(path, needed)
        else:
            with opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
                raw, chosen = _csv(text, source, needed)
    except (OSError, pa.ArrowException) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise InputError(f"can't be read: {what}", source=source) from error
    raw = _of_ticker(raw, chosen.ticker, ticker, source)
    dates = [" ".join(parts) for parts in zip(*(_texts(raw.columns[at]) for at in chosen.dates), strict=True)]
    if not dates:
        raise InputError("has no bars below its header", source=source)
    # A column without a name is pandas's index.
    name = " ".join(raw.header[at].strip() for at in chosen.dates) or "date"
    times = read_times(dates, source=source, lines=raw.lines, field=name)
    columns = {name: _numbers(raw, at, source) for name, at in chosen.columns.items()}
    _check(columns, raw, chosen.columns, source)
    if "notional" in wanted and "notional" not in columns:
        columns["notional"] = _notional(columns)
    columns["day"] = times.day.astype(np.float64)
    return BarFile(source, name, dates, times, columns, raw.lines)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which columns of a header to read."""

    dates: tuple[int, ...]
    ticker: int | None
    columns: dict[str, int]

    def all(self) -> list[int]:
        return sorted({*self.dates, *self.columns.values(), *(() if self.ticker is None else (self.ticker,))})


def _choose(header: Sequence[str], wanted: Collection[str], source: str) -> _Choice:
    there = shown(", ".join(header))
    names: dict[str, int] = {}
    for at, written in enumerate(header):
        name = written.strip().lower()
        if name in names and name in {*DATES, *TICKERS, *wanted}:
            raise InputError(f"there are two columns {name!r}; rename one", source=source, line=1, field=written)
        names.setdefault(name, at)
    dates = [names[name] for name in DATES if name in names] or ([0] if header and not header[0].strip() else [])
    if not dates:
        raise InputError(
            f"no date column; name it date or time (the header is {there}, columns separated by commas)",
            source=source,
            line=1,
            field="date",
        )
    # A date and the time of day in columns of their own.
    split = "date" in names and "time" in names and dates[0] == names["time"]
    columns = {name: names[name] for name in wanted if name in names}
    missing = [name for name in wanted if name not in names]
    if "notional" in missing:
        parts = ("vwap", "volume") if "vwap" in names else ("high", "low", "close", "volume")
        columns |= {name: names[name] for name in parts if name in names}
        if all(name in names for name in parts):
            missing.remove("notional")
    if missing:
        hint = f", {_HINTS[missing[0]]}" if missing[0] in _HINTS else ""
        raise InputError(
            f"no column {missing[0]}; add it{hint} (the header is {there})",
            source=source,
            line=1,
            field=missing[0],
        )
    ticker = next((names[name] for name in TICKERS if name in names), None)
    return _Choice((names["date"], names["time"]) if split else (dates[0],), ticker, columns)


def _csv(file: Iterable[str], source: str, wanted: Collection[str]) -> tuple[_Raw, _Choice]:
    reader = csv.reader(file, strict=True)
    try:
        header = next(reader, [])
        if not header:
            raise InputError("is empty, or its first line is; a header with date and close is expected", source=source)
        chosen = _choose(header, wanted, source)
        columns: dict[int, list[str]] = {at: [] for at in chosen.all()}
        lines: list[int] = []
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise InputError(
                    f"{len(row)} fields, the header has {len(header)}; is a comma missing, or one too many?",
                    source=source,
                    line=reader.line_num,
                )
            lines.append(reader.line_num)
            for at, column in columns.items():
                column.append(row[at])
    except csv.Error as error:
        raise InputError(f"is not CSV: {error}", source=source, line=reader.line_num) from error
    except UnicodeDecodeError as error:
        raise InputError(
            "is not text in UTF-8; save it as such (Parquet is known by its ending, .parquet)",
            source=source,
            line=reader.line_num + 1,
        ) from error
    return _Raw(header, {**columns}, lines), chosen


def _parquet(path: Path, wanted: Collection[str]) -> tuple[_Raw, _Choice]:
    import pyarrow.parquet as pq  # noqa: PLC0415  only where there is such a file

    with pq.ParquetFile(path) as file:
        header = list(file.schema_arrow.names)
        chosen = _choose(header, wanted, str(path))
        table = file.read(columns=[header[at] for at in chosen.all()])
    columns: dict[int, list[str] | NDArray[np.float64]] = {}
    for at in chosen.all():
        column = table.column(header[at])
        # A decimal goes by its text: Arrow's cast would be off in the last bits.
        if at in chosen.columns.values() and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            columns[at] = column.cast(pa.float64()).to_numpy()
        else:
            columns[at] = [_cell(value) for value in _plain(column).to_pylist()]
    return _Raw(header, columns, list(range(1, table.num_rows + 1))), chosen


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times in microseconds, which Python has, and anything else as it is."""
    kind = column.type
    return column.cast(pa.timestamp("us", kind.tz), safe=False) if pa.types.is_timestamp(kind) else column


def _cell(value: object) -> str:
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _of_ticker(raw: _Raw, column: int | None, ticker: str, source: str) -> _Raw:
    """Return the bars of one ticker.

    Raises:
        InputError: There are none, or bars of several and none was named.
    """
    if column is None:
        if ticker:
            raise NoTickerColumn("no column ticker or symbol to choose by", source=source, line=1, field="ticker")
        return raw
    tickers = _texts(raw.columns[column])
    there = [name for name, _ in Counter(tickers).most_common()]
    choice = ", ".join(map(shown, there[:5])) + (", …" if len(there) > 5 else "")
    if not ticker:
        if len(there) > 1:
            raise InputError(
                f"bars of {len(there)} tickers ({choice}); choose one with --ticker",
                source=source,
                field=raw.header[column],
            )
        return raw
    if ticker not in there:
        raise InputError(
            f"no bars of {shown(ticker)}; there are {choice or 'none'}: choose one with --ticker",
            source=source,
            field=raw.header[column],
        )
    rows = [i for i, value in enumerate(tickers) if value == ticker]
    columns: dict[int, list[str] | NDArray[np.float64]] = {
        at: values[rows] if isinstance(values, np.ndarray) else [values[i] for i in rows]
        for at, values in raw.columns.items()
    }
    return _Raw(raw.header, columns, [raw.lines[i] for i in rows])


def _texts(values: list[str] | NDArray[np.float64]) -> list[str]:
    return values if isinstance(values, list) else [str(value) for value in values.tolist()]


def _numbers(raw: _Raw, at: int, source: str) -> NDArray[np.float64]:
    values = raw.columns[at]
    if isinstance(values, np.ndarray):
        numbers: Iterable[float] = values.tolist()
    else:
        numbers = map(_number, values)
    out = np.empty(len(raw.lines))
    for i, number in enumerate(numbers):
        if abs(number) > LARGEST:  # what is no number has become infinite
            raise InputError(
                f"{shown(_texts(values)[i])} is no number of a bar; one like 182.01 is expected, or an empty field",
                source=source,
                line=raw.lines[i],
                field=raw.header[at].strip(),
            )
        out[i] = number
    return out


def _number(text: str) -> float:
    """Return a number, NaN for an empty field, infinity for anything else."""
    try:
        number = float(text)
    except ValueError:
        return math.nan if text.strip().lower() in _MISSING else math.inf
    return math.inf if "_" in text or not text.isascii() else number


def _check(columns: dict[str, NDArray[np.float64]], raw: _Raw, at: dict[str, int], source: str) -> None:
    """Refuse what no bar is.

    Raises:
        InputError: A high is below its low, or a volume or sum of dollars below 0.
    """
    wrong: dict[str, tuple[str, NDArray[np.bool_]]] = {
        name: (f"{name} is below 0", columns[name] < 0) for name in ("volume", "notional") if name in columns
    }
    if "high" in columns and "low" in columns:
        wrong["high"] = ("high is below low", columns["high"] < columns["low"])
    for name, (what, rows) in wrong.items():
        if rows.any():
            line = raw.lines[int(np.argmax(rows))]
            raise InputError(f"{what}; mend or remove the bar", source=source, line=line, field=raw.header[at[name]])


def _notional(columns: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the dollars traded in each bar, from its VWAP or, without one, its typical price."""
    volume = columns["volume"]
    price = columns["vwap"] if "vwap" in columns else (columns["high"] + columns["low"] + columns["close"]) / 3
    return np.where(volume == 0, 0.0, price * volume)

"""Reading values over time from a CSV file: an equity curve, or the closes of a benchmark."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import numpy as np

from riskcontrol.errors import InputError
from riskcontrol.money import MICROS
from riskcontrol.newyork import NEW_YORK
from riskcontrol.rows import Ints
from riskcontrol.statistics.record import Record
from riskcontrol.trades import MAX_TIME, MIN_TIME

TIMES = ("datetime", "timestamp", "date", "time")
EQUITY = ("equity", "value", "balance", "nav")
CLOSES = ("close", "price", "value", "equity", "adj close")
"""Names that a column may have, the likelier first; case and blanks around them don't matter."""

_CLOSE = dt.time(16)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST = 10**12


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values over time.

    Attributes:
        time: Nanoseconds UTC, ascending, shape (n,), n ≥ 1.
        value: Micro-dollars, shape (n,).
        without_zone: Whether a time said no zone, and was taken as New York's.
    """

    time: Ints
    value: Ints
    without_zone: bool


def read_record(path: Path, benchmark: Path | None = None) -> Record:
    """Return the record of an equity file, with a benchmark's last close at or before each of its times.

    Raises:
        InputError: A file can't be used, or the benchmark begins after the equity.
    """
    return as_record(read_series(path, EQUITY), read_closes(benchmark) if benchmark else None, str(benchmark))


def read_closes(path: Path) -> Series:
    """Read a CSV file of closes; lines without one are left out: `riskcontrol bars` writes them where no trade sets it.

    Raises:
        InputError: As of `read_series`.
    """
    return read_series(path, CLOSES, gaps=True)


def as_record(equity: Series, benchmark: Series | None = None, source: str = "benchmark") -> Record:
    """Return the record of an equity curve; it starts with its first value.

    Args:
        equity: The curve.
        benchmark: Closes of what it is compared with; at each point the last one at or before it counts.
        source: The benchmark's file, for errors.

    Raises:
        InputError: The benchmark begins after the equity, or a close isn't positive.
    """
    closes = None
    if benchmark is not None:
        index = np.searchsorted(benchmark.time, equity.time, side="right") - 1
        if index[0] < 0:
            raise InputError("begins after the equity; give closes from the equity's first day on", source=source)
        closes = benchmark.value[index]
        if (closes <= 0).any():
            raise InputError("has a close at or under zero; leave out days without a price", source=source)
    return Record(int(equity.value[0]), equity.time, equity.value, closes=closes)


def read_series(path: Path, names: Sequence[str], *, gaps: bool = False) -> Series:
    """Read a CSV file with a header, a column of dates or times, and a column of dollars.

    A time is ISO 8601; without a zone it is New York's, and a date alone is that day's close, 16:00. Dollars are
    rounded to the micro-dollar.

    Args:
        path: The file.
        names: What the column of dollars may be called, in lower case.
        gaps: Whether lines without an amount are left out, instead of being an error.

    Raises:
        InputError: The file or a line of it can't be used; it names file, line, field and remedy.
    """
    times: list[int] = []
    values: list[int] = []
    without_zone = False
    lines = _lines(path)
    _, header = next(lines, (1, []))
    columns: dict[str, int] = {}
    for i, name in enumerate(header):
        columns.setdefault(name.strip().lower(), i)
    when, value = _column(path, columns, TIMES, "times"), _column(path, columns, names, "values")
    # A date in one column and a clock in another belong together.
    clock = columns.get("time") if when == columns.get("date") else None
    for line, row in lines:
        if len(row) != len(header):
            raise InputError(
                f"has {len(row)} fields instead of {len(header)}; mend or remove the line", source=str(path), line=line
            )
        text = row[when].strip() if clock is None else f"{row[when].strip()}T{row[clock].strip()}"
        moment = _moment(path, line, header[when], text)
        without_zone |= moment.tzinfo is None
        time = _nanoseconds(moment)
        if not MIN_TIME <= time < MAX_TIME:
            raise InputError("is before 1970 or after 2099; mend it", source=str(path), line=line, field=header[when])
        if times and time < times[-1]:
            raise InputError(
                "is before the line above it; sort the file by time", source=str(path), line=line, field=header[when]
            )
        if gaps and not row[value].strip():
            continue
        times.append(time)
        values.append(_micros(path, line, header[value], row[value]))
    if not times:
        raise InputError("has no value below its header; give at least one", source=str(path))
    return Series(np.array(times, np.int64), np.array(values, np.int64), without_zone)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield one-based line numbers and fields of the lines that aren't blank."""
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for row in rows:
                line = rows.line_num
                if any(field.strip() for field in row):
                    yield line, row
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror or error}", source=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; give a CSV file", source=str(path), line=line + 1) from error
    except csv.Error as error:
        raise InputError(f"is not CSV ({error}); mend the line", source=str(path), line=line + 1) from error


def _column(path: Path, columns: dict[str, int], names: Sequence[str], what: str) -> int:
    for name in names:
        if name in columns:
            return columns[name]
    found = repr(",".join(columns)[:200]) if columns else "empty"
    raise InputError(
        f"has no column of {what}; name one {' or '.join(names)} (the first line is {found})", source=str(path), line=1
    )


def _moment(path: Path, line: int, field: str, text: str) -> dt.datetime:
    """Return a time that may lack its zone."""
    try:
        moment = dt.datetime.fromisoformat(text)
        # A date alone: the same text is a date too.
        if len(text) <= len("2013-10-07"):
            return dt.datetime.combine(dt.date.fromisoformat(text), _CLOSE)
    except ValueError:
        raise InputError(
            f"{text[:40]!r} is no time; write 2013-10-07, 2013-10-07T16:00 or 2013-10-07T16:00-04:00",
            source=str(path),
            line=line,
            field=field,
        ) from None
    return moment


def _nanoseconds(moment: dt.datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)
    return (aware - _EPOCH) // dt.timedelta(microseconds=1) * 1_000


def _micros(path: Path, line: int, field: str, text: str) -> int:
    try:
        dollars = Decimal(text.strip())
    except InvalidOperation:
        dollars = Decimal("nan")
    if not dollars.is_finite():
        raise InputError(
            f"{text[:40]!r} is no amount in dollars; write it like 10250.75 or remove the line",
            source=str(path),
            line=line,
            field=field,
        )
    if not -_MOST <= dollars <= _MOST:  # abs() would overflow
        raise InputError("is over a million million dollars; mend it", source=str(path), line=line, field=field)
    return round(dollars * MICROS)

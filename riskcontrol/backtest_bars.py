"""Files of bars as a tape: how long their bars are, when each began and ended, and longer bars made of them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from riskcontrol.errors import InputError
from riskcontrol.indicators.barfile import BarFile, NoTickerColumn, read_bars
from riskcontrol.indicators.expressions import columns_read
from riskcontrol.language.text import duration_text
from riskcontrol.money import MAX_PRICE, MICROS
from riskcontrol.newyork import NS_PER_DAY, local_time, transitions
from riskcontrol.rows import Ints
from riskcontrol.shape import INTERVALS, interval_of
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import Definition
from riskcontrol.trades import MAX_TIME, NS_PER_MINUTE, NS_PER_SECOND

DAY = 86_400
PRICES = ("open", "high", "low", "close")
OPENS, CLOSES = 570 * NS_PER_MINUTE, 960 * NS_PER_MINUTE
"""When the regular session begins and ends: after New York's midnight."""

_HEAD = 4_096


def is_bars(file: str) -> bool:
    """Tell whether a file has bars rather than trades: Parquet by its ending, CSV by a header with a close."""
    path = Path(file)
    if path.suffix.lower() in (".parquet", ".pq"):
        return True
    if file.startswith("s3://") or not path.is_file():
        return False
    try:
        with path.open("rb") as raw:
            head = raw.read(2)
        with gzip.open(path) if head == b"\x1f\x8b" else path.open("rb") as content:
            line = content.readline(_HEAD)
    except (OSError, EOFError):
        return False
    names = line.decode("utf-8", "replace").lower().replace('"', "").split(",")
    return "close" in [name.strip().lstrip("\ufeff") for name in names]


@dataclass(frozen=True, eq=False)
class BarTape:
    """The bars of one ticker.

    Attributes:
        source: The file's name.
        seconds: Length of a bar.
        start: When each began, nanoseconds UTC, ascending.
        end: When it ended.
        local: `start` by New York's clock.
        values: open, high, low, close and volume (int64, micro-dollars and shares), notional (float64, dollars).
        notes: What was taken for granted.
    """

    source: str
    seconds: int
    start: Ints
    end: Ints
    local: Ints
    values: Mapping[str, NDArray]
    notes: tuple[str, ...]

    def every_of(self, strategy: Strategy) -> int:
        """Return how long a strategy's bars are: the file's where its rules look at none.

        Raises:
            InputError: They can't be made of the file's.
        """
        every = interval_of(strategy.shape)[0] or self.seconds
        has, wants = duration_text(self.seconds), duration_text(every)
        if every % self.seconds:
            raise InputError(
                f"bars of {has} can't make the strategy's of {wants}; write every = \"{has}\" or a multiple of it in "
                "the strategy file",
                source=self.source,
                field="every",
            )
        if every not in (self.seconds, DAY) and (self.local % (self.seconds * NS_PER_SECOND)).any():
            raise InputError(
                f"bars that don't begin on the {has} can't make the strategy's of {wants}; write every = \"{has}\"",
                source=self.source,
                field="every",
            )
        return every

    def columns(self, every: int) -> dict[str, NDArray]:
        """Return the bars as `riskcontrol.backtest.on_bars` takes them.

        Args:
            every: How long they shall be, seconds, as `every_of` gives.
        """
        day = self.local // NS_PER_DAY
        found = {"start": self.start, "end": self.end, **self.values, "day": day}
        if every == self.seconds:
            return found
        bucket = self.local // (every * NS_PER_SECOND)
        first = np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))
        last = np.append(first[1:], len(bucket)) - 1
        found = {name: column[last if name in ("end", "close") else first] for name, column in found.items()}
        found["high"] = np.maximum.reduceat(self.values["high"], first)
        found["low"] = np.minimum.reduceat(self.values["low"], first)
        for name in ("volume", "notional"):
            found[name] = np.add.reduceat(self.values[name], first)
        return found


def read_tape(path: Path, ticker: str, definitions: Sequence[Definition]) -> BarTape:
    """Read a file of bars.

    Args:
        path: CSV (plain or gzip) or Parquet, with open, high, low, close, and volume where a rule needs it.
        ticker: Which bars to take of a file that has a column ticker; one without is taken as this ticker's.
        definitions: The strategies that will read it.

    Raises:
        InputError: Something is missing or wrong; it names the file, the line, the column and the remedy.
    """
    rules = [rule for one in definitions for rule in (one.buy, one.sell) if rule is not None]
    wanted = [*PRICES, *(name for name in ("volume", "notional") if name in columns_read(rules))]
    notes = []
    try:
        file = read_bars(path, wanted, ticker, _opened)
    except NoTickerColumn:
        file = read_bars(path, wanted, "", _opened)
        notes.append(f"The file names no ticker; its bars are taken as {ticker}'s.")
    values, kept, more = _values(file)
    seconds, start, end, local, others = _times(file, kept)
    return BarTape(str(path), seconds, start, end, local, values, (*notes, *more, *others))


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if packed else path.open("rb")


def _values(file: BarFile) -> tuple[dict[str, NDArray], NDArray[np.bool_], list[str]]:
    """Return a file's columns as integers, which bars are kept, and what to say of the others."""
    prices = np.stack([file.columns[name] for name in PRICES])
    kept: NDArray[np.bool_] = np.asarray(~np.isnan(prices).any(axis=0))
    wrong = kept & ((prices <= 0).any(axis=0) | (prices > MAX_PRICE / MICROS).any(axis=0))
    if wrong.any():
        line = file.lines[int(np.argmax(wrong))]
        raise InputError(
            f"a price is not between 0 and {MAX_PRICE / MICROS:,.0f} dollars; mend or remove the bar",
            source=file.source,
            line=line,
        )
    if not kept.any():
        raise InputError("no bar has all of open, high, low and close", source=file.source)
    values: dict[str, NDArray] = {
        name: np.maximum(1, np.rint(row[kept] * MICROS)).astype(np.int64)
        for name, row in zip(PRICES, prices, strict=True)
    }
    volume = np.nan_to_num(file.columns.get("volume", np.zeros(len(kept))))
    values["volume"] = np.rint(volume[kept]).astype(np.int64)
    values["notional"] = np.nan_to_num(file.columns.get("notional", np.zeros(len(kept))))[kept]
    missing = int(np.count_nonzero(~kept))
    return values, kept, [f"{missing:,} bars without a price are left out."] if missing else []


def _times(file: BarFile, kept: NDArray[np.bool_]) -> tuple[int, Ints, Ints, Ints, list[str]]:
    """Return the seconds of a bar, when each bar began and ended, its start in New York, and what was assumed."""
    time = file.times.time
    if len(time) < 2:
        raise InputError("has one bar alone; its length can't be told, and nothing could fill", source=file.source)
    if time[0] < 0 or time[-1] >= MAX_TIME:
        raise InputError("dates from 1970 to 2099 are accepted", source=file.source, field=file.date)
    step = np.diff(time)
    if int(step.min()) >= 20 * 3600 * NS_PER_SECOND:
        if int(np.median(step)) > 4 * NS_PER_DAY:
            raise InputError(
                "bars longer than a day can't be traded on; give bars of a day or shorter", source=file.source
            )
        # A daily bar dated midnight UTC is of that date, which in New York has not begun.
        of_utc = file.times.aware and not (time % NS_PER_DAY).any()
        day = time // NS_PER_DAY if of_utc else file.times.day
        local = (day * NS_PER_DAY + OPENS)[kept]
        start, end = _utc(local), _utc((day * NS_PER_DAY + CLOSES)[kept])
        return DAY, start, end, local, ["Bars of a day are from 09:30 to 16:00 New York."]
    seconds = int(step.min()) // NS_PER_SECOND
    if seconds not in INTERVALS or int(step.min()) % NS_PER_SECOND:
        raise InputError(
            f"the shortest step between bars is {step.min() / NS_PER_SECOND:g} s; bars of "
            f"{', '.join(map(duration_text, INTERVALS))} are accepted",
            source=file.source,
            field=file.date,
        )
    notes = []
    if file.times.aware:
        local, start = local_time(time), time
    else:
        local, start = time, _utc(time)
        notes.append("Dates without a zone are New York's.")
    if (np.diff(start) <= 0).any():
        line = file.lines[int(np.argmax(np.diff(start) <= 0)) + 1]
        raise InputError(
            "is an hour that New York's clock skips; write dates with their offset from UTC",
            source=file.source,
            line=line,
            field=file.date,
        )
    notes.append("A bar's date is its start.")
    start, local = start[kept], local[kept]
    return seconds, start, start + seconds * NS_PER_SECOND, local, notes


def _utc(local: Ints) -> Ints:
    """Return nanoseconds UTC of New York's wall clock; an hour that comes twice is taken as its first coming."""
    moments, offsets = transitions()
    changes = moments[1:] + np.maximum(offsets[1:], offsets[:-1])
    found: Ints = local - offsets[np.searchsorted(changes, local, side="right")]
    return found

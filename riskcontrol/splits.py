"""Splits of shares: read from a CSV, and the prices of a run made comparable across them."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from riskcontrol.errors import InputError
from riskcontrol.newyork import NEW_YORK
from riskcontrol.rows import Ints, Splits
from riskcontrol.trades import MAX_TIME, MIN_TIME, NS_PER_SECOND, TICKER_LENGTH, TICKER_PATTERN

MAX_PART = 100_000
"""Largest numerator and denominator of a ratio: with it, all products of a split fit into 64 bits."""

MOST_SPLITS = 200_000
"""Most lines of a file."""

_NAMED = 3
"""Tickers that are named, where there may be thousands."""

HEADER = ("ticker", "ex_date", "ratio")

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_RATIO = re.compile(rf"({_NUMBER})(?:\s*[:/]\s*({_NUMBER}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

NO_SPLITS = Splits(
    ticker=np.empty(0, f"S{TICKER_LENGTH}"),
    time=np.empty(0, np.int64),
    numerator=np.empty(0, np.int64),
    denominator=np.empty(0, np.int64),
)


def parse_ratio(text: str) -> Fraction:
    """Return how many new shares are made of an old one, exactly.

    Args:
        text: New shares to old ones, as 4:1 or 4/1, or new shares for one old one, as 4 or 0.1.

    Raises:
        ValueError: It isn't one, changes nothing, or has parts over `MAX_PART`; the text says what to write.

    >>> parse_ratio("3:2"), parse_ratio("0.1")
    (Fraction(3, 2), Fraction(1, 10))
    >>> parse_ratio("1:1")
    Traceback (most recent call last):
    ...
    ValueError: '1:1' changes nothing; remove the line
    """
    match = _RATIO.fullmatch(text)
    if not match or not Fraction(match[1]) or not Fraction(match[2] or 1):
        raise ValueError(f"{text[:40]!r} is no ratio; write new shares to old ones: 4:1, 3:2, or 1:10")
    ratio = Fraction(match[1]) / Fraction(match[2] or 1)
    if ratio == 1:
        raise ValueError(f"{text!r} changes nothing; remove the line")
    if max(ratio.numerator, ratio.denominator) > MAX_PART:
        raise ValueError(f"{text!r} is {ratio} in lowest terms; neither part may be over {MAX_PART:,}")
    return ratio


def ex_time(date: dt.date) -> int:
    """Return when an ex-date begins: New York's midnight, nanoseconds UTC.

    >>> ex_time(dt.date(2020, 8, 31))
    1598846400000000000
    """
    return int(dt.datetime(date.year, date.month, date.day, tzinfo=NEW_YORK).timestamp()) * NS_PER_SECOND


def read_splits(path: Path) -> Splits:
    """Read a CSV of splits.

    Args:
        path: With the header `ticker,ex_date,ratio`, in any order; other columns are not looked at. Tickers in lower
            case are taken in upper case.

    Returns:
        The splits by time and ticker, each once.

    Raises:
        InputError: The file or a line of it can't be used, or two lines of one ticker and day contradict each other.
    """
    found: dict[tuple[int, str], tuple[Fraction, int]] = {}
    for line, (written, date, ratio) in _lines(path):
        ticker = written.upper()
        if not TICKER_PATTERN.fullmatch(ticker):
            raise InputError(f"{written[:40]!r} is no ticker", source=str(path), line=line, field="ticker")
        key = (_time(date, path, line), ticker)
        try:
            parsed = parse_ratio(ratio)
        except ValueError as error:
            raise InputError(str(error), source=str(path), line=line, field="ratio") from error
        known, at = found.setdefault(key, (parsed, line))
        if known != parsed:
            raise InputError(
                f"{ticker} splits {parsed.numerator}:{parsed.denominator} on {date} here and "
                f"{known.numerator}:{known.denominator} on line {at}; remove the wrong one",
                source=str(path),
                line=line,
                field="ratio",
            )
    if len(found) > MOST_SPLITS:
        raise InputError(f"{len(found):,} splits; at most {MOST_SPLITS:,} are accepted", source=str(path))
    keys = sorted(found)
    return Splits(
        ticker=np.array([ticker for _, ticker in keys], f"S{TICKER_LENGTH}"),
        time=np.array([time for time, _ in keys], np.int64),
        numerator=np.array([found[key][0].numerator for key in keys], np.int64),
        denominator=np.array([found[key][0].denominator for key in keys], np.int64),
    )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line, and what it says under `HEADER`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            first = next(reader, [])
            names = [name.strip().lower() for name in first]
            wrong = [name for name in HEADER if names.count(name) != 1]
            if wrong:
                said = repr(",".join(first)[:80]) if any(names) else "empty"
                raise InputError(
                    f"is {said}, with {names.count(wrong[0]) or 'no'} column{'s' * (wrong[0] in names)} {wrong[0]}; it "
                    f"must be {','.join(HEADER)}, in any order, other columns beside them",
                    source=str(path),
                    line=1,
                )
            places = [names.index(name) for name in HEADER]
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(names):
                    raise InputError(
                        f"{len(row)} fields; {len(names)} are expected", source=str(path), line=reader.line_num
                    )
                yield reader.line_num, [row[place].strip() for place in places]
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror or error}", source=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"is no CSV in UTF-8 ({error})", source=str(path)) from error


def _time(text: str, path: Path, line: int) -> int:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        time = ex_time(dt.date.fromisoformat(text))
    except ValueError as error:
        said = f"{text[:40]!r} is no date; write YYYY-MM-DD"
        raise InputError(said, source=str(path), line=line, field="ex_date") from error
    if not MIN_TIME <= time <= MAX_TIME:
        raise InputError("dates from 1970 to 2099 are accepted", source=str(path), line=line, field="ex_date")
    return time


def of_ticker(splits: Splits, ticker: str) -> Splits:
    """Return the splits of one ticker."""
    return splits.take(splits.ticker == ticker.encode("ascii"))


def unmet(splits: Splits, tickers: Collection[str]) -> list[str]:
    """Return the tickers of splits that aren't among those that came, in order."""
    return sorted({ticker.decode("ascii") for ticker in splits.ticker.tolist()} - set(tickers))


def say_unmet(names: Sequence[str], what: str) -> str:
    """Return what to say of tickers that have splits, and nothing else.

    Args:
        names: The tickers, at least one.
        what: What didn't come of them.

    >>> say_unmet(["A", "B", "C", "D"], "trades")
    'No trades came of A, B, C and 1 more, of which there are splits.'
    """
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"No {what} came of {', '.join(names[:_NAMED])}{more}, of which there are splits."


def comparable(price: Ints, first: Ints, splits: Splits) -> Ints:
    """Return prices as if no split had come between them: only their ratios mean something.

    Args:
        price: Micro-dollars, shape (n,).
        first: Which of them is the first after each split, shape (splits,); n for none.
        splits: Of one ticker.

    >>> splits = Splits(np.array([b"X"]), np.array([0]), np.array([4]), np.array([1]))
    >>> comparable(np.array([400, 404, 100]), np.array([2]), splits).tolist()
    [400, 404, 400]
    """
    growth: NDArray[np.float64] = np.ones(len(price))
    for at, numerator, denominator in zip(
        first.tolist(), splits.numerator.tolist(), splits.denominator.tolist(), strict=True
    ):
        growth[at:] *= numerator / denominator
    # None is made smaller, so that none loses decimal places.
    found: Ints = np.rint(np.minimum(price * (growth / growth.min()), 2.0**62)).astype(np.int64)
    return found

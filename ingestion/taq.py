"""Daily TAQ: pipe-delimited, a header, a line per trade, and a trailer ``END|YYYYMMDD|count``."""

from __future__ import annotations

import contextlib
import datetime as dt
import re

from ingestion import kernel
from ingestion.calendar import FIRST_YEAR, LAST_YEAR
from ingestion.layout import Layout, columns
from riskcontrol.errors import InputError

_COLUMNS = {
    "time": kernel.TIME,
    "exchange": kernel.EXCHANGE,
    "symbol": kernel.SYMBOL,
    "salecondition": kernel.CONDITION,
    "tradevolume": kernel.SIZE,
    "volume": kernel.SIZE,
    "tradeprice": kernel.PRICE,
    "price": kernel.PRICE,
    "tradecorrectionindicator": kernel.CORRECTION,
    "correctionindicator": kernel.CORRECTION,
    "sequencenumber": kernel.SEQUENCE,
    "tradesequencenumber": kernel.SEQUENCE,
    "sourceoftrade": kernel.SOURCE,
}
_OPTIONAL = {kernel.EXCHANGE, kernel.SOURCE}


def layout(header: str, source: str) -> Layout:
    """Return the layout of a Daily TAQ file with this header.

    The tape comes from ``Source of Trade`` (C: CTA, N: UTP); where that is missing or blank, a trade on
    exchange Q counts as UTP (TAQ writes T for the same exchange's trades in CTA's stocks), any other as CTA.

    Raises:
        InputError: A column is missing, or there twice.
    """
    return Layout("Daily TAQ", b"|", columns(header, "|", _COLUMNS, _OPTIONAL, source), quoted=False, trailer=True)


def trailer(line: str, source: str, number: int | None = None) -> tuple[dt.date, int]:
    """Return the day and the count of trades of a trailer.

    Args:
        line: The trailer; what follows the count doesn't matter, and may be a field more or fewer than the rows have.
        source: Name of the file, for errors.
        number: One-based line, where known.

    Raises:
        InputError: It has no such day or count.

    >>> trailer("END|20131007|137816||", "x")
    (datetime.date(2013, 10, 7), 137816)
    """
    fields = [field.strip() for field in line.split("|")]
    day = day_of(fields[1]) if len(fields) > 2 and fields[0] == "END" else None
    if day is None or not re.fullmatch(r"[0-9]{1,15}", fields[2]):
        raise InputError(f"the trailer {line[:80]!r} is not END|YYYYMMDD|count", source=source, line=number)
    return day, int(fields[2])


def day_of(name: str) -> dt.date | None:
    """Return the day that a file name (or a trailer's field) tells: its last eight digits in a row that are a date.

    >>> day_of("EQY_US_ALL_TRADE_20131007")
    datetime.date(2013, 10, 7)
    """
    for digits in reversed(re.findall(r"(?<!\d)\d{8}(?!\d)", name)):
        with contextlib.suppress(ValueError):
            day = dt.date.fromisoformat(digits)
            if FIRST_YEAR <= day.year <= LAST_YEAR:
                return day
    return None

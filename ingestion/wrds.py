"""The CSV layout in which WRDS delivers the trades of TAQ: one file may hold many days, each line tells its own.

Hours have no leading zero, sale conditions no padding, and the suffix of a symbol is a column of its own.
"""

from __future__ import annotations

from ingestion import kernel
from ingestion.layout import Layout, columns

_COLUMNS = {
    "date": kernel.DATE,
    "timem": kernel.TIME,
    "timemnano": kernel.NANOS,
    "ex": kernel.EXCHANGE,
    "symroot": kernel.SYMBOL,
    "symsuffix": kernel.SUFFIX,
    "trscond": kernel.CONDITION,
    "size": kernel.SIZE,
    "price": kernel.PRICE,
    "trcorr": kernel.CORRECTION,
    "trseqnum": kernel.SEQUENCE,
    "trsource": kernel.SOURCE,
}
_OPTIONAL = {kernel.NANOS, kernel.EXCHANGE, kernel.SUFFIX, kernel.SOURCE}


def layout(header: str, source: str) -> Layout:
    """Return the layout of a WRDS file with this header, in upper or lower case.

    The tape comes from ``TR_SOURCE`` or, where that is missing or blank, from ``EX``, as for Daily TAQ.

    Raises:
        InputError: A column is missing, or there twice.
    """
    return Layout("WRDS", b",", columns(header, ",", _COLUMNS, _OPTIONAL, source), quoted=True, trailer=False)

"""Compiles the kernels ahead of their first use, into Numba's cache on disk.

`make demo` and the stream's start call it, so that no batch waits for a compiler.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from riskcontrol.blocks import OPENINGS_HEADERS, SPLITS_HEADERS, decode, encode, openings_batch, splits_batch
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.rows import Openings, Splits
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.sums import rows_sum
from riskcontrol.trades import ALL_FLAGS, NS_PER_MINUTE, TRADES

_SHAPE = '{"buy":"crosses_above(ema(close, 2), ema(close, 3))","every":60}'
"""Anything that makes a clock, a series and a signal."""


_MIDNIGHT = 5 * 60 * NS_PER_MINUTE
"""One of New York's, nanoseconds UTC."""


def compile_kernels() -> None:
    """Run every kernel once on a handful of trades."""
    opening = decode(
        encode(
            openings_batch(
                [first_rule("warm", "up", "A", 10**9, 1, 1), Strategy("warm", "bars", "A", 10**9, _SHAPE)], time=0
            )
        ),
        OPENINGS_HEADERS,
    )
    assert isinstance(opening, Openings)  # noqa: S101  narrows the type
    columns = [[_MIDNIGHT + i * NS_PER_MINUTE for i in range(3)], [3, 2, 1], [1] * 3, [ALL_FLAGS] * 3, range(3)]
    trades = pa.record_batch(
        [
            pa.array(["A"] * 3).dictionary_encode(),
            *[pa.array(column, field.type) for column, field in zip(columns, list(TRADES)[1:], strict=True)],
        ],
        schema=TRADES,
    )
    # Through the tape's form and back, so that the arrays have the very types (read-only, for one) of the stream's.
    received = pa.ipc.open_stream(encode(trades)).read_next_batch()
    splits = decode(
        encode(splits_batch(Splits(np.array([b"A"]), np.array([_MIDNIGHT]), np.array([2]), np.array([1])))),
        SPLITS_HEADERS,
    )
    assert isinstance(splits, Splits)  # noqa: S101  narrows the type
    book = Book()
    advance(book, [opening, splits, received, received], rank=True)
    book.reindex(1024)
    for table in (book.positions, book.terms_of, book.texts):  # of eight, four and one bytes a word
        rows_sum(table)


if __name__ == "__main__":
    compile_kernels()

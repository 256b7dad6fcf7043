"""What a trade is, once it has left its file: the columns that every part of the product agrees on.

A block of trades is an Arrow record batch with the schema `TRADES`:

========  =======================  ===============================================================
column    type                     meaning
========  =======================  ===============================================================
ticker    dictionary<int32, utf8>  the field's symbol, suffix after a dot (``BRK.B``)
time      int64                    event time, nanoseconds since 1970-01-01 UTC
price     int64                    micro-dollars, 1 … `MAX_PRICE`
size      int64                    shares, 1 … `MAX_SIZE`
flags     uint8                    sum of `LAST`, `HIGH_LOW`, `VOLUME`, `REGULAR`
sequence  int64                    the file's own sequence number
========  =======================  ===============================================================
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from riskcontrol.absent import absent

with absent("pandas"):
    # The first array looks for pandas, a third of a second in each process that has no frames. Whoever asks Arrow for a
    # frame later on gets one all the same; only then is a Series more to it than a sequence. Ours are given as arrays.
    pa.array([0])

LAST = 1
"""The trade updates the last price."""
HIGH_LOW = 2
"""The trade updates the high and the low."""
VOLUME = 4
"""The trade counts as volume."""
REGULAR = 8
"""The trade was made in the regular session of its exchange."""
ALL_FLAGS = LAST | HIGH_LOW | VOLUME | REGULAR

DRIVING = LAST | REGULAR
"""The flags that a trade must have to drive strategies."""

MAX_SIZE = 10_000_000_000
"""Most shares in one trade accepted from outside."""

MAX_NOTIONAL = 10_000_000_000 * 1_000_000
"""Largest price × size of one trade accepted from outside, micro-dollars: sums over a minute stay in 64 bits."""

TICKER_LENGTH = 16
TICKER_PATTERN = re.compile(r"[A-Z0-9][A-Za-z0-9./_-]{0,15}")
"""What a ticker looks like (lower-case letters: preferred-share suffixes of some feeds)."""

NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND
MIN_TIME = 0
MAX_TIME = 4_102_444_800 * NS_PER_SECOND
"""2100-01-01 UTC: a later time is a broken clock."""
MAX_AHEAD = 24 * 3_600 * NS_PER_SECOND
"""How far a trade's time may be ahead of the moment at which it is put on the tape. Beyond it is a broken clock, which
would keep bars open until that time has come."""

TRADES = pa.schema(
    [
        pa.field("ticker", pa.dictionary(pa.int32(), pa.utf8()), nullable=False),
        pa.field("time", pa.int64(), nullable=False),
        pa.field("price", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("flags", pa.uint8(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
    ]
)
"""Schema of a block of trades."""


def counts_of(batch: pa.RecordBatch) -> dict[str, int]:
    """Return how many trades a block has of each ticker that it has any of.

    >>> column = pa.DictionaryArray.from_arrays(pa.array([1, 1, 2], pa.int32()), ["AIG", "IBM", "BAC"])
    >>> counts_of(pa.RecordBatch.from_arrays([column], ["ticker"]))
    {'IBM': 2, 'BAC': 1}
    """
    column = batch.column("ticker")
    names = column.dictionary.to_pylist()
    counts = np.bincount(column.indices.to_numpy(), minlength=len(names)).tolist()
    return {name: count for name, count in zip(names, counts, strict=True) if count}

"""Trades on their way to the tape: plain columns, split by partition, encoded as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.topic import partition_of
from riskcontrol.blocks import encode
from riskcontrol.rows import Columns
from riskcontrol.trades import TRADES

BLOCK_ROWS = 8_192
"""Most trades in a block: large enough for a million trades a second, small enough to be read at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows(Columns):
    """Trades of one source, in its order; tickers are numbers of a `Directory`."""

    ordinal: NDArray[np.int64]
    """The row's place in its source, from 0."""
    ticker: NDArray[np.int32]
    time: NDArray[np.int64]
    price: NDArray[np.int64]
    size: NDArray[np.int64]
    flags: NDArray[np.uint8]
    sequence: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def cut(self, rows: int) -> Iterator[Self]:
        """Give consecutive pieces of at most `rows` rows."""
        for first in range(0, len(self), rows):
            yield self.take(slice(first, first + rows))


class Directory:
    """The tickers met so far: a number for each, and the partition it belongs to.

    Args:
        partitions: Partitions of the tape.

    >>> directory = Directory(4)
    >>> batch = pa.record_batch(
    ...     [pa.array(["IBM", "AIG", "IBM"]).dictionary_encode(), *[[1, 2, 3]] * 5],
    ...     schema=TRADES,
    ... )
    >>> rows = directory.rows(batch, first=0)
    >>> rows.ticker.tolist(), directory.partitions_of(rows).tolist()
    ([0, 1, 0], [3, 0, 3])
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._numbers: dict[str, int] = {}
        self._names: pa.Array = pa.array([], pa.utf8())
        self._partition = np.empty(0, np.int16)

    @property
    def tickers(self) -> list[str]:
        """The tickers by their numbers."""
        return list(self._numbers)

    def rows(self, batch: pa.RecordBatch, *, first: int) -> Rows:
        """Return a batch of trades as columns.

        Args:
            batch: Trades with the schema `riskcontrol.trades.TRADES`.
            first: Ordinal of its first row.
        """
        column = batch.column("ticker")
        tickers = column.dictionary.to_pylist()
        numbers = np.array([self._numbers.setdefault(t, len(self._numbers)) for t in tickers], np.int32)
        if len(self._numbers) > len(self._names):
            names = list(self._numbers)
            new = [partition_of(ticker, self.partitions) for ticker in names[len(self._names) :]]
            self._partition = np.concatenate([self._partition, np.array(new, np.int16)])
            self._names = pa.array(names, pa.utf8())
        return Rows(
            ordinal=np.arange(first, first + len(batch)),
            ticker=numbers[column.indices.to_numpy()],
            **{name: batch.column(name).to_numpy() for name in ("time", "price", "size", "flags", "sequence")},
        )

    def partitions_of(self, rows: Rows) -> NDArray[np.int16]:
        """Return the partition of each row."""
        return self._partition[rows.ticker]

    def split(self, rows: Rows) -> list[Rows]:
        """Return the rows of each partition, in their order."""
        if self.partitions == 1:
            return [rows]
        partition = self.partitions_of(rows)
        order = np.argsort(partition, kind="stable")
        bounds = np.searchsorted(partition[order], np.arange(self.partitions + 1))
        return [rows.take(order[bounds[p] : bounds[p + 1]]) for p in range(self.partitions)]

    def encode(self, rows: Rows) -> bytes:
        """Return the block that holds these rows, its dictionary cut down to their tickers."""
        used = np.zeros(len(self._names), np.bool_)
        used[rows.ticker] = True
        numbers = np.flatnonzero(used)
        renumbered = np.cumsum(used, dtype=np.int32) - np.int32(1)
        ticker = pa.DictionaryArray.from_arrays(renumbered[rows.ticker], self._names.take(pa.array(numbers)))
        columns = [ticker, *(pa.array(getattr(rows, name)) for name in TRADES.names[1:])]
        return encode(pa.record_batch(columns, schema=TRADES))

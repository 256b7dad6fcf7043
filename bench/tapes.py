"""The trades that the engine's benchmark runs on: one ticker's of real files, or simulated ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.market import Market
from ingestion.sources import MAX_REJECT_SHARE
from riskcontrol.aggregate import aggregate
from riskcontrol.errors import InputError
from riskcontrol.nearest import nearest
from riskcontrol.newyork import NS_PER_DAY, local_time
from riskcontrol.rows import Columns, Ints
from riskcontrol.settings import Settings
from riskcontrol.trade_tape import TradeTape
from riskcontrol.trades import ALL_FLAGS, DRIVING, NS_PER_SECOND, TRADES


@dataclass(frozen=True, eq=False)
class Tape(Columns):
    """One ticker's trades in order, as columns of `riskcontrol.trades.TRADES`; `sequence` counts from 0."""

    time: Ints
    price: Ints
    size: Ints
    flags: NDArray[np.uint8]
    sequence: Ints

    @cached_property
    def driving(self) -> Ints:
        """Which trades drive strategies."""
        return np.flatnonzero(self.flags & DRIVING == DRIVING)

    @cached_property
    def prices(self) -> Ints:
        """Prices of those, micro-dollars."""
        return self.price[self.driving]

    def batch(self, ticker: str) -> pa.RecordBatch:
        """Return the trades as a block of the tape."""
        codes = pa.array(np.zeros(len(self), np.int32))
        names = pa.DictionaryArray.from_arrays(codes, pa.array([ticker], pa.utf8()))
        columns = [pa.array(getattr(self, field.name)) for field in list(TRADES)[1:]]
        return pa.record_batch([names, *columns], schema=TRADES)

    def blocks(self, trades: int) -> Iterator[Tape]:
        """Yield the tape in pieces of so many trades."""
        for first in range(0, len(self), trades):
            yield self.take(slice(first, first + trades))

    def bars(self, seconds: int) -> dict[str, NDArray]:
        """Return bars of the driving trades as `riskcontrol.backtest.on_bars` takes them.

        Args:
            seconds: Length of a bar.
        """
        counted = self.take(self.driving)
        counted.flags[:] = ALL_FLAGS
        table = aggregate([counted.batch("A")], seconds * NS_PER_SECOND)
        found = {
            name: table.column(name).to_numpy().astype(np.int64) for name in ("open", "high", "low", "close", "volume")
        }
        start = table.column("time").cast(pa.int64()).to_numpy()
        notional = table.column("notional").to_numpy() / 1e6
        return {
            "start": start, "end": start + seconds * NS_PER_SECOND, **found, "notional": notional,
            "day": local_time(start) // NS_PER_DAY,
        }  # fmt: skip


def read(locations: Sequence[str], ticker: str, settings: Settings) -> Tape:
    """Return a ticker's trades of files, folders or s3:// URLs.

    Raises:
        InputError: A file can't be used, or has no trade of the ticker that drives strategies.
    """
    files = TradeTape(locations, settings, MAX_REJECT_SHARE)
    parts = [_only(batch, ticker) for batch in files.batches()]
    tape = _joined(parts)
    if not len(tape.driving):
        raise InputError(
            f"no trades of {ticker} that drive strategies; {nearest(ticker, files.tickers)}",
            source=", ".join(locations),
            field="ticker",
        )
    return tape


def simulated(trades: int, ticker: str, seed: int) -> Tape:
    """Return a session of simulated trades, all of which drive strategies.

    >>> len(simulated(100, "IBM", 1).driving)
    100
    """
    return _joined([_only(Market([(ticker, 1.0)], seed, trades).trades(trades), ticker)])


def _only(batch: pa.RecordBatch, ticker: str) -> dict[str, NDArray]:
    column = batch.column("ticker")
    names = column.dictionary.to_pylist()
    rows = np.flatnonzero(np.isin(column.indices.to_numpy(), [i for i, name in enumerate(names) if name == ticker]))
    return {field.name: batch.column(field.name).to_numpy()[rows] for field in fields(Tape)}


def _joined(parts: Sequence[dict[str, NDArray]]) -> Tape:
    columns = {f.name: np.concatenate([p[f.name] for p in parts]) for f in fields(Tape)}
    return Tape(**(columns | {"sequence": np.arange(len(columns["time"]))}))

"""Sweeps in one pass: with the rules as columns where they are of the market alone, else by the engine.

Fills are those of each strategy run by itself, whichever way it goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol import backtest as passes
from riskcontrol.backtest import Backtest, Kept, Prices, integers, on_bars, on_trades, only, prices_of, table_of
from riskcontrol.book import CLOCK, TABLES
from riskcontrol.kernel import Days
from riskcontrol.machine import OUTPUTS
from riskcontrol.newyork import transitions
from riskcontrol.pyramid import Rows, make_rows
from riskcontrol.rows import Ints, Splits
from riskcontrol.shape import interval_of
from riskcontrol.splits import NO_SPLITS, of_ticker
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import strategy_of
from riskcontrol.sweep import Axis, Loader, variants
from riskcontrol.sweep_columns import Columns, columns_of
from riskcontrol.sweep_kernel import Memory, make_columns, read_trades, run_variants
from riskcontrol.triggers import Slots

_CELLS = 1 << 24
"""About so many numbers of columns on bars are in memory at a time: 128 MB."""

_STRETCH = 1 << 16
"""Trades that are looked at together: each stretch has to look at every variant."""

_COLUMNS = ("price", "time", "size", "flags", "sequence")

Tracked = Callable[[Iterable[Strategy]], Iterable[Strategy]]
"""Shows how far it has come with making strategies, where they have to be made."""


def sweep_on_bars(
    document: Mapping[str, object],
    load: Loader,
    axes: Sequence[Axis],
    bars: Mapping[str, NDArray],
    *,
    ticker: str = "",
    splits: Splits = NO_SPLITS,
    tracked: Tracked = iter,
) -> Backtest:
    """Run every combination of some parameters' values on bars, in the order of `itertools.product`.

    Args:
        document: Of the strategy file.
        load: Gives the definition of a combination.
        axes: The parameters and their values.
        bars: Columns of the ticker's bars, as `riskcontrol.backtest.on_bars` takes them.
        ticker: Another ticker than the document's.
        splits: Of any tickers.
        tracked: As `Tracked`.

    Raises:
        InputError: A combination is no strategy, or there are too many fills.
    """
    one, columns = _read(document, load, axes, ticker, splits, for_bars=True)
    if columns is None:
        return on_bars(list(tracked(variants(load, axes, ticker))), {one.ticker: bars}, splits)
    run, prices = _Pass(columns, one), prices_of(bars)
    start, end = (integers(bars[name]) for name in ("start", "end"))
    table, sequence = table_of(bars), np.arange(1, len(end) + 1)
    together = max(1, _CELLS // len(columns.formulas.numbers))
    for first in range(0, len(end), together):
        part = slice(first, first + together)
        rows = make_rows(prices["close"][part], prices["open"][part], end[part], start[part], sequence[part])
        seen = np.concatenate([run.bars, table[part]])
        run.stretch(rows, seen, np.arange(len(rows.price)), end[part], fresh=False)
        run.bars[:] = seen[-2:]
    marks = {one.ticker: Prices(end, prices["close"], 0, None, prices)}
    return Backtest(run.accounts, *run.kept.in_order(), marks, {one.ticker: len(end)})


def sweep_on_trades(
    document: Mapping[str, object],
    load: Loader,
    axes: Sequence[Axis],
    blocks: Iterable[pa.RecordBatch],
    *,
    ticker: str = "",
    splits: Splits = NO_SPLITS,
    tracked: Tracked = iter,
) -> Backtest:
    """Run every combination of some parameters' values on blocks of trades (`riskcontrol.trades.TRADES`), in order.

    The other arguments are those of `sweep_on_bars`, and so is the order of the strategies.

    Raises:
        InputError: A combination is no strategy, or there are too many fills.
    """
    one, columns = _read(document, load, axes, ticker, splits, for_bars=False)
    if columns is None:
        return on_trades(list(tracked(variants(load, axes, ticker))), blocks, splits)
    run = _Pass(columns, one)
    # The engine makes the ticker's bars of a minute on the way.
    backtest = on_trades([one], run.followed(only(blocks, {one.ticker})), splits)
    owner, fills = run.kept.in_order()
    return replace(backtest, strategies=run.accounts, owner=owner, columns=fills)


def _read(
    document: Mapping[str, object], load: Loader, axes: Sequence[Axis], ticker: str, splits: Splits, *, for_bars: bool
) -> tuple[Strategy, Columns | None]:
    """Return the first variant, and the rules of all as columns where they are to be run as such."""
    definition = load({axis.name: axis.values[0] for axis in axes})
    one = strategy_of(definition, ticker=ticker)
    if len(of_ticker(splits, one.ticker)):
        return one, None
    values = {axis.name: axis.values for axis in axes}
    return one, columns_of(document, dict(definition.parameters), values, on_bars=for_bars)


class _Pass:
    """The variants of a sweep on their way through the tape.

    Args:
        columns: Their rules.
        one: One of them: name, ticker, cash and terms are the same for all.
    """

    def __init__(self, columns: Columns, one: Strategy) -> None:
        count = len(columns.buy.sides)
        self.accounts = [one] * count
        self.kept = Kept()
        self.bars = np.full(TABLES["clock_bars"][1], math.nan)
        self._columns = columns
        self._terms = np.array(one.terms.as_row(), np.int64)
        self._memory = Memory(np.zeros(columns.words), np.full((len(columns.formulas.series), 2, OUTPUTS), math.nan))
        self._slots = Slots(*(np.zeros((count, *TABLES[name][1]), TABLES[name][0]) for name in Slots._fields))
        self._slots.positions["cash"] = one.cash
        self._clock = np.zeros(1, CLOCK)
        self._clock["every"], self._clock["session"] = interval_of(one.shape)
        self._days = Days(*transitions())

    def stretch(self, rows: Rows, bars: NDArray[np.float64], edges: Ints, ends: Ints, *, fresh: bool) -> None:
        """Lead all variants through a stretch; the arguments are those of the kernel.

        Raises:
            InputError: There are too many fills.
        """
        rules = self._columns
        numbers = make_columns(rules.code, rules.formulas, self._memory, bars, ends, self._days)
        if not len(rows.price):
            return
        most = passes.MOST_FILLS - self.kept.count
        fills, counts = run_variants(rows, edges, fresh, numbers, rules.buy, rules.sell, self._terms, self._slots, most)
        self.kept.put(np.repeat(np.arange(len(counts), dtype=np.int32), counts), fills)

    def followed(self, blocks: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield blocks of the ticker's trades, and lead all variants through them."""
        waiting: list[pa.RecordBatch] = []
        trades = 0
        for block in blocks:
            waiting.append(block)
            trades += block.num_rows
            if trades >= _STRETCH:
                self._trades(waiting)
                waiting, trades = [], 0
            yield block
        if trades:
            self._trades(waiting)

    def _trades(self, blocks: Sequence[pa.RecordBatch]) -> None:
        price, time, size, flags, sequence = (
            np.concatenate([block.column(name).to_numpy() for block in blocks]) for name in _COLUMNS
        )
        bars, edges, fresh, rows = read_trades(self._clock, self.bars, price, time, size, flags, sequence, self._days)
        self.stretch(rows, bars, edges, np.zeros(0, np.int64), fresh=fresh)

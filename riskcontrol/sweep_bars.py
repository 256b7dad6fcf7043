"""Sweeps on bars: every combination in one pass, with the rules as columns where they are of the market alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from riskcontrol import backtest as passes
from riskcontrol.backtest import HASHED, Backtest, Prices, on_bars, prices_of, refuse_too_many, table_of
from riskcontrol.book import TABLES
from riskcontrol.kernel import Days
from riskcontrol.newyork import transitions
from riskcontrol.pyramid import make_rows
from riskcontrol.rows import Splits
from riskcontrol.splits import NO_SPLITS, of_ticker
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import strategy_of
from riskcontrol.sweep import Axis, Loader, variants
from riskcontrol.sweep_columns import Columns, columns_of
from riskcontrol.sweep_kernel import make_columns, run_variants
from riskcontrol.triggers import Slots

MOST_CELLS = 1 << 27
"""Numbers that columns may have in all: a gigabyte."""


def sweep_on_bars(
    document: Mapping[str, object],
    load: Loader,
    axes: Sequence[Axis],
    bars: Mapping[str, NDArray],
    *,
    ticker: str = "",
    splits: Splits = NO_SPLITS,
    tracked: Callable[[Iterable[Strategy]], Iterable[Strategy]] = iter,
) -> Backtest:
    """Run every combination of some parameters' values on bars, in the order of `itertools.product`.

    Fills are those of each strategy run by itself. Where the engine runs them, `strategies` of what is returned has
    them; else it has the first one in each place.

    Args:
        document: Of the strategy file.
        load: Gives the definition of a combination.
        axes: The parameters and their values.
        bars: Columns of the ticker's bars, as `riskcontrol.backtest.on_bars` takes them.
        ticker: Another ticker than the document's.
        splits: Of any tickers.
        tracked: Shows how far it has come with making strategies, where they have to be made.

    Raises:
        InputError: A combination is no strategy, or there are too many fills.
    """
    definition = load({axis.name: axis.values[0] for axis in axes})
    one = strategy_of(definition, ticker=ticker)
    if len(bars["end"]) and not len(of_ticker(splits, one.ticker)):
        columns = columns_of(document, dict(definition.parameters), {axis.name: axis.values for axis in axes})
        if columns is not None and len(columns.formulas.numbers) * len(bars["end"]) <= MOST_CELLS:
            return _by_columns(columns, one, bars)
    return on_bars(list(tracked(variants(load, axes, ticker))), {one.ticker: bars}, splits)


def _by_columns(columns: Columns, one: Strategy, bars: Mapping[str, NDArray]) -> Backtest:
    """Run the variants of a strategy whose rules are columns."""
    own = prices_of(bars)
    table = table_of(bars)
    before = np.full((2, table.shape[1]), math.nan)
    start, end = (np.ascontiguousarray(bars[name], np.int64) for name in ("start", "end"))
    rows = make_rows(own["close"], own["open"], end, start, np.arange(1, len(end) + 1))
    numbers = make_columns(columns.code, columns.formulas, np.concatenate([before, table]), end, Days(*transitions()))
    slots = Slots(*(np.zeros((1, *shape), dtype) for dtype, shape, _ in map(TABLES.__getitem__, Slots._fields)))
    terms = np.array(one.terms.as_row(), np.int64)
    fills, counts = run_variants(rows, numbers, columns.buy, columns.sell, terms, one.cash, slots, passes.MOST_FILLS)
    refuse_too_many(len(fills))
    return Backtest(
        [one] * len(counts),
        np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        {name: fills[name].astype(np.int64) for name in HASHED} | {"reason": fills["reason"].astype(np.int8)},
        {one.ticker: Prices(end, own["close"], 0, None, own)},
        len(end),
    )

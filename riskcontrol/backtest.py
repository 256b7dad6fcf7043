"""Backtests: strategies on trades or on bars, in one process, by the engine that the stream runs.

Any number of strategies goes through in one pass. The same strategies on the same trades give the same fills here as
in the stream. On bars, a strategy looks at its rules at each bar's close, and what it decides fills at the next bar's
open; stops, too, are looked at at closes alone. A split comes before the first trade, or bar, of its ex-date.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.blocks import openings_batch, openings_rows
from riskcontrol.book import BAR_FIELDS, Book
from riskcontrol.engine import advance, fill_rows, shared_of, slots_of
from riskcontrol.equity import Equity, equity_curve, fill_points
from riskcontrol.errors import InputError
from riskcontrol.indicators.registry import COLUMNS
from riskcontrol.kernel import Days, advance_bars_of
from riskcontrol.machine import VIEW, new_stack
from riskcontrol.newyork import transitions
from riskcontrol.rows import Fills, Ints, Splits
from riskcontrol.split_kernel import apply_split
from riskcontrol.splits import NO_SPLITS, comparable, of_ticker
from riskcontrol.states import Reason
from riskcontrol.statistics import Executions, Record, executions
from riskcontrol.strategy import Strategy
from riskcontrol.trades import NS_PER_MINUTE, counts_of
from riskcontrol.triggers import Room

MOST_FILLS = 20_000_000
"""Fills that one pass may give: two to three gigabytes while they are put in order."""

_OPENINGS = 100_000
"""Openings in one block."""


HASHED = ("number", "time", "price", "shares", "fee", "cash", "sequence")
"""Columns of fills that their canonical text has, before the reason; whose fills they are isn't among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """What a ticker was worth over time.

    Attributes:
        start: Starts of its bars, nanoseconds UTC, ascending.
        close: Their closes, micro-dollars; 0 where a bar saw none.
        length: From a bar's start to its end, nanoseconds; 0 where `start` is the end already.
        mark: Time and price of the last driving trade, None without one.
        columns: The bars' open, high, low, close, micro-dollars, and volume, for charts.
    """

    start: Ints
    close: Ints
    length: int
    mark: tuple[int, int] | None
    columns: Mapping[str, Ints]


class Account(Protocol):
    """What results need of a strategy."""

    @property
    def username(self) -> str:
        """Whose it is."""

    @property
    def name(self) -> str:
        """The user's name for it."""

    @property
    def ticker(self) -> str:
        """What it trades."""

    @property
    def cash(self) -> int:
        """What it starts with, micro-dollars."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """What became of strategies.

    Attributes:
        strategies: In the order they were given.
        owner: Whose each fill is, a place in `strategies`, ascending.
        columns: The columns of `riskcontrol.rows.Fills` but the names, in the same order.
        prices: By ticker.
        trades: How many trades (or bars) there were of each of their tickers.
        splits: Those of their tickers, by time.
    """

    strategies: Sequence[Account]
    owner: NDArray[np.int32]
    columns: Mapping[str, NDArray]
    prices: Mapping[str, Prices]
    trades: Mapping[str, int]
    splits: Splits = NO_SPLITS

    @cached_property
    def places(self) -> Ints:
        """Where each strategy's fills begin, and the end of the last one's, shape (strategies + 1,)."""
        found: Ints = np.searchsorted(self.owner, np.arange(len(self.strategies) + 1))
        return found

    def fills_of(self, number: int) -> Fills:
        """Return the fills of a strategy, oldest first."""
        one, rows = self.strategies[number], slice(*self.places[number : number + 2].tolist())
        columns = {name: column[rows] for name, column in self.columns.items()}
        count = len(columns["number"])
        names = {name: np.full(count, getattr(one, name).encode("ascii")) for name in ("username", "name", "ticker")}
        return Fills(**names, **columns)

    def equity_of(self, number: int) -> Equity:
        """Return the equity of a strategy: a point at each bar's end and each fill, and one at the last trade.

        Raises:
            InputError: It doesn't fit into 64 bits.
        """
        strategy, fills = self.strategies[number], self.fills_of(number)
        prices = self.prices[strategy.ticker]
        try:
            return equity_curve(
                strategy.cash,
                fill_time=fills.time,
                fill_price=fills.price,
                fill_shares=fills.shares,
                fill_cash=fills.cash,
                fill_fee=fills.fee,
                bar_time=prices.start,
                bar_close=prices.close,
                bar_length=prices.length,
                mark=prices.mark,
            )
        except OverflowError:
            raise too_valuable(strategy) from None

    def record_of(self, number: int, equity: Equity | None = None) -> Record:
        """Return what a strategy's statistics are computed from.

        Args:
            number: Which strategy.
            equity: Its `equity_of`, where that is known already.
        """
        curve, fills = equity or self.equity_of(number), self.fills_of(number)
        cash, ticker = self.strategies[number].cash, self.strategies[number].ticker
        splits = of_ticker(self.splits, ticker)
        if not len(splits):
            made = Executions(fills.time, fills.price, fills.shares, fills.fee, fills.cash)
            return Record(cash, curve.time, curve.value, made, curve.price)
        # The end of a bar at the very time of a split is still before it.
        first = np.searchsorted(curve.time, splits.time) + np.isin(splits.time, self.bar_ends(ticker))
        closes = comparable(curve.price, first, splits)
        # On an ex-date's midnight there is no market.
        traded: NDArray[np.bool_] = np.ones(len(curve), np.bool_)
        split = fills.reason == Reason.SPLIT
        traded[self.points_of(number)[split]] = False
        made = executions(fills.time, fills.price, fills.shares, fills.fee, fills.cash, split)
        return Record(cash, curve.time[traded], curve.value[traded], made, closes[traded])

    def points_of(self, number: int) -> Ints:
        """Return which point of a strategy's equity is that of each of its fills."""
        return fill_points(self.fills_of(number).time, self.bar_ends(self.strategies[number].ticker))

    def bar_ends(self, ticker: str) -> Ints:
        """Return the ends of a ticker's bars that have a price."""
        prices = self.prices[ticker]
        return prices.start[prices.close > 0] + prices.length


def too_valuable(strategy: Account) -> InputError:
    """Return what is said of a strategy whose value doesn't fit into 64 bits."""
    return InputError(
        f"{strategy.name} on {strategy.ticker} comes to be worth more than 9.2 million million dollars, the "
        "most that is reckoned with; give it less cash, or look for wrong prices in the files"
    )


def fills_text(fills: Fills) -> str:
    """Return one strategy's fills as canonical text: a line each, oldest first, integers and the reason's name.

    A line is number,time,price,shares,fee,cash,sequence,reason: nanoseconds UTC, micro-dollars.
    """
    columns = [getattr(fills, name).tolist() for name in HASHED]
    reasons = [Reason(code).name.lower() for code in fills.reason.tolist()]
    return "".join(",".join(map(str, row)) + "\n" for row in zip(*columns, reasons, strict=True))


def fills_hash(fills: Fills) -> str:
    """Return the SHA-256, in hexadecimal, of `fills_text`: equal where two runs filled alike."""
    return hashlib.sha256(fills_text(fills).encode("ascii")).hexdigest()


def on_trades(strategies: Sequence[Strategy], blocks: Iterable[pa.RecordBatch], splits: Splits = NO_SPLITS) -> Backtest:
    """Run strategies on trades; all of them are open before the first trade.

    Args:
        strategies: Any, of any names.
        blocks: Blocks of trades (`riskcontrol.trades.TRADES`), in order; other tickers are left out.
        splits: Of any tickers.

    Raises:
        InputError: There are more than `MOST_FILLS` fills.
    """
    book, fills, bars, trades = _opened(strategies), Kept(), [], Counter[str]()
    splits = _of_strategies(splits, strategies)
    advance(book, [splits])
    for block in only(blocks, {strategy.ticker for strategy in strategies}):
        outcome = advance(book, [block])
        fills.add(outcome.fills)
        bars.append(outcome.bars)
        trades.update(counts_of(block))
    prices = {}
    for record in book.tickers[: book.count("tickers")]:
        ticker = record["ticker"]
        own = [part.take(part.ticker == ticker) for part in bars]
        last = record["trades"] > 0
        columns = {
            name: np.concatenate([*(getattr(p, name) for p in own), [record[name]] if last else []]).astype(np.int64)
            for name in BAR_FIELDS
        }
        start = np.concatenate([*(part.time for part in own), [record["bar"]] if last else []]).astype(np.int64)
        mark = (int(record["time"]), int(record["price"])) if record["price"] else None
        prices[ticker.decode()] = Prices(start, columns["close"], NS_PER_MINUTE, mark, columns)
    return Backtest(strategies, *fills.in_order(), prices, trades, splits)


def on_bars(
    strategies: Sequence[Strategy], bars: Mapping[str, Mapping[str, NDArray]], splits: Splits = NO_SPLITS
) -> Backtest:
    """Run strategies on bars; each bar must be as long as their rules want it.

    Args:
        strategies: Any, of any names.
        bars: By ticker, columns of one length: `start` and `end` (int64, nanoseconds UTC, ascending), `open`, `high`,
            `low`, `close` (int64, micro-dollars), `volume` (int64), `notional` (float64, dollars), `day` (int64).
        splits: Of any tickers.

    Raises:
        InputError: There are more than `MOST_FILLS` fills.
    """
    book, fills, splits = _opened(strategies), Kept(), _of_strategies(splits, strategies)
    prices: dict[str, Prices] = {}
    room, days = Room(new_stack(), np.empty(VIEW)), Days(*transitions())
    for number in range(book.count("tickers")):
        ticker = book.tickers[number]["ticker"].decode()
        own = bars[ticker]
        rows = len(own["end"])
        columns, start, end = prices_of(own), integers(own["start"]), integers(own["end"])
        if rows:
            table = table_of(own)
            sequence = np.arange(1, rows + 1)
            for part, split in _between(start, of_ticker(splits, ticker)):
                if split is not None:
                    paid, *_ = apply_split(number, *split, shared_of(book), slots_of(book))
                    fills.add(fill_rows(book, paid))
                if part.start < part.stop:
                    filled = advance_bars_of(
                        number, columns["open"][part], start[part], columns["close"][part], end[part],
                        sequence[part], table[part], shared_of(book), slots_of(book), book.code(), days, room,
                    )  # fmt: skip
                    fills.add(fill_rows(book, filled))
        prices[ticker] = Prices(end, columns["close"], 0, None, columns)
    counts = {ticker: len(own["end"]) for ticker, own in bars.items()}
    return Backtest(strategies, *fills.in_order(), prices, counts, splits)


def prices_of(bars: Mapping[str, NDArray]) -> dict[str, Ints]:
    """Return open, high, low, close and volume of bars as `on_bars` takes them, in integers."""
    return {name: integers(bars[name]) for name in ("open", "high", "low", "close", "volume")}


def integers(column: NDArray) -> Ints:
    """Return a column as the kernels take it: one's own.

    Whether an array can be written to is part of its type, and they are compiled for each type.
    """
    return np.array(column, np.int64)


def table_of(bars: Mapping[str, NDArray]) -> NDArray[np.float64]:
    """Return bars as `on_bars` takes them as indicators want them, shape (bars, 7)."""
    dollars = [bars[name] / 1e6 for name in ("open", "high", "low", "close")]
    table = np.column_stack([*dollars, bars["volume"], bars["notional"], bars["day"]])
    assert table.shape[1] == len(COLUMNS)  # noqa: S101  the order of the registry's columns
    return np.ascontiguousarray(table, np.float64)


def _of_strategies(splits: Splits, strategies: Sequence[Strategy]) -> Splits:
    tickers = {strategy.ticker.encode("ascii") for strategy in strategies}
    return splits.take(np.isin(splits.ticker, sorted(tickers)))


def _between(start: Ints, splits: Splits) -> Iterator[tuple[slice, tuple[int, int, int] | None]]:
    """Yield the stretches of bars between splits, and time, numerator and denominator of the split before each."""
    due = np.searchsorted(start, splits.time)
    # One after the last bar has no bar to come before.
    splits, due = splits.take(due < len(start)), due[due < len(start)]
    ratios = zip(splits.time.tolist(), splits.numerator.tolist(), splits.denominator.tolist(), strict=True)
    edges = pairwise([0, *due.tolist(), len(start)])
    yield from ((slice(*edge), split) for edge, split in zip(edges, [None, *ratios], strict=True))


class Kept:
    """Collects fills without the names of whose they are: a sweep has many."""

    def __init__(self) -> None:
        self.count = 0
        self._owners: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
        self._parts: dict[str, list[NDArray]] = {name: [np.zeros(0, np.int64)] for name in HASHED}
        self._parts["reason"] = [np.zeros(0, np.int8)]

    def add(self, fills: Fills) -> None:
        """Add what one stretch of the tape gave, with numbers for names.

        Raises:
            InputError: They have become too many.
        """
        self.put(fills.name.astype(np.int32), {name: getattr(fills, name) for name in self._parts})

    def put(self, owner: NDArray[np.int32], fills: Mapping[str, NDArray] | NDArray[np.void]) -> None:
        """Add fills.

        Args:
            owner: Whose each is.
            fills: By name of a column.

        Raises:
            InputError: They have become too many.
        """
        self.count += len(owner)
        if self.count > MOST_FILLS:
            raise InputError(
                f"more than {MOST_FILLS:,} fills, which memory may not hold; run fewer variants at once, or fewer days"
            )
        self._owners.append(owner)
        for name, parts in self._parts.items():
            parts.append(fills[name].astype(parts[0].dtype))

    def in_order(self) -> tuple[NDArray[np.int32], dict[str, NDArray]]:
        """Return whose the fills are and their columns, by strategy, oldest first; nothing is left here."""
        owner = np.concatenate(self._owners)
        self._owners.clear()
        columns = {name: np.concatenate(self._parts.pop(name)) for name in (*HASHED, "reason")}
        if (owner[1:] >= owner[:-1]).all():
            return owner, columns
        order = np.argsort(owner, kind="stable")
        for name in columns:
            columns[name] = columns[name][order]
        return owner[order], columns


def _opened(strategies: Sequence[Strategy]) -> Book:
    """Return a book in which all strategies are open, under their numbers: any two may have one name."""
    book = Book()
    for first in range(0, len(strategies), _OPENINGS):
        chunk = strategies[first : first + _OPENINGS]
        numbered = [replace(one, username="b", name=str(first + i)) for i, one in enumerate(chunk)]
        advance(book, [openings_rows(openings_batch(numbered, time=0))])
    return book


def only(blocks: Iterable[pa.RecordBatch], tickers: set[str]) -> Iterator[pa.RecordBatch]:
    """Yield what blocks have of some tickers."""
    for block in blocks:
        column = block.column("ticker")
        # In Python: pyarrow.compute takes longer to import than all the blocks of a day to look through.
        codes = [code for code, ticker in enumerate(column.dictionary.to_pylist()) if ticker in tickers]
        if len(codes) == len(column.dictionary):
            yield block
        elif len(codes):
            yield block.filter(pa.array(np.isin(column.indices.to_numpy(), codes)))

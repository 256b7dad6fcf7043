"""Backtests: strategies on trades or on bars, in one process, by the engine that the stream runs.

Any number of strategies goes through in one pass. The same strategies on the same trades give the same fills here as
in the stream. On bars, a strategy looks at its rules at each bar's close, and what it decides fills at the next bar's
open; stops, too, are looked at at closes alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode, openings_batch
from riskcontrol.book import BAR_FIELDS, Book, Reason
from riskcontrol.engine import advance, fill_rows, shared_of, slots_of
from riskcontrol.equity import Equity, equity_curve
from riskcontrol.indicators.registry import COLUMNS
from riskcontrol.kernel import Days, advance_bars_of
from riskcontrol.machine import VIEW, new_stack
from riskcontrol.newyork import transitions
from riskcontrol.rows import Fills, Ints, Openings
from riskcontrol.shape import shape_text
from riskcontrol.statistics import Executions, Record
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import Definition
from riskcontrol.trades import NS_PER_MINUTE
from riskcontrol.triggers import Room

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


@dataclass(frozen=True, eq=False)
class Backtest:
    """What became of strategies.

    Attributes:
        strategies: In the order they were given.
        fills: All fills, by strategy and number.
        prices: By ticker.
        trades: How many trades (or bars) there were of their tickers.
    """

    strategies: Sequence[Strategy]
    fills: Fills
    prices: Mapping[str, Prices]
    trades: int

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Where each strategy's fills begin, and the end of the last one's."""
        numbers = np.flatnonzero(self.fills.number == 1)
        owners = [_key(self.fills, int(i)) for i in numbers]
        begins = dict(zip(owners, numbers.tolist(), strict=True))
        ends = dict(zip(owners, [*numbers.tolist(), len(self.fills)][1:], strict=True))
        keys = [(s.username, s.name, s.ticker) for s in self.strategies]
        return np.array([(begins.get(key, 0), ends.get(key, 0)) for key in keys], np.int64).reshape(-1, 2)

    def fills_of(self, number: int) -> Fills:
        """Return the fills of a strategy, oldest first."""
        first, end = self._places[number]
        return self.fills.take(slice(int(first), int(end)))

    def equity_of(self, number: int) -> Equity:
        """Return the equity of a strategy: a point at each bar's end and each fill, and one at the last trade."""
        strategy, fills = self.strategies[number], self.fills_of(number)
        prices = self.prices[strategy.ticker]
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

    def record_of(self, number: int, equity: Equity | None = None) -> Record:
        """Return what a strategy's statistics are computed from.

        Args:
            number: Which strategy.
            equity: Its `equity_of`, where that is known already.
        """
        curve, fills = equity or self.equity_of(number), self.fills_of(number)
        executions = Executions(fills.time, fills.price, fills.shares, fills.fee, fills.cash)
        return Record(self.strategies[number].cash, curve.time, curve.value, executions, curve.price)


def strategy_of(definition: Definition, *, username: str = "backtest", name: str = "", ticker: str = "") -> Strategy:
    """Return what a strategy file defines as somebody's strategy.

    Args:
        definition: Of the file.
        username: Whose it becomes.
        name: Another name than the file's.
        ticker: Another ticker than the file's.

    Raises:
        StrategyError: The ticker or name isn't one.
    """
    shape, numbers = shape_text(definition.buy, definition.sell, definition.every, definition.session)
    return Strategy(
        username,
        name or definition.name,
        ticker or definition.ticker,
        definition.cash,
        shape,
        numbers,
        definition.terms,
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


def on_trades(strategies: Sequence[Strategy], blocks: Iterable[pa.RecordBatch]) -> Backtest:
    """Run strategies on trades; all of them are open before the first trade.

    Args:
        strategies: Each with a name of its own per user and ticker.
        blocks: Blocks of trades (`riskcontrol.trades.TRADES`), in order; other tickers are left out.

    Raises:
        ValueError: Two strategies have the same user, name and ticker.
    """
    book, fills, bars, trades = _opened(strategies), [], [], 0
    for block in _only(blocks, {strategy.ticker for strategy in strategies}):
        outcome = advance(book, [block])
        fills.append(outcome.fills)
        bars.append(outcome.bars)
        trades += outcome.trades
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
    return Backtest(strategies, _in_order(strategies, fills), prices, trades)


def on_bars(strategies: Sequence[Strategy], bars: Mapping[str, Mapping[str, NDArray]]) -> Backtest:
    """Run strategies on bars; each bar must be as long as their rules want it.

    Args:
        strategies: Each with a name of its own per user and ticker.
        bars: By ticker, columns of one length: `start` and `end` (int64, nanoseconds UTC, ascending), `open`, `high`,
            `low`, `close` (int64, micro-dollars), `volume` (int64), `notional` (float64, dollars), `day` (int64).

    Raises:
        ValueError: Two strategies have the same user, name and ticker.
    """
    book, fills, prices = _opened(strategies), [], {}
    room, days = Room(new_stack(), np.empty(VIEW)), Days(*transitions())
    for number in range(book.count("tickers")):
        ticker = book.tickers[number]["ticker"].decode()
        own = bars[ticker]
        rows = len(own["end"])
        columns = {
            name: np.ascontiguousarray(own[name], np.int64) for name in ("open", "high", "low", "close", "volume")
        }
        if rows:
            dollars = [columns[n] / 1e6 for n in ("open", "high", "low", "close")]
            table = np.column_stack([*dollars, columns["volume"], own["notional"], own["day"]]).astype(np.float64)
            assert table.shape[1] == len(COLUMNS)  # noqa: S101  the order of the registry's columns
            filled = advance_bars_of(
                number, columns["open"], own["start"], columns["close"], own["end"], np.arange(1, rows + 1),
                np.ascontiguousarray(table), shared_of(book), slots_of(book), book.code(), days, room,
            )  # fmt: skip
            fills.append(fill_rows(book, filled))
        prices[ticker] = Prices(np.asarray(own["end"]), columns["close"], 0, None, columns)
    return Backtest(strategies, _in_order(strategies, fills), prices, sum(len(own["end"]) for own in bars.values()))


def _opened(strategies: Sequence[Strategy]) -> Book:
    book = Book()
    for first in range(0, len(strategies), _OPENINGS):
        block = encode(openings_batch(strategies[first : first + _OPENINGS], time=0))
        opening = decode(block, OPENINGS_HEADERS)
        assert isinstance(opening, Openings)  # noqa: S101  narrows the type
        if advance(book, [opening]).ignored:
            raise ValueError("two strategies have the same user, name and ticker")
    return book


def _only(blocks: Iterable[pa.RecordBatch], tickers: set[str]) -> Iterator[pa.RecordBatch]:
    """Yield what blocks have of some tickers."""
    wanted = pa.array(sorted(tickers), pa.utf8())
    for block in blocks:
        column = block.column("ticker")
        codes = np.flatnonzero(pc.is_in(column.dictionary, value_set=wanted).to_numpy(zero_copy_only=False))
        if len(codes) == len(column.dictionary):
            yield block
        elif len(codes):
            yield block.filter(pa.array(np.isin(column.indices.to_numpy(), codes)))


def _key(fills: Fills, row: int) -> tuple[str, str, str]:
    return fills.username[row].decode(), fills.name[row].decode(), fills.ticker[row].decode()


def _in_order(strategies: Sequence[Strategy], parts: list[Fills]) -> Fills:
    """Return all fills by strategy, oldest first."""
    if not parts:
        parts = [fill_rows(Book(), None)]
    whole = parts[0].joined(parts)
    return whole.take(np.lexsort((whole.number, whole.ticker, whole.name, whole.username)))

"""The engine: what a stretch of the tape does to a book of positions.

A strategy acts when a trade reaches a price, so the work is turned round: not "for every trade look at every
user", but "for every position find the first trade that makes it act". A stretch is grouped by ticker; each
ticker's driving trades get a pyramid of minima and maxima; positions whose price levels lie outside the
ticker's range are never looked at, and one that acts jumps from act to act.

For each driving trade of its ticker, in the order of the tape, a running position

1. fills the order decided on an earlier trade, at this trade's price (an order that cash can no longer pay for
   lapses);
2. looks at its rules, exit before entry; a decision becomes an order.

`advance` is a pure function of book and events, up to the book being changed in place: the same book and the
same events give the same outcome, and so does any way of cutting the events into several calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.book import BAR_FIELDS, NEVER_ABOVE, NEVER_BELOW, PAGE, TICKERS, Book, name_words
from riskcontrol.kernel import FILL, advance_positions, driving_trades, group_by_ticker
from riskcontrol.minutes import BAR, advance_bars
from riskcontrol.opening import open_and_stop
from riskcontrol.rows import Bars, Fills, Openings, Positions
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH, Action
from riskcontrol.trades import TICKER_LENGTH

_NO_OPENINGS = Openings(
    action=np.empty(0, np.int8),
    username=np.empty(0, f"S{USERNAME_LENGTH}"),
    name=np.empty(0, f"S{NAME_LENGTH}"),
    ticker=np.empty(0, f"S{TICKER_LENGTH}"),
    cash=np.empty(0, np.int64),
    buy_below=np.empty(0, np.int64),
    sell_above=np.empty(0, np.int64),
    fill=np.empty(0, np.int8),
    time=np.empty(0, np.int64),
)


@dataclass(frozen=True, slots=True)
class Touched:
    """Which rows of the book's tables a call changed, ascending: what has to be saved."""

    slots: NDArray[np.int64]
    opened: NDArray[np.int64]
    """The slots among them that are new."""
    pages: NDArray[np.int64]
    tickers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stretch of the tape did.

    Attributes:
        openings: The openings and stops that changed something.
        positions: The state of each position that opened its eyes, filled, stopped or halted.
        fills: Every paper execution.
        bars: The bars of a minute that closed.
        trades: How many trades there were.
        late: How many of them belonged to a minute already closed.
        ignored: Openings of what was there already and stops of what wasn't.
        last_time: Event time of the newest trade, 0 without one.
        touched: What changed in the book.
    """

    openings: Openings
    positions: Positions
    fills: Fills
    bars: Bars
    trades: int
    late: int
    ignored: int
    last_time: int
    touched: Touched


def advance(book: Book, events: Iterable[pa.RecordBatch | Openings]) -> Outcome:
    """Lead a book through a stretch of its shard's tape.

    Args:
        book: The shard's book; changed in place.
        events: Blocks of trades (`riskcontrol.trades.TRADES`) and of openings, in the order of the tape.
    """
    run = _Run(book)
    waiting: list[pa.RecordBatch] = []
    for event in events:
        if isinstance(event, Openings):
            run.trade(waiting)
            waiting = []
            run.open(event)
        elif event.num_rows:
            waiting.append(event)
    run.trade(waiting)
    return run.outcome()


class _Run:
    """Collects what the stretches of one `advance` give."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.numbers = {
            ticker.decode("ascii"): i
            for i, ticker in enumerate(book.tickers["ticker"][: book.counts[TICKERS]].tolist())
        }
        self.openings: list[Openings] = [_NO_OPENINGS]
        self.opened: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.linked: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.fills: list[NDArray[np.void]] = [np.empty(0, FILL)]
        self.bars: list[NDArray[np.void]] = [np.empty(0, BAR)]
        self.acted: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.changed: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.tickers: list[NDArray[np.integer]] = [np.empty(0, np.int64)]
        self.trades = self.late = self.ignored = self.last_time = 0

    def _number(self, ticker: str) -> int:
        """Return the number of a ticker, giving it one if it is new."""
        number = self.numbers.get(ticker)
        if number is None:
            book = self.book
            book.reserve(strategies=0, tickers=1)
            number = int(book.counts[TICKERS])
            book.counts[TICKERS] += 1
            row = np.zeros((), book.tickers.dtype)
            row["ticker"], row["first"], row["last"] = ticker.encode("ascii"), -1, -1
            row["below"], row["above"] = NEVER_BELOW, NEVER_ABOVE
            book.tickers[number] = row
            self.numbers[ticker] = number
        return number

    def open(self, openings: Openings) -> None:
        book = self.book
        book.reserve(strategies=len(openings), tickers=len(openings))
        tickers = np.array([self._number(t.decode("ascii")) for t in openings.ticker.tolist()], np.int32)
        slots, linked = open_and_stop(
            book.positions, book.below, book.above, book.names, book.pages, book.tickers, book.index, book.counts,
            openings.action == Action.OPEN, name_words(openings.username, openings.name), tickers,
            openings.cash, openings.buy_below, openings.sell_above, openings.fill, openings.time,
        )  # fmt: skip
        effective = slots >= 0
        stopped = slots[effective & (openings.action == Action.STOP)]
        self.openings.append(openings.take(effective))
        self.linked.append(linked[linked >= 0])
        self.opened.append(slots[effective & (openings.action == Action.OPEN)])
        self.acted.append(stopped)
        self.changed.append(stopped)
        self.tickers.append(_distinct([tickers]))
        self.ignored += int(np.count_nonzero(~effective))

    def trade(self, batches: list[pa.RecordBatch]) -> None:
        if not batches:
            return
        book = self.book
        numbers = np.concatenate([self._trade_numbers(batch) for batch in batches])
        price, time, size, flags, sequence = (
            np.concatenate([batch.column(name).to_numpy() for batch in batches])
            for name in ("price", "time", "size", "flags", "sequence")
        )
        order, starts = group_by_ticker(numbers, int(book.counts[TICKERS]))
        bars, late = advance_bars(book.tickers, starts, price[order], time[order], size[order], flags[order])
        fills, acted, changed = advance_positions(
            book.positions, book.below, book.above, book.pages, book.tickers,
            *driving_trades(starts, order, flags, price, time, sequence),
        )  # fmt: skip
        self.fills.append(fills)
        self.bars.append(bars)
        self.acted.append(acted)
        self.changed.append(acted[changed])
        self.tickers.append(np.flatnonzero(np.diff(starts)))
        self.trades += len(numbers)
        self.late += int(late)
        self.last_time = max(self.last_time, int(time.max()))

    def _trade_numbers(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        column = batch.column("ticker")
        codes = column.indices.to_numpy()
        # A slice carries the dictionary of the whole: only what is used counts.
        used = np.flatnonzero(np.bincount(codes, minlength=len(column.dictionary)))
        table = np.zeros(len(column.dictionary), np.int32)
        table[used] = [self._number(ticker) for ticker in column.dictionary.take(pa.array(used)).to_pylist()]
        return table[codes]

    def outcome(self) -> Outcome:
        book = self.book
        fills, bars = np.concatenate(self.fills), np.concatenate(self.bars)
        opened = np.concatenate(self.opened)
        slots = _distinct([opened, *self.acted])
        changed = _distinct(self.changed)
        state = book.positions[changed]
        return Outcome(
            openings=Openings(
                **{f.name: np.concatenate([getattr(part, f.name) for part in self.openings]) for f in fields(Openings)}
            ),
            positions=Positions(
                username=book.usernames(changed),
                name=book.strategy_names(changed),
                ticker=book.slot_tickers(changed),
                fills=state["fills"].astype(np.int64),
                status=state["status"],
                **{name: state[name] for name in ("time", "cash", "shares", "reference")},
            ),
            fills=Fills(
                username=book.usernames(fills["slot"]),
                name=book.strategy_names(fills["slot"]),
                ticker=book.slot_tickers(fills["slot"]),
                number=fills["number"].astype(np.int64),
                **{name: fills[name] for name in ("time", "price", "shares", "cash", "sequence")},
            ),
            bars=Bars(
                ticker=book.tickers["ticker"][bars["ticker"]],
                time=bars["time"],
                **{name: bars[name] for name in BAR_FIELDS},
            ),
            trades=self.trades,
            late=self.late,
            ignored=self.ignored,
            last_time=self.last_time,
            touched=Touched(
                slots=slots,
                opened=_distinct([opened]),
                pages=_distinct([slots // PAGE, *self.linked]),
                tickers=_distinct(self.tickers),
            ),
        )


def _distinct(parts: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Return the distinct numbers of all parts, ascending."""
    numbers = np.sort(np.concatenate(parts))
    # Ten times as fast as np.unique, which hashes.
    return numbers[np.diff(numbers, prepend=-1) != 0].astype(np.int64)

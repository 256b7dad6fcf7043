"""The engine: what a stretch of the tape does to a book of positions.

A strategy acts when a trade reaches a price, so the work is turned round: not "for every trade look at every
user", but "for every position find the first trade that makes it act". A stretch is grouped by ticker; each
ticker's driving trades get a pyramid of minima and maxima; positions whose price levels lie outside the
ticker's range are never looked at, and one that acts jumps from act to act.

For each driving trade of its ticker, in the order of the tape, a running position

1. fills the order decided on an earlier trade, at this trade's price (an order that cash can no longer pay for
   lapses);
2. looks at its rules, exit before entry; a decision becomes an order.

Before a ticker's first trade at or after a split's time, all that the book has of the ticker is brought to prices and
shares after the split (`riskcontrol.split_kernel`).

`advance` is a pure function of book and events, up to the book being changed in place: the same book and the
same events give the same outcome, and so does any way of cutting the events into several calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.blocks import Event
from riskcontrol.book import BAR_FIELDS, COUNTED, PAGE, TABLES, Book, name_words
from riskcontrol.days import add_bars, day_number, day_so_far
from riskcontrol.fills import FILL
from riskcontrol.kernel import Days, Shared, advance_tickers, group_by_ticker
from riskcontrol.leaders import Leaders
from riskcontrol.machine import VIEW, new_stack
from riskcontrol.market import Directory
from riskcontrol.minutes import BAR, advance_bars
from riskcontrol.newyork import transitions
from riskcontrol.opening import open_and_stop
from riskcontrol.pending import Pending
from riskcontrol.rows import Accepted, Bars, Fills, Ints, Openings, Positions, Splits
from riskcontrol.split_kernel import apply_split
from riskcontrol.standing import leaders_of
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH, Action
from riskcontrol.trades import NS_PER_MINUTE, TICKER_LENGTH
from riskcontrol.triggers import Room, Slots

_WIDTHS = {"username": USERNAME_LENGTH, "name": NAME_LENGTH, "ticker": TICKER_LENGTH}
_OPENING_TYPES = {
    "action": np.dtype("i1"), "cash": np.dtype("i8"), "time": np.dtype("i8"), "since": np.dtype("i8"),
    "shape": np.dtype("O"), "terms": np.dtype("O"),
    **{name: np.dtype(f"S{width}") for name, width in _WIDTHS.items()},
}  # fmt: skip
_NO_OPENINGS = Accepted(**{f.name: np.empty(0, _OPENING_TYPES.get(f.name, np.dtype("f8"))) for f in fields(Accepted)})


@dataclass(frozen=True, slots=True)
class Touched:
    """Which rows of the book's tables a call changed: what has to be saved.

    Attributes:
        rows: By name of a table: the rows, ascending; the hash table `index` is not among them.
        opened: The slots that are new.
    """

    rows: dict[str, NDArray[np.int64]]
    opened: NDArray[np.int64]


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
        ignored: Openings of what was there already, stops of what wasn't, splits that were known or came after a trade
            at prices after them.
        last_time: Event time of the newest trade, 0 without one.
        leaders: Who led at the end of each minute that ended, if that was asked for.
        days: Of each New York day in which a minute ended, what it was at the end of the last one of these, if the
            same was asked for.
        touched: What changed in the book.
    """

    openings: Accepted
    positions: Positions
    fills: Fills
    bars: Bars
    trades: int
    late: int
    ignored: int
    last_time: int
    leaders: list[Leaders]
    days: list[Bars]
    touched: Touched


def advance(book: Book, events: Iterable[Event], *, rank: bool = False) -> Outcome:
    """Lead a book through a stretch of its shard's tape.

    Args:
        book: The shard's book; changed in place.
        events: Blocks of trades (`riskcontrol.trades.TRADES`), of openings and of splits, in the order of the tape.
        rank: Whether to rank all strategies, and to sum up the day, at the end of each minute.
    """
    run = _Run(book, rank=rank)
    waiting: list[pa.RecordBatch] = []
    for event in events:
        if isinstance(event, Openings | Splits):
            run.trade(waiting)
            waiting = []
            if isinstance(event, Splits):
                run.split(event)
            else:
                run.open(event)
        elif event.num_rows:
            waiting.append(event)
    run.trade(waiting)
    return run.outcome()


class _Trades(NamedTuple):
    """Trades in the order of the tape, by ticker number."""

    ticker: NDArray[np.int32]
    price: Ints
    time: Ints
    size: Ints
    flags: NDArray[np.uint8]
    sequence: Ints

    def take(self, index: Ints | NDArray[np.bool_] | slice) -> _Trades:
        """Return the trades that a NumPy index picks."""
        return _Trades._make(column[index] for column in self)


class _Run:
    """Collects what the stretches of one `advance` give."""

    def __init__(self, book: Book, *, rank: bool) -> None:
        self.book = book
        self.rank = rank
        self.leaders: list[Leaders] = []
        self.summed: dict[int, Bars] = {}
        self.directory = Directory(book)
        self.pending = Pending(book)
        self.before = dict(zip(COUNTED, book.counts.tolist(), strict=True))
        self.days = Days(*transitions())
        self.room = Room(new_stack(), np.empty(VIEW))
        self.openings: list[Accepted] = [_NO_OPENINGS]
        self.opened: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.linked: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.fills: list[NDArray[np.void]] = [np.empty(0, FILL)]
        self.bars: list[NDArray[np.void]] = [np.empty(0, BAR)]
        self.acted: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.changed: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.tickers: list[NDArray[np.integer]] = [np.empty(0, np.int64)]
        self.clocks: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.closed: list[NDArray[np.integer]] = [np.empty(0, np.int32)]
        self.trades = self.late = self.ignored = self.last_time = 0

    def open(self, openings: Openings) -> None:
        book, directory = self.book, self.directory
        book.reserve(strategies=len(openings), tickers=len(openings))
        tickers = np.array([directory.ticker(t.decode("ascii")) for t in openings.ticker.tolist()], np.int32)
        opens = openings.action == Action.OPEN
        cohorts, terms = directory.cohorts(tickers, openings.shape, opens), directory.terms(openings.terms, opens)
        book.reserve(strategies=len(openings))
        slots, linked = open_and_stop(
            slots_of(book), book.names, shared_of(book), book.index, book.counts, opens,
            name_words(openings.username, openings.name), tickers, cohorts, _read_only(openings.cash),
            np.column_stack([openings.p0, openings.p1, openings.p2, openings.p3]), terms, _read_only(openings.time),
        )  # fmt: skip
        effective = slots >= 0
        stopped = slots[effective & ~opens]
        since = book.tickers["latest"][tickers[effective]]
        self.openings.append(Accepted.of(openings.take(effective), since))
        self.linked.append(linked[linked >= 0])
        self.opened.append(slots[effective & opens])
        self.acted.append(stopped)
        self.changed.append(stopped)
        self.tickers.append(_distinct([tickers]))
        self.ignored += int(np.count_nonzero(~effective))

    def trade(self, batches: list[pa.RecordBatch]) -> None:
        if not batches:
            return
        columns = (
            np.concatenate([batch.column(name).to_numpy() for batch in batches])
            for name in ("price", "time", "size", "flags", "sequence")
        )
        trades = _Trades(np.concatenate([self._trade_numbers(batch) for batch in batches]), *columns)
        self.trades += len(trades.ticker)
        self.last_time = max(self.last_time, int(trades.time.max()))
        first = 0
        for at, minute in self._minutes(trades.time):
            self._between(trades.take(slice(first, at)))
            self.leaders.append(leaders_of(self.book, minute))
            self.summed[day_number(minute)] = day_so_far(self.book, minute)
            first = at
        self._between(trades.take(slice(first, None)))

    def _minutes(self, time: Ints) -> list[tuple[int, int]]:
        """Return, for each minute that these trades end, the first of them that is later, and the minute's start."""
        if not self.rank:
            return []
        latest = int(self.book.tickers["latest"][: self.book.count("tickers")].max(initial=0))
        minutes = np.maximum(np.maximum.accumulate(time), latest) // NS_PER_MINUTE
        before = np.concatenate([[latest // NS_PER_MINUTE], minutes[:-1]])
        ends = np.flatnonzero(minutes > before)
        return [(at, int(before[at]) * NS_PER_MINUTE) for at in ends.tolist() if before[at]]

    def _between(self, trades: _Trades) -> None:
        """Take trades of a minute."""
        while (due := self.pending.due(trades.ticker, trades.time)) is not None:
            after, splits = due
            self._stretch(trades.take(~after))
            for row in splits:
                self._split(row)
            trades = trades.take(after)
        self._stretch(trades)

    def split(self, splits: Splits) -> None:
        book, directory = self.book, self.directory
        book.reserve(tickers=len(splits))
        tickers = np.array([directory.ticker(t.decode("ascii")) for t in splits.ticker.tolist()], np.int32)
        self.ignored += self.pending.add(tickers, splits)

    def _split(self, row: int) -> None:
        book = self.book
        time, ticker, numerator, denominator, _ = book.splits[row].tolist()
        fills, slots, changed, clocks = apply_split(
            ticker, time, numerator, denominator, shared_of(book), slots_of(book)
        )
        self.fills.append(fills)
        self.acted.append(slots)
        self.changed.append(slots[changed])
        self.clocks.append(clocks)
        self.closed.append(clocks)
        self.tickers.append(np.array([ticker]))

    def _stretch(self, trades: _Trades) -> None:
        """Take trades between which no split comes."""
        if not len(trades.ticker):
            return
        book = self.book
        order, starts = group_by_ticker(trades.ticker, book.count("tickers"))
        _, price, time, size, flags, sequence = trades.take(order)
        traded = np.flatnonzero(np.diff(starts))
        latest = book.tickers["latest"]
        latest[traded] = np.maximum(latest[traded], np.maximum.reduceat(time, starts[traded]))
        bars, late = advance_bars(book.tickers, starts, price, time, size, flags)
        add_bars(book.days, bars)
        fills, acted, changed, clocks, closed = advance_tickers(
            starts,
            price,
            time,
            size,
            flags,
            sequence,
            shared_of(book),
            slots_of(book),
            book.code(),
            self.days,
            self.room,
        )
        self.fills.append(fills)
        self.bars.append(bars)
        self.acted.append(acted)
        self.changed.append(acted[changed])
        self.clocks.append(clocks)
        self.closed.append(clocks[closed])
        self.tickers.append(traded)
        self.late += int(late)

    def _trade_numbers(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        column = batch.column("ticker")
        codes = column.indices.to_numpy()
        # A slice carries the dictionary of the whole: only what is used counts.
        used = np.flatnonzero(np.bincount(codes, minlength=len(column.dictionary)))
        table = np.zeros(len(column.dictionary), np.int32)
        table[used] = [self.directory.ticker(ticker) for ticker in column.dictionary.take(pa.array(used)).to_pylist()]
        return table[codes]

    def outcome(self) -> Outcome:
        book = self.book
        fills, bars = np.concatenate(self.fills), np.concatenate(self.bars)
        opened = np.concatenate(self.opened)
        slots = _distinct([opened, *self.acted])
        changed = _distinct(self.changed)
        state = book.positions[changed]
        return Outcome(
            openings=_NO_OPENINGS.joined(self.openings),
            positions=Positions(
                username=book.usernames(changed),
                name=book.strategy_names(changed),
                ticker=book.slot_tickers(changed),
                fills=state["fills"].astype(np.int64),
                status=state["status"],
                **{name: state[name] for name in ("time", "cash", "shares", "reference", "entry", "entered")},
            ),
            fills=fill_rows(book, fills),
            bars=Bars(
                ticker=book.tickers["ticker"][bars["ticker"]],
                time=bars["time"],
                **{name: bars[name] for name in BAR_FIELDS},
            ),
            trades=self.trades,
            late=self.late,
            ignored=self.ignored,
            last_time=self.last_time,
            leaders=self.leaders,
            days=list(self.summed.values()),
            touched=self._touched(slots),
        )

    def _touched(self, slots: NDArray[np.int64]) -> Touched:
        """Return which rows have changed: those of what acted and ran, and all that are new."""
        book = self.book
        new = {unit: np.arange(self.before[unit], book.count(unit)) for unit in COUNTED}
        opened = _distinct(self.opened)
        pages = _distinct([slots // PAGE, *self.linked])
        clocks = _distinct([*self.clocks, *self.directory.linked["clocks"], new["clocks"]])
        # Indicators change with the bars: most batches close none of most clocks.
        moved = _chained(book.clocks["series"], book.series["next"], _distinct(self.closed))
        series = _distinct([moved, new["series"]])
        by_unit = {
            **new,
            "strategies": slots,
            "pages": pages,
            "chapters": _distinct([book.pages["chapter"][pages], new["chapters"]]),
            "tickers": _distinct([*self.tickers, new["tickers"]]),
            "cohorts": _distinct([book.pages["cohort"][pages], *self.directory.linked["cohorts"], new["cohorts"]]),
            "clocks": clocks,
            "series": series,
            "states": _ranges(book.series["state"][series], book.series["words"][series]),
            "splits": _distinct([np.array(self.pending.touched, np.int64)]),
        }
        fixed = dict.fromkeys(("names", "parameters", "terms_of"), opened)
        days = _distinct([*(bars["ticker"] for bars in self.bars), new["tickers"]])
        own = {**fixed, "scores": _distinct([opened, *self.changed]), "days": days}
        rows = {name: own.get(name, by_unit[unit]) for name, (_, _, unit) in TABLES.items() if name != "index"}
        return Touched(rows, opened)


def fill_rows(book: Book, fills: NDArray[np.void] | None) -> Fills:
    """Put the names to fills of a kernel.

    Args:
        book: Whose slots they name.
        fills: `riskcontrol.kernel.FILL`; None for none.
    """
    if fills is None:
        fills = np.empty(0, FILL)
    return Fills(
        username=book.usernames(fills["slot"]),
        name=book.strategy_names(fills["slot"]),
        ticker=book.slot_tickers(fills["slot"]),
        number=fills["number"].astype(np.int64),
        reason=fills["reason"].astype(np.int8),
        **{name: fills[name] for name in ("time", "price", "shares", "fee", "cash", "sequence")},
    )


def slots_of(book: Book) -> Slots:
    """Return a book's arrays by slot, for compiled loops."""
    return Slots(*(getattr(book, name) for name in Slots._fields))


def shared_of(book: Book) -> Shared:
    """Return a book's other arrays, for compiled loops."""
    return Shared(*(getattr(book, name) for name in Shared._fields))


def _chained(heads: NDArray[np.int32], following: NDArray[np.int32], owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all links of the chains that these owners head."""
    found, links = [np.empty(0, np.int64)], heads[owners]
    while len(links := links[links >= 0]):
        found.append(links.astype(np.int64))
        links = following[links]
    return np.concatenate(found)


def _ranges(starts: NDArray[np.int64], lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the numbers of all ranges, ascending."""
    if not len(starts):
        return np.empty(0, np.int64)
    order = np.argsort(starts)
    starts, lengths = starts[order], lengths[order].astype(np.int64)
    firsts = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(starts - firsts, lengths)


def _read_only(column: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a column as those of the tape are: the kernel would be compiled anew for one that can be written."""
    view = column.view()
    view.flags.writeable = False
    return view


def _distinct(parts: Sequence[NDArray[np.integer]]) -> NDArray[np.int64]:
    """Return the distinct numbers of all parts, ascending."""
    numbers = np.sort(np.concatenate(parts))
    # Ten times as fast as np.unique, which hashes.
    return numbers[np.diff(numbers, prepend=-1) != 0].astype(np.int64)

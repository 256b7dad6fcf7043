"""A plain, slow reference of the engine, written from the rules in `riskcontrol.engine` and nothing else of it.

One trade at a time, one position at a time, Python integers and floats; rules are looked at as the tree that they
are. Indicators are computed anew over all bars at every close.
"""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.indicators.batch import compute
from riskcontrol.indicators.registry import COLUMNS, INDICATORS
from riskcontrol.language.contents import indicators_of, words_of
from riskcontrol.language.text import text
from riskcontrol.language.tree import (
    Indicator,
    Node,
)
from riskcontrol.newyork import NEW_YORK
from riskcontrol.rows import Openings, Splits
from riskcontrol.shape import interval_of, read_shape, rules_of
from riskcontrol.strategy import Action
from riskcontrol.terms import PPM, FillMode, Session, Terms, read_terms
from riskcontrol.trades import HIGH_LOW, LAST, NS_PER_MINUTE, NS_PER_SECOND, REGULAR, VOLUME
from tests.reference_rules import VWAP, View, truth

Fill = tuple[str, str, str, int, int, int, int, int, int, int, int]
"""username, name, ticker, number, time, price, shares, fee, cash, sequence, reason: as `riskcontrol.rows.Fills`."""

BUY, SELL, STOP_LOSS, TRAILING_STOP, TAKE_PROFIT, SPLIT = 1, 2, 3, 4, 5, 6
MOST = 2**63 - 1


def part(amount: int, ppm: int) -> int:
    """Return so many millionths of an amount, rounded up."""
    return -(-amount * ppm // PPM)


def half_up(amount: int, up: int, down: int) -> int:
    """Return amount × up / down, rounded half up."""
    return (2 * amount * up + down) // (2 * down)


def price_after(price: int, new: int, old: int) -> int:
    """Return a price after a split of `new` shares for `old` ones."""
    return max(1, half_up(price, old, new))


@dataclass
class Bars:
    """The bars of one length and session of a ticker, since somebody first asked for them."""

    every: int
    session: Session
    open_bar: dict[str, int] = field(default_factory=dict)
    start: int = 0
    day: int = 0
    closed: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in COLUMNS})
    """By column: of each bar that has closed."""
    fresh: bool = False
    asked: dict[str, int] = field(default_factory=dict)
    """By indicator: how many bars had closed when it was first asked for."""
    values: dict[tuple[object, ...], dict[str, NDArray[np.float64]]] = field(default_factory=dict)
    """By indicator and when it was asked for: its outputs at all bars since."""

    def take(self, time: int, price: int, size: int, flags: int) -> None:
        """Take a trade."""
        if not self.every or (self.session == Session.REGULAR and not flags & REGULAR):
            return
        if not flags & (LAST | HIGH_LOW | VOLUME):
            return
        offset = dt.datetime.fromtimestamp(time // NS_PER_SECOND, NEW_YORK).utcoffset()
        assert offset is not None
        local = time + int(offset.total_seconds()) * NS_PER_SECOND
        start = local - local % (self.every * NS_PER_SECOND)
        bar = self.open_bar
        if bar and start > self.start and not bar["close"]:
            self.start, self.day = start, start // (86_400 * NS_PER_SECOND)
        elif bar and start > self.start:
            self._close(bar)
            bar = self.open_bar = {}
        if not bar:
            self.start, self.day = start, start // (86_400 * NS_PER_SECOND)
            bar.update(dict.fromkeys(("open", "high", "low", "close", "volume", "notional"), 0))
        if flags & LAST:
            bar["open"] = bar["open"] or price
            bar["close"] = price
        if flags & HIGH_LOW:
            bar["high"] = max(bar["high"], price)
            bar["low"] = min(bar["low"] or price, price)
        if flags & VOLUME:
            bar["volume"] += size
            bar["notional"] += price * size

    def _close(self, bar: dict[str, int]) -> None:
        closed = {name: bar[name] / 1e6 if bar[name] else math.nan for name in ("open", "high", "low", "close")}
        closed |= {"volume": float(bar["volume"]), "notional": bar["notional"] / 1e6, "day": float(self.day)}
        self.add(closed)

    def add(self, bar: dict[str, float]) -> None:
        """Take a bar that has closed."""
        for name, column in self.closed.items():
            column.append(bar[name])
        self.values.clear()
        self.fresh = True

    @property
    def count(self) -> int:
        """How many have closed."""
        return len(self.closed["day"])

    def split(self, new: int, old: int) -> None:
        """Adjust all bars."""
        prices = ("open", "high", "low", "close")
        for name in (*prices, "volume"):
            factor = new / old if name == "volume" else old / new
            self.closed[name] = array("d", (value * factor for value in self.closed[name]))
        if self.open_bar:
            self.open_bar.update({n: price_after(self.open_bar[n], new, old) for n in prices if self.open_bar[n]})
            self.open_bar["volume"] = half_up(self.open_bar["volume"], new, old)
        self.values.clear()

    def column(self, name: str, ago: int) -> float:
        """Return a column of the last closed bar, or of one before."""
        return self.closed[name][-1 - ago] if self.count > ago else math.nan

    def value(self, indicator: Indicator, ago: int) -> float:
        """Return an indicator at the last closed bar, or at one before."""
        since = self.asked[text(indicator)]
        if since >= self.count - ago:
            return math.nan
        key = (indicator.name, indicator.source, indicator.parameters, since)
        if key not in self.values:
            needed = INDICATORS[indicator.name].columns(indicator.source)
            columns = {name: column[since:] for name, column in self.closed.items() if name in needed}
            parameters = [float(p) for p in indicator.parameters]
            self.values[key] = compute(indicator.name, parameters, columns, indicator.source)
        return float(self.values[key][indicator.output][-1 - ago])


@dataclass
class Position:
    """One running strategy."""

    username: str
    name: str
    ticker: str
    cash: int
    buy: Node
    sell: Node | None
    terms: Terms
    session: Session
    bars: Bars
    shares: int = 0
    reference: int | None = None
    entry: int = 0
    peak: int = 0
    entered: int = 0
    fills: int = 0
    order: tuple[str, int] | None = None
    stopped: bool = False


@dataclass
class Reference:
    """Everything that happened so far."""

    positions: dict[tuple[str, str, str], Position] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    bars: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)
    minutes: dict[str, int] = field(default_factory=dict)
    clocks: dict[tuple[str, int, Session], Bars] = field(default_factory=dict)
    splits: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """By ticker and time: new shares, for old ones."""
    waiting: list[tuple[str, int]] = field(default_factory=list)
    """Those of them that no trade has come after."""
    latest: dict[str, int] = field(default_factory=dict)
    """By ticker: the latest time of any trade."""
    last: dict[str, int] = field(default_factory=dict)
    """By ticker: the last regular price."""

    def feed(self, events: Iterable[pa.RecordBatch | Openings | Splits]) -> Reference:
        """Take a stretch of the tape."""
        for event in events:
            if isinstance(event, Openings):
                self._open(event)
            elif isinstance(event, Splits):
                for i in range(len(event)):
                    key = event.ticker[i].decode(), int(event.time[i])
                    if key not in self.splits and self.latest.get(key[0], -1) < key[1]:
                        self.splits[key] = int(event.numerator[i]), int(event.denominator[i])
                        self.waiting.append(key)
            else:
                for trade in trades_of(event):
                    self._trade(*trade)
        return self

    def _open(self, openings: Openings) -> None:
        for i in range(len(openings)):
            username, name, ticker = (
                column[i].decode() for column in (openings.username, openings.name, openings.ticker)
            )
            key = (username, name, ticker)
            if openings.action[i] == Action.STOP:
                if key in self.positions:
                    self.positions[key].stopped = True
                    self.positions[key].order = None
                continue
            shape = openings.shape[i]
            count = read_shape(shape).parameters
            numbers = tuple(float(getattr(openings, f"p{k}")[i]) for k in range(count))
            buy, sell = rules_of(shape, numbers)
            every, session = interval_of(shape)
            bars = self.clocks.setdefault((ticker, every, session), Bars(every, session))
            # Even an opening that changes nothing has asked.
            for rule in (buy, sell):
                for indicator in indicators_of(rule) if rule is not None else ():
                    bars.asked.setdefault(text(indicator), bars.count)
                if rule is not None and "vwap" in words_of(rule):
                    bars.asked.setdefault(text(VWAP), bars.count)
            if key not in self.positions:
                self.positions[key] = Position(
                    *key, int(openings.cash[i]), buy, sell, read_terms(openings.terms[i]), session, bars
                )

    def _trade(self, ticker: str, time: int, price: int, size: int, flags: int, sequence: int) -> None:
        for key in sorted(self.waiting):
            if key[0] == ticker and key[1] <= time:
                self.waiting.remove(key)
                self._split(*key, *self.splits[key])
        self.latest[ticker] = max(time, self.latest.get(ticker, 0))
        self._bar(ticker, time, price, size, flags)
        clocks = [clock for key, clock in self.clocks.items() if key[0] == ticker]
        for clock in clocks:
            clock.take(time, price, size, flags)
        if not flags & LAST:
            return
        if flags & REGULAR:
            self.last[ticker] = price
        for position in self.positions.values():
            driven = position.session == Session.EXTENDED or flags & REGULAR
            if position.ticker == ticker and not position.stopped and driven:
                self._act(position, time, price, sequence)
        for clock in clocks:
            if clock.session == Session.EXTENDED or flags & REGULAR:
                clock.fresh = False

    def _split(self, ticker: str, time: int, new: int, old: int) -> None:
        for clock in [clock for key, clock in self.clocks.items() if key[0] == ticker]:
            clock.split(new, old)
        for p in self.positions.values():
            if p.ticker == ticker and p.reference is not None:
                self.split_position(p, time, new, old, self.last.get(ticker, 0))
        if ticker in self.last:
            self.last[ticker] = price_after(self.last[ticker], new, old)

    def split_position(self, p: Position, time: int, new: int, old: int, last: int) -> None:
        """Give a position its new shares, cash for what is no whole one, and its prices after the split."""
        assert p.reference is not None
        p.reference = price_after(p.reference, new, old)
        if not p.shares:
            return
        price = last or p.entry
        shares, rest = p.shares * new // old, p.shares * new % old
        p.cash += rest * price // new
        p.fills += 1
        gained, p.shares = shares - p.shares, shares
        self.fills.append(
            (p.username, p.name, p.ticker, p.fills, time, price_after(price, new, old), gained, 0, p.cash, 0, SPLIT)
        )
        p.entry, p.peak = price_after(p.entry, new, old), price_after(p.peak, new, old)
        if not shares and p.order is not None and p.order[0] == "sell":
            p.order = None

    def _act(self, p: Position, time: int, price: int, sequence: int) -> None:
        if p.order is not None:
            (order, reason), p.order = p.order, None
            self._fill(p, order, reason, time, price, sequence)
        if p.reference is None:
            p.reference = price
        if p.shares:
            p.peak = max(p.peak, price)
        decision = self._decide(p, time, price)
        if decision is not None and p.terms.fill == FillMode.SAME:
            self._fill(p, *decision, time, price, sequence)
        else:
            p.order = decision

    def _decide(self, p: Position, time: int, price: int) -> tuple[str, int] | None:
        if not p.shares:
            paid = price + part(price, p.terms.slippage)
            bought = paid + self._fee(p, 1, paid) <= self._budget(p)
            return ("buy", BUY) if bought and truth(p.buy, View(p, time, price)) else None
        if p.terms.stop_loss and price <= p.entry - part(p.entry, p.terms.stop_loss):
            return "sell", STOP_LOSS
        if p.terms.trailing_stop and price <= p.peak - part(p.peak, p.terms.trailing_stop):
            return "sell", TRAILING_STOP
        if p.terms.take_profit and price >= p.entry + part(p.entry, p.terms.take_profit):
            return "sell", TAKE_PROFIT
        return ("sell", SELL) if p.sell is not None and truth(p.sell, View(p, time, price)) else None

    @staticmethod
    def _fee(p: Position, shares: int, price: int) -> int:
        t = p.terms
        return max(t.fee_minimum, t.fee_per_order + t.fee_per_share * shares + part(shares * price, t.fee_rate))

    @staticmethod
    def _budget(p: Position) -> int:
        budget = p.cash * p.terms.fraction // PPM
        if p.terms.fee_minimum or p.terms.fee_per_order or p.terms.fee_rate:
            budget = min(budget, 2**60)  # an order's fees must fit into 64 bits
        return budget

    def _affordable(self, p: Position, price: int) -> int:
        """Return the most shares, found by halving."""
        budget = self._budget(p)
        low, high = 0, min(budget // price, p.terms.shares or MOST)
        while low < high:
            middle = (low + high + 1) // 2
            if middle * price + self._fee(p, middle, price) <= budget:
                low = middle
            else:
                high = middle - 1
        return low

    def _fill(self, p: Position, order: str, reason: int, time: int, price: int, sequence: int) -> None:
        if order == "buy":
            paid = price + part(price, p.terms.slippage)
            shares = self._affordable(p, paid)
            if shares == 0:
                return
            fee = self._fee(p, shares, paid)
            p.entry, p.peak, p.entered = paid, price, time
        else:
            paid = max(1, price - part(price, p.terms.slippage))
            shares = -p.shares
            fee = min(self._fee(p, p.shares, paid), p.cash + p.shares * paid)
        p.cash -= shares * paid + fee
        p.shares += shares
        p.reference = paid
        p.fills += 1
        self.fills.append((p.username, p.name, p.ticker, p.fills, time, paid, shares, fee, p.cash, sequence, reason))

    def _bar(self, ticker: str, time: int, price: int, size: int, flags: int) -> None:
        """Bars by event time; what comes late counts in the open bar."""
        if not flags & (LAST | HIGH_LOW | VOLUME):
            return
        minute = max(time // NS_PER_MINUTE * NS_PER_MINUTE, self.minutes.get(ticker, 0))
        self.minutes[ticker] = minute
        bar = self.bars.setdefault(
            (ticker, minute),
            dict.fromkeys(("open", "high", "low", "close", "volume", "notional", "trades"), 0),
        )
        bar["trades"] += 1
        if flags & LAST:
            bar["open"] = bar["open"] or price
            bar["close"] = price
        if flags & HIGH_LOW:
            bar["high"] = max(bar["high"], price)
            bar["low"] = min(bar["low"] or price, price)
        if flags & VOLUME:
            bar["volume"] += size
            bar["notional"] += price * size


def trades_of(batch: pa.RecordBatch) -> Iterator[tuple[str, int, int, int, int, int]]:
    """Yield the trades of a batch as tuples."""
    for row in batch.to_pylist():
        yield row["ticker"], row["time"], row["price"], row["size"], row["flags"], row["sequence"]

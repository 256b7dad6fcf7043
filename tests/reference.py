"""A plain, slow reference of the engine, written from the rules in `riskcontrol.engine` and nothing else of it.

One trade at a time, one position at a time, Python integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from riskcontrol.rows import Openings
from riskcontrol.strategy import Action, FillMode
from riskcontrol.trades import HIGH_LOW, LAST, NS_PER_MINUTE, REGULAR, VOLUME

Fill = tuple[str, str, str, int, int, int, int, int, int]
"""username, name, ticker, number, time, price, shares, cash, sequence: as `riskcontrol.rows.Fills`."""


@dataclass
class Position:
    """One running strategy."""

    username: str
    name: str
    ticker: str
    cash: int
    buy_below: int
    sell_above: int
    same: bool
    shares: int = 0
    reference: int | None = None
    fills: int = 0
    order: str | None = None
    stopped: bool = False


@dataclass
class Reference:
    """Everything that happened so far."""

    positions: dict[tuple[str, str, str], Position] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    bars: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)

    def feed(self, events: Iterable[pa.RecordBatch | Openings]) -> Reference:
        """Take a stretch of the tape."""
        for event in events:
            if isinstance(event, Openings):
                self._open(event)
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
            elif key not in self.positions:
                self.positions[key] = Position(
                    *key,
                    cash=int(openings.cash[i]),
                    buy_below=int(openings.buy_below[i]),
                    sell_above=int(openings.sell_above[i]),
                    same=bool(openings.fill[i] == FillMode.SAME),
                )

    def _trade(self, ticker: str, time: int, price: int, size: int, flags: int, sequence: int) -> None:
        self._bar(ticker, time, price, size, flags)
        if not (flags & LAST and flags & REGULAR):
            return
        for position in self.positions.values():
            if position.ticker == ticker and not position.stopped:
                self._act(position, time, price, sequence)

    def _act(self, p: Position, time: int, price: int, sequence: int) -> None:
        if p.order is not None:
            order, p.order = p.order, None
            self._fill(p, order, time, price, sequence)
        if p.reference is None:
            p.reference = price
        decision = None
        if p.shares:
            if price >= p.reference + p.sell_above:
                decision = "sell"
        elif price <= p.reference - p.buy_below and p.cash >= price:
            decision = "buy"
        if decision and p.same:
            self._fill(p, decision, time, price, sequence)
        else:
            p.order = decision

    def _fill(self, p: Position, order: str, time: int, price: int, sequence: int) -> None:
        shares = p.cash // price if order == "buy" else -p.shares
        if shares == 0:
            return
        p.cash -= shares * price
        p.shares += shares
        p.reference = price
        p.fills += 1
        self.fills.append((p.username, p.name, p.ticker, p.fills, time, price, shares, p.cash, sequence))

    def _bar(self, ticker: str, time: int, price: int, size: int, flags: int) -> None:
        """Bars by event time; meant for tapes whose times don't go back within a ticker."""
        if not flags & (LAST | HIGH_LOW | VOLUME):
            return
        bar = self.bars.setdefault(
            (ticker, time // NS_PER_MINUTE * NS_PER_MINUTE),
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

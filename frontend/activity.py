"""What happened last over all of a user's strategies: fills, and strategies that were opened, stopped or halted."""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from frontend.addresses import strategy_address
from frontend.formats import amount, moment, reason

if TYPE_CHECKING:
    from database.reads import PositionRow, Reader, StrategyRow

MOST = 20
"""Most events that are shown."""
MOST_ASKED = 4
"""Most openings and stops that are shown."""
MOST_KEPT = 2_000
"""Most strategies whose newest fills are kept in memory, about 2 kB each."""

Pair = tuple["StrategyRow", "PositionRow | None"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a strategy."""

    time: int
    """Nanoseconds UTC: a fill's on the tape, of the others when they were asked for."""
    kind: str
    """"bought", "sold", "split", "opened", "stopped" or "halted"."""
    words: str
    ticker: str
    name: str
    address: str

    def row(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        return {
            "time": moment(self.time),
            "kind": self.kind,
            "words": self.words,
            "strategy": f"{self.ticker} · {self.name}",
            "address": self.address,
        }


class Fills:
    """Keeps the newest fills of strategies for all viewers, each until it fills again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str, int], tuple[int, list[Event]]] = OrderedDict()

    def newest(self, reader: Reader, pairs: Sequence[Pair]) -> list[Event]:
        """Return the newest fills of the strategies that changed last.

        The newest of all are among them, as a fill is a change; so work is bounded however many strategies there are.

        Args:
            reader: The database.
            pairs: All strategies of a user, with their positions.

        Raises:
            ServerError: The database doesn't answer.
        """
        filled = [(strategy, position) for strategy, position in pairs if position is not None and position.fills]
        # A stopped one's last change is its stop, of which the time is that of another clock.
        running = sorted((p for p in filled if p[1].status == "running"), key=lambda pair: -pair[1].time)[:MOST]
        ended = sorted((p for p in filled if p[1].status != "running"), key=lambda pair: -pair[1].time)[:MOST]
        wanted = [*running, *ended]
        keys = [(one.username, one.ticker, one.name, one.opened) for one, _ in wanted]
        found: list[Event] = []
        missing = []
        with self._lock:
            for key, (strategy, position) in zip(keys, wanted, strict=True):
                count, fills = self._kept.get(key, (0, []))
                if count == position.fills:
                    found += fills
                    self._kept.move_to_end(key)
                else:
                    missing.append((key, strategy, position.fills))
        read = reader.newest_fills([strategy for _, strategy, _ in missing], limit=MOST) if missing else []
        with self._lock:
            for (key, strategy, count), rows in zip(missing, read, strict=True):
                self._kept[key] = (count, list(_fills(strategy, rows)))
                found += self._kept[key][1]
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened last, the newest first."""

    on_tape: list[Event]
    """Fills and halts, with the tape's times."""
    asked: list[Event]
    """Openings and stops, with the times at which they were asked for: in a replay, those of another clock."""


def events(pairs: Sequence[Pair], fills: Sequence[Event]) -> Happened:
    """Return what happened last.

    Args:
        pairs: All strategies of a user, with their positions.
        fills: The newest fills among theirs.
    """
    halts = [
        _event(strategy, position.time, "halted", "Halted: its numbers no longer fit")
        for strategy, position in pairs
        if position is not None and position.status == "halted"
    ]
    newest = heapq.nlargest(MOST_ASKED, (one for pair in pairs for one in _asked(*pair)), key=lambda one: one[0])
    asked = [
        _event(strategy, time, kind, f"Opened with ${amount(strategy.cash)}" if kind == "opened" else "Stop asked for")
        for time, kind, strategy in newest
    ]
    return Happened(sorted([*fills, *halts], key=_order)[:MOST], sorted(asked, key=_order))


def _order(event: Event) -> tuple[int, str, str, str]:
    return -event.time, event.ticker, event.name, event.words


def _fills(strategy: StrategyRow, fills: pd.DataFrame) -> Iterator[Event]:
    rows: Iterable[Any] = fills.itertuples()
    for fill in rows:
        shares = int(fill.shares)
        if fill.reason == "split":
            yield _event(strategy, int(fill.time), "split", f"Split: {shares:+,} shares")
            continue
        kind, why = ("bought", "buy") if shares > 0 else ("sold", "sell")
        words = f"{kind.capitalize()} {abs(shares):,} at ${amount(int(fill.price))}"
        told = "" if fill.reason == why else f", {reason(fill.reason)}"
        yield _event(strategy, int(fill.time), kind, words + told)


def _asked(strategy: StrategyRow, position: PositionRow | None) -> Iterator[tuple[int, str, StrategyRow]]:
    """Return when a strategy was to be opened, and stopped, as far as it was; a halt needed nobody to ask."""
    yield strategy.opened, "opened", strategy
    if strategy.stopped is not None and not (position is not None and position.status == "halted"):
        yield strategy.stopped, "stopped", strategy


def _event(strategy: StrategyRow, time: int, kind: str, words: str) -> Event:
    address = strategy_address(strategy.username, strategy.ticker, strategy.name)
    return Event(time, kind, words, strategy.ticker, strategy.name, address)

"""A book of every template at once: many users in one process, with strategies of all kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import psutil

from bench.common import Timer
from bench.tapes import Tape
from riskcontrol import templates
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.money import MICROS
from riskcontrol.rows import Openings
from riskcontrol.shape import PARAMETERS
from riskcontrol.strategy import Action, Strategy
from riskcontrol.strategy_file import of_text, strategy_of

_CHUNK = 100_000


class Mixed:
    """Users of all templates in turn on one ticker's trades, each with numbers and cash of their own.

    Args:
        tape: The ticker's trades.
        ticker: The ticker.
        users: How many.
        seed: Their numbers are drawn from.
        block: Trades in a block.
    """

    def __init__(self, tape: Tape, ticker: str, users: int, seed: int, block: int) -> None:
        self._tape, self._ticker, self._users, self._block = tape, ticker, users, block
        self._random = np.random.default_rng(seed)
        self._kinds = [strategy_of(of_text(templates.read(name), "toml"), ticker=ticker) for name in templates.names()]

    def measure(self) -> dict[str, object]:
        """Measure opening them and leading them through all blocks, rows and names included."""
        book = Book()
        with Timer() as opening:
            for part in self._openings():
                advance(book, [part])
        seconds, slowest, fills, acted = 0.0, 0.0, 0, 0
        for block in self._tape.blocks(self._block):
            batch = block.batch(self._ticker)
            with Timer() as timer:
                outcome = advance(book, [batch])
            seconds, slowest = seconds + timer.cpu, max(slowest, timer.cpu)
            fills, acted = fills + len(outcome.fills), acted + len(outcome.positions)
        trades = len(self._tape)
        return {
            "users": book.strategies,
            "shapes": book.count("shapes"),
            "signals": book.count("signals"),
            "series": book.count("series"),
            "trades": trades,
            "fills": fills,
            "positions_written": acted,
            "opening_seconds": opening.cpu,
            "seconds": seconds,
            "slowest_block_seconds": slowest,
            "ns_per_fill": seconds / max(1, fills) * 1e9,
            "user_trades_per_second": self._users * len(self._tape.driving) / seconds,
            "memory_mb": psutil.Process().memory_info().rss / 1e6,
        }

    def _openings(self) -> Iterator[Openings]:
        for first in range(0, self._users, _CHUNK):
            yield self._part(first, min(_CHUNK, self._users - first))

    def _part(self, first: int, count: int) -> Openings:
        kinds = np.arange(first, first + count) % len(self._kinds)
        numbers = np.zeros((count, PARAMETERS))
        for number, kind in enumerate(self._kinds):
            own = np.flatnonzero(kinds == number)
            # Half to one and a half times what the template says, with as many places as money has.
            spread = self._random.uniform(0.5, 1.5, (len(own), len(kind.parameters)))
            numbers[own, : len(kind.parameters)] = np.round(np.array(kind.parameters) * spread, 6)
        chosen = np.array([(one.shape, one.terms.text()) for one in self._kinds], np.object_)[kinds]
        return Openings(
            action=np.full(count, Action.OPEN, np.int8),
            username=np.array([f"mixed{number:09d}" for number in range(first, first + count)], "S32"),
            name=_names(self._kinds)[kinds],
            ticker=np.full(count, self._ticker.encode("ascii"), "S16"),
            cash=self._random.integers(2_000, 400_001, count) * MICROS,
            shape=chosen[:, 0],
            p0=numbers[:, 0],
            p1=numbers[:, 1],
            p2=numbers[:, 2],
            p3=numbers[:, 3],
            terms=chosen[:, 1],
            time=np.zeros(count, np.int64),
        )


def _names(strategies: Sequence[Strategy]) -> np.ndarray:
    return np.array([one.name for one in strategies], "S24")

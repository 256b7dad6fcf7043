"""What users cost that don't act: the same few acting among ever more, on the same trades."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import click
import numpy as np
import psutil
from numpy.typing import NDArray

from bench.common import Timer
from bench.measure import best_of
from bench.rule import kernel_pass
from bench.tapes import Tape
from database.generator import NAME, draw
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.money import MICROS
from riskcontrol.rows import Openings
from riskcontrol.strategy import FIRST_SHAPE, Action
from riskcontrol.terms import Terms

LAYOUTS = ("spread", "first")
"""Where the acting users are: spread evenly among the idle, or opened before them."""

FAR = 1_000_000.0
"""Dollars between the reference and the levels of an idle user."""

BYTES = 700
"""Memory for a user: the book, a copy of it, and what its opening needs for a while."""

_CHUNK = 250_000


class Crowd:
    """A few acting users on a ticker's trades, and any number of idle ones.

    Args:
        tape: The ticker's trades.
        ticker: The ticker.
        acting: How many users act.
        seed: They are drawn from.
        block: Trades in a block.
        repeats: Runs of which the best counts.
    """

    def __init__(self, tape: Tape, ticker: str, acting: int, seed: int, block: int, repeats: int) -> None:
        self._ticker, self._repeats = ticker, repeats
        self._acting = draw(acting, seed, {ticker: 1.0}, prefix="acting")
        first, *rest = tape.blocks(block)
        self._first = first if rest else tape.take(slice(0, 1))
        self._rest = rest or [tape.take(slice(1, None))]

    def measure(self, users: int, layout: str) -> dict[str, object] | None:
        """Measure the engine on all blocks but the first, which shows every user their first trade.

        Args:
            users: Acting and idle ones.
            layout: One of `LAYOUTS`.

        Returns:
            The figures; None where memory doesn't suffice.
        """
        if users * BYTES > psutil.virtual_memory().available:
            click.echo(f"{users:,} users would need {users * BYTES / 1e9:.1f} GB of memory: left out.", err=True)
            return None
        with Timer() as opening:
            book = self._opened(users, layout)
        with Timer() as meeting:
            kernel_pass(book, self._first)
        batches = [block.batch(self._ticker) for block in self._rest]

        def run(own: Book) -> int:
            return sum(len(advance(own, [batch]).fills) for batch in batches)

        seconds, fills = best_of(self._repeats, lambda: copy.deepcopy(book), run)
        trades = sum(map(len, self._rest))
        return {
            "users": users,
            "layout": layout,
            "acting": len(self._acting),
            "blocks": len(self._rest),
            "trades": trades,
            "fills": fills,
            "opening_seconds": opening.cpu,
            "first_trades_seconds": meeting.cpu,
            "seconds": seconds,
            "ns_per_trade": seconds / trades * 1e9,
        }

    def _opened(self, users: int, layout: str) -> Book:
        book = Book()
        # With some to spare, so that the last chunk doesn't double everything.
        book.reserve(strategies=users + 2 * _CHUNK)
        for part in openings(self._acting, self._ticker, users, layout):
            advance(book, [part])
        return book


def openings(acting: Openings, ticker: str, users: int, layout: str) -> Iterator[Openings]:
    """Yield the openings of acting and idle users, some at a time.

    Args:
        acting: Those that act.
        ticker: What the idle ones look at.
        users: How many there are in all, no fewer than act.
        layout: One of `LAYOUTS`.
    """
    places = np.arange(len(acting)) * (users // len(acting) if layout == "spread" else 1)
    for first in range(0, users, _CHUNK):
        part = _idle(first, min(_CHUNK, users - first), ticker)
        low, high = np.searchsorted(places, [first, first + len(part)])
        if low == high:
            yield part
            continue
        # Idle ones first and acting ones after; then each is brought to its place.
        both = part.joined([part, acting.take(slice(int(low), int(high)))])
        order = np.arange(len(part))
        order[places[low:high] - first] = len(part) + np.arange(high - low)
        yield both.take(order)


def _idle(first: int, count: int, ticker: str) -> Openings:
    far, none = np.full(count, FAR), np.zeros(count)
    return Openings(
        action=np.full(count, Action.OPEN, np.int8),
        username=_names(first, count),
        name=np.full(count, NAME.encode("ascii")),
        ticker=np.full(count, ticker.encode("ascii")),
        cash=np.full(count, 10_000 * MICROS, np.int64),
        shape=np.full(count, FIRST_SHAPE, np.object_),
        p0=far,
        p1=far,
        p2=none,
        p3=none,
        terms=np.full(count, Terms().text(), np.object_),
        time=np.zeros(count, np.int64),
    )


def _names(first: int, count: int) -> NDArray[np.bytes_]:
    """Return usernames: "idle" and eight digits.

    >>> _names(41, 2).tolist()
    [b'idle00000041', b'idle00000042']
    """
    digits = (np.arange(first, first + count)[:, None] // 10 ** np.arange(7, -1, -1) % 10 + ord("0")).astype(np.uint8)
    letters = np.tile(np.frombuffer(b"idle", np.uint8), (count, 1))
    return np.ascontiguousarray(np.hstack([letters, digits])).view("S12").reshape(-1)

"""The first rule for many users on one ticker's trades: the engine beside a plain loop and backtesting.py."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import plain
from bench.common import Timer
from bench.measure import best_of
from bench.peers.environment import run_peer
from bench.tapes import Tape
from database.generator import draw
from riskcontrol.book import Book
from riskcontrol.engine import Outcome, advance, shared_of, slots_of
from riskcontrol.kernel import Days, advance_tickers
from riskcontrol.machine import VIEW, new_stack
from riskcontrol.money import MICROS
from riskcontrol.newyork import transitions
from riskcontrol.rows import Openings
from riskcontrol.triggers import Room

FARTHER = (1, 2, 4, 8)
"""Times as far as drawn that the levels are away in the runs that give the cost of one more fill."""

MOST_PLAIN = 100_000_000_000
"""User-trades of the plain loop, about a minute and a half: beyond, fewer users."""


def kernel_pass(book: Book, tape: Tape) -> NDArray[np.void]:
    """Lead a book of one ticker through its trades by the compiled kernel alone, and return the fills.

    Args:
        book: Changed in place.
        tape: The ticker's trades.
    """
    filled = advance_tickers(
        np.array([0, len(tape)]),
        tape.price,
        tape.time,
        tape.size,
        tape.flags,
        tape.sequence,
        shared_of(book),
        slots_of(book),
        book.code(),
        Days(*transitions()),
        Room(new_stack(), np.empty(VIEW)),
    )[0]
    found: NDArray[np.void] = filled
    return found


def opened(openings: Openings) -> Book:
    """Return a book with these strategies."""
    book = Book()
    advance(book, [openings])
    return book


class Rule:
    """Users of the first rule, their book before the first trade, and what the kernel makes of it.

    Args:
        users: How many.
        seed: They are drawn from.
        ticker: What they trade.
        tape: Its trades.
        repeats: Runs of which the best counts.
    """

    def __init__(self, users: int, seed: int, ticker: str, tape: Tape, repeats: int) -> None:
        self._tape, self._ticker, self._repeats = tape, ticker, repeats
        self._openings = draw(users, seed, {ticker: 1.0})
        advance(opened(self._openings), [tape.batch(ticker)])  # compiles
        with Timer() as self._opening:
            self._book = opened(self._openings)
        self._slots = self._book.used_slots()
        self._after = self._fresh()
        self._fills = kernel_pass(self._after, tape)
        self._seconds = 0.0

    def _fresh(self) -> Book:
        return copy.deepcopy(self._book)

    def engine(self) -> dict[str, object]:
        """Measure the kernel alone, the whole engine, and the cost of one more fill."""
        tape, fills = self._tape, len(self._fills)
        user_trades = len(self._openings) * len(tape.driving)
        batch = tape.batch(self._ticker)
        self._seconds, _ = best_of(self._repeats, self._fresh, lambda book: kernel_pass(book, tape))

        def whole(book: Book) -> Outcome:
            return advance(book, [batch])

        seconds, outcome = best_of(self._repeats, self._fresh, whole)
        points = self._by_fills()
        return {
            "users": len(self._openings),
            "trades": len(tape),
            "driving_trades": len(tape.driving),
            "fills": fills,
            "opening_seconds": self._opening.cpu,
            "kernel_seconds": self._seconds,
            "kernel_user_trades_per_second": user_trades / self._seconds,
            "kernel_ns_per_fill": _each(self._seconds, fills),
            "advance_seconds": seconds,
            "advance_fills": len(outcome.fills),
            "advance_user_trades_per_second": user_trades / seconds,
            "advance_ns_per_fill": _each(seconds, fills),
            "marginal_ns_per_fill": slope(points),
            "marginal_points": points,
        }

    def _by_fills(self) -> list[tuple[int, float]]:
        """Return fills and seconds of the kernel for the same users with levels farther and farther away."""
        return [self._times(times) for times in FARTHER]

    def _times(self, times: int) -> tuple[int, float]:
        farther = replace(self._openings, p0=self._openings.p0 * times, p1=self._openings.p1 * times)
        book = opened(farther)
        seconds, fills = best_of(self._repeats, lambda: copy.deepcopy(book), lambda own: kernel_pass(own, self._tape))
        return len(fills), seconds

    def plain_loop(self) -> dict[str, object]:
        """Measure the plain loop, and compare every user's fills, cash and shares; call `engine` before."""
        prices = self._tape.prices
        count = max(1, min(len(self._openings), MOST_PLAIN // len(prices)))
        below, above = (np.rint(p[:count] * MICROS).astype(np.int64) for p in (self._openings.p0, self._openings.p1))
        cash = self._openings.cash[:count]
        plain.run(prices[:2], below[:1], above[:1], cash[:1])  # compiles
        seconds, ends = best_of(self._repeats, lambda: None, lambda _: plain.run(prices, below, above, cash))
        state = self._after.positions[self._slots[:count]]
        equal = np.logical_and.reduce(
            [np.asarray(state[name] == end) for name, end in zip(("fills", "cash", "shares"), ends, strict=True)]
        )
        per_user_trade = seconds / (count * len(prices))
        return {
            "users": count,
            "seconds": seconds,
            "user_trades_per_second": 1 / per_user_trade,
            "users_equal": int(np.count_nonzero(equal)),
            "equal": bool(equal.all()),
            "ratio": per_user_trade * len(self._openings) * len(prices) / self._seconds,
        }

    def backtesting(self, home: Path, users: int) -> dict[str, object]:
        """Measure backtesting.py on the first users, and compare every fill; call `engine` before.

        Raises:
            riskcontrol.errors.RiskControlError: It can't be installed or run.
        """
        users = min(users, len(self._openings))
        data = {
            "price": self._tape.prices / MICROS,
            "cash": self._openings.cash[:users] / MICROS,
            "buy_below": self._openings.p0[:users],
            "sell_above": self._openings.p1[:users],
        }
        said = run_peer(home, "backtesting", data, {"repeats": self._repeats})
        theirs = [[tuple(fill) for fill in own] for own in said["fills"]]
        ours = [self._fills_of(user) for user in range(users)]
        seconds = sum(said["seconds"]) / users
        return {
            "version": said["version"],
            "users": users,
            "seconds_per_user": seconds,
            "user_trades_per_second": len(self._tape.prices) / seconds,
            "fills_compared": sum(map(len, ours)),
            "fills_equal": sum(len(set(a) & set(b)) for a, b in zip(ours, theirs, strict=True)),
            "equal": ours == theirs,
            "ratio": seconds / (self._seconds / len(self._openings)),
        }

    def _fills_of(self, user: int) -> list[tuple[int, int, int]]:
        """Return a user's fills: driving trade, price (micro-dollars), shares."""
        own = self._fills[self._fills["slot"] == self._slots[user]]
        rows = np.searchsorted(self._tape.driving, own["sequence"])
        return list(zip(rows.tolist(), own["price"].tolist(), own["shares"].tolist(), strict=True))


def _each(seconds: float, fills: int) -> float | None:
    return seconds / fills * 1e9 if fills else None


def slope(points: list[tuple[int, float]]) -> float | None:
    """Return by how many nanoseconds each further fill makes a run longer, by least squares.

    Args:
        points: Fills and seconds of runs.

    >>> round(slope([(0, 1.0), (1_000, 1.0003), (2_000, 1.0006)]))
    300
    """
    fills, seconds = np.array(points, np.float64).T
    if np.ptp(fills) == 0:
        return None
    return float(np.polyfit(fills, seconds, 1)[0]) * 1e9

"""A thousand variants of an SMA cross on bars: the engine beside vectorbt."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measure import best_of
from bench.peers.environment import run_peer
from riskcontrol.backtest import Backtest, fills_text, on_bars
from riskcontrol.language.text import duration_text
from riskcontrol.money import MICROS, to_dollars
from riskcontrol.shape import WRITTEN
from riskcontrol.strategy_file import Definition, of_document
from riskcontrol.sweep import Axis, score, variants
from riskcontrol.sweep_pass import sweep_on_bars

CASH = 100_000_000_050
"""Micro-dollars that each variant begins with. The odd ones keep cash off the grid of prices: where some number of
shares costs all of it, sums of floats (vectorbt's) may come out a hair short and buy one share less."""

FASTEST, SLOWEST = 5, 30
"""The shortest of the fast windows, and of the slow ones."""

_RULES = ("language", "shape", "code", "terms", "strategy", "sweep")
"""Modules of the core that are about rules: what they keep in memory would make a second run too fast."""


class Crosses:
    """Every pair of some fast and some slow windows, on bars of one length.

    Args:
        bars: Of `bench.tapes.Tape.bars`.
        seconds: Length of a bar.
        ticker: Whose they are.
        fasts: How many fast windows, from `FASTEST` bars on; at most as many as leave them below the slow ones.
        slows: How many slow windows, from `SLOWEST` bars on.
        repeats: Runs of which the best counts.
    """

    def __init__(
        self, bars: Mapping[str, NDArray], seconds: int, ticker: str, fasts: int, slows: int, repeats: int
    ) -> None:
        self._bars, self._seconds, self._ticker, self._repeats = bars, seconds, ticker, repeats
        self._axes = (
            Axis("fast", tuple(map(str, range(FASTEST, FASTEST + fasts)))),
            Axis("slow", tuple(map(str, range(SLOWEST, SLOWEST + slows)))),
        )
        self._document = {
            "name": "cross",
            "ticker": ticker,
            "cash": to_dollars(CASH),
            "every": duration_text(seconds),
            "buy": "crosses_above(sma(fast), sma(slow))",
            "sell": "crosses_below(sma(fast), sma(slow))",
            "parameters": {axis.name: int(axis.values[0]) for axis in self._axes},
        }
        self._took = 0.0

    def _load(self, values: Mapping[str, str]) -> Definition:
        return of_document(self._document, values)

    def sweep(self) -> Backtest:
        """Run all pairs as `riskcontrol backtest BARS --set fast=... --set slow=...` does."""
        return sweep_on_bars(self._document, self._load, self._axes, self._bars)

    def one_by_one(self) -> Backtest:
        """Make a strategy of each pair, and run them by the engine."""
        return on_bars(list(variants(self._load, self._axes)), {self._ticker: self._bars})

    def ends(self, backtest: Backtest) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the number of fills and the total return of every variant."""
        return np.diff(backtest.places), score(backtest, ("total_return",))[0]

    def engine(self) -> dict[str, object]:
        """Measure the sweep, from a strategy file's content to all fills and total returns, and compare all fills."""
        self._took, swept = self._timed(self.sweep)
        one_by_one, alone = self._timed(self.one_by_one)
        self._ends = self.ends(swept)
        return {
            "bar_seconds": self._seconds,
            "bars": len(self._bars["close"]),
            "variants": len(swept.places) - 1,
            "fills": len(swept.owner),
            "seconds": self._took,
            "one_by_one_seconds": one_by_one,
            "one_by_one_equal": equal_variants(swept, alone),
        }

    def _timed(self, run: Callable[[], Backtest]) -> tuple[float, Backtest]:
        """Return the processor time of a way to run them, the best of several, and what it gave."""
        self.ends(run())  # compiles

        def whole(_: None) -> Backtest:
            backtest = run()
            self.ends(backtest)
            return backtest

        return best_of(self._repeats, forget, whole)

    def vectorbt(self, home: Path) -> dict[str, object]:
        """Measure vectorbt on the same, and compare; call `engine` before.

        Raises:
            riskcontrol.errors.RiskControlError: It can't be installed or run.
        """
        pairs = np.array(list(itertools.product(*(map(int, axis.values) for axis in self._axes))))
        data = {
            "opens": self._bars["open"] / MICROS,
            "closes": self._bars["close"] / MICROS,
            "fast": pairs[:, 0],
            "slow": pairs[:, 1],
        }
        said = run_peer(home, "vectorbt", data, {"repeats": self._repeats, "cash": CASH / MICROS})
        fills, returns = np.array(said["fills"]), np.array(said["returns"])
        same_fills = fills == self._ends[0]
        # Micro-dollars.
        apart = np.abs(returns - self._ends[1]) * CASH
        same = same_fills & (apart < 0.5)
        return {
            "version": said["version"],
            "seconds": said["seconds"],
            "equal_fills": int(np.count_nonzero(same_fills)),
            "equal": int(np.count_nonzero(same)),
            "unequal_windows": pairs[~same].tolist()[:20],
            "ratio": said["seconds"] / self._took,
        }


def equal_variants(some: Backtest, others: Backtest) -> int:
    """Return how many variants have the very same fills in two runs."""
    if len(some.places) != len(others.places):
        return 0
    pairs = ((some.fills_of(number), others.fills_of(number)) for number in range(len(some.places) - 1))
    return sum(fills_text(mine) == fills_text(theirs) for mine, theirs in pairs)


def forget() -> None:
    """Empty what the core's functions about rules keep of earlier calls."""
    for name, module in list(sys.modules.items()):
        parts = name.split(".")
        if parts[0] == "riskcontrol" and len(parts) > 1 and parts[1].startswith(_RULES):
            for function in vars(module).values():
                # What is imported there and is about something else stays.
                if hasattr(function, "cache_clear") and function.__module__ == name:
                    function.cache_clear()
    WRITTEN.clear()

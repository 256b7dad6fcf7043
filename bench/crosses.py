"""A thousand variants of an SMA cross on bars: the engine beside vectorbt."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.common import Timer
from bench.peers.environment import run_peer
from riskcontrol.backtest import Backtest, on_bars
from riskcontrol.language.text import duration_text
from riskcontrol.money import MICROS, to_dollars
from riskcontrol.shape import WRITTEN
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import Definition, of_document
from riskcontrol.sweep import Axis, variants

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

    def strategies(self) -> list[Strategy]:
        """Return a strategy for every pair, in the way of `riskcontrol backtest --set`."""

        def load(values: Mapping[str, str]) -> Definition:
            return of_document(self._document, values)

        return list(variants(load, self._axes))

    def run(self, strategies: list[Strategy]) -> Backtest:
        """Run them in one pass."""
        return on_bars(strategies, {self._ticker: self._bars})

    def ends(self, backtest: Backtest) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the number of fills and the total return of every variant."""
        counts = np.diff(backtest.places)
        shares = np.bincount(backtest.owner, backtest.columns["shares"], len(counts))
        cash = np.full(len(counts), CASH, np.int64)
        filled = counts > 0
        cash[filled] = backtest.columns["cash"][backtest.places[1:][filled] - 1]
        value = cash + shares.astype(np.int64) * self._bars["close"][-1]
        return counts, value / CASH - 1

    def engine(self) -> dict[str, object]:
        """Measure building the strategies, and the pass: from strategies to fills and total returns."""
        self.ends(self.run(self.strategies()))  # compiles
        building, passing, whole = [], [], []
        for _ in range(self._repeats):
            forget()
            with Timer() as built:
                strategies = self.strategies()
            with Timer() as passed:
                self._ends = self.ends(self.run(strategies))
            building.append(built.cpu)
            passing.append(passed.cpu)
            whole.append(built.cpu + passed.cpu)
        self._took, self._pass = min(whole), min(passing)
        return {
            "bar_seconds": self._seconds,
            "bars": len(self._bars["close"]),
            "variants": len(strategies),
            "fills": int(self._ends[0].sum()),
            "building_seconds": min(building),
            "pass_seconds": self._pass,
            "seconds": self._took,
        }

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
            "ratio_pass": said["seconds"] / self._pass,
        }


def forget() -> None:
    """Empty what the core's functions about rules keep of earlier calls."""
    for name, module in list(sys.modules.items()):
        parts = name.split(".")
        if parts[0] == "riskcontrol" and len(parts) > 1 and parts[1].startswith(_RULES):
            for function in vars(module).values():
                if hasattr(function, "cache_clear"):
                    function.cache_clear()
    WRITTEN.clear()

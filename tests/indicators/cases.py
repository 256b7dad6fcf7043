"""Bars and parameters for the indicators' tests, made by Hypothesis, for whatever the registry holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from riskcontrol.indicators.batch import matrix, run
from riskcontrol.indicators.registry import COLUMNS, INDICATORS, SOURCES, Indicator

Bars = dict[str, list[float]]

LONGEST = 15
"""Windows are drawn up to here, so that short columns get past the warm-up."""


@dataclass(frozen=True)
class Case:
    """An indicator with its parameters and source, ready for the kernel."""

    indicator: Indicator
    parameters: tuple[float, ...]
    source: str

    @property
    def vector(self) -> np.ndarray:
        """The parameters as the kernel takes them."""
        return np.array(self.parameters)

    def state(self) -> np.ndarray:
        """Return the state before the first bar."""
        return np.zeros(self.indicator.words(self.parameters))

    def run(self, bars: np.ndarray, state: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs, shape (bars, outputs), going on from `state`, which is changed."""
        out = np.zeros((len(bars), len(self.indicator.outputs)))
        at = self.indicator.column(self.source)
        run(self.indicator.code, self.vector, self.state() if state is None else state, bars, at, out)
        return out


def table(bars: Bars) -> np.ndarray:
    return matrix(bars)


@st.composite
def cases(draw: st.DrawFn, name: str) -> Case:
    indicator = INDICATORS[name]
    values: list[float] = []
    for parameter in indicator.parameters:
        least = parameter.least + (1 if parameter.name == "slow" and values[0] >= parameter.least else 0)
        least = max(least, values[0] + 1) if parameter.name == "slow" else least
        if parameter.integer:
            values.append(float(draw(st.integers(int(least), int(least) + LONGEST))))
        else:
            values.append(draw(st.floats(parameter.least, 5)))
    source = draw(st.sampled_from(["", *SOURCES])) if indicator.sources else ""
    return Case(indicator, indicator.complete(values), source)


AMONG = st.tuples(st.sampled_from([0.75, 0.0, 0.25, 1.0]), st.sampled_from([0.05, 0.0, 0.5, 1.0]))
"""How often a bar has a number at all, and how often that is one at the edge."""


@st.composite
def made_bars(draw: st.DrawFn, least: int = 1, most: int = 60) -> Bars:
    """Bars in cents around 100 dollars, with flat stretches, empty volumes and ends of days among them.

    What each example has much of is drawn, and the bars made of it: drawn one by one, they cost ten times all else.
    So a failing one is made shorter and plainer, but not bar by bar.
    """
    count, rng = draw(st.integers(least, most)), np.random.default_rng(draw(st.integers(0, 2**32)))

    def some(low: int, high: int) -> list[int]:
        """Return a number for each bar, by what is drawn: one between two, one of the two themselves, or nothing."""
        usual, edges = draw(AMONG)
        numbers = np.where(
            rng.random(count) < edges, rng.choice([low, high], count), rng.integers(low, high + 1, count)
        )
        return np.where(rng.random(count) < usual, numbers, 0).tolist()

    changes = some(-150, 150)  # close to close
    wicks = some(0, 100), some(0, 100)  # high above both ends, low below them
    days = some(0, 1)  # whether one begins
    bars: Bars = {name: [] for name in COLUMNS}
    before, day = 100_00, 16_000
    for change, above, below, volume, begins in zip(changes, *wicks, some(0, 10_000), days, strict=True):
        close, day = max(before + change, 150), day + begins
        high, low = max(before, close) + above, max(min(before, close) - below, 1)
        row = [before / 100, high / 100, low / 100, close / 100, volume, volume * (high + low) / 200, day]
        for name, value in zip(COLUMNS, row, strict=True):
            bars[name].append(float(value))
        before = close
    return bars


def walk(bars: int, seed: int) -> Bars:
    """Return bars of a seeded random walk, all of one day, every one with volume."""
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.003, bars))), 2)
    opening = np.concatenate([[100.0], close[:-1]])
    high = np.maximum(opening, close) + np.round(random.random(bars), 2)
    low = np.minimum(opening, close) - np.round(random.random(bars), 2)
    volume = random.integers(1, 10_000, bars).astype(float)
    columns = [opening, high, low, close, volume, volume * (high + low) / 2, np.full(bars, 16_000.0)]
    return {name: column.tolist() for name, column in zip(COLUMNS, columns, strict=True)}

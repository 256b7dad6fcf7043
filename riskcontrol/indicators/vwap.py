"""Volume-weighted average price of the session so far.

Parameters: none; always of the dollars and shares traded since the New York day began.

Formula: Σ notional / Σ volume over the day's bars up to this one; notional is Σ price · size of a bar's trades.
Source: S. Berkowitz, D. Logue, E. Noser, "The Total Cost of Transactions on the NYSE", *Journal of Finance* 43 (1988).
Warm-up: one bar; it has no value while the day has no volume.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> bars = {"notional": [1000, 2200, 1200, 2200, 1000, 1500], "volume": [100, 200, 100, 200, 100, 100]}
    >>> compute("vwap", [], {**bars, "day": [1, 1, 1, 1, 2, 2]})[""].tolist()
    [10.0, 10.666666666666666, 11.0, 11.0, 10.0, 12.5]
"""

from __future__ import annotations

import math

from riskcontrol.compiling import inner
from riskcontrol.indicators.registry import COLUMNS
from riskcontrol.indicators.windows import Vector

_VOLUME, _NOTIONAL, _DAY = COLUMNS.index("volume"), COLUMNS.index("notional"), COLUMNS.index("day")


@inner
def update(state: Vector, bar: Vector, out: Vector) -> None:
    """Take a bar; state: count, day, notional, volume."""
    volume, notional, day = bar[_VOLUME], bar[_NOTIONAL], bar[_DAY]
    if not (math.isfinite(volume) and math.isfinite(notional) and math.isfinite(day)):
        return
    if state[1] != day:
        state[1] = day
        state[2] = state[3] = 0.0
    state[0] += 1
    state[2] += notional
    state[3] += volume
    if state[3] > 0.0:
        out[0] = state[2] / state[3]


@inner
def scale(state: Vector, price_ratio: float, volume_ratio: float) -> None:
    """Do to the state what a stock split does to prices and volumes."""
    state[2] *= price_ratio * volume_ratio
    state[3] *= volume_ratio

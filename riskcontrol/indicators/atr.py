"""Average true range: how far a bar moves, gaps included, as Wilder smooths it.

Parameters:
    bars: n, 1 to 1,000; 14 where not given. Always of high, low and close.

Formula: TR₁ = high − low; TRₜ = max(highₜ, closeₜ₋₁) − min(lowₜ, closeₜ₋₁). ATRₙ is the mean of the first n true
    ranges; after that ATRₜ = ATRₜ₋₁ + (TRₜ − ATRₜ₋₁) / n.
Source: J. W. Wilder, *New Concepts in Technical Trading Systems* (1978), section III.
Warm-up: n bars. TA-Lib's `ATR` leaves the first bar out, which has no close before it, and so has its first value a
    bar later; both agree once the seed has faded, to 10⁻⁹ after about 21 · n bars.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> high, low, close = [10, 11, 12, 12, 11, 15], [9, 10, 11, 10, 9, 12], [10, 11, 12, 11, 10, 15]
    >>> compute("atr", [3], {"high": high, "low": low, "close": close})[""].round(4).tolist()
    [nan, nan, 1.0, 1.3333, 1.5556, 2.7037]
"""

from __future__ import annotations

import math

from riskcontrol.compiling import inner
from riskcontrol.indicators.registry import COLUMNS
from riskcontrol.indicators.windows import Vector

_HIGH, _LOW, _CLOSE = COLUMNS.index("high"), COLUMNS.index("low"), COLUMNS.index("close")


@inner
def update(parameters: Vector, state: Vector, bar: Vector, out: Vector) -> None:
    """Take a bar; state: count, previous close, average."""
    n, count = int(parameters[0]), int(state[0]) + 1
    high, low, close = bar[_HIGH], bar[_LOW], bar[_CLOSE]
    if not (math.isfinite(high) and math.isfinite(low) and math.isfinite(close)):
        return
    true_range = high - low if count == 1 else max(high, state[1]) - min(low, state[1])
    state[0] = count
    state[1] = close
    state[2] += (true_range - state[2]) / min(count, n)
    if count >= n:
        out[0] = state[2]

"""Exponential moving average, seeded by the simple average of its first n values.

Parameters:
    bars: n, 1 to 1,000; 20 where not given. Of `close` unless another column is named.

Formula: EMAₙ = SMAₙ; after that EMAₜ = EMAₜ₋₁ + (xₜ − EMAₜ₋₁) · 2 / (n + 1).
Source: J. J. Murphy, *Technical Analysis of the Financial Markets* (1999), chapter 9; TA-Lib `EMA`.
Warm-up: n bars; equal to TA-Lib from the first value.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> compute("ema", [3], {"close": [10, 11, 12, 11, 10, 15]})[""].tolist()
    [nan, nan, 11.0, 11.0, 10.5, 12.75]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector


@inner
def step(average: float, value: float, count: int, n: int) -> float:
    """Return the average after its value number `count`: the mean of all up to n of them, exponential after that."""
    weight = 1.0 / count if count <= n else 2.0 / (n + 1)
    return average + (value - average) * weight


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, average."""
    n, count = int(parameters[0]), int(state[0]) + 1
    state[0] = count
    state[1] = step(state[1], value, count, n)
    if count >= n:
        out[0] = state[1]

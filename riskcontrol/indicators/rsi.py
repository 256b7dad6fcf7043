"""Relative strength index: how much of the recent movement was upward, in percent.

Parameters:
    bars: n, 2 to 1,000; 14 where not given. Of `close` unless another column is named.

Formula: with the gains gₜ = max(xₜ − xₜ₋₁, 0) and losses lₜ = max(xₜ₋₁ − xₜ, 0), G and L start as the means of the
    first n of each; after that Gₜ = Gₜ₋₁ + (gₜ − Gₜ₋₁) / n, and L likewise. RSI = 100 · G / (G + L).
Source: J. W. Wilder, *New Concepts in Technical Trading Systems* (1978), section VI; TA-Lib `RSI`.
Warm-up: n + 1 bars, which make n changes; equal to TA-Lib from the first value.
    Where nothing moves, there is no direction and the RSI is 50. (TA-Lib has 0 there, which would read as oversold.)
    That is where G + L is at most 10⁻¹⁶ of the value, less than two prices of that size can differ by.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> compute("rsi", [3], {"close": [10, 11, 12, 11, 10, 15]})[""].round(4).tolist()
    [nan, nan, nan, 66.6667, 44.4444, 84.127]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector

STILL = 1e-16
"""Mean movement, as a part of the value, up to which nothing moves."""


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, previous value, mean gain, mean loss."""
    n, changes = int(parameters[0]), int(state[0])
    change = value - state[1]
    state[0] = changes + 1
    state[1] = value
    if changes == 0:
        return
    divisor = min(changes, n)
    state[2] += (max(change, 0.0) - state[2]) / divisor
    state[3] += (max(-change, 0.0) - state[3]) / divisor
    if changes >= n:
        moved = state[2] + state[3]
        out[0] = 100.0 * (state[2] / moved) if moved > STILL * abs(value) else 50.0

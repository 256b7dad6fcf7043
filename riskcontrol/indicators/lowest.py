"""Lowest value of the last n bars.

Parameters:
    bars: n, 1 to 1,000; 20 where not given. Of `low` unless another column is named.

Formula: min(xₜ, xₜ₋₁, …, xₜ₋ₙ₊₁).
Source: R. Donchian's channel, in J. J. Murphy, *Technical Analysis of the Financial Markets* (1999), chapter 9;
    TA-Lib `MIN`.
Warm-up: n bars. The bar that has just closed is one of the n: a close is never beyond its own bar's channel.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> compute("lowest", [3], {"low": [10, 11, 12, 11, 10, 15]})[""].tolist()
    [nan, nan, 10.0, 11.0, 10.0, 10.0]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector, push


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, ring."""
    n = int(parameters[0])
    if push(state, n, value):
        for i in range(1, n + 1):
            value = min(value, state[i])
        out[0] = value

"""Simple moving average: the mean of the last n values.

Parameters:
    bars: n, 1 to 1,000; 20 where not given. Of `close` unless another column is named.

Formula: SMAₜ = (xₜ + xₜ₋₁ + … + xₜ₋ₙ₊₁) / n.
Source: J. J. Murphy, *Technical Analysis of the Financial Markets* (1999), chapter 9; TA-Lib `SMA`.
Warm-up: n bars. The sum is taken anew over the window at each bar, so that it doesn't drift.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> compute("sma", [3], {"close": [10, 11, 12, 11, 10, 15]})[""].tolist()
    [nan, nan, 11.0, 11.333333333333334, 11.0, 12.0]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector, mean, push


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, ring."""
    n = int(parameters[0])
    if push(state, n, value):
        out[0] = mean(state, n)

"""Standard deviation of the last n values, as of a whole population.

Parameters:
    bars: n, 2 to 1,000; 20 where not given. Of `close` unless another column is named.

Formula: σ = √(Σ (xᵢ − SMA(n))² / n), over the last n values; divided by n, not by n − 1.
Source: TA-Lib `STDDEV`.
Warm-up: n bars. Two passes over the window rather than a mean of squares: never the root of a negative number, and
    exactly zero for equal values.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> compute("stdev", [3], {"close": [10, 11, 12, 11, 10, 15]})[""].round(4).tolist()
    [nan, nan, 0.8165, 0.4714, 0.8165, 2.1602]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector, deviation, mean, push


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, ring."""
    n = int(parameters[0])
    if push(state, n, value):
        out[0] = deviation(state, n, mean(state, n))

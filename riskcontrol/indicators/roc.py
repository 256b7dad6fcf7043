"""Rate of change: how much a value is above that of n bars ago, in percent.

Parameters:
    bars: n, 1 to 1,000; 10 where not given. Of `close` unless another column is named.

Formula: ROCₜ = 100 · (xₜ / xₜ₋ₙ − 1).
Source: J. J. Murphy, *Technical Analysis of the Financial Markets* (1999), chapter 10; TA-Lib `ROC`.
Warm-up: n + 1 bars. Over a volume of zero it has no value. (TA-Lib has 0 there.)

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> compute("roc", [2], {"close": [10, 11, 12, 11, 10, 15]})[""].round(4).tolist()
    [nan, nan, 20.0, 0.0, -16.6667, 36.3636]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector, push


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, ring of the last n values."""
    n, count = int(parameters[0]), int(state[0])
    before = state[1 + count % n]
    push(state, n, value)
    if count >= n and before != 0.0:
        out[0] = 100.0 * (value / before - 1.0)

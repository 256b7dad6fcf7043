"""Moving average convergence/divergence: a fast exponential average less a slow one, and an average of that.

Parameters:
    fast: 1 to 1,000 bars, fewer than `slow`; 12 where not given.
    slow: 2 to 1,000 bars; 26 where not given.
    signal: 1 to 1,000 bars; 9 where not given. Of `close` unless another column is named.

Formula: line = EMA(fast) − EMA(slow); signal = EMA of the line over `signal` bars, seeded by the simple average of the
    line's first values; histogram = line − signal.
Source: G. Appel, *Technical Analysis: Power Tools for Active Investors* (2005), chapter 8.
Warm-up: line, slow bars; signal and histogram, slow + signal − 1 bars.
    Each average is seeded by its own first values, so that macd(12, 26, 9).line is ema(12) - ema(26) to the last bit.
    TA-Lib's `MACD` seeds the fast one with the values just before the slow one's first instead; both agree once the
    seeds have faded: to 10⁻⁹ of the price 200 bars after the warm-up for the usual parameters.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> macd = compute("macd", [2, 3, 2], {"close": [10, 11, 12, 11, 10, 15]})
    >>> for name, values in macd.items():
    ...     print(name, values.round(4).tolist())
    line [nan, nan, 0.5, 0.1667, -0.1111, 0.713]
    signal [nan, nan, nan, 0.3333, 0.037, 0.4877]
    histogram [nan, nan, nan, -0.1667, -0.1481, 0.2253]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.ema import step
from riskcontrol.indicators.windows import Vector


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, fast average, slow average, signal."""
    fast, slow, signal = int(parameters[0]), int(parameters[1]), int(parameters[2])
    count = int(state[0]) + 1
    state[0] = count
    state[1] = step(state[1], value, count, fast)
    state[2] = step(state[2], value, count, slow)
    if count < slow:
        return
    line, lines = state[1] - state[2], count - slow + 1
    state[3] = step(state[3], line, lines, signal)
    out[0] = line
    if lines >= signal:
        out[1] = state[3]
        out[2] = line - state[3]

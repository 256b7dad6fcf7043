"""Bollinger bands: a simple moving average and bands of standard deviations around it.

Parameters:
    bars: n, 2 to 1,000; 20 where not given. Of `close` unless another column is named.
    deviations: k, 0 to 100, need not be whole; 2 where not given.

Formula: middle = SMA(n); upper = middle + k · σ; lower = middle − k · σ; σ the population standard deviation (divided
    by n, not by n − 1) of the same n values.
Source: J. Bollinger, *Bollinger on Bollinger Bands* (2001), chapter 7; TA-Lib `BBANDS`.
Warm-up: n bars. Equal values have a deviation of exactly zero: the three are the same.

Example:
    >>> from riskcontrol.indicators.batch import compute
    >>> bands = compute("bollinger", [3, 2], {"close": [10, 11, 12, 11, 10, 15]})
    >>> for name, values in bands.items():
    ...     print(name, values.round(4).tolist())
    upper [nan, nan, 12.633, 12.2761, 12.633, 16.3205]
    middle [nan, nan, 11.0, 11.3333, 11.0, 12.0]
    lower [nan, nan, 9.367, 10.3905, 9.367, 7.6795]
"""

from __future__ import annotations

from riskcontrol.compiling import inner
from riskcontrol.indicators.windows import Vector, deviation, mean, push


@inner
def update(parameters: Vector, state: Vector, value: float, out: Vector) -> None:
    """Take a value; state: count, ring."""
    n = int(parameters[0])
    if push(state, n, value):
        middle = mean(state, n)
        band = parameters[1] * deviation(state, n, middle)
        out[0] = middle + band
        out[1] = middle
        out[2] = middle - band

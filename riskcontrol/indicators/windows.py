"""The last n values of a column, kept in a ring, and the sums over it.

State: the number of values so far, then the ring. Sums are taken anew over the window, oldest value first: nothing
drifts, and the same window gives the same bits whatever came before it. Values are taken relative to the oldest, so
that the mean of equal values is exactly that value.
"""

from __future__ import annotations

import math

import numpy as np

from riskcontrol.compiling import inner

Vector = np.ndarray
"""Float64, one dimension."""


@inner
def push(state: Vector, n: int, value: float) -> bool:
    """Put a value into the ring over the oldest one, and return whether the ring is full."""
    count = int(state[0])
    state[1 + count % n] = value
    state[0] = count + 1
    return count + 1 >= n


@inner
def mean(state: Vector, n: int) -> float:
    """Return the mean of a full ring."""
    oldest = 1 + int(state[0]) % n
    anchor, total = state[oldest], 0.0
    for i in range(oldest + 1, n + 1):
        total += state[i] - anchor
    for i in range(1, oldest):
        total += state[i] - anchor
    return anchor + total / n


@inner
def deviation(state: Vector, n: int, middle: float) -> float:
    """Return the population standard deviation of a full ring around its mean."""
    oldest = 1 + int(state[0]) % n
    total = 0.0
    for i in range(oldest, n + 1):
        total += (state[i] - middle) ** 2
    for i in range(1, oldest):
        total += (state[i] - middle) ** 2
    return math.sqrt(total / n)

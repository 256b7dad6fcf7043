"""What every indicator is, in plain Python over all values so far: slow, and independent of the kernel.

Each takes the values from the first bar on (for `atr` and `vwap` the bars' columns) and its parameters, and returns its
outputs at the last bar, None where it has none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

Values = Sequence[float]
Outputs = tuple[float | None, ...]


def mean(values: Values) -> float:
    return math.fsum(values) / len(values)


def exponential(values: Values, n: int, weight: float) -> float | None:
    """Return the average seeded by the mean of the first n values."""
    if len(values) < n:
        return None
    average = mean(values[:n])
    for value in values[n:]:
        average = (1 - weight) * average + weight * value
    return average


def sma(values: Values, n: int) -> Outputs:
    return (mean(values[-n:]) if len(values) >= n else None,)


def ema(values: Values, n: int) -> Outputs:
    return (exponential(values, n, 2 / (n + 1)),)


def rsi(values: Values, n: int) -> Outputs:
    changes = [b - a for a, b in itertools.pairwise(values)]
    gain = exponential([max(change, 0) for change in changes], n, 1 / n)
    loss = exponential([max(-change, 0) for change in changes], n, 1 / n)
    if gain is None or loss is None:
        return (None,)
    if gain + loss <= 1e-16 * abs(values[-1]):
        return (50.0,)
    return (100 - 100 / (1 + gain / loss) if loss else 100.0,)


def macd(values: Values, fast: int, slow: int, signal: int) -> Outputs:
    lines = []
    for end in range(slow, len(values) + 1):
        quick, lazy = ema(values[:end], fast)[0], ema(values[:end], slow)[0]
        assert quick is not None
        assert lazy is not None
        lines.append(quick - lazy)
    average = exponential(lines, signal, 2 / (signal + 1))
    if average is None:
        return (lines[-1] if lines else None, None, None)
    return lines[-1], average, lines[-1] - average


def stdev(values: Values, n: int) -> Outputs:
    if len(values) < n:
        return (None,)
    middle = mean(values[-n:])
    return (math.sqrt(mean([(value - middle) ** 2 for value in values[-n:]])),)


def bollinger(values: Values, n: int, deviations: float) -> Outputs:
    (middle,), (deviation,) = sma(values, n), stdev(values, n)
    if middle is None or deviation is None:
        return None, None, None
    return middle + deviations * deviation, middle, middle - deviations * deviation


def highest(values: Values, n: int) -> Outputs:
    return (sorted(values[-n:])[-1] if len(values) >= n else None,)


def lowest(values: Values, n: int) -> Outputs:
    return (sorted(values[-n:])[0] if len(values) >= n else None,)


def roc(values: Values, n: int) -> Outputs:
    if len(values) <= n or values[-n - 1] == 0:
        return (None,)
    return (100 * (values[-1] - values[-n - 1]) / values[-n - 1],)


def atr(columns: dict[str, Values], n: int) -> Outputs:
    high, low, close = columns["high"], columns["low"], columns["close"]
    ranges = [high[0] - low[0]] + [
        max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1])) for i in range(1, len(high))
    ]
    return (exponential(ranges, n, 1 / n),)


def vwap(columns: dict[str, Values]) -> Outputs:
    of_day = [i for i, day in enumerate(columns["day"]) if day == columns["day"][-1]]
    volume = math.fsum(columns["volume"][i] for i in of_day)
    return (math.fsum(columns["notional"][i] for i in of_day) / volume if volume else None,)


DEFINITIONS: dict[str, Callable[..., Outputs]] = {
    definition.__name__: definition
    for definition in (sma, ema, rsi, macd, bollinger, atr, highest, lowest, roc, stdev, vwap)
}
"""Every indicator's definition by its name."""

"""The compiled heart of all indicators: take a bar; take a split.

State is a vector of float64, all zeros at first, as long as `registry.state_size` says. Its first word counts the bars
taken; the others are in the units of what the indicator is of, but for those of `vwap`.
"""

from __future__ import annotations

import math

from riskcontrol.compiling import entry
from riskcontrol.indicators import atr, bollinger, ema, highest, lowest, macd, roc, rsi, sma, stdev, vwap
from riskcontrol.indicators.registry import (
    ATR,
    BOLLINGER,
    COLUMNS,
    EMA,
    HIGHEST,
    LOWEST,
    MACD,
    ROC,
    RSI,
    SMA,
    STDEV,
    VWAP,
)
from riskcontrol.indicators.windows import Vector

_VOLUME = COLUMNS.index("volume")


@entry
def update(code: int, parameters: Vector, state: Vector, bar: Vector, source: int, out: Vector) -> None:
    """Take one closed bar.

    A bar that lacks what the indicator is of (NaN or infinite) has no value and leaves the state as it is.

    Args:
        code: Of the indicator, `registry.Indicator.code`.
        parameters: All of them, float64, checked by `registry.Indicator.complete`.
        state: Changed in place, float64.
        bar: The columns `registry.COLUMNS`, float64: dollars, shares, New York day number.
        source: Number of the column that the indicator is of, `registry.Indicator.column`.
        out: Gets a value for each output, NaN during warm-up; float64, shape (outputs,).
    """
    for i in range(len(out)):
        out[i] = math.nan
    if code == ATR:
        atr.update(parameters, state, bar, out)
        return
    if code == VWAP:
        vwap.update(state, bar, out)
        return
    value = bar[source]
    if not math.isfinite(value):
        return
    if code == SMA:
        sma.update(parameters, state, value, out)
    elif code == EMA:
        ema.update(parameters, state, value, out)
    elif code == RSI:
        rsi.update(parameters, state, value, out)
    elif code == MACD:
        macd.update(parameters, state, value, out)
    elif code == BOLLINGER:
        bollinger.update(parameters, state, value, out)
    elif code == HIGHEST:
        highest.update(parameters, state, value, out)
    elif code == LOWEST:
        lowest.update(parameters, state, value, out)
    elif code == ROC:
        roc.update(parameters, state, value, out)
    elif code == STDEV:
        stdev.update(parameters, state, value, out)


@entry
def scale(code: int, parameters: Vector, state: Vector, price_ratio: float, volume_ratio: float, source: int) -> None:
    """Bring the state to prices and volumes after a stock split.

    Going on with bars after the split then gives what adjusted bars would have given all along.

    Args:
        code: Of the indicator.
        parameters: As for `update`.
        state: Changed in place.
        price_ratio: New price over old, above 0: 0.5 for two new shares for one.
        volume_ratio: New number of shares over old, above 0: 2 for the same.
        source: As for `update`.
    """
    if code == VWAP:
        vwap.scale(state, price_ratio, volume_ratio)
        return
    ratio = volume_ratio if source == _VOLUME else price_ratio
    for i in range(1, len(state)):
        state[i] *= ratio

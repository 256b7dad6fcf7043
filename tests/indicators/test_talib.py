"""Every indicator that TA-Lib has as well is equal to it, from where their conventions agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib

from riskcontrol.indicators.batch import compute
from riskcontrol.indicators.registry import INDICATORS, warm_up
from tests.indicators.cases import walk

Columns = dict[str, np.ndarray]
Windows = tuple[int, ...]

SINGLE = {
    "sma": talib.SMA,
    "ema": talib.EMA,
    "rsi": talib.RSI,
    "roc": talib.ROC,
    "stdev": talib.STDDEV,
    "highest": talib.MAX,
    "lowest": talib.MIN,
}
"""Functions of one column and one window."""


def theirs(name: str, parameters: Windows, bars: Columns, source: str) -> list[np.ndarray]:
    """Return TA-Lib's outputs."""
    if name in SINGLE:
        return [SINGLE[name](bars[source or INDICATORS[name].source], *parameters)]
    if name == "atr":
        return [talib.ATR(bars["high"], bars["low"], bars["close"], *parameters)]
    function: Callable[..., tuple[np.ndarray, ...]] = {"macd": talib.MACD, "bollinger": talib.BBANDS}[name]
    # TA-Lib takes the bands' widths one by one.
    numbers = (parameters[0], *[float(parameters[1])] * 2) if name == "bollinger" else parameters
    return list(function(bars[source or "close"], *numbers))


def agreed(name: str, parameters: Windows) -> int:
    """Return after how many bars both must agree: from the first value, or when the seeds have faded."""
    if name == "macd":
        return warm_up(name, parameters) + 11 * (parameters[0] + parameters[2])
    return warm_up(name, parameters) + (21 * parameters[0] if name == "atr" else 0)


CASES: list[tuple[str, Windows]] = [
    *((name, (n,)) for name in SINGLE for n in (2, 3, 14, 30, 200)),
    *(("atr", (n,)) for n in (1, 2, 14, 30)),
    *(("bollinger", (n, k)) for n, k in ((2, 1), (20, 2), (50, 3))),
    *(("macd", windows) for windows in ((12, 26, 9), (5, 35, 5), (2, 3, 2), (50, 200, 20), (12, 26, 1))),
]


def test_all_but_the_session_vwap_are_compared() -> None:
    assert {name for name, _ in CASES} == set(INDICATORS) - {"vwap"}


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_talib(name: str, parameters: Windows, seed: int) -> None:
    bars = {column: np.array(values) for column, values in walk(2_000, seed).items()}
    for source in ["", "open", "volume"] if INDICATORS[name].sources else [""]:
        ours = compute(name, parameters, bars, source)
        start = agreed(name, parameters) - 1
        assert start < 1_500
        # A deviation is the root of a difference of large numbers in TA-Lib: its error is relative to the values.
        largest = 1e-9 * max(1.0, np.abs(bars[source or "close"]).max())
        for mine, other in zip(ours.values(), theirs(name, parameters, bars, source), strict=True):
            np.testing.assert_allclose(mine[start:], other[start:], rtol=1e-9, atol=largest)


@pytest.mark.parametrize(("name", "parameters"), [case for case in CASES if case[0] not in ("atr", "macd")])
def test_the_warm_up_is_as_long_as_talibs(name: str, parameters: Windows) -> None:
    bars = {column: np.array(values) for column, values in walk(300, 1).items()}
    for mine, other in zip(compute(name, parameters, bars).values(), theirs(name, parameters, bars, ""), strict=True):
        assert np.isnan(mine).tolist() == np.isnan(other).tolist()


def test_atr_is_talibs_with_the_first_bar_counted() -> None:
    bars = {column: np.array(values) for column, values in walk(50, 1).items()}
    # A bar in front, whose close lies within the first one's range, makes TA-Lib count the first one's high - low.
    before = {name: np.concatenate([[bars["close"][0]], values]) for name, values in bars.items()}
    np.testing.assert_allclose(
        compute("atr", [14], bars)[""], talib.ATR(*(before[c] for c in ("high", "low", "close")))[1:]
    )


def test_where_we_differ_from_talib_is_as_written() -> None:
    flat = np.full(50, 10.1)
    assert talib.RSI(flat, 14)[-1] == 0
    assert compute("rsi", [14], {"close": flat})[""][-1] == 50
    nothing = np.zeros(50)
    assert talib.ROC(nothing, 10)[-1] == 0
    assert np.isnan(compute("roc", [10], {"volume": nothing}, "volume")[""]).all()

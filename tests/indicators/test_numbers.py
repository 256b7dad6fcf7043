"""Indicators stay exact where running sums would not: flat series, long series, huge next to small."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskcontrol.indicators.batch import compute
from riskcontrol.indicators.registry import INDICATORS, MOST_BARS, state_size
from tests.indicators.cases import walk


@settings(deadline=None)
@given(price=st.floats(1e-6, 1e7), window=st.integers(2, 60))
def test_a_flat_series_has_exactly_its_price_and_no_deviation(price: float, window: int) -> None:
    bars = {name: np.full(200, price) for name in ("high", "low", "close")}
    for name in ("sma", "ema", "highest", "lowest"):
        assert set(compute(name, [window], bars)[""][window - 1 :]) == {price}
    for name in ("stdev", "atr"):
        assert set(compute(name, [window], bars)[""][window - 1 :]) == {0.0}
    assert set(compute("rsi", [window], bars)[""][window:]) == {50.0}
    assert set(compute("roc", [window], bars)[""][window:]) == {0.0}
    for band in compute("bollinger", [window, 2], bars).values():
        assert set(band[window - 1 :]) == {price}
    for line in compute("macd", [window, window + 3, 5], bars).values():
        assert set(line[window + 6 :]) == {0.0}


def test_rsi_is_50_again_when_a_move_has_faded() -> None:
    close = np.array([10.0, 11.0, *[11.0] * 20_000])
    rsi = compute("rsi", [14], {"close": close})[""]
    assert rsi[14] == 100
    assert rsi[-1] == 50
    assert set(rsi[14:]) == {100.0, 50.0}


def test_a_million_bars_bring_no_drift() -> None:
    close = np.array(walk(1_000_000, 7)["close"])
    for name, parameters in (("sma", [30]), ("stdev", [30]), ("bollinger", [30, 2]), ("highest", [30])):
        source = "close"
        whole = compute(name, parameters, {"close": close}, source)
        last = compute(name, parameters, {"close": close[-30:]}, source)
        assert [values[-1] for values in whole.values()] == [values[-1] for values in last.values()]
    # An exponential average forgets: a start long past changes nothing, and no rounding has piled up.
    recent = compute("ema", [30], {"close": close[-5_000:]})[""][-1]
    assert compute("ema", [30], {"close": close})[""][-1] == pytest.approx(recent, rel=1e-12)


def test_a_huge_value_leaves_nothing_behind() -> None:
    volume = np.array([3.0, 1e15, 1.0, 2.0, 3.0, 4.0])
    assert compute("sma", [3], {"volume": volume}, "volume")[""][-2:].tolist() == [2.0, 3.0]
    assert compute("stdev", [3], {"volume": volume}, "volume")[""][-1] == pytest.approx(math.sqrt(2 / 3))


def test_macds_line_is_the_difference_of_the_averages_to_the_last_bit() -> None:
    close = np.array(walk(500, 3)["close"])
    line = compute("macd", [12, 26, 9], {"close": close})["line"]
    averages = [compute("ema", [n], {"close": close})[""] for n in (12, 26)]
    np.testing.assert_array_equal(line, averages[0] - averages[1])


def test_macd_wants_its_fast_average_faster() -> None:
    with pytest.raises(ValueError, match="macd: fast is 26; fewer bars than slow, 26, are expected"):
        compute("macd", [26, 26], walk(5, 0))


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        compute("atr", [2], {"high": [1, 2], "low": [1, 2], "close": [1]})


def test_no_bars_give_no_values() -> None:
    assert {len(values) for values in compute("macd", [], {"close": []}).values()} == {0}


def test_the_state_stays_small() -> None:
    for name, indicator in INDICATORS.items():
        largest = [min(parameter.most, MOST_BARS - (parameter.name == "fast")) for parameter in indicator.parameters]
        assert state_size(name, largest) <= 1 + MOST_BARS


def test_the_registry_starts_nothing_compiled() -> None:
    code = "import sys, riskcontrol.indicators.registry; print('numba' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]

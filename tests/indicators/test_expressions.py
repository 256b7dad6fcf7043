"""Expressions over columns: what they read, what they give, how several values are named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from riskcontrol.errors import InputError
from riskcontrol.indicators.batch import compute
from riskcontrol.indicators.expressions import columns_read, evaluate, parse_columns
from riskcontrol.indicators.registry import INDICATORS
from tests.indicators.cases import walk

BARS = {name: np.array(values) for name, values in walk(120, 5).items()}


def value(text: str) -> np.ndarray:
    (node,) = parse_columns(text).values()
    return evaluate(node, BARS)


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_every_indicator_alone_gives_all_its_outputs(name: str) -> None:
    indicator = INDICATORS[name]
    numbers = ", ".join(f"{parameter.default:g}" for parameter in indicator.parameters)
    text = name if indicator.word else f"{name}({numbers})"
    columns = parse_columns(text)
    assert list(columns) == [f"{text}.{output}" if output else text for output in indicator.outputs]
    for node, expected in zip(columns.values(), compute(name, [], BARS).values(), strict=True):
        np.testing.assert_array_equal(evaluate(node, BARS), expected)


@pytest.mark.parametrize(
    ("text", "expected"),  # computed by the test, as to collect it must not take the time of loading the kernel
    [
        ("price", lambda: BARS["close"]),
        ("(high + low) / 2", lambda: (BARS["high"] + BARS["low"]) / 2),
        ("-close * 2", lambda: -BARS["close"] * 2),
        ("max(open, close) - min(open, close)", lambda: abs(BARS["open"] - BARS["close"])),
        ("abs(open - close)", lambda: abs(BARS["open"] - BARS["close"])),
        ("2", lambda: np.full(120, 2.0)),
        ("sma(volume, 3)", lambda: compute("sma", [3], BARS, "volume")[""]),
        ("close / vwap - 1", lambda: BARS["close"] / compute("vwap", [], BARS)[""] - 1),
        ("bollinger(20, 2).upper - sma(20)", lambda: 2 * compute("stdev", [20], BARS)[""]),
    ],
)
def test_arithmetic_is_done_at_every_bar(text: str, expected: Callable[[], np.ndarray]) -> None:
    np.testing.assert_allclose(value(text), expected(), rtol=1e-12)


def test_what_is_divided_by_zero_has_no_value() -> None:
    assert np.isnan(value("close / (open - open)")).all()
    assert np.isnan(value("(open - open) / (open - open)")).all()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("rsi(14)", ("close",)),
        ("price", ("close",)),
        ("highest(20)", ("high",)),
        ("highest(close, 20)", ("close",)),
        ("atr(14)", ("high", "low", "close")),
        ("vwap", ("volume", "notional", "day")),
        ("1", ()),
    ],
)
def test_only_what_is_read_is_asked_for(text: str, columns: tuple[str, ...]) -> None:
    assert columns_read(parse_columns(text).values()) == columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smaa(20)", "unknown word 'smaa' at 1; did you mean 'sma'?"),
        ("sma(20) -", "at 10"),
        ("sma(0)", "1 to 1000"),
        ("macd(26, 12, 9)", "fewer bars than slow"),
        ("price < 3", "no number of the market"),
        ("entry", "no number of the market"),
        ("", "empty"),
        ("__import__('os')", "unknown word '__import__'"),
    ],
)
def test_what_is_no_number_of_the_market_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_columns(text, "--expr")
    assert str(raised.value).startswith("--expr: ")
    assert message in str(raised.value)

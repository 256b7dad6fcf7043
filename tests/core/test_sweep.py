"""Sweeps: every variant is what it would be alone, whatever is parsed once; what is wrong with --set is said."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskcontrol.backtest import on_trades
from riskcontrol.errors import InputError
from riskcontrol.statistics import STATISTICS, compute
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import Definition, of_text, strategy_of
from riskcontrol.sweep import BY, MOST_VARIANTS, Axis, Sweep, colour_of, parse_axes, score, variants
from tests.core.test_engine import ibm, tuples
from tests.core.test_rules import patient

RULES = [
    ("price <= reference - a", "price >= reference + b"),
    ("price <= reference - a", "price >= entry * (1 + b) or price <= entry - a"),
    ("price < reference - 2 * a or price < reference - b", "held >= 3s and price > entry + a"),
    ("price > sma(2) + a", "price < reference - b or price > reference + 0.1"),
    ("price <= reference - a and rsi(2) < 50 + b", "price >= entry + b"),
    ("crosses_above(price, sma(2)) and close > b", "price > peak - a"),
    ("price <= reference + a - 0.1", "price >= reference + 0.2"),
]
AXES = (Axis("a", ("0.01", "0.1", "0.05", "0", "-0.02", "1")), Axis("b", ("0.1", "0.2", "0.01")))


def loader(buy: str, sell: str) -> Callable[[Mapping[str, str]], Definition]:
    text = f'name = "x"\nticker = "IBM"\nevery = "1s"\nbuy = "{buy}"\nsell = "{sell}"\n[parameters]\na = 1\nb = 0.1\n'

    def load(values: Mapping[str, str]) -> Definition:
        return of_text(text, "toml", values)

    return load


@cache
def both_ways(place: int) -> tuple[list[Strategy], list[Strategy]]:
    """Return all variants of a rule as a sweep gives them, and each as a file of its own would."""
    load = loader(*RULES[place])
    combinations = itertools.product(*(axis.values for axis in AXES))
    return list(variants(load, AXES)), [strategy_of(load(dict(zip("ab", pair, strict=True)))) for pair in combinations]


@given(st.sampled_from(range(len(RULES))), st.lists(st.integers(-15, 15), min_size=1, max_size=80))
@settings(patient, max_examples=40)
def test_each_variant_fills_as_it_does_alone(place: int, moves: list[int]) -> None:
    tape = [ibm(*np.maximum(1, 1_000 + np.cumsum(moves)).tolist())]
    swept, alone = both_ways(place)
    whole, each = on_trades(swept, tape), on_trades(alone, tape)
    for number in range(len(alone)):
        assert tuples(whole.fills_of(number)) == tuples(each.fills_of(number))


def test_rules_are_parsed_once_where_only_numbers_beside_the_position_vary() -> None:
    load, loaded = loader(*RULES[0]), []

    def counted(values: Mapping[str, str]) -> Definition:
        loaded.append(values)
        return load(values)

    axes = parse_axes(["a=0.01:1:0.01", "b=0.01:1:0.01"], ["a", "b"])
    found = list(variants(counted, axes))
    assert len(found) == 10_000
    assert len(loaded) < 20
    assert found[4_321] == strategy_of(load({"a": "0.44", "b": "0.22"}))


def test_variants_come_in_the_order_of_their_numbers() -> None:
    sweep = Sweep(AXES, "total_return", np.arange(18, dtype=float), np.ones(18, np.int64))
    load = loader(*RULES[0])
    for number, one in enumerate(variants(load, AXES)):
        assert one == strategy_of(load(sweep.values_of(number)))


def test_scores_are_the_statistics_of_each_record() -> None:
    backtest = on_trades(
        list(variants(loader(*RULES[0]), AXES[:1])), [ibm(1_000, 995, 985, 990, 1_010, 970, 990, 1_000)]
    )
    for by in sorted(set(BY.values())):
        expected = [compute(backtest.record_of(i))[by] for i in range(6)]
        assert score(backtest, [by])[0].tolist() == pytest.approx(
            [float("nan") if value is None else value for value in expected], nan_ok=True
        )


def test_every_statistic_to_choose_by_is_one() -> None:
    assert set(BY.values()) <= set(STATISTICS)


def test_the_best_come_first_and_those_without_a_score_not_at_all() -> None:
    sweep = Sweep(
        (Axis("a", ("1", "2")), Axis("b", ("3", "4"))),
        "sharpe",
        np.array([np.nan, 2.0, -1.0, 5.0]),
        np.ones(4, np.int64),
    )
    assert sweep.best(9) == [3, 1, 2]
    assert sweep.values_of(3) == {"a": "2", "b": "4"}


def test_those_that_never_trade_come_last() -> None:
    sweep = Sweep(
        (Axis("a", ("1", "2", "3", "4")),), "total_return", np.array([0.0, -1, -2, 0]), np.array([0, 2, 4, 0])
    )
    assert sweep.best(9) == [1, 2, 0, 3]


def test_the_heat_map_has_the_best_of_what_it_does_not_show() -> None:
    axes = Axis("a", ("1", "2")), Axis("b", ("3",)), Axis("c", ("5", "6"))
    heat = Sweep(axes, "sharpe", np.array([1.0, 4.0, np.nan, np.nan]), np.ones(4, np.int64)).heat()
    assert np.array_equal(heat, [[4.0], [np.nan]], equal_nan=True)


def test_steps_are_decimal_and_the_end_is_included() -> None:
    (axis,) = parse_axes(["a=0.05:0.50:0.01"], ["a"])
    assert axis.values[:3] == ("0.05", "0.06", "0.07")
    assert axis.values[-1] == "0.5"
    assert len(axis.values) == 46


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a"], "no name=from:to:step"),
        (["c=1"], r"'c' is no parameter; \[parameters\] of the strategy file has a, b"),
        (["a=1:2"], "has 2 parts"),
        (["a=2:1:0.1"], "goes nowhere"),
        (["a=1:2:0"], "goes nowhere"),
        (["a=x"], "'x' of a is no number"),
        (["a=1,,2"], "'' of a is no number"),
        (["a=nan"], "is no number"),
        (["a=1e999999999"], "is no number"),
        (["a=1,1.0"], "says a value twice"),
        (["a=1", "a=2"], "set twice"),
        (["a=0:1:0.000000000001"], f"over {MOST_VARIANTS:,} values"),
        (["a=1:1000:1", "b=1:1000:1"], "1,000,000 variants"),
    ],
)
def test_a_wrong_set_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_axes(texts, ["a", "b"])


def test_a_file_without_parameters_says_how_to_have_some() -> None:
    with pytest.raises(InputError, match=r"a table \[parameters\]"):
        parse_axes(["a=1"], [])


@given(st.floats(-1, 2))
def test_colours_are_colours(share: float) -> None:
    assert all(0 <= part <= 255 for part in colour_of(share))

"""Parameters: the numbers that rules differ in, taken out and put back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from riskcontrol.language.canonical import canonical
from riskcontrol.language.clauses import clauses
from riskcontrol.language.parametrise import parametrise, substitute
from riskcontrol.language.parser import parse
from riskcontrol.language.text import text
from riskcontrol.language.tree import Node
from tests.language.test_canonical import form
from tests.language.trees import PATIENT, conditions


def shown(buy: str, sell: str) -> tuple[str, str, tuple[float, ...]]:
    new_buy, new_sell, values = parametrise(canonical(parse(buy)), canonical(parse(sell)))
    assert new_sell is not None
    return text(new_buy), text(new_sell), values


def test_the_first_rule_has_two_parameters() -> None:
    assert shown("price <= reference - 0.10", "price >= reference + 0.20") == (
        "price <= reference - $0",
        "price >= reference + $1",
        (0.1, 0.2),
    )


@pytest.mark.parametrize(
    ("buy", "sell", "expected"),
    [
        ("rsi(14) < 30", "price > entry * 1.02", ("rsi(close, 14) < 30", "price > entry * $0", (1.02,))),
        (
            "price < reference - 1 or price < reference - 1",
            "price > entry + 1",
            ("price < reference - $0", "price > entry + $1", (1.0, 1.0)),
        ),
        (
            "price < reference - 2 * atr(14) and low > 5",
            "held > 5m",
            ("low > 5 and price < reference - atr(14) * $0", "held > 5m", (2.0,)),
        ),
        (
            "price < reference * min(reference, -3)",
            "price > entry",
            ("price < min(-$0, reference) * reference", "price > entry", (3.0,)),
        ),
        (
            "price < reference - 1 or price > reference + 2 or price < reference * 0.5",
            "price > entry + 3 or price > entry * 4 or price > entry * 5",
            (
                "price < reference * $0 or price < reference - $1 or price > reference + $2",
                "price > entry * $3 or price > entry * 5 or price > entry + 3",
                (0.5, 1.0, 2.0, 4.0),
            ),
        ),
        (
            "price < reference - 123456789012.123456789",
            "price > entry",
            ("price < reference - 123456789012.123456789", "price > entry", ()),
        ),
    ],
)
def test_parameters_are(buy: str, sell: str, expected: tuple[str, str, tuple[float, ...]]) -> None:
    assert shown(buy, sell) == expected


@settings(PATIENT, max_examples=100)
@given(conditions(), conditions())
def test_what_was_taken_out_can_be_put_back(buy: Node, sell: Node) -> None:
    buy, sell = form(buy), form(sell)
    new_buy, new_sell, values = parametrise(buy, sell)
    assert new_sell is not None
    assert substitute(new_buy, values) == buy
    assert substitute(new_sell, values) == sell
    assert len(values) <= 4
    assert all(value >= 0 for value in values)
    assert parse(text(new_buy), parameters=True) == new_buy


def test_a_rule_for_selling_may_be_missing() -> None:
    assert parametrise(canonical(parse("price < reference - 1")), None)[1:] == (None, (1.0,))


def test_clauses_keep_parameters() -> None:
    buy, _, _ = parametrise(canonical(parse("price < reference - 5 and low > 1 or price > reference * 2")), None)
    found = [(c.market and text(c.market), *map(text, c.conditions)) for c in clauses(buy)]
    assert found == [("low > 1", "price < reference - $0"), (None, "price > reference * $1")]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e300, 0.1 + 0.2])
def test_a_value_that_no_rule_can_have_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="can't be a parameter"):
        substitute(parse("price > $0", parameters=True), [value])

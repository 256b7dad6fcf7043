"""Clauses: alternatives that together hold exactly when the rule does, and not too many of them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskcontrol.language.canonical import canonical
from riskcontrol.language.clauses import clause_text, clauses
from riskcontrol.language.contents import indicators_of, is_market, market_nodes, words_of
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_CLAUSES, MOST_CONDITIONS
from riskcontrol.language.parser import parse
from riskcontrol.language.text import text
from riskcontrol.language.tree import Node
from tests.language.trees import PATIENT, Moment, conditions, holds, moments


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("price <= reference - 0.1", [("", "price <= reference - 0.1")]),
        ("low > 1 or high > 2", [("high > 2 or low > 1", "")]),
        ("low > 1 and high > 2", [("high > 2 and low > 1", "")]),
        ("low > 1 and price > entry", [("low > 1", "price > entry")]),
        ("low > 1 or price > entry", [("low > 1", ""), ("", "price > entry")]),
        ("price > entry + 1 or price < peak", [("", "price < peak"), ("", "price > entry + 1")]),
        (
            "(low > 1 or high > 2) and (price > entry or held > 5m)",
            [("high > 2 or low > 1", "held > 5m"), ("high > 2 or low > 1", "price > entry")],
        ),
        ("low > 1 and price > entry or high > 2 and price > entry", [("high > 2 or low > 1", "price > entry")]),
        ("low > 1 and price > entry or price > entry", [("", "price > entry")]),
        ("price > entry and (price > entry or low > 1)", [("", "price > entry")]),
        ("abs(price - entry) < 1", [("", "price < entry + 1 and price > entry - 1")]),
        ("not (low > 1 or price > entry and held > 5m)", [("low <= 1", "held <= 5m"), ("low <= 1", "price <= entry")]),
    ],
)
def test_the_alternatives_are(written: str, expected: list[tuple[str, str]]) -> None:
    found = clauses(parse(written))
    shown = [(text(c.market) if c.market else "", " and ".join(map(text, c.conditions))) for c in found]
    assert sorted(shown) == sorted(expected)


def test_an_alternative_has_a_text() -> None:
    found = clauses(parse("(low > 1 or high > 2) and price > entry or held > 5m"))
    assert list(map(clause_text, found)) == ["(high > 2 or low > 1) and price > entry", "held > 5m"]


@settings(PATIENT, max_examples=150)
@given(conditions(), st.lists(moments(), min_size=1, max_size=3))
def test_one_alternative_holds_exactly_when_the_rule_does(node: Node, seen: list[Moment]) -> None:
    try:
        found = clauses(node)
    except LanguageError as error:
        assume(not any(word in error.what for word in ("zero", "too long", "alternatives", "compares the position")))
        raise
    assert all(is_market(clause.market) for clause in found if clause.market)
    assert not any(is_market(condition) for clause in found for condition in clause.conditions)
    for moment in seen:
        assert holds(node, moment) is any(
            all(holds(part, moment) for part in (*((c.market,) if c.market else ()), *c.conditions)) for c in found
        )


def test_too_many_alternatives_are_an_error() -> None:
    each = [f"price > entry + {i}" for i in range(MOST_CLAUSES + 1)]
    assert len(clauses(parse(" or ".join(each[:-1])))) == MOST_CLAUSES
    with pytest.raises(LanguageError, match="has 9 alternatives when its parentheses are multiplied out; at most 8"):
        clauses(parse(" or ".join(each)))


def test_alternatives_that_multiply_out_to_very_many_are_an_error_at_once() -> None:
    pairs = [f"(price > entry + {i} or held > {i}s)" for i in range(1, 20)]
    with pytest.raises(LanguageError, match="has over 64 alternatives"):
        clauses(parse(" and ".join(pairs)))


def test_too_many_comparisons_in_one_alternative_are_an_error() -> None:
    each = [f"price > entry + {i}" for i in range(MOST_CONDITIONS + 1)]
    assert len(clauses(parse(" and ".join(each[:-1])))[0].conditions) == MOST_CONDITIONS
    with pytest.raises(LanguageError, match="compares the position 7 times; at most 6"):
        clauses(parse(" and ".join(each)))


def test_contents_tell_what_the_market_has_to_give() -> None:
    node = canonical(parse("price > entry + 2 * atr(14) and rsi(14) < rsi(9) and time > 09:45"))
    assert list(map(text, indicators_of(node))) == ["atr(14)", "rsi(close, 9)", "rsi(close, 14)"]
    assert words_of(node) == ("entry", "price", "time")
    assert list(map(text, market_nodes(node))) == [
        "atr(14) * 2",
        "price",
        "rsi(close, 9) > rsi(close, 14)",
        "time > 09:45",
    ]

"""The canonical form: one for all texts of a meaning, the same meaning as the text, and text again."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskcontrol.language.canonical import canonical
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.parser import parse, parse_number
from riskcontrol.language.text import text
from riskcontrol.language.tree import Node
from tests.language.trees import PATIENT, Moment, conditions, holds, moments

FORMS = """\
price<=reference-0.10 | price <= reference - 0.1
price >= .2 + reference | price >= reference + 0.2
price >= reference + 20% | price >= reference + 0.2
reference - price >= 10 * 1% | price <= reference - 0.1
price - entry > 0.5 | price > entry + 0.5
entry - price > 0.5 | price < entry - 0.5
price / entry >= 1.02 | price >= entry * 1.02
price / entry - 1 >= 2% | price >= entry * 1.02
(price - entry) / entry >= 2% | price >= entry + entry * 0.02
100 * price / peak < 97 | price < peak * 0.97
entry / price > 1.25 | price < entry * 0.8
-price > -peak * 0.97 | price < peak * 0.97
price * -2 < entry | price > -entry * 0.5
2 * price - 3 > entry + peak | price > (entry + peak + 3) * 0.5
price == entry | price == entry
entry != price | price != entry
not price == entry | price != entry
abs(price - entry) > 5 | price < entry - 5 or price > entry + 5
abs(entry - price) <= 5 | price <= entry + 5 and price >= entry - 5
abs(price / entry - 1) < 2% | price < entry * 1.02 and price > entry * 0.98
abs(abs(price - entry) - 3) < 1 | price < entry + 4 and (price < entry - 2 or price > entry + 2) and price > entry - 4
abs(abs(abs(abs(price)))) < 2 | abs(price) < 2
abs(price - entry) == 5 | abs(entry - price) == 5
abs(entry - price) > 5 and abs(price - entry) > 5 | price < entry - 5 or price > entry + 5
max(price, entry) > 5 | max(entry, price) > 5
price * rsi(14) > entry | price * rsi(close, 14) > entry
price * price > entry | price * price > entry
price > entry / price | price > entry / price
price - 1 > entry - price | entry - price < price - 1
price > entry + 2 * atr(14) | price > entry + atr(14) * 2
price - sma(20) > 1 | price - sma(close, 20) > 1
sma(20) < price | price > sma(close, 20)
peak >= entry * 1.05 | peak >= entry * 1.05
entry * 1.05 <= peak | peak >= entry * 1.05
70 > rsi(14) | rsi(close, 14) < 70
30 < rsi(14) < 70 | rsi(close, 14) < 70 and rsi(close, 14) > 30
open < close | close > open
sma(50) < sma(9) | sma(close, 9) > sma(close, 50)
volume > 2 * sma(volume, 20) | volume > sma(volume, 20) * 2
5 <= volume | volume >= 5
30m <= held | held >= 30m
held > 3600s | held > 1h
held > 90s | held > 90s
9:45 <= time < 15:30:00 | time < 15:30 and time >= 09:45
not time < 09:45 | time >= 09:45
not (price > entry and close > open) | close <= open or price <= entry
not (close > open or not low > 1) | close <= open and low > 1
not not close > open | close > open
close > open or (low > 1 or high > 2) | close > open or high > 2 or low > 1
low > 1 and low > 1.0 and 1 < low | low > 1
(low > 1 or low > 1) and low > 1 | low > 1
low > 10 and low > 9 | low > 9 and low > 10
crosses_above(price, vwap) | crosses_above(close, vwap)
crosses_below(vwap, price) | crosses_above(close, vwap)
crosses_above(30, rsi(14)) | crosses_below(rsi(close, 14), 30)
not crosses_above(ema(12), ema(26)) | not crosses_above(ema(close, 12), ema(close, 26))
crosses_below(ema(26), ema(12)) | crosses_above(ema(close, 12), ema(close, 26))
low > 1 + 2 * 3 - 4 / 8 | low > 6.5
low > 1 / 3 | low > 1 / 3
low > 2 / 6 + 1 / 3 | low > 2 / 3
low > high / 4 * 2 | low > high * 0.5
low > high * 0 | low > high * 0
low - low > 0 | low - low > 0
low + high > vwap | vwap < high + low
low > 5 - vwap | low > 5 - vwap
low > -(vwap - high) | low > high - vwap
low > -(vwap + high) | low > -high - vwap
low > vwap + 0 | low > vwap
low > vwap * 1 | low > vwap
low > vwap / high / 2 | low > vwap * 0.5 / high
low > min(vwap, high) | low > min(high, vwap)
low > max(2, 3) | low > 3
low > min(high, high) | high < low
low > abs(-high) | low > abs(high)
low > abs(2 - 3) | low > 1
low > abs(high - 5) | low > abs(high - 5)
low > 999999999999 * 10 | low > 10 * 999999999999
low > 0.000000001 * 0.1 | low > 1 / 10000000000
"""


def form(node: Node) -> Node:
    """Return the canonical form; a tree that has none (it divides by zero, it is too long) is not looked at."""
    try:
        return canonical(node)
    except LanguageError as error:
        assume("division by zero" not in error.what and "too long" not in error.what)
        raise


@pytest.mark.parametrize("line", FORMS.splitlines())
def test_the_canonical_form_is(line: str) -> None:
    written, _, expected = line.partition(" | ")
    assert text(canonical(parse(written))) == expected


def test_a_form_beyond_the_limits_is_an_error() -> None:
    written = " or ".join(["rsi() > open"] * 3 + [f"macd(2,{i}).line > macd(1,{i}).line" for i in range(13, 58)])
    with pytest.raises(LanguageError, match="the rule is too long when everything in it is said"):
        canonical(parse(written))


def test_what_comes_to_a_division_by_zero_is_an_error() -> None:
    with pytest.raises(LanguageError, match="division by zero"):
        canonical(parse("low > high / (vwap * 0)"))


def test_an_expression_has_a_canonical_form() -> None:
    assert text(canonical(parse_number("2 * sma(20) - sma()"))) == "sma(close, 20) * 2 - sma(close, 20)"


@PATIENT
@given(conditions())
def test_text_parses_to_the_tree_that_it_was_written_from(node: Node) -> None:
    assert parse(text(node)) == node


@PATIENT
@given(conditions())
def test_the_canonical_text_parses_to_the_canonical_form(node: Node) -> None:
    result = form(node)
    assert parse(text(result)) == result


@PATIENT
@given(conditions())
def test_the_canonical_form_is_its_own(node: Node) -> None:
    result = form(node)
    assert canonical(result) == result


@settings(PATIENT, max_examples=150)
@given(conditions(), st.lists(moments(), min_size=1, max_size=4))
def test_the_canonical_form_holds_exactly_when_the_rule_does(node: Node, seen: list[Moment]) -> None:
    result = form(node)
    for moment in seen:
        assert holds(result, moment) is holds(node, moment), text(result)

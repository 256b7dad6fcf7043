"""Whatever the text, the parser gives a tree or a LanguageError, in a number of steps that the text's length bounds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskcontrol.indicators.registry import INDICATORS
from riskcontrol.language.canonical import canonical
from riskcontrol.language.clauses import clauses
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.parser import parse
from riskcontrol.language.text import text
from riskcontrol.language.words import FUNCTIONS, MARKET, POSITION
from tests.language.test_parser import MISTAKES
from tests.language.trees import PATIENT, conditions

Result = TypeVar("Result")

PIECES = [
    *MARKET, *POSITION, *FUNCTIONS, *INDICATORS, "and", "or", "not", *"+-*/()<>,.%$=!", "<=", ">=", "==", "!=", " ",
    "1", "0", "14", "0.5", "2%", "30m", "09:45", "$0", "1e9", "9" * 15, "\n", "\x00", "é", "٣", "²", "\ud800",
]  # fmt: skip
STEPS_A_RULE = 2_000_000
"""Lines of Python that may run for the canonical form and the alternatives of any rule that parses."""

STEPS_A_CHARACTER = 1000
"""Lines of Python that the parser may run for each character of a text, and of one more."""

pieces = st.lists(st.sampled_from(PIECES), max_size=60).map(lambda parts: "".join(parts))
spaced = st.lists(st.sampled_from(PIECES), max_size=60).map(lambda parts: " ".join(parts))


texts = st.one_of(conditions().map(text), st.sampled_from([line.partition(" | ")[0] for line in MISTAKES.splitlines()]))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw the text of a rule, or of a known mistake, with pieces of it cut, doubled or replaced."""
    written = draw(texts)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(written)))
        end = draw(st.integers(start, min(len(written), start + 8)))
        new = draw(
            st.one_of(st.just(""), st.sampled_from(PIECES), st.just(written[start:end] * 2), st.text(max_size=3))
        )
        written = written[:start] + new + written[end:]
    return written


def outcome(call: Callable[[], Result]) -> Result | LanguageError:
    """Return what a call gives, or its LanguageError."""
    try:
        return call()
    except LanguageError as error:
        return error


def steps(call: Callable[[], Result]) -> tuple[Result | LanguageError, int]:
    """Return what a call gives, or its LanguageError, and how many lines of Python it takes."""
    count = 0

    def trace(_frame: object, event: str, _argument: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        return outcome(call), count
    finally:
        sys.settrace(before)


@settings(PATIENT, max_examples=150)
@given(st.one_of(st.text(), pieces, spaced, mutated()))
def test_text_gives_a_tree_or_an_error_at_one_of_its_columns(written: str) -> None:
    result = outcome(lambda: parse(written, parameters=True))
    if isinstance(result, LanguageError):
        assert 0 <= result.column <= len(written) + 1
        assert len(result.pointed().splitlines()) == (2 if result.column else 0)
        assert str(result).isprintable()
    else:
        assert parse(text(result), parameters=True) == result
        assert outcome(lambda: clauses(canonical(result)))


LONG = [
    "price > 1 and " * 142 + "low > 1",
    "(" * 1000 + ")" * 1000,
    "not " * 500,
    "-" * 2000,
    "1" * 2000,
    "a" * 2000,
    "a " * 1000,
    "." * 2000,
    "1:" * 1000,
    "1<" * 1000,
    "low<" * 500,
    "low+" * 500,
    "rsi(" * 500,
    "rsi(" + "1," * 998,
    "max(" * 500,
    "max(" + "low," * 499,
    " " * 2000,
    "\n" * 1999 + "x",
    "$" * 2000,
    "low/(1-1" + "-1" * 900 + ")",
    "low" + "/(2" * 45 + ")" * 45 + " > 1",
    "low > " + "/".join(["0.000000001"] * 49),
    "low > " + "*".join(["999999999999"] * 49),
]


@pytest.mark.parametrize("written", LONG, ids=lambda written: written[:12] + str(len(written)))
def test_long_text_takes_steps_in_proportion_to_its_length(written: str) -> None:
    result, count = steps(lambda: parse(written))
    assert count <= STEPS_A_CHARACTER * (len(written) + 1)
    if not isinstance(result, LanguageError):
        assert parse(text(canonical(result))) == canonical(result)


@settings(PATIENT, max_examples=100)
@given(mutated())
def test_mutated_text_takes_steps_in_proportion_to_its_length(written: str) -> None:
    assert steps(lambda: parse(written))[1] <= STEPS_A_CHARACTER * (len(written) + 1)


INTRICATE = [
    "abs(" * 22 + "price - entry" + " - 1)" * 22 + " > 1",
    "abs(" * 3 + "price - entry" + " - 1)" * 3 + " > 1",
    "low > " + "abs(high - " * 22 + "close" + ")" * 22,
    "low > " + "-1 * (high - abs(2 * " * 11 + "close" + "))" * 11,
    "low > " + "(high - (" * 22 + "close" + ") * 2)" * 22,
    "low > " + "min(high, " * 45 + "close" + ")" * 45,
    "low > " + "(2 / " * 45 + "close" + ")" * 45,
    "price > " + "1 / (entry + 1 / (peak - " * 11 + "close" + "))" * 11,
    "1 / (entry + 1 / (peak + " * 11 + "price" + "))" * 11 + " > 3",
    "entry < " + "abs(2 * (entry + 2 / (peak + " * 7 + "price" + ")))" * 7,
    "price > " + " + ".join(f"entry * {i}.5" for i in range(48)),
    " and ".join(f"(price > entry + {i} or held > {i}s)" for i in range(1, 20)),
    " and ".join(f"(price > entry + {i} or price < peak - {i} or held > {i}s)" for i in range(1, 14)),
    " or ".join(f"(low > {i} and price < peak - {i})" for i in range(1, 20)),
    "not (" * 24 + "price > entry or low > 1" + ")" * 24,
]


@pytest.mark.parametrize("written", INTRICATE, ids=lambda written: written[:24])
def test_an_intricate_rule_takes_a_bounded_number_of_steps(written: str) -> None:
    node = parse(written)
    result, count = steps(lambda: clauses(canonical(node)))
    assert result
    assert count <= STEPS_A_RULE

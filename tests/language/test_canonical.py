"""The canonical form: one for all texts of a meaning, the same meaning as the text, and text again."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from riskcontrol.language.canonical import canonical
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.parser import parse
from riskcontrol.language.text import text
from riskcontrol.language.tree import Node
from tests.language.trees import Moment, conditions, holds, moments


def form(node: Node) -> Node:
    """Return the canonical form; a tree that has none (it divides by zero, it is too long) is not looked at."""
    try:
        return canonical(node)
    except LanguageError as error:
        assume("division by zero" not in error.what and "too long" not in error.what)
        raise


@given(conditions())
def test_text_parses_to_the_tree_that_it_was_written_from(node: Node) -> None:
    assert parse(text(node)) == node


@given(conditions())
def test_the_canonical_text_parses_to_the_canonical_form(node: Node) -> None:
    result = form(node)
    assert parse(text(result)) == result


@given(conditions())
def test_the_canonical_form_is_its_own(node: Node) -> None:
    result = form(node)
    assert canonical(result) == result


@settings(max_examples=500)
@given(conditions(), st.lists(moments(), min_size=1, max_size=4))
def test_the_canonical_form_holds_exactly_when_the_rule_does(node: Node, seen: list[Moment]) -> None:
    result = form(node)
    for moment in seen:
        assert holds(result, moment) is holds(node, moment), text(result)

"""Takes the numbers out of a strategy's rules, so that rules that differ in their numbers alone are one rule."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from riskcontrol.language.contents import children, is_market, rebuilt
from riskcontrol.language.limits import MOST_PARAMETERS
from riskcontrol.language.numbers import decimal_text
from riskcontrol.language.tree import And, Negative, Node, Not, Number, Or, Parameter


def parametrise(
    buy: Node, sell: Node | None, limit: int = MOST_PARAMETERS
) -> tuple[Node, Node | None, tuple[float, ...]]:
    """Replace the first numbers of comparisons with a position's words by parameters, in the order of the text.

    Args:
        buy: Canonical rule.
        sell: The same, or None.
        limit: At most so many.

    Returns:
        Both rules, and the parameters' values: never negative (a minus stays in the rule) and each the float of a
        number's text. A number of more digits than a float holds stays in the rule.
    """
    values: list[float] = []
    new_buy = _replaced(buy, values, limit)
    return new_buy, None if sell is None else _replaced(sell, values, limit), tuple(values)


def substitute(node: Node, values: Sequence[float]) -> Node:
    """Put values in the place of parameters.

    Raises:
        IndexError: There is no value for one.
        ValueError: A value is negative, not finite or has too many digits.
    """
    if isinstance(node, Negative) and isinstance(node.operand, Parameter):
        return Number(f"-{number_text(values[node.operand.index])}")
    if isinstance(node, Parameter):
        return Number(number_text(values[node.index]))
    return rebuilt(node, tuple(substitute(child, values) for child in children(node))) if children(node) else node


def _replaced(node: Node, values: list[float], limit: int) -> Node:
    """Replace numbers in the position's comparisons under a node."""
    if is_market(node):
        return node
    if isinstance(node, (And, Or, Not)):
        return rebuilt(node, tuple(_replaced(child, values, limit) for child in children(node)))
    return _without_numbers(node, values, limit)


def _without_numbers(node: Node, values: list[float], limit: int) -> Node:
    if isinstance(node, Number):
        negative, digits = node.text.startswith("-"), node.text.removeprefix("-")
        if len(values) >= limit or _text_of(float(digits)) != digits:
            return node
        values.append(float(digits))
        parameter = Parameter(len(values) - 1)
        return Negative(parameter) if negative else parameter
    if not children(node):
        return node
    return rebuilt(node, tuple(_without_numbers(child, values, limit) for child in children(node)))


def _text_of(value: float) -> str | None:
    return decimal_text(Fraction(repr(value)))


def number_text(value: float) -> str:
    """Return the text of a parameter's value.

    Raises:
        ValueError: It is negative, not finite or has more digits than a number of the language.

    >>> number_text(0.1)
    '0.1'
    """
    written = _text_of(float(value)) if 0 <= value < float("inf") else None
    if written is None:
        raise ValueError(f"{value!r} can't be a parameter of a rule")
    return written

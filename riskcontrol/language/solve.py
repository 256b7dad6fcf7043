"""Solves a comparison for the price, so that the engine can wait for a price level instead of looking at every trade.

Both sides are multiplied or divided by what is known to be positive only, so the solved comparison holds exactly when
the other does. Whatever can't be solved so stays as it is.
"""

from __future__ import annotations

from riskcontrol.language.algebra import Term, canonical_number, constant_value, terms, written
from riskcontrol.language.contents import walk
from riskcontrol.language.numbers import decimal_text
from riskcontrol.language.tree import And, Arithmetic, Comparison, Function, Negative, Node, Number, Or, Word

PRICE = Word("price")
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""What a comparison becomes when its sides change places."""

MOST_SPLITS = 3
"""Each makes two comparisons of one, and no rule may have over eight alternatives."""

_POSITIVE = ("price", "reference", "entry", "peak")


def prices_in(node: Node) -> int:
    """Return how often a tree says `price`."""
    return sum(n == PRICE for n in walk(node))


def solved(operator: str, left: Node, right: Node, splits: int = MOST_SPLITS) -> Node | None:
    """Return a comparison, or two of them joined, with `price` alone on the left; None if it can't be done.

    Args:
        operator: The comparison's.
        left: Its canonical left side, which says `price` once.
        right: Its canonical right side, which doesn't.
        splits: How many `abs`, one inside the other, may still be made two comparisons.
    """
    while left != PRICE:
        term, right = _without_the_rest(left, right)
        if term.sign < 0:
            operator, right = FLIPPED[operator], canonical_number(Negative(right))
        factor = next((node for node in term.factors if prices_in(node)), None)
        if factor is None:
            factor = next(node for node in term.under if prices_in(node))
            turned = _from_below(term, factor, operator, right)
            if turned is None:
                return None
            operator, right = turned
        else:
            if not term.coefficient or not all(positive(n) for n in (*term.factors, *term.under) if n is not factor):
                return None
            right = _divided(right, term, factor)
        if isinstance(factor, Function):
            return _without_sign(operator, factor, right, splits)
        left = factor
    return Comparison(operator, PRICE, right)


def positive(node: Node) -> bool:
    """Tell whether a number is known to be above zero whenever it has a value."""
    value = constant_value(node)
    if value is not None:
        return value > 0
    match node:
        case Word(name):
            return name in _POSITIVE
        case Arithmetic(operator, left, right):
            return operator in "+*/" and positive(left) and positive(right)
        case Function(name, arguments):
            return name != "abs" and all(map(positive, arguments))
        case _:
            return False


def _without_the_rest(left: Node, right: Node) -> tuple[Term, Node]:
    """Return the term of the left side with the price in it, and the right side less all others."""
    parts = terms(left)
    term = next(part for part in parts if any(map(prices_in, part.factors + part.under)))
    others = [part for part in parts if part is not term]
    return term, canonical_number(Arithmetic("-", right, written(others))) if others else right


def _divided(right: Node, term: Term, factor: Node) -> Node:
    """Return the right side divided by everything in a term but one factor."""
    for divisor in [*_numbers(term.multipliers), *(node for node in term.factors if node is not factor)]:
        right = Arithmetic("/", right, divisor)
    for multiplier in [*_numbers(term.divisors), *term.under]:
        right = Arithmetic("*", right, multiplier)
    return canonical_number(right)


def _from_below(term: Term, factor: Node, operator: str, right: Node) -> tuple[str, Node] | None:
    """Turn ``a / factor < right`` into ``factor > a / right``, as operator and right side."""
    value = constant_value(right)
    rest = [node for node in term.under if node is not factor]
    if not term.coefficient or not all(map(positive, (factor, *rest))):
        return None
    if not positive(right) and not (value is not None and value < 0):
        return None
    # The term without the factor, over the right side. A negative right side turns the comparison once more.
    result: Node = written([Term(1, term.multipliers, term.divisors, term.factors, ())])
    for divisor in (right, *rest):
        result = Arithmetic("/", result, divisor)
    return operator if value is not None and value < 0 else FLIPPED[operator], canonical_number(result)


def _without_sign(operator: str, function: Function, right: Node, splits: int) -> Node | None:
    """Return ``abs(a) > b`` as ``a > b or a < -b``, ``abs(a) < b`` as ``a < b and a > -b``, both solved."""
    if function.name != "abs" or operator in ("==", "!=") or not splits:
        return None
    inner, opposite = function.arguments[0], canonical_number(Negative(right))
    first = solved(operator, inner, right, splits - 1)
    # Both halves can be solved, or neither: one that can't must not be tried twice on every level.
    second = None if first is None else solved(FLIPPED[operator], inner, opposite, splits - 1)
    if first is None or second is None:
        return None
    return Or((first, second)) if operator in (">", ">=") else And((first, second))


def _numbers(values: tuple[object, ...]) -> list[Node]:
    return [Number(str(decimal_text(value))) for value in values]

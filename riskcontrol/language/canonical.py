"""The one form that all texts of the same meaning share.

Numbers are folded and sorted (`algebra`), conditions are rid of `not`, flattened, sorted and said once, comparisons
are orientated, and those of a position are solved for the price where that can be done (`solve`).
"""

from __future__ import annotations

from functools import lru_cache

from riskcontrol.language.algebra import canonical_number
from riskcontrol.language.contents import children, depth_of, is_constant, is_market, rebuilt, walk
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_CHARACTERS, MOST_DEPTH, MOST_NODES
from riskcontrol.language.solve import FLIPPED, PRICE, prices_in, solved
from riskcontrol.language.text import order, text
from riskcontrol.language.tree import And, Clock, Comparison, Cross, Duration, Node, Not, Or, Word

OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


# A rule is brought into this form wherever it is handed on: where it was read, taken apart, checked.
@lru_cache(maxsize=1_024)
def canonical(node: Node) -> Node:
    """Return the canonical form of a condition, or of an expression that gives a number.

    ``parse(text(canonical(node)))`` is ``canonical(node)`` again.

    Raises:
        LanguageError: The form is too large, or it divides by zero.
    """
    result = _condition(node, negated=False)
    count = sum(1 for _ in walk(result))
    if count > MOST_NODES or depth_of(result) > MOST_DEPTH or len(text(result)) > MOST_CHARACTERS:
        raise LanguageError(
            "the rule is too long when everything in it is said",
            expected=f"at most {MOST_NODES} words, numbers and operators, {MOST_CHARACTERS:,} characters and "
            f"{MOST_DEPTH} terms in one sum are accepted",
        )
    return result


def joined(kind: type[And] | type[Or], parts: tuple[Node, ...]) -> Node:
    """Return canonical conditions joined by `and` or `or`: flattened, each said once, sorted.

    Args:
        kind: `And` or `Or`.
        parts: One or more canonical conditions.
    """
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    said = {text(part): part for part in flat}
    kept = tuple(said[key] for key in sorted(said, key=order))
    return kept[0] if len(kept) == 1 else kind(kept)


def _condition(node: Node, *, negated: bool) -> Node:
    match node:
        case Not(part):
            return _condition(part, negated=not negated)
        case And(parts) | Or(parts):
            kind = And if isinstance(node, And) is not negated else Or
            return joined(kind, tuple(_condition(part, negated=negated) for part in parts))
        case Comparison(operator, left, right):
            return _comparison(OPPOSITE[operator] if negated else operator, left, right)
        case Cross():
            return _cross(node, negated=negated)
        case _:
            return canonical_number(node)


def _comparison(operator: str, left: Node, right: Node) -> Node:
    if isinstance(left, (Clock, Duration)) or isinstance(right, (Clock, Duration)):
        literal = isinstance(left, (Clock, Duration))
        return Comparison(FLIPPED[operator], right, left) if literal else Comparison(operator, left, right)
    left, right = canonical_number(left), canonical_number(right)
    if _place(right) < _place(left):
        operator, left, right = FLIPPED[operator], right, left
    # The price is on the left now, if it is said at all.
    if not (is_market(left) and is_market(right)) and prices_in(left) == 1 and not prices_in(right):
        result = solved(operator, left, right)
        if result is not None:
            return _rejoined(result)
    return Comparison(operator, left, right)


def _rejoined(node: Node) -> Node:
    """Return canonical comparisons, joined in any way, in canonical form."""
    return joined(type(node), tuple(map(_rejoined, node.parts))) if isinstance(node, (And, Or)) else node


def _place(node: Node) -> tuple[bool, bool, bool, tuple[object, ...]]:
    """Return what decides which side of a comparison is the left one: price, then words alone; numbers go right."""
    return not prices_in(node), is_constant(node), bool(children(node)), order(text(node))


def _cross(node: Cross, *, negated: bool) -> Node:
    left, right = (canonical_number(of_bars(side)) for side in (node.left, node.right))
    above = node.above
    if (is_constant(right), order(text(right))) < (is_constant(left), order(text(left))):
        above, left, right = not above, right, left
    return Cross(above, left, right, node.negated is not negated)


def of_bars(node: Node) -> Node:
    """Return an expression with the bar's close for the price, which is what `price` means in a cross."""
    if node == PRICE:
        return Word("close")
    return rebuilt(node, tuple(map(of_bars, children(node)))) if children(node) else node

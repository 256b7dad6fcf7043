"""What a tree is made of: its size, its words, its indicators, the parts that are the market's alone."""

from __future__ import annotations

from collections.abc import Iterator

from riskcontrol.language.text import order, text
from riskcontrol.language.tree import (
    MARKET_WORDS,
    And,
    Arithmetic,
    Clock,
    Comparison,
    Cross,
    Duration,
    Function,
    Indicator,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Parameter,
    Word,
)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right under a node, in the order of the text."""
    match node:
        case Arithmetic(_, left, right) | Comparison(_, left, right) | Cross(_, left, right):
            return (left, right)
        case Negative(part) | Not(part):
            return (part,)
        case Function(_, parts) | And(parts) | Or(parts):
            return parts
        case _:
            return ()


def rebuilt(node: Node, parts: tuple[Node, ...]) -> Node:
    """Return the same kind of node with other nodes under it."""
    match node:
        case Arithmetic(operator, _, _):
            return Arithmetic(operator, *parts)
        case Comparison(operator, _, _):
            return Comparison(operator, *parts)
        case Cross(above, _, _, negated):
            return Cross(above, parts[0], parts[1], negated)
        case Negative():
            return Negative(*parts)
        case Not():
            return Not(*parts)
        case Function(name, _):
            return Function(name, parts)
        case And():
            return And(parts)
        case Or():
            return Or(parts)
        case _:
            return node


def walk(node: Node) -> Iterator[Node]:
    """Yield every node of a tree, each before those under it, in the order of the text."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def depth_of(node: Node) -> int:
    """Return how many nodes lie on the longest way down, the first included."""
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for parent in level for child in children(parent)]
    return deepest


def is_constant(node: Node) -> bool:
    """Tell whether nothing in a tree ever changes: numbers, durations and clock times alone."""
    return all(children(n) or isinstance(n, (Number, Duration, Clock)) for n in walk(node))


def is_market(node: Node) -> bool:
    """Tell whether a tree is the same for everybody: no position's word and no parameter in it."""
    return not any(isinstance(n, Parameter) or (isinstance(n, Word) and n.name not in MARKET_WORDS) for n in walk(node))


def market_nodes(node: Node) -> tuple[Node, ...]:
    """Return the largest parts of a tree that are the market's alone and not constant, each once, sorted by text."""
    found: dict[str, Node] = {}
    stack = [node]
    while stack:
        node = stack.pop()
        if not is_market(node):
            stack.extend(children(node))
        elif not is_constant(node):
            found[text(node)] = node
    return tuple(found[key] for key in sorted(found, key=order))


def indicators_of(node: Node) -> tuple[Indicator, ...]:
    """Return the indicators in a tree, each once, sorted by text."""
    found = {text(n): n for n in walk(node) if isinstance(n, Indicator)}
    return tuple(found[key] for key in sorted(found, key=order))


def words_of(node: Node) -> tuple[str, ...]:
    """Return the words in a tree, each once, sorted."""
    return tuple(sorted({n.name for n in walk(node) if isinstance(n, Word)}))

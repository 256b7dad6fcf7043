"""What the parser knows of a piece of the tree that it has built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from riskcontrol.language.text import text
from riskcontrol.language.tree import And, Clock, Comparison, Cross, Duration, Node, Not, Number, Or

_SHOWN = 24


class Type(Enum):
    """What a node gives."""

    NUMBER = 1
    CONDITION = 2
    CLOCK = 3
    """A time of day: the word `time` or a clock time."""
    DURATION = 4
    """A length of time: the word `held` or a duration."""


@dataclass(frozen=True, slots=True)
class Part:
    """A node and what was found out about it.

    Attributes:
        node: The node.
        type: What it gives.
        start: Column where its text begins.
        end: Column after its text.
        size: How many nodes it has.
        depth: How many nodes lie on its longest way down.
        constant: Whether nothing in it ever changes.
        market: Whether it has no position's word in it.
    """

    node: Node
    type: Type
    start: int
    end: int
    size: int
    depth: int
    constant: bool
    market: bool


def describe(node: Node) -> str:
    """Return what a message calls a node: its text, or what it is where that is long.

    >>> describe(Number("3")), describe(Clock(35100))
    ('the number 3', 'the clock time 09:45')
    """
    if isinstance(node, Clock):
        return f"the clock time {text(node)}"
    if isinstance(node, Duration):
        return f"the duration {text(node)}"
    if isinstance(node, (And, Or, Not, Comparison, Cross)):
        return "a condition"
    written = text(node)
    if len(written) > _SHOWN:
        return "a calculation"
    return f"the number {written}" if isinstance(node, Number) else f"'{written}'"

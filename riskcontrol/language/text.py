"""Writes a tree as text, with the parentheses that it needs and no others."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from riskcontrol.language.tree import (
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
    Written,
)
from riskcontrol.language.words import UNITS

OR, AND, NOT, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(1, 9)
"""How tightly a node's outermost operator binds, for this module and the parser."""

_NUMERALS = re.compile(r"([0-9]+(?:\.[0-9]+)?)")


def text(node: Node) -> str:
    """Return a tree as text that parses to it again.

    >>> text(Comparison("<=", Word("price"), Arithmetic("-", Word("reference"), Number("0.1"))))
    'price <= reference - 0.1'
    """
    return _written(node)[0]


@lru_cache(maxsize=4_096)
def order(written: str) -> tuple[str | Fraction, ...]:
    """Return what texts are sorted by: their words by letters, their numbers by value.

    >>> sorted(["rsi(close, 14) < 70", "rsi(close, 9) < 70"], key=order)
    ['rsi(close, 9) < 70', 'rsi(close, 14) < 70']
    """
    pieces = _NUMERALS.split(written)
    return tuple(Fraction(piece) if i % 2 else piece for i, piece in enumerate(pieces))


def duration_text(seconds: int) -> str:
    """Return a duration in the largest unit that divides it.

    >>> duration_text(5400)
    '90m'
    """
    unit = max((u for u in UNITS if seconds % UNITS[u] == 0), key=UNITS.__getitem__) if seconds else "s"
    return f"{seconds // UNITS[unit]}{unit}"


def _written(node: Node) -> tuple[str, int]:
    """Return a node's text and how tightly its outermost operator binds."""
    match node:
        case Number(number):
            return number, UNARY if number.startswith("-") else ATOM
        case Parameter(index):
            return f"${index}", ATOM
        case Duration(seconds):
            return duration_text(seconds), ATOM
        case Clock(seconds):
            minutes, rest = divmod(seconds, 60)
            return f"{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else ""), ATOM
        case Word(name):
            return name, ATOM
        case Written(side):
            return side, SUM
        case Indicator(name, source, parameters, output):
            inside = ", ".join(([source] if source else []) + list(parameters))
            return f"{name}({inside})" + (f".{output}" if output else ""), ATOM
        case Function(name, arguments):
            return f"{name}({', '.join(map(text, arguments))})", ATOM
        case Cross(above, left, right, negated):
            cross = f"crosses_{'above' if above else 'below'}({text(left)}, {text(right)})"
            return (f"not {cross}", NOT) if negated else (cross, ATOM)
        case Negative(operand):
            return "-" + _inside(operand, UNARY), UNARY
        case Arithmetic(operator, left, right):
            power = SUM if operator in "+-" else PRODUCT
            return f"{_inside(left, power)} {operator} {_inside(right, power + 1)}", power
        case Comparison(operator, left, right):
            return f"{_inside(left, SUM)} {operator} {_inside(right, SUM)}", COMPARE
        case Not(part):
            return f"not {_inside(part, NOT)}", NOT
        case And(parts):
            return " and ".join(_inside(part, AND + 1) for part in parts), AND
        case Or(parts):
            return " or ".join(_inside(part, OR + 1) for part in parts), OR


def _inside(node: Node, least: int) -> str:
    """Return a node's text, in parentheses if it binds less tightly than its place asks for."""
    written, power = _written(node)
    return written if power >= least else f"({written})"

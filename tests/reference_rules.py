"""What a strategy's rules come to in `tests.reference`: the tree that they are, looked at anew each time."""

from __future__ import annotations

import datetime as dt
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    Number,
    Or,
    Word,
)
from riskcontrol.newyork import NEW_YORK
from riskcontrol.trades import NS_PER_SECOND

if TYPE_CHECKING:
    from tests.reference import Position

OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
VWAP = Indicator("vwap", "", (), "")


@dataclass
class View:
    """What a rule sees."""

    position: Position
    time: int
    price: int

    def word(self, name: str, ago: int = 0, *, crossing: bool = False) -> float:
        """Return the value of a word."""
        p = self.position
        if crossing and name == "price":
            name = "close"
        if name == "price":
            return self.price / 1e6
        if name == "time":
            local = dt.datetime.fromtimestamp(self.time // NS_PER_SECOND, NEW_YORK)
            seconds = local.hour * 3600 + local.minute * 60 + local.second
            return seconds + self.time % NS_PER_SECOND / 1e9
        if name == "reference":
            return (p.reference or 0) / 1e6
        if name in ("entry", "peak", "held") and not p.shares:
            return math.nan
        if name == "entry":
            return p.entry / 1e6
        if name == "peak":
            return p.peak / 1e6
        if name == "held":
            return (self.time - p.entered) / 1e9
        return p.bars.value(VWAP, ago) if name == "vwap" else p.bars.column(name, ago)


def number(node: Node, view: View, ago: int = 0, *, crossing: bool = False) -> float:
    """Return the value of an expression, NaN where it has none."""
    match node:
        case Word(name):
            return view.word(name, ago, crossing=crossing)
        case Number():
            return node.value
        case Indicator():
            return view.position.bars.value(node, ago)
        case Duration(seconds) | Clock(seconds):
            return float(seconds)

    def of(part: Node) -> float:
        return number(part, view, ago, crossing=crossing)

    match node:
        case Negative(operand):
            return -of(operand)
        case Arithmetic("+", left, right):
            return of(left) + of(right)
        case Arithmetic("-", left, right):
            return of(left) - of(right)
        case Arithmetic("*", left, right):
            return of(left) * of(right)
        case Arithmetic(_, left, right):
            return of(left) / of(right) if of(right) else math.nan
        case Function("abs", (only,)):
            return abs(of(only))
        case Function(name, parts):
            found = [of(part) for part in parts]
            if any(map(math.isnan, found)):
                return math.nan
            return min(found) if name == "min" else max(found)
    raise TypeError(node)


def micro(value: float) -> int | None:
    """Return a number rounded to six places, in millionths; None if it has no value."""
    scaled = value * 1e6
    return round(scaled) if math.isfinite(scaled) else None


def truth(node: Node, view: View) -> bool:
    """Return whether a canonical condition holds."""
    match node:
        case Comparison(sign, left, right):
            a, b = micro(number(left, view)), micro(number(right, view))
            return a is not None and b is not None and OPERATORS[sign](a, b)
        case And(parts):
            return all(truth(part, view) for part in parts)
        case Or(parts):
            return any(truth(part, view) for part in parts)
        case Cross(above, left, right, negated):
            found = [micro(number(side, view, ago, crossing=True)) for ago in (1, 0) for side in (left, right)]
            if None in found:
                return False
            a0, b0, a1, b1 = (value for value in found if value is not None)
            crossed = view.position.bars.fresh and (a0 <= b0 and a1 > b1 if above else a0 >= b0 and a1 < b1)
            return crossed != negated
    raise TypeError(node)

"""Random rules, and a plain evaluator of them with exact fractions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from riskcontrol.language.algebra import constant_value
from riskcontrol.language.contents import is_constant
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
    Word,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For machines that do something else at the same time."""

OPERATORS = ("<", "<=", ">", ">=")
BAR_WORDS = ("open", "high", "low", "close", "volume", "vwap")
INDICATORS = (
    Indicator("sma", "close", ("5",), ""),
    Indicator("ema", "close", ("12",), ""),
    Indicator("rsi", "close", ("14",), ""),
    Indicator("atr", "", ("14",), ""),
    Indicator("highest", "high", ("3",), ""),
    Indicator("sma", "volume", ("20",), ""),
    Indicator("macd", "close", ("3", "6", "4"), "histogram"),
    Indicator("bollinger", "close", ("20", "2"), "lower"),
)
POSITION_NUMBERS = ("reference", "entry", "peak")

numbers = st.one_of(
    st.sampled_from(["0", "1", "2", "-1", "0.5", "3", "0.1", "-3", "1.02", "100", "0.000000001", "999999999999"]),
    st.decimals(min_value=-1000, max_value=1000, places=2, allow_nan=False, allow_infinity=False).map(
        lambda d: f"{d.normalize():f}".replace("-0", "0") if d == 0 else f"{d.normalize():f}"
    ),
).map(Number)


# Made once: hypothesis looks through each strategy that it has not seen, which took longer than drawing from it.
@cache
def values(
    *, position: bool = True, price: bool = True, indicators: tuple[Indicator, ...] = INDICATORS
) -> st.SearchStrategy[Node]:
    """Draw expressions that give a number.

    Args:
        position: Whether a position's words may be in them.
        price: Whether `price` may be in them.
        indicators: Which indicators may be in them.
    """
    names = BAR_WORDS + (("price",) * 3 if price else ()) + (POSITION_NUMBERS if position else ())
    leaves: st.SearchStrategy[Node] = st.one_of(
        numbers, st.sampled_from([*map(Word, names), *indicators]), st.sampled_from([*map(Word, names)])
    )

    def larger(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.one_of(
            st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner).filter(_divides),
            # Minus a number is a number: no tree has one inside the other.
            inner.filter(lambda n: not isinstance(n, Number)).map(Negative),
            st.builds(Function, st.sampled_from(["min", "max"]), st.tuples(inner, inner)),
            st.builds(Function, st.just("abs"), st.tuples(inner)),
        )

    return st.recursive(leaves, larger, max_leaves=6)


@cache
def _beside_price(indicators: tuple[Indicator, ...]) -> st.SearchStrategy[Node]:
    """Draw what stands beside `price`."""
    known = st.sampled_from([*map(Word, POSITION_NUMBERS), Number("2"), Number("0.5"), Number("-3"), Number("1.02")])
    return st.one_of(known, known, values(price=False, indicators=indicators))


@st.composite
def priced(draw: st.DrawFn, indicators: tuple[Indicator, ...] = INDICATORS) -> Node:
    """Draw comparisons of a position that say `price` once, inside sums, products, quotients and `abs`."""
    others = _beside_price(indicators)
    node: Node = Word("price")
    for _ in range(draw(st.integers(1, 4))):
        other = draw(others)
        kind = draw(st.sampled_from("+-*/rnam"))
        pair = (other, node) if kind == "r" or draw(st.booleans()) else (node, other)
        if kind == "n":
            node = Negative(node)
        elif kind == "a":
            node = Function("abs", (node,))
        elif kind == "m":
            node = Function("max", pair)
        elif _divides(candidate := Arithmetic("/" if kind == "r" else kind, *pair)):
            node = candidate
    sides = (node, draw(others)) if draw(st.booleans()) else (draw(others), node)
    return Comparison(draw(st.sampled_from([*OPERATORS, "==", "!="])), *sides)


@cache
def comparisons(*, position: bool = True, indicators: tuple[Indicator, ...] = INDICATORS) -> st.SearchStrategy[Node]:
    """Draw comparisons and crosses."""
    inner = values(position=position, indicators=indicators)
    market = values(position=False, indicators=indicators)
    operators = st.sampled_from([*OPERATORS, "==", "!="])
    kinds = [
        st.builds(Comparison, operators, inner, inner).filter(_changes),
        st.builds(Comparison, st.sampled_from(OPERATORS), st.just(Word("price")), inner),
        st.builds(Cross, st.booleans(), market, market).filter(_changes),
        st.builds(Comparison, st.sampled_from(OPERATORS), st.just(Word("time")), clocks),
        st.builds(Comparison, st.sampled_from(OPERATORS), clocks, st.just(Word("time"))),
    ]
    if position:
        kinds.append(st.builds(Comparison, st.sampled_from(OPERATORS), st.just(Word("held")), durations))
        kinds.append(priced(indicators=indicators))
    return st.one_of(kinds)


@cache
def conditions(
    *, position: bool = True, leaves: int = 5, indicators: tuple[Indicator, ...] = INDICATORS
) -> st.SearchStrategy[Node]:
    """Draw rules as somebody might write them: not canonical.

    Args:
        position: Whether a position's words may be in them.
        leaves: At most about so many comparisons.
        indicators: Which indicators may be in them.
    """
    return st.recursive(
        comparisons(position=position, indicators=indicators),
        lambda inner: st.one_of(
            inner.map(_opposite),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        ),
        max_leaves=leaves,
    )


clocks = st.integers(0, 86_399).map(Clock)
durations = st.integers(0, 200_000).map(Duration)


@dataclass(frozen=True)
class Moment:
    """What a rule can see.

    Attributes:
        values: Of words and indicators now; None while there is none.
        before: Of the bar before, for crosses.
    """

    values: Mapping[Node, Fraction | None]
    before: Mapping[Node, Fraction | None]


_amounts = st.integers(1, 160).map(lambda n: Fraction(n, 8))
_signed = st.one_of(st.none(), st.integers(-160, 160).map(lambda n: Fraction(n, 8)))
_of_bars = (*map(Word, BAR_WORDS), *INDICATORS)
_bars = st.tuples(*[_signed] * len(_of_bars))


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    """Draw what a rule sees: prices are positive, indicators may have no value, nor entry, peak and held."""
    now: dict[Node, Fraction | None] = {Word("price"): draw(_amounts), Word("reference"): draw(_amounts)}
    held = draw(st.booleans())
    for name in ("entry", "peak"):
        now[Word(name)] = draw(_amounts) if held else None
    now[Word("held")] = Fraction(draw(st.integers(0, 200_000))) if held else None
    now[Word("time")] = Fraction(draw(st.integers(0, 86_399)))
    now |= zip(_of_bars, draw(_bars), strict=True)
    before: dict[Node, Fraction | None] = dict(zip(_of_bars, draw(_bars), strict=True))
    return Moment(now, before)


def holds(node: Node, moment: Moment, negated: bool = False) -> bool:
    """Tell whether a rule holds: `not` reaches the comparisons, and one without a value is false either way."""
    match node:
        case Not(part):
            return holds(part, moment, not negated)
        case And(parts) | Or(parts):
            every = isinstance(node, And) is not negated
            return (all if every else any)(holds(part, moment, negated) for part in parts)
        case Comparison(operator, left, right):
            a, b = value(left, moment.values), value(right, moment.values)
            return a is not None and b is not None and _compare(operator, a, b) is not negated
        case Cross(above, left, right, opposite):
            return _crosses(above, left, right, moment, opposite is not negated)
    raise AssertionError(f"{node} is no condition")


def value(node: Node, seen: Mapping[Node, Fraction | None]) -> Fraction | None:
    """Return what an expression comes to, None if anything in it has no value or it divides by zero."""
    match node:
        case Number(text):
            return Fraction(text)
        case Duration(seconds) | Clock(seconds):
            return Fraction(seconds)
        case Negative(operand):
            inner = value(operand, seen)
            return None if inner is None else -inner
        case Function(name, arguments):
            known = [value(argument, seen) for argument in arguments]
            if None in known:
                return None
            return abs(known[0]) if name == "abs" else (min if name == "min" else max)(known)  # type: ignore[arg-type,type-var,return-value]
        case Arithmetic(operator, left, right):
            a, b = value(left, seen), value(right, seen)
            if a is None or b is None or (operator == "/" and b == 0):
                return None
            return {"+": a.__add__, "-": a.__sub__, "*": a.__mul__, "/": a.__truediv__}[operator](b)
    return seen[node]


def _compare(operator: str, a: Fraction, b: Fraction) -> bool:
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[operator]


def _crosses(above: bool, left: Node, right: Node, moment: Moment, negated: bool) -> bool:
    sides = []
    for seen in (moment.before, moment.values):
        bar = {**seen, Word("price"): seen[Word("close")]}
        sides.append((value(left, bar), value(right, bar)))
    (a, b), (c, d) = sides
    if a is None or b is None or c is None or d is None:
        return False
    return (a <= b and c > d if above else a >= b and c < d) is not negated


def _opposite(node: Node) -> Node:
    """Return a condition's opposite as the parser does: a cross knows that it is negated."""
    return replace(node, negated=True) if isinstance(node, Cross) and not node.negated else Not(node)


def _divides(node: Node) -> bool:
    return not (isinstance(node, Arithmetic) and node.operator == "/" and constant_value(node.right) == 0)


def _changes(node: Node) -> bool:
    return not is_constant(node)

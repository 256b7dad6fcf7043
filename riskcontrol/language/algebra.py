"""The canonical form of numbers: sums of products, constants folded exactly.

A sum's terms are sorted, what is added first, its constant last; a product has its constant after its other factors
and a minus before its first. Nothing that has no value for a while ever disappears: `x * 0` and `x - x` stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import prod

from riskcontrol.language.contents import children, walk
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.numbers import LIMIT, decimal_text
from riskcontrol.language.text import order, text
from riskcontrol.language.tree import POSITION_WORDS, Arithmetic, Function, Negative, Node, Number, Parameter, Word

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Term:
    """A product: ``sign · multipliers · factors / (divisors · under)``.

    Attributes:
        sign: 1 or -1; 1 for zero.
        multipliers: Constants, none negative.
        divisors: Constants, all positive.
        factors: Canonical nodes that are no product, no number and not negative.
        under: The same, below the line.
    """

    sign: int = 1
    multipliers: tuple[Fraction, ...] = ()
    divisors: tuple[Fraction, ...] = ()
    factors: tuple[Node, ...] = ()
    under: tuple[Node, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether it is a number."""
        return not self.factors and not self.under

    @property
    def coefficient(self) -> Fraction:
        """Its constants, without the sign."""
        return prod(self.multipliers, start=ONE) / prod(self.divisors, start=ONE)

    def negative(self) -> Term:
        """Return minus it."""
        return replace(self, sign=-self.sign if self.coefficient else 1)

    def times(self, other: Term) -> Term:
        """Return the product with another."""
        return Term(
            self.sign * other.sign,
            self.multipliers + other.multipliers,
            self.divisors + other.divisors,
            self.factors + other.factors,
            self.under + other.under,
        )

    def over(self, other: Term) -> Term:
        """Return the quotient by another.

        Raises:
            LanguageError: The other is zero.
        """
        if not other.coefficient:
            raise LanguageError("division by zero", expected="a number other than 0 belongs there")
        return self.times(Term(other.sign, other.divisors, other.multipliers, other.under, other.factors))

    def folded(self) -> Term:
        """Return it with its constants made one, where that can be written, and everything sorted."""
        total = self.coefficient
        kept = _fraction(total) or (tuple(sorted(self.multipliers)), tuple(sorted(self.divisors)))
        factors = tuple(sorted(self.factors, key=lambda n: (isinstance(n, Parameter), *_rank(n))))
        under = tuple(sorted(self.under, key=lambda n: (not isinstance(n, Parameter), *_rank(n))))
        return Term(self.sign if total else 1, *kept, factors, under)


# The variants of a sweep have most of their expressions in common.
@lru_cache(maxsize=4_096)
def canonical_number(node: Node) -> Node:
    """Return the canonical form of an expression that gives a number.

    Raises:
        LanguageError: It divides by zero.
    """
    return written(terms(node))


def terms(node: Node) -> list[Term]:
    """Return the terms whose sum a node is, constants folded, in canonical order."""
    return _merged(_terms(node))


def written(parts: list[Term]) -> Node:
    """Return the node of a sum's terms in their order."""
    result = _product(parts[0])
    for term in parts[1:]:
        result = Arithmetic("+" if term.sign > 0 else "-", result, _product(replace(term, sign=1)))
    return result


def constant_value(node: Node) -> Fraction | None:
    """Return what a constant expression comes to, None if it isn't constant or divides by zero."""
    match node:
        case Number(number):
            return Fraction(number)
        case Negative() | Arithmetic() | Function():
            values = [constant_value(child) for child in children(node)]
            known = [value for value in values if value is not None]
            return _computed(node, known) if len(known) == len(values) else None
        case _:
            return None


def _computed(node: Negative | Arithmetic | Function, values: list[Fraction]) -> Fraction | None:
    match node:
        case Negative():
            return -values[0]
        case Function("abs", _):
            return abs(values[0])
        case Function(name, _):
            return min(values) if name == "min" else max(values)
        case Arithmetic("+", _, _):
            return values[0] + values[1]
        case Arithmetic("-", _, _):
            return values[0] - values[1]
        case Arithmetic("*", _, _):
            return values[0] * values[1]
        case _:
            return values[0] / values[1] if values[1] else None


def _fraction(value: Fraction) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]] | None:
    """Return a constant as what is multiplied and what is divided by; None if it has too many digits."""
    if decimal_text(value) is not None:
        return (value,) if value != 1 else (), ()
    above, below = Fraction(value.numerator), Fraction(value.denominator)
    if above >= LIMIT or below >= LIMIT:
        return None
    return (above,) if above != 1 else (), (below,)


def _terms(node: Node) -> list[Term]:
    match node:
        case Arithmetic("+", left, right):
            return _terms(left) + _terms(right)
        case Arithmetic("-", left, right):
            return _terms(left) + [term.negative() for term in _terms(right)]
        case Negative(operand):
            return [term.negative() for term in _terms(operand)]
    term = _term(node)
    if len(term.factors) == 1 and not term.under and term.coefficient == 1 and _is_sum(term.factors[0]):
        inner = _terms(term.factors[0])
        return inner if term.sign > 0 else [part.negative() for part in inner]
    return [term]


def _is_sum(node: Node) -> bool:
    return isinstance(node, Arithmetic) and node.operator in "+-"


def _term(node: Node) -> Term:
    match node:
        case Arithmetic("*", left, right):
            return _term(left).times(_term(right))
        case Arithmetic("/", left, right):
            return _term(left).over(_term(right))
        case Arithmetic():
            parts = terms(node)
            return parts[0] if len(parts) == 1 else Term(factors=(written(parts),))
        case Negative(operand):
            return _term(operand).negative()
        case Number(number):
            value = Fraction(number)
            return Term(-1 if value < 0 else 1, (abs(value),))
        case Function():
            return _function(node)
        case _:
            return Term(factors=(node,))


def _function(node: Function) -> Term:
    if node.name == "abs":
        return _absolute(terms(node.arguments[0]))
    arguments = [canonical_number(argument) for argument in node.arguments]
    values = [constant_value(argument) for argument in arguments]
    if None not in values:
        known = [(value, argument) for value, argument in zip(values, arguments, strict=True) if value is not None]
        return _term((min if node.name == "min" else max)(known, key=lambda pair: pair[0])[1])
    chosen = {text(argument): argument for argument in arguments}
    if len(chosen) == 1:
        return _term(arguments[0])
    return Term(factors=(Function(node.name, tuple(chosen[key] for key in sorted(chosen, key=order))),))


def _absolute(parts: list[Term]) -> Term:
    """Return the absolute value of a sum: of the sum or of its opposite, whichever comes first."""
    both = (written(parts), written(_merged(term.negative() for term in parts)))
    shown = min(both, key=lambda n: (text(n)[0] in "-0123456789", order(text(n))))
    value = constant_value(both[0])
    if value is not None:
        return _term(both[value < 0])
    if isinstance(shown, Function) and shown.name == "abs":
        return Term(factors=(shown,))
    return Term(factors=(Function("abs", (shown,)),))


def _merged(parts: Iterable[Term]) -> list[Term]:
    """Return terms with their constants made one, where that can be written, in canonical order."""
    parts = [term.folded() for term in parts]
    constants = [term for term in parts if term.constant]
    others = [term for term in parts if not term.constant]
    total = sum((term.sign * term.coefficient for term in constants), start=Fraction(0))
    kept = _fraction(abs(total))
    if kept:
        constants = [Term(-1 if total < 0 else 1, *kept)] if total or not others else []
    others.sort(key=lambda t: (all(isinstance(n, Parameter) for n in t.factors + t.under), -t.sign, _order(t)))
    constants.sort(key=lambda t: (-t.sign, _order(t)))
    if constants and constants[0].sign > 0 and all(term.sign < 0 for term in others):
        return [constants[0], *others, *constants[1:]]
    # A sum doesn't begin with a minus if there is something to add; a parameter stands where a constant would.
    first = next((i for i, term in enumerate(others) if term.sign > 0), 0)
    return [*others[first : first + 1], *others[:first], *others[first + 1 :], *constants]


def _order(term: Term) -> tuple[object, ...]:
    return _rank(_product(replace(term, sign=1)))


def _rank(node: Node) -> tuple[object, ...]:
    """Return what factors and terms are sorted by: those of the position first, as in ``entry + atr(14) * 2``."""
    return not any(isinstance(n, Word) and n.name in POSITION_WORDS for n in walk(node)), order(text(node))


def _product(term: Term) -> Node:
    above: list[Node] = [*term.factors, *map(_number, term.multipliers)]
    below: list[Node] = [*map(_number, term.divisors), *term.under]
    result = above[0] if above else Number("1")
    if term.sign < 0:
        result = Number(f"-{result.text}") if isinstance(result, Number) else Negative(result)
    for factor in above[1:]:
        result = Arithmetic("*", result, factor)
    for factor in below:
        result = Arithmetic("/", result, factor)
    return result


def _number(value: Fraction) -> Number:
    """Return a constant that comes from a number of the text, or was found to have one."""
    written_number = decimal_text(value)
    assert written_number is not None  # noqa: S101  # folding keeps only such numbers
    return Number(written_number)

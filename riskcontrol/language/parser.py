"""Parses a rule: text to tree, or an error that points at its column.

A precedence parser over our own tokens. It knows the words of `words`, the indicators of the registry and nothing
else; it takes time linear in the text and a stack bounded by `MOST_DEPTH`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from riskcontrol.language import calls, words
from riskcontrol.language.algebra import constant_value
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_CHARACTERS, MOST_DEPTH
from riskcontrol.language.numbers import DIGITS, PLACES, decimal_text
from riskcontrol.language.parts import Part, Type, describe
from riskcontrol.language.reader import Reader
from riskcontrol.language.text import AND, COMPARE, NOT, OR, PRODUCT, SUM, UNARY
from riskcontrol.language.tokens import Kind, Token, quoted
from riskcontrol.language.tree import (
    And,
    Arithmetic,
    Clock,
    Comparison,
    Cross,
    Duration,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Parameter,
    Word,
)

_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_POWERS = {"or": OR, "and": AND, **dict.fromkeys(_COMPARISONS, COMPARE), **dict.fromkeys("+-", SUM)}
_POWERS |= dict.fromkeys("*/", PRODUCT)

_MOST_SECONDS = 3650 * 86_400
"""Ten years: the longest duration."""


def parse(text: str, *, parameters: bool = False, names: Mapping[str, str] | None = None, field: str = "rule") -> Node:
    """Parse a condition.

    Args:
        text: At most `MOST_CHARACTERS` characters.
        parameters: Whether ``$0`` ... ``$9`` are accepted.
        names: Further words and the numbers that they stand for, as canonical decimal texts.
        field: What errors call the rule.

    Raises:
        LanguageError: It isn't one.

    >>> parse("price < 2%")
    Comparison(operator='<', left=Word(name='price'), right=Number(text='0.02'))
    >>> parse("smaa(20) < price")
    Traceback (most recent call last):
    ...
    riskcontrol.language.errors.LanguageError: rule: unknown word 'smaa' at 1; did you mean 'sma'?
    """
    parser = _Parser(text, parameters, names or {}, field)
    part = parser.whole()
    if part.type is not Type.CONDITION:
        raise parser.reader.error(
            f"{describe(part.node)} alone is no condition", part.start, "compare it with something, like price < 100"
        )
    return part.node


def parse_number(text: str, *, names: Mapping[str, str] | None = None, field: str = "expression") -> Node:
    """Parse an expression that gives a number, like ``sma(20) - sma(50)``.

    Raises:
        LanguageError: It isn't one, or has a position's word in it.
    """
    return _of_market(text, names or {}, field, (Type.NUMBER,))


def outline(text: str, *, names: Mapping[str, str]) -> Node:
    """Parse a condition, but leave the sides of its comparisons and crosses as they are written.

    What a name stands for changes nothing of an outline; `parse_side` takes a side with the numbers that are meant.

    Raises:
        LanguageError: It isn't one.

    >>> outline("price < 2 * a", names={"a": "3"})
    Comparison(operator='<', left=Written(text='price'), right=Written(text='2 * a'))
    """
    return _Parser(text, False, names, "rule", outline=True).whole().node


def parse_side(text: str, *, names: Mapping[str, str]) -> Node:
    """Parse a side of a comparison or cross of the market: a number, or a time of day.

    Raises:
        LanguageError: It isn't one.
    """
    return _of_market(text, names, "side", (Type.NUMBER, Type.CLOCK))


def _of_market(text: str, names: Mapping[str, str], field: str, types: tuple[Type, ...]) -> Node:
    parser = _Parser(text, False, names, field)
    part = parser.whole()
    if part.type not in types or not part.market:
        raise parser.reader.error(
            f"{describe(part.node)} is no number of the market", part.start, "write something like sma(20) - sma(50)"
        )
    return part.node


class _Parser:
    """One parse of one text."""

    def __init__(
        self, text: str, parameters: bool, names: Mapping[str, str], field: str, *, outline: bool = False
    ) -> None:
        self.reader = Reader(text, field, outline=outline)
        if len(text) > MOST_CHARACTERS:
            raise LanguageError(
                f"the rule has {len(text):,} characters",
                expected=f"at most {MOST_CHARACTERS:,} are accepted",
                field=field,
            )
        self.parameters = parameters
        self.names = names
        self.nested = 0

    def whole(self) -> Part:
        """Parse the text to its end."""
        if self.reader.here.kind is Kind.END:
            raise self.reader.error("the rule is empty", 1, "write a condition, like price <= reference - 0.10")
        part = self.expression(OR)
        token = self.reader.here
        if token.kind is Kind.END:
            return part
        if token.text == ")":
            raise self.reader.error("unexpected ')'", token.column, "there is no '(' for it")
        if token.text == ",":
            raise self.reader.error(
                "unexpected ','", token.column, "commas stand between a function's values; write 10000, not 10,000"
            )
        raise self.reader.error(
            f"unexpected {quoted(token.text)}", token.column, "expected an operator, 'and', 'or' or the end"
        )

    def expression(self, least: int) -> Part:
        """Parse what binds at least so tightly."""
        left = self.operand()
        while True:
            token = self.reader.here
            power = _POWERS.get(token.text) if token.kind in (Kind.SYMBOL, Kind.NAME) else None
            if power is None or power < least:
                return left
            if power == COMPARE:
                left = self.comparison(left)
            elif power in (AND, OR):
                left = self.junction(left, token.text, power)
            else:
                self.reader.advance()
                left = self.arithmetic(token, left, self.expression(power + 1))

    def operand(self) -> Part:
        """Parse a number, a word, a call, something in parentheses, or one of these with `-` or `not` before it."""
        token = self.reader.here
        if self.nested >= MOST_DEPTH:
            raise self.reader.error("too deeply nested", token.column, f"at most {MOST_DEPTH} levels are accepted")
        self.nested += 1
        part = self.named(token) if token.kind is Kind.NAME else self.unnamed(token)
        self.nested -= 1
        return part

    def unnamed(self, token: Token) -> Part:
        """Parse an operand that doesn't begin with a word."""
        self.reader.advance()
        match token.kind:
            case Kind.NUMBER | Kind.PERCENT:
                return self.reader.part(self.number(token), Type.NUMBER, token.column)
            case Kind.CLOCK:
                return self.reader.part(self.clock(token), Type.CLOCK, token.column)
            case Kind.DURATION:
                return self.reader.part(self.duration(token), Type.DURATION, token.column)
            case Kind.PARAMETER:
                if not self.parameters:
                    raise self.reader.error(
                        f"unexpected {quoted(token.text)}",
                        token.column,
                        "amounts are written without a currency sign: 0.10",
                    )
                return self.reader.part(Parameter(int(token.text[1:])), Type.NUMBER, token.column)
        if token.text == "(":
            inner = self.expression(OR)
            self.reader.close(token)
            return self.reader.again(inner, token.column)
        if token.text == "-":
            return self.negative(token, self.expression(UNARY))
        what = "the rule ends too early" if token.kind is Kind.END else f"unexpected {quoted(token.text)}"
        raise self.reader.error(what, token.column, "expected a number, a word, an indicator or '('")

    def named(self, token: Token) -> Part:
        """Parse an operand that begins with a word."""
        name = token.text
        if name == "not":
            self.reader.advance()
            part = self.expression(NOT)
            if part.type is not Type.CONDITION:
                raise self.reader.error(
                    f"'not' before {describe(part.node)}", part.start, "a condition belongs there, like price < 100"
                )
            node: Node = Not(part.node)
            if isinstance(part.node, Cross) and not part.node.negated:
                node = replace(part.node, negated=True)
            return self.reader.part(node, Type.CONDITION, token.column, part)
        if name in ("and", "or"):
            raise self.reader.error(f"unexpected '{name}'", token.column, f"a condition belongs before '{name}'")
        if name in self.names:
            self.reader.advance()
            return self.reader.part(Number(self.names[name]), Type.NUMBER, token.column)
        if name in words.MARKET or name in words.POSITION:
            self.reader.advance()
            if self.reader.at("("):
                raise self.reader.error(f"{name} takes nothing in parentheses", token.column, calls.advice(name))
            kind = {"time": Type.CLOCK, "held": Type.DURATION}.get(name, Type.NUMBER)
            return self.reader.part(Word(name), kind, token.column)
        if name in words.FUNCTIONS:
            return calls.function(self.reader, token, lambda: self.expression(OR))
        return calls.indicator(self.reader, token, self.names)

    def number(self, token: Token) -> Number:
        """Return a number or a percentage."""
        value = Fraction(token.text) / (100 if token.kind is Kind.PERCENT else 1)
        written = decimal_text(value)
        if written is None:
            raise self.reader.error(
                "number too long", token.column, f"at most {DIGITS} digits before the point and {PLACES} after it"
            )
        return Number(written)

    def clock(self, token: Token) -> Clock:
        """Return a time of day."""
        hours, minutes, seconds = [*map(int, token.text.split(":")), 0][:3]
        if hours > 23 or minutes > 59 or seconds > 59:
            raise self.reader.error(
                f"{quoted(token.text)} is no time of day", token.column, "write one from 00:00 to 23:59:59"
            )
        return Clock((hours * 60 + minutes) * 60 + seconds)

    def duration(self, token: Token) -> Duration:
        """Return a length of time."""
        digits, unit = token.text[:-1], token.text[-1]
        seconds = int(digits) * words.UNITS[unit] if len(digits) <= DIGITS else _MOST_SECONDS + 1
        if seconds > _MOST_SECONDS:
            raise self.reader.error("duration too long", token.column, "at most 3650d are accepted")
        return Duration(seconds)

    def negative(self, token: Token, part: Part) -> Part:
        """Return minus something."""
        self.number_needed(token, part)
        if isinstance(part.node, Number):
            number = str(decimal_text(-Fraction(part.node.text)))
            return self.reader.part(Number(number), Type.NUMBER, token.column)
        return self.reader.part(Negative(part.node), Type.NUMBER, token.column, part)

    def arithmetic(self, token: Token, left: Part, right: Part) -> Part:
        """Return a sum, difference, product or quotient."""
        self.number_needed(token, left)
        self.number_needed(token, right)
        if token.text == "/" and constant_value(right.node) == 0:
            raise self.reader.error("division by zero", right.start, "a number other than 0 belongs there")
        return self.reader.part(Arithmetic(token.text, left.node, right.node), Type.NUMBER, left.start, left, right)

    def number_needed(self, token: Token, part: Part) -> None:
        """Refuse to calculate with anything but numbers."""
        if part.type is Type.NUMBER:
            return
        advice = {
            Type.CONDITION: "only numbers are calculated with; join conditions by 'and' and 'or'",
            Type.CLOCK: "only numbers are calculated with; a time is compared: time >= 09:45",
            Type.DURATION: "only numbers are calculated with; a duration is compared: held >= 30m",
        }[part.type]
        raise self.reader.error(f"{describe(part.node)} beside {quoted(token.text)}", part.start, advice)

    def comparison(self, left: Part) -> Part:
        """Parse a comparison whose left side is known, or a chain of them: ``30 < rsi(14) < 70``."""
        found: list[Part] = []
        direction = self.reader.here.text[:1]
        while self.reader.here.kind is Kind.SYMBOL and self.reader.here.text in _COMPARISONS:
            token = self.reader.advance()
            if found and (direction not in "<>" or token.text[0] != direction):
                raise self.reader.error(
                    f"unexpected {quoted(token.text)}", token.column, "write two comparisons, with 'and' between them"
                )
            right = self.expression(SUM)
            self.comparable(token, left, right)
            node = Comparison(token.text, self.reader.side(left), self.reader.side(right))
            found.append(self.reader.part(node, Type.CONDITION, left.start, left, right))
            left = right
        if len(found) == 1:
            return found[0]
        both = And(tuple(part.node for part in found))
        return self.reader.part(both, Type.CONDITION, found[0].start, *found)

    def comparable(self, token: Token, left: Part, right: Part) -> None:
        """Refuse a comparison of what can't be compared."""
        for part in (left, right):
            if part.type is Type.CONDITION:
                raise self.reader.error(
                    f"{describe(part.node)} beside {quoted(token.text)}",
                    part.start,
                    "only numbers are compared; join conditions by 'and' and 'or'",
                )
        if left.type is not right.type:
            odd = right if left.type is Type.NUMBER else left
            other = left if odd is right else right
            advice = (
                "a time of day is compared with the word time: time >= 09:45"
                if Type.CLOCK in (left.type, right.type)
                else "a duration is compared with the word held: held >= 30m"
            )
            if odd.node == Word("held") and isinstance(other.node, Number):
                written = other.node.text if other.node.text.isdigit() else "90"
                advice = f"write its unit: {written}s, {written}m, {written}h or {written}d"
            raise self.reader.error(f"{describe(odd.node)} is compared with {describe(other.node)}", odd.start, advice)
        if left.constant and right.constant:
            raise self.reader.error(
                "nothing in this comparison ever changes", left.start, "one side needs a word or an indicator"
            )
        if left.type is not Type.NUMBER:
            name = "time" if left.type is Type.CLOCK else "held"
            if not (left.constant or right.constant):
                raise self.reader.error(f"{name} is compared with itself", left.start, f"write {_EXAMPLES[name]}")
            if token.text in ("==", "!="):
                raise self.reader.error(
                    f"{quoted(token.text)} with {name}", token.column, f"write < <= > or >=, like {_EXAMPLES[name]}"
                )

    def junction(self, left: Part, word: str, power: int) -> Part:
        """Parse the rest of conditions joined by one word."""
        parts = [left]
        while self.reader.here.kind is Kind.NAME and self.reader.here.text == word:
            self.reader.advance()
            parts.append(self.expression(power + 1))
        for part in parts:
            if part.type is not Type.CONDITION:
                raise self.reader.error(
                    f"{describe(part.node)} beside '{word}' is no condition",
                    part.start,
                    "compare it with something, like price < 100",
                )
        nodes = tuple(part.node for part in parts)
        return self.reader.part(And(nodes) if power == AND else Or(nodes), Type.CONDITION, left.start, *parts)


_EXAMPLES = {"time": "time >= 09:45", "held": "held >= 30m"}

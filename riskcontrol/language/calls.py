"""Parses what is written with parentheses: functions and indicators, with all that can be wrong about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from riskcontrol.indicators.registry import INDICATORS, SOURCES, Indicator
from riskcontrol.language import words
from riskcontrol.language.numbers import DIGITS, PLACES, decimal_text
from riskcontrol.language.parts import Part, Type, describe
from riskcontrol.language.reader import Reader
from riskcontrol.language.tokens import Kind, Token, quoted
from riskcontrol.language.tree import Cross, Function
from riskcontrol.language.tree import Indicator as IndicatorNode
from riskcontrol.nearest import likest

CALLED = {name: indicator for name, indicator in INDICATORS.items() if not indicator.word}
"""The indicators that are written with parentheses."""

_SIMILAR = {"high": "highest(20)", "low": "lowest(20)", "close": "sma(20)", "price": "sma(20)", "open": "sma(open, 20)"}
_ALIASES = {"bb": "bollinger", "bbands": "bollinger", "mean": "sma", "average": "sma", "std": "stdev", "vol": "volume"}


def example(name: str, output: str | None = None) -> str:
    """Return how an indicator is written, with its usual parameters.

    >>> example("rsi"), example("macd")
    ('rsi(14)', 'macd(12, 26, 9).line')
    """
    indicator = CALLED[name]
    usual = ", ".join(_usual(parameter.default) for parameter in indicator.parameters)
    chosen = output or indicator.outputs[0]
    return f"{name}({usual})" + (f".{chosen}" if chosen else "")


def advice(name: str) -> str:
    """Return what to write instead of a word with parentheses."""
    similar = _SIMILAR.get(name)
    return f"did you mean {similar}?" if similar else f"write {name} alone"


def function(reader: Reader, token: Token, value: Callable[[], Part]) -> Part:
    """Parse a function.

    Args:
        reader: Stands at its name.
        token: The name.
        value: Parses one of its values.
    """
    name = token.text
    reader.advance()
    opening = _opening(reader, token, f"write {words.FUNCTIONS[name][0]}")
    values = [value()]
    while reader.at(","):
        reader.advance()
        values.append(value())
    reader.close(opening)
    if len(values) != words.ARGUMENTS[name]:
        raise reader.error(
            f"{name} with {_count(len(values), 'value')}", token.column, f"write {words.FUNCTIONS[name][0]}"
        )
    for part in values:
        if part.type is not Type.NUMBER:
            raise reader.error(f"{describe(part.node)} inside {name}", part.start, f"{name} is of numbers")
    if name not in words.CROSSES:
        node = Function(name, tuple(part.node for part in values))
        return reader.part(node, Type.NUMBER, token.column, *values)
    for part in values:
        if not part.market:
            raise reader.error(
                f"{describe(part.node)} inside {name}",
                part.start,
                "a cross is of the market alone, without reference, entry, peak and held",
            )
    if values[0].constant and values[1].constant:
        raise reader.error(
            "nothing in this cross ever changes", token.column, "one of its values needs a word or an indicator"
        )
    cross = Cross(name == "crosses_above", reader.side(values[0]), reader.side(values[1]))
    return reader.part(cross, Type.CONDITION, token.column, *values)


def indicator(reader: Reader, token: Token, names: Mapping[str, str]) -> Part:
    """Parse an indicator; a name that is none is an error that says what it might have been.

    Args:
        reader: Stands at its name.
        token: The name.
        names: Further words and the numbers that they stand for.
    """
    name = token.text
    if name not in CALLED:
        raise _unknown(reader, token, names)
    known = CALLED[name]
    reader.advance()
    opening = _opening(reader, token, f"write {example(name)}")
    source = _source(reader, known)
    parameters = _parameters(reader, token, known, names, after_source=bool(source))
    reader.close(opening)
    output = _output(reader, token, known)
    node = IndicatorNode(name, source or known.source, parameters, output)
    return reader.part(node, Type.NUMBER, token.column)


def _opening(reader: Reader, token: Token, expected: str) -> Token:
    if not reader.at("("):
        raise reader.error(f"{token.text} without parentheses", token.column, expected)
    return reader.advance()


def _source(reader: Reader, known: Indicator) -> str:
    """Parse the bar's column that an indicator is of, empty where none is said."""
    token = reader.here
    if token.kind is not Kind.NAME or token.text not in words.MARKET:
        return ""
    if not known.sources:
        raise _misplaced_source(reader, known, token, [])
    if token.text not in SOURCES:
        raise reader.error(
            f"{known.name} of {quoted(token.text)}", token.column, f"expected one of {', '.join(SOURCES)}"
        )
    reader.advance()
    return token.text


def _parameters(
    reader: Reader, name: Token, known: Indicator, names: Mapping[str, str], *, after_source: bool
) -> tuple[str, ...]:
    """Parse an indicator's numbers and add the usual ones of those that are not said."""
    given: list[str] = []
    while not reader.at(")"):
        if given or after_source:
            if not reader.at(","):
                break
            reader.advance()
        if reader.here.kind is Kind.NAME and reader.here.text in SOURCES:
            raise _misplaced_source(reader, known, reader.here, given)
        given.append(_parameter(reader, known, len(given), names))
    texts = given + [_usual(parameter.default) for parameter in known.parameters[len(given) :]]
    try:
        known.complete([float(text) for text in texts])
    except ValueError as error:
        what, _, expected = str(error).partition("; ")
        raise reader.error(what, name.column, expected or f"write {example(known.name)}") from None
    return tuple(texts)


def _parameter(reader: Reader, known: Indicator, index: int, names: Mapping[str, str]) -> str:
    token = reader.here
    if index >= len(known.parameters) and not reader.at(")"):
        expected = ", ".join(parameter.name for parameter in known.parameters)
        raise reader.error(
            f"{known.name} has too many numbers", token.column, f"it takes {expected}: {example(known.name)}"
        )
    if reader.at(")"):
        raise reader.error("unexpected ')'", token.column, "a number belongs after the comma")
    parameter = known.parameters[index]
    kind = "whole number" if parameter.integer else "number"
    expected = f"expected a {kind} from {_usual(parameter.least)} to {_usual(parameter.most)}"
    negative = reader.at("-")
    if negative:
        reader.advance()
    digits = reader.here
    if digits.kind is Kind.NAME and digits.text in names:
        value = Fraction(names[digits.text])
    elif digits.kind is Kind.NUMBER:
        value = Fraction(digits.text)
    else:
        found = "nothing" if digits.kind is Kind.END else quoted(digits.text)
        raise reader.error(f"{found} for {known.name}'s {parameter.name}", digits.column, expected)
    reader.advance()
    value = -value if negative else value
    written = decimal_text(value)
    if written is None:
        raise reader.error(
            "number too long", digits.column, f"at most {DIGITS} digits before the point and {PLACES} after it"
        )
    if not parameter.least <= value <= parameter.most or (parameter.integer and value.denominator != 1):
        raise reader.error(f"{known.name}'s {parameter.name} is {written}", token.column, expected)
    return written


def _misplaced_source(reader: Reader, known: Indicator, token: Token, given: Sequence[str]) -> Exception:
    """Return the error of a column after an indicator's numbers, or in one that has no choice."""
    if not known.sources:
        return reader.error(f"{known.name} has no choice of column", token.column, f"write {example(known.name)}")
    numbers = [*given, *(_usual(parameter.default) for parameter in known.parameters[len(given) :])]
    written = f"{known.name}({', '.join([token.text, *numbers])})"
    return reader.error(f"{quoted(token.text)} after {known.name}'s numbers", token.column, f"write {written}")


def _output(reader: Reader, name: Token, known: Indicator) -> str:
    """Parse which of an indicator's values is meant."""
    several = known.outputs != ("",)
    choices = ", ".join(known.outputs)
    if not reader.at("."):
        if several:
            expected = " or ".join(example(known.name, output) for output in known.outputs)
            raise reader.error(f"{known.name} has several values", name.column, f"write {expected}")
        return ""
    dot = reader.advance()
    token = reader.here
    if not several:
        raise reader.error(f"{known.name} has one value", dot.column, "leave out the point and what follows it")
    if token.kind is not Kind.NAME or token.text not in known.outputs:
        found = "nothing" if token.kind is Kind.END else quoted(token.text)
        raise reader.error(f"{found} is no value of {known.name}", token.column, f"expected one of {choices}")
    reader.advance()
    return token.text


def _unknown(reader: Reader, token: Token, names: Mapping[str, str]) -> Exception:
    known = [*words.MARKET, *words.POSITION, *words.FUNCTIONS, *CALLED, *names, "and", "or", "not"]
    close = _ALIASES.get(token.text) or likest(token.text, known)
    if (joined := re.fullmatch(r"([a-z_]+?)_?[0-9]+", token.text)) and joined[1] in CALLED:
        return reader.error(f"unknown word {quoted(token.text)}", token.column, f"write {example(joined[1])}")
    expected = f"did you mean '{close}'?" if close else "`riskcontrol strategy words` lists those that there are"
    return reader.error(f"unknown word {quoted(token.text)}", token.column, expected)


def _usual(value: float) -> str:
    return decimal_text(Fraction(str(value))) or str(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

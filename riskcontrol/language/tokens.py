"""Splits a rule's text into tokens, one at a time, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from riskcontrol.language import words
from riskcontrol.language.errors import LanguageError


class Kind(Enum):
    """What a token is."""

    NUMBER = "number"
    PERCENT = "percentage"
    DURATION = "duration"
    CLOCK = "clock time"
    NAME = "word"
    PARAMETER = "parameter"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text.

    Attributes:
        kind: What it is.
        text: As written; words in lower case, a percentage without its sign.
        column: One-based column of its first character.
        end: Column after its last.
    """

    kind: Kind
    text: str
    column: int
    end: int


_SPACE = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(
    r"(?P<CLOCK>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)"
    r"|(?P<NUMBER>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"|(?P<NAME>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<PARAMETER>\$[0-9])"
    r"|(?P<SYMBOL><=|>=|==|!=|[-+*/()<>,.])"
)
_SUFFIX = re.compile(r"[A-Za-z0-9_.:]+")
_DURATION = re.compile(r"[smhd]")
_VALUE = re.compile(r"([A-Za-z_]+|\))\s*\Z")
"""What has a value right before something."""
_INDEXED = {")", *words.MARKET, *words.POSITION}
"""After these, a bracket is meant as an index, elsewhere as a parenthesis."""

_ADVICE = {
    "=>": "write >=",
    "=<": "write <=",
    "=": "write == to compare",
    "&&": "write and",
    "&": "write and",
    "||": "write or",
    "|": "write or",
    "!": "write not",
    "^": "powers are written as products",
    "%": "a percentage is written right after its number: 2%",
    "$": "amounts are written without a currency sign: 0.10",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "×": "write *",
    "÷": "write /",
    "−": "write -",
    "–": "write -",
    "'": "words are written without quotes",
    '"': "words are written without quotes",
    "[": "write (",
    "{": "write (",
    "]": "write )",
    "}": "write )",
}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a text, at last one of kind END.

    Raises:
        LanguageError: A character or number is none of the language.

    >>> [token.text for token in tokens("RSI(14) < 2.5%")]
    ['rsi', '(', '14', ')', '<', '2.5', '']
    """
    place = 0
    while True:
        start = _SPACE.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing as well
        if start == len(text):
            column = len(text.rstrip(" \t\r\n")) + 1
            yield Token(Kind.END, "", column, column)
            return
        match = _TOKEN.match(text, start)
        if match is None:
            raise _unknown(text, start)
        kind, place = Kind[str(match.lastgroup)], match.end()
        value = match.group()
        if kind is Kind.NUMBER:
            kind, place = _number_kind(text, start, place)
            value = text[start:place].rstrip("%")
        elif kind is Kind.CLOCK and (rest := _SUFFIX.match(text, place)):
            raise _number_error(text, start, rest.end(), "a clock time is written 09:45 or 09:45:30")
        yield Token(kind, value.lower() if kind is Kind.NAME else value, start + 1, place + 1)


def _number_kind(text: str, start: int, place: int) -> tuple[Kind, int]:
    """Return what a number is by what follows it at once, and where that ends."""
    if text.startswith("%", place):
        return Kind.PERCENT, place + 1
    rest = _SUFFIX.match(text, place)
    if rest is None:
        return Kind.NUMBER, place
    if _DURATION.fullmatch(rest.group()) and "." not in text[start:place]:
        return Kind.DURATION, rest.end()
    suffix = rest.group()
    if re.match(r"[eE][0-9]*", suffix):
        advice = "numbers are written without an exponent: 0.001"
    elif suffix.startswith("_"):
        advice = "numbers are written without separators: 10000"
    elif suffix.startswith(":"):
        advice = "a clock time is written 09:45 or 09:45:30"
    elif suffix.startswith("."):
        advice = "a number has one point, with digits after it: 0.5"
    else:
        advice = "a number is written like 0.5, a duration like 30s, 5m, 2h or 1d"
    raise _number_error(text, start, rest.end(), advice)


def _number_error(text: str, start: int, end: int, advice: str) -> LanguageError:
    return LanguageError(f"{quoted(text[start:end])} is no number", text=text, column=start + 1, expected=advice)


def _unknown(text: str, start: int) -> LanguageError:
    for sign, advice in _ADVICE.items():
        if text.startswith(sign, start):
            before = _VALUE.search(text[max(0, start - 40) : start])
            if sign == "[" and before and before[1].lower() in _INDEXED:
                advice = "there is no indexing; crosses_above and crosses_below look a bar back, roc(5) five"
            return LanguageError(f"unexpected {quoted(sign)}", text=text, column=start + 1, expected=advice)
    return LanguageError(
        f"unexpected character {quoted(text[start])}",
        text=text,
        column=start + 1,
        expected="rules consist of words, numbers and + - * / ( ) < <= > >= == !=",
    )


def quoted(text: str) -> str:
    """Return text of a user's for a message: in quotes, short, nothing in it that a terminal obeys.

    >>> quoted("smaa"), quoted("x" * 99)
    ("'smaa'", "'xxxxxxxxxxxxxxxxxxxxxxxx…'")
    """
    short = text if len(text) <= 24 else text[:24] + "…"
    return "'" + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short) + "'"

"""What a parsed condition consists of.

Every node is immutable and compares by value. The market's words and indicators are the same for everybody; the
position's words (`reference`, `entry`, `peak`, `held`) differ from strategy to strategy.

Numbers are dollars, shares or plain numbers; a comparison rounds both of its sides to six decimal places first, so
prices compare to the micro-dollar. A comparison in which an indicator is still warming up is false, and so is its
negation.
"""

from __future__ import annotations

from dataclasses import dataclass

MARKET_WORDS = ("price", "open", "high", "low", "close", "volume", "vwap", "time")
"""The trade's price and time of day; the other words are of the last bar that closed, `vwap` of the session so far."""

POSITION_WORDS = ("reference", "entry", "peak", "held")
"""Price of the last action (at first of the first trade seen); price of the entry; highest price since the entry;
time since the entry. The last three have no value, and make a comparison false, while no shares are held."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, as canonical decimal text (``0.1``, ``70``, ``-3``)."""

    text: str

    @property
    def value(self) -> float:
        """Its value."""
        return float(self.text)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant that was taken out of the text, written ``$0``, ``$1`` …: its value is kept with the position."""

    index: int


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: ``30s``, ``5m``, ``2h``, ``1d``."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in New York: ``09:45`` or ``09:45:30``, as seconds since midnight."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Word:
    """One of `MARKET_WORDS` or `POSITION_WORDS`."""

    name: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """An indicator on closed bars with all its parameters said: ``macd(12, 26, 9).signal``, ``sma(volume, 20)``.

    Attributes:
        name: As registered in `riskcontrol.indicators`.
        source: The bar's column that it is of ("close", …), empty where the indicator has no choice.
        parameters: Canonical decimal texts.
        output: Which of its outputs, empty where it has one.
    """

    name: str
    source: str
    parameters: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus something."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``+ - * /`` of two numbers."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Function:
    """``min(a, b)``, ``max(a, b)``, ``abs(a)``."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``< <= > >= == !=`` of two numbers, of `time` and a clock time, or of `held` and a duration."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Cross:
    """``crosses_above(a, b)`` or ``crosses_below(a, b)``: of closed bars, true on the trade that closes the bar.

    With `a` and `b` as they were at the last two closed bars: a was at or below b, and now is above it. The word
    `price` in a cross is the bar's close.
    """

    above: bool
    left: Node
    right: Node
    negated: bool = False
    """``not crosses_above(a, b)``; false, as well, while either is warming up."""


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more conditions."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more conditions."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition; the canonical form has none."""

    part: Node


@dataclass(frozen=True, slots=True)
class Written:
    """A side of a comparison or cross as it is written: what an outline (`parser.outline`) has there."""

    text: str


Node = (
    Number
    | Parameter
    | Duration
    | Clock
    | Word
    | Indicator
    | Negative
    | Arithmetic
    | Function
    | Comparison
    | Cross
    | And
    | Or
    | Not
    | Written
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One alternative of a canonical rule: everything in it must hold at once.

    Attributes:
        market: What must hold of the market alone, None if nothing.
        conditions: Comparisons with a position's words in them. ``price`` on the left alone and nowhere on the right,
            or ``held`` on the left and a duration on the right, wherever the comparison could be solved that way.
    """

    market: Node | None
    conditions: tuple[Comparison, ...]

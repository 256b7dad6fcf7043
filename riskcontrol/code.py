"""Rules as instructions for `riskcontrol.machine`: flat integers and floats, one table for all shapes of a shard.

An instruction is a pair of an operation and its argument; operands are on a stack. What belongs to a ticker (which
series an indicator is there) is not in the code: an indicator is a place in the formula's own list of indicators.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from riskcontrol.indicators.registry import COLUMNS, INDICATORS, state_size
from riskcontrol.language.contents import walk, words_of
from riskcontrol.language.text import text
from riskcontrol.language.tree import (
    And,
    Arithmetic,
    Clause,
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
    Parameter,
    Word,
)
from riskcontrol.shape import Shape, looks_at_bars


class Op(IntEnum):
    """Operations; each takes its operands from the stack and puts its result there."""

    CONSTANT = 0
    """Argument: place in the table of constants."""
    PARAMETER = auto()
    """Argument: number of the position's parameter."""
    PRICE = auto()
    CLOCK = auto()
    """Seconds since midnight in New York."""
    REFERENCE = auto()
    ENTRY = auto()
    PEAK = auto()
    HELD = auto()
    BAR = auto()
    """Argument: column of the last closed bar."""
    BAR_BEFORE = auto()
    """The same of the bar before it."""
    SERIES = auto()
    """Argument: 4 × place among the formula's indicators + output."""
    SERIES_BEFORE = auto()
    NEGATIVE = auto()
    ABS = auto()
    ADD = auto()
    SUBTRACT = auto()
    MULTIPLY = auto()
    DIVIDE = auto()
    MIN = auto()
    MAX = auto()
    LESS = auto()
    LESS_EQUAL = auto()
    GREATER = auto()
    GREATER_EQUAL = auto()
    EQUAL = auto()
    NOT_EQUAL = auto()
    CROSS = auto()
    """Of a before, b before, a, b; argument: 1 above, 0 below, + 2 if negated."""
    AND = auto()
    OR = auto()


class Kind(IntEnum):
    """How a condition bounds when its position can act."""

    BELOW = 0
    """Price at or below a level."""
    ABOVE = auto()
    """Price at or above a level."""
    HELD = auto()
    """Held at least so long; the level is nanoseconds."""
    ANY = auto()
    """No bound: it is looked at on every trade."""


COMPARISONS = {
    "<": Op.LESS,
    "<=": Op.LESS_EQUAL,
    ">": Op.GREATER,
    ">=": Op.GREATER_EQUAL,
    "==": Op.EQUAL,
    "!=": Op.NOT_EQUAL,
}
_ARITHMETIC = {"+": Op.ADD, "-": Op.SUBTRACT, "*": Op.MULTIPLY, "/": Op.DIVIDE}
_WORDS = {
    "price": Op.PRICE,
    "time": Op.CLOCK,
    "reference": Op.REFERENCE,
    "entry": Op.ENTRY,
    "peak": Op.PEAK,
    "held": Op.HELD,
}
_NOT_PLAIN = (-1, 0, 0, 0)
_BOUNDS = {"<": (Kind.BELOW, 1), "<=": (Kind.BELOW, 0), ">": (Kind.ABOVE, 1), ">=": (Kind.ABOVE, 0)}

STACK = 64
"""Deepest stack that the machine has; the language allows trees of depth 50."""

CONDITION = np.dtype(
    [
        (name, "i4")
        for name in ("kind", "strict", "level", "level_end", "test", "end", "base", "operation", "operand", "pad")
    ]
)
"""A comparison: how it bounds, whether the level itself is outside, its level's code (where it has one), its own.

Most levels are one of the position's prices and a number, which needs no instructions: `base` is REFERENCE, ENTRY or
PEAK, -1 for any other level; `operation` is 0 for the price alone; `operand` is the number of a parameter, or -1 less
the place of a constant."""

CLAUSE = np.dtype([("formula", "i4"), ("first", "i4"), ("end", "i4"), ("pad", "i4")])
"""An alternative: its market formula (place in the shape's list, -1: none) and its conditions."""

SHAPE = np.dtype([(name, "i4") for name in ("buy", "sell", "end", "every", "session", "peak", "moves", "formulas")])
"""A shape: first buying and first selling clause and the end of those, seconds of a bar, session, whether it follows
the peak, whether its levels move with the bars, how many formulas its clauses have."""

FORMULA = np.dtype([("code", "i4"), ("end", "i4"), ("each_trade", "i4"), ("crosses", "i4")])
"""A market condition: its code, whether it changes from trade to trade rather than from bar to bar, and whether
there is a cross in it, which holds on the first trade after a bar alone."""


@dataclass(frozen=True, slots=True)
class Series:
    """An indicator as the kernel knows it.

    Attributes:
        code: Of the indicator.
        source: Number of the bar's column.
        parameters: All of them.
        words: Float64 words of its state.
    """

    code: int
    source: int
    parameters: tuple[float, ...]
    words: int


@dataclass(slots=True)
class Library:
    """The compiled shapes of a shard, each table one array that only ever grows.

    Attributes:
        code: Instructions, int32 pairs.
        constants: Float64.
        conditions, clauses, shapes, formulas: `CONDITION`, `CLAUSE`, `SHAPE`, `FORMULA`.
        texts: The shapes' texts in order.
        formula_series: For each formula its indicators, in the order of its code.
        shape_series: The same for each shape's conditions.
        shape_formulas: For each shape the formulas of its clauses.
    """

    texts: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    formula_numbers: dict[str, int] = field(default_factory=dict)
    formula_series: list[list[Series]] = field(default_factory=list)
    shape_series: list[list[Series]] = field(default_factory=list)
    shape_formulas: list[list[int]] = field(default_factory=list)
    _code: list[int] = field(default_factory=list)
    _constants: list[float] = field(default_factory=list)
    _conditions: list[tuple[int, ...]] = field(default_factory=list)
    _clauses: list[tuple[int, ...]] = field(default_factory=list)
    _shapes: list[tuple[int, ...]] = field(default_factory=list)
    _formulas: list[tuple[int, ...]] = field(default_factory=list)
    _tables: tuple[NDArray, ...] | None = None

    def add(self, shape_text: str, shape: Shape) -> int:
        """Compile a shape, unless it is there, and return its number."""
        if shape_text in self.numbers:
            return self.numbers[shape_text]
        series: dict[Series, int] = {}
        formulas: dict[int, int] = {}
        conditions = [c for clause in (*shape.buy, *shape.sell) for c in clause.conditions]
        first = len(self._clauses)
        for clause in (*shape.buy, *shape.sell):
            self._clause(clause, series, formulas)
        follows_peak = any("peak" in words_of(c) for c in conditions)
        moves = any(map(looks_at_bars, conditions))
        row = (
            first, first + len(shape.buy), len(self._clauses), shape.every, int(shape.session), int(follows_peak),
            int(moves), len(formulas),
        )  # fmt: skip
        self._shapes.append(row)
        self.texts.append(shape_text)
        self.shape_series.append(list(series))
        self.shape_formulas.append(list(formulas))
        self._tables = None
        self.numbers[shape_text] = len(self.texts) - 1
        return self.numbers[shape_text]

    def tables(self) -> tuple[NDArray, ...]:
        """Return the tables as arrays: code, constants, conditions, clauses, shapes, formulas."""
        if self._tables is None:
            self._tables = (
                np.array(self._code, np.int32).reshape(-1, 2),
                np.array(self._constants, np.float64),
                np.array(self._conditions, CONDITION),
                np.array(self._clauses, CLAUSE),
                np.array(self._shapes, SHAPE),
                np.array(self._formulas, FORMULA),
            )
        return self._tables

    def _clause(self, clause: Clause, series: dict[Series, int], formulas: dict[int, int]) -> None:
        formula = -1
        if clause.market is not None:
            number = self.formula(clause.market)
            formula = formulas.setdefault(number, len(formulas))
        first = len(self._conditions)
        for condition in clause.conditions:
            self._conditions.append(self._condition(condition, series))
        self._clauses.append((formula, first, len(self._conditions), 0))

    def formula(self, node: Node) -> int:
        """Compile a condition or number of the market, unless it is there, and return its number."""
        key = text(node)
        if key not in self.formula_numbers:
            series: dict[Series, int] = {}
            start, end = self._compiled(node, series)
            crosses = any(isinstance(part, Cross) for part in walk(node))
            self.formula_numbers[key] = len(self._formulas)
            self._formulas.append((start, end, int(_follows_trades(node)), int(crosses)))
            self.formula_series.append(list(series))
        return self.formula_numbers[key]

    def _condition(self, condition: Comparison, series: dict[Series, int]) -> tuple[int, ...]:
        test, end = self._compiled(condition, series)
        price = condition.left == Word("price") and "price" not in words_of(condition.right)
        held = condition.left == Word("held") and isinstance(condition.right, Duration)
        if condition.operator in _BOUNDS and (price or held):
            kind, strict = _BOUNDS[condition.operator]
            if held:
                kind = Kind.HELD if kind == Kind.ABOVE else Kind.ANY
            level, level_end = self._compiled(condition.right, series)
            plain = self._plain(condition.right) if kind in (Kind.BELOW, Kind.ABOVE) else _NOT_PLAIN
            return int(kind), strict, level, level_end, test, end, *plain
        return int(Kind.ANY), 0, 0, 0, test, end, *_NOT_PLAIN

    def _plain(self, level: Node) -> tuple[int, ...]:
        """Return base, operation, operand and padding of a level."""
        operator, word, number = "", level, None
        if isinstance(level, Arithmetic):
            operator, word, number = level.operator, level.left, level.right
            if operator in "+*" and isinstance(number, Word):
                word, number = number, word
        if not (isinstance(word, Word) and word.name in ("reference", "entry", "peak")):
            return _NOT_PLAIN
        base = int(_WORDS[word.name])
        match number:
            case None:
                return base, 0, 0, 0
            case Parameter(index):
                return base, int(_ARITHMETIC[operator]), index, 0
            case Number():
                self._constants.append(number.value)
                return base, int(_ARITHMETIC[operator]), -len(self._constants), 0
        return _NOT_PLAIN

    def _compiled(self, node: Node, series: dict[Series, int]) -> tuple[int, int]:
        start = len(self._code)
        self._emit(node, series, before=False, crossing=False)
        return start // 2, len(self._code) // 2

    def _emit(self, node: Node, series: dict[Series, int], *, before: bool, crossing: bool) -> None:
        def put(op: Op, argument: int = 0) -> None:
            self._code.extend((int(op), argument))

        def constant(value: float) -> None:
            self._constants.append(value)
            put(Op.CONSTANT, len(self._constants) - 1)

        def emit(part: Node) -> None:
            self._emit(part, series, before=before, crossing=crossing)

        def column(name: str) -> None:
            put(Op.BAR_BEFORE if before else Op.BAR, COLUMNS.index(name))

        match node:
            case Number():
                constant(node.value)
            case Duration(seconds) | Clock(seconds):
                constant(float(seconds))
            case Parameter(index):
                put(Op.PARAMETER, index)
            case Word("price") if crossing:
                column("close")
            case Word("vwap"):
                emit(Indicator("vwap", "", (), ""))
            case Word(name) if name in _WORDS:
                put(_WORDS[name])
            case Word(name):
                column(name)
            case Indicator():
                place = series.setdefault(series_of(node), len(series))
                output = INDICATORS[node.name].outputs.index(node.output)
                put(Op.SERIES_BEFORE if before else Op.SERIES, 4 * place + output)
            case Negative(operand):
                emit(operand)
                put(Op.NEGATIVE)
            case Arithmetic(operator, left, right):
                emit(left)
                emit(right)
                put(_ARITHMETIC[operator])
            case Function("abs", (only,)):
                emit(only)
                put(Op.ABS)
            case Function(name, parts):
                self._folded(parts, Op.MIN if name == "min" else Op.MAX, emit, put)
            case Comparison(operator, left, right):
                emit(left)
                emit(right)
                put(COMPARISONS[operator])
            case Cross(above, left, right, negated):
                for then in (True, False):
                    self._emit(left, series, before=then, crossing=True)
                    self._emit(right, series, before=then, crossing=True)
                put(Op.CROSS, int(above) + 2 * int(negated))
            case And(parts):
                self._folded(parts, Op.AND, emit, put)
            case Or(parts):
                self._folded(parts, Op.OR, emit, put)
            case _:
                raise TypeError(f"{node!r} has no code")

    @staticmethod
    def _folded(parts, op, emit, put) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        emit(parts[0])
        for part in parts[1:]:
            emit(part)
            put(op)


def series_of(indicator: Indicator) -> Series:
    """Return an indicator of the language as the kernel knows it."""
    known = INDICATORS[indicator.name]
    parameters = known.complete([float(value) for value in indicator.parameters])
    return Series(known.code, known.column(indicator.source), parameters, state_size(indicator.name, parameters))


def _follows_trades(node: Node) -> bool:
    """Return whether a market condition has the trade's own price or time in it (in a cross, price is a bar's)."""
    match node:
        case Cross():
            return False
        case Word(name):
            return name in ("price", "time")
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            return _follows_trades(left) or _follows_trades(right)
        case Negative(part):
            return _follows_trades(part)
        case And(parts) | Or(parts) | Function(_, parts):
            return any(map(_follows_trades, parts))
        case _:
            return False

"""A sweep's rules as columns: taken apart once, whatever number of variants there is.

Where rules are of the market alone, variants differ in nothing but the numbers on either side of their comparisons and
crosses. Such a side has a *column*, a number a bar, for each of the values that the parameters in it take: a thousand
pairs of 25 fast and 40 slow averages have 65. A rule is a few *steps*, the same for all variants, and for each variant
the columns that the steps are of.

A side is parsed, and brought into the form that the engine computes, as a strategy's is, so it has the same floats.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol.code import COMPARISONS, Library, Op, Series
from riskcontrol.errors import StrategyError
from riskcontrol.language.algebra import canonical_number
from riskcontrol.language.canonical import OPPOSITE, of_bars
from riskcontrol.language.contents import depth_of, walk, words_of
from riskcontrol.language.limits import MOST_CHARACTERS, MOST_DEPTH, MOST_NODES
from riskcontrol.language.parser import outline, parse_side
from riskcontrol.language.text import text
from riskcontrol.language.tokens import Kind, tokens
from riskcontrol.language.tree import And, Clock, Comparison, Cross, Node, Not, Or, Word, Written
from riskcontrol.machine import OUTPUTS, Code
from riskcontrol.shape import MOST_WORDS
from riskcontrol.strategy_parameters import parameter_text
from riskcontrol.sweep_kernel import CLOCK_TIME, Formulas, Rule

_JOINT = 32
"""More characters than an operator, a cross or a parenthesis adds to the text of a rule."""


@dataclass(frozen=True, eq=False)
class Columns:
    """A sweep's rules.

    Attributes:
        code: Of the columns.
        formulas: By which they are computed.
        buy: When variants buy.
        sell: When they sell; no steps: never by a rule.
        words: Float64 words of the indicators' states in all.
    """

    code: Code
    formulas: Formulas
    buy: Rule
    sell: Rule
    words: int


def columns_of(
    document: Mapping[str, object], names: Mapping[str, str], axes: Mapping[str, tuple[str, ...]], *, on_bars: bool
) -> Columns | None:
    """Return the rules of a sweep as columns, None where that can't be done.

    It can't where a rule looks at the position or, on trades, at each trade's price or time; and where a combination is
    wrong or might be beyond a limit of the language: whoever takes one after the other finds which, and why.

    Args:
        document: Of a strategy file, that makes a strategy with some of the values at least.
        names: Its parameters, and their numbers as canonical texts.
        axes: Parameters and all the values that each takes, the first of which varies slowest.
        on_bars: Whether they are run on bars, where the price is a bar's close.
    """
    try:
        values = {name: tuple(parameter_text(one, name) for one in axis) for name, axis in axes.items()}
        reading = _Reading(names, values, on_bars=on_bars)
        buy, sell = (reading.rule(document.get(key, ())) for key in ("buy", "sell"))
    except StrategyError:
        return None
    return reading.columns(buy, sell) if reading.within_limits() else None


class _Size(NamedTuple):
    """How large a rule, or a part of one, may be in canonical form."""

    nodes: int = 0
    depth: int = 0
    characters: int = 0

    def with_(self, other: _Size) -> _Size:
        """Return the size of two parts side by side."""
        return _Size(self.nodes + other.nodes, max(self.depth, other.depth), self.characters + other.characters)


class _Reading:
    """Collects the columns of rules.

    Args:
        names: As for `columns_of`.
        axes: The same, the values as canonical texts.
        on_bars: The same.
    """

    def __init__(self, names: Mapping[str, str], axes: Mapping[str, tuple[str, ...]], *, on_bars: bool) -> None:
        self._names, self._axes, self._on_bars = names, axes, on_bars
        self._shape = tuple(map(len, axes.values()))
        self._library = Library()
        self._columns: dict[int, int] = {}
        self._sizes: list[_Size] = []
        self._words: list[int] = []
        self._sides: dict[tuple[str, bool], NDArray[np.int32]] = {}
        self._rules: list[_Size] = []

    def rule(self, given: object) -> Rule:
        """Take a rule as a strategy file says it: a text, or several of which one must hold; none for no steps."""
        texts = given if isinstance(given, list) else [given] if given else []
        steps: list[tuple[int, int]] = []
        sides: list[NDArray[np.int32]] = []
        size = _Size()
        for number, each in enumerate(texts):
            size = size.with_(self._read(outline(each, names=self._names), False, steps, sides))
            if number:
                steps.append((Op.OR, 0))
        self._rules.append(size.with_(_Size(1, 0, _JOINT)))
        return Rule(
            np.array(steps, np.int32).reshape(-1, 2),
            np.column_stack([np.broadcast_to(side, self._shape).ravel() for side in sides])
            if sides
            else np.zeros((math.prod(self._shape), 0), np.int32),
        )

    def _read(self, node: Node, negated: bool, steps: list[tuple[int, int]], sides: list[NDArray[np.int32]]) -> _Size:
        """Add the steps of a condition, or of its opposite, and what they are of; return its size."""
        match node:
            case Not(part):
                return self._read(part, not negated, steps, sides)
            case And(parts) | Or(parts):
                size = _Size()
                for number, part in enumerate(parts):
                    size = size.with_(self._read(part, negated, steps, sides))
                    if number:
                        steps.append((Op.AND if isinstance(node, And) is not negated else Op.OR, 0))
                return size._replace(nodes=size.nodes + 1, depth=size.depth + 1)
            case Comparison(operator, Written(left), Written(right)):
                steps.append((COMPARISONS[OPPOSITE[operator] if negated else operator], 0))
                return self._compared(left, right, False, sides)
            case Cross(above, Written(left), Written(right), not_crossed):
                steps.append((Op.CROSS, int(above) + 2 * int(not_crossed is not negated)))
                return self._compared(left, right, True, sides)
        raise TypeError(f"{node!r} is no outline of a condition")

    def _compared(self, left: str, right: str, crossing: bool, sides: list[NDArray[np.int32]]) -> _Size:
        size = _Size()
        for written in (left, right):
            columns = self._side(written, crossing)
            sides.append(columns)
            own = [self._sizes[column] for column in np.unique(columns).tolist()]
            size = size.with_(_Size(*(max(part) for part in zip(*own, strict=True))))
        return size.with_(_Size(1, 0, _JOINT))._replace(depth=size.depth + 1)

    def _side(self, written: str, crossing: bool) -> NDArray[np.int32]:
        """Return the columns of a side by the values of the parameters in it; an axis not in it is one long."""
        if (written, crossing) not in self._sides:
            words = {token.text for token in tokens(written) if token.kind is Kind.NAME}
            own = {name: axis if name in words else ("",) for name, axis in self._axes.items()}
            found = [
                self._column(written, crossing, {name: value for name, value in zip(own, values, strict=True) if value})
                for values in itertools.product(*own.values())
            ]
            self._sides[written, crossing] = np.array(found, np.int32).reshape([len(axis) for axis in own.values()])
        return self._sides[written, crossing]

    def _column(self, written: str, crossing: bool, values: Mapping[str, str]) -> int:
        """Return the number of a side's column."""
        node = parse_side(written, names={**self._names, **values})
        if not (crossing or self._on_bars) and {"price", "time"}.intersection(words_of(node)):
            raise StrategyError("changes from trade to trade", field="side")
        if crossing:
            node = canonical_number(of_bars(node))
        elif node != Word("time") and not isinstance(node, Clock):
            # On bars the price is the close; it is put in last, as the engine sorts what it calculates by its text.
            node = of_bars(canonical_number(node))
        formula = CLOCK_TIME if node == Word("time") else self._library.formula(node)
        if formula not in self._columns:
            self._columns[formula] = len(self._columns)
            self._sizes.append(_Size(sum(1 for _ in walk(node)), depth_of(node), len(text(node))))
            self._words.append(sum(one.words for one in self._series(formula)))
        return self._columns[formula]

    def _series(self, formula: int) -> list[Series]:
        return [] if formula == CLOCK_TIME else self._library.formula_series[formula]

    def within_limits(self) -> bool:
        """Tell whether no variant is beyond a limit, taking the largest of each side together."""
        words = sum(max(self._words[column] for column in np.unique(side).tolist()) for side in self._sides.values())
        return words <= MOST_WORDS and all(
            rule.nodes <= MOST_NODES and rule.depth < MOST_DEPTH and rule.characters <= MOST_CHARACTERS
            for rule in self._rules
        )

    def columns(self, buy: Rule, sell: Rule) -> Columns:
        """Return what was collected."""
        own = [self._series(formula) for formula in self._columns]
        series = [one for part in own for one in part]
        places = list(itertools.accumulate((one.words for one in series), initial=0))
        parameters = np.zeros((len(series), OUTPUTS))
        for row, one in zip(parameters, series, strict=True):
            row[: len(one.parameters)] = one.parameters
        formulas = Formulas(
            np.array(list(self._columns), np.int64),
            np.cumsum([0, *map(len, own)]),
            np.array(
                [(one.code, one.source, one.words, place) for one, place in zip(series, places, strict=False)], np.int64
            ).reshape(-1, 4),
            parameters,
        )
        return Columns(Code(*self._library.tables()), formulas, buy, sell, places[-1])

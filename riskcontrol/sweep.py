"""Sweeps: one strategy with every combination of some parameters' values, in one pass through the engine."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from riskcontrol.backtest import Backtest
from riskcontrol.ends import Ends
from riskcontrol.errors import InputError
from riskcontrol.luck import Luck
from riskcontrol.rows import Ints
from riskcontrol.statistics import STATISTICS
from riskcontrol.statistics.record import Floats
from riskcontrol.statistics.returns import gained
from riskcontrol.statistics.risk import probability_above, sharpes, sortinos
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import Definition, strategy_of

MOST_VARIANTS = 100_000
"""Variants of one sweep."""

BY = {
    "return": "total_return",
    **{
        name: name
        for name in (
            "total_return", "end_equity", "annualised_return", "sharpe", "sortino", "calmar", "probabilistic_sharpe",
            "max_drawdown", "alpha", "win_rate", "profit_factor", "expectancy", "payoff", "sqn", "kelly",
        )
    },
}  # fmt: skip
"""Statistics to choose by, of which more is better, by the names that `--by` takes."""

_SET = re.compile(r"\s*([^=\s]+)\s*=\s*(.+?)\s*", re.DOTALL)
_PLAIN_DIGITS = 15
"""Numbers of so many digits are floats and texts alike."""

Loader = Callable[[Mapping[str, str]], Definition]
"""Gives the definition with some of its parameters set."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and the values that it takes, as texts, in the order given."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sweep:
    """What a statistic came to over all variants.

    Attributes:
        axes: The parameters, the first of which varies slowest.
        by: Name of the statistic.
        scores: Its values, NaN where there is none, shape (variants,).
        fills: How many fills each has, shape (variants,).
        luck: What is known of the luck in the best one; None where that wasn't looked at.
    """

    axes: tuple[Axis, ...]
    by: str
    scores: NDArray[np.float64]
    fills: Ints
    luck: Luck | None = None

    @property
    def grid(self) -> NDArray[np.float64]:
        """The scores, a dimension per parameter."""
        return self.scores.reshape([len(axis.values) for axis in self.axes])

    def values_of(self, number: int) -> dict[str, str]:
        """Return the values of a variant's parameters."""
        places = np.unravel_index(number, self.grid.shape)
        return {axis.name: axis.values[int(at)] for axis, at in zip(self.axes, places, strict=True)}

    def best(self, count: int) -> list[int]:
        """Return the numbers of the best variants, the best first; those without a score are left out.

        Those that never trade come last: to lose nothing takes no strategy.
        """
        order = np.lexsort((-self.scores, self.fills == 0))
        return [int(number) for number in order[:count] if not math.isnan(self.scores[number])]

    def heat(self) -> NDArray[np.float64]:
        """Return the best score by the first two parameters, whatever the others are, shape (first, second or 1)."""
        grid = self.grid.reshape(len(self.axes[0].values), len(self.axes[1].values) if len(self.axes) > 1 else 1, -1)
        filled = np.where(np.isnan(grid), -np.inf, grid).max(axis=2)
        return np.where(np.isinf(filled), np.nan, filled)


def parse_axes(texts: Sequence[str], known: Sequence[str]) -> tuple[Axis, ...]:
    """Return the axes that `--set` options say.

    Args:
        texts: Each name=from:to:step or name=1,2,5.
        known: Names of the strategy file's parameters.

    Raises:
        InputError: One is wrong, or there are more than `MOST_VARIANTS` variants.

    >>> parse_axes(["a=0.1:0.3:0.1", "b=1,5"], ["a", "b"])
    (Axis(name='a', values=('0.1', '0.2', '0.3')), Axis(name='b', values=('1', '5')))
    """
    axes: list[Axis] = []
    for text in texts:
        match = _SET.fullmatch(text)
        if not match:
            raise InputError(f"{text!r} is no name=from:to:step or name=1,2,5", source="--set")
        name, said = match[1], match[2]
        if name not in known:
            there = f"[parameters] of the strategy file has {', '.join(known)}" if known else _NO_PARAMETERS
            raise InputError(f"{name[:24]!r} is no parameter; {there}", source="--set")
        if name in [axis.name for axis in axes]:
            raise InputError(f"{name} is set twice", source="--set")
        axes.append(Axis(name, _values(name, said)))
    count = math.prod(len(axis.values) for axis in axes)
    if count > MOST_VARIANTS:
        raise InputError(
            f"{count:,} variants; at most {MOST_VARIANTS:,} run at once: take larger steps", source="--set"
        )
    return tuple(axes)


_NO_PARAMETERS = "the strategy file has none: give its numbers names in a table [parameters]"


def _values(name: str, said: str) -> tuple[str, ...]:
    parts = said.split(":") if ":" in said else said.split(",")
    numbers = [_number(name, part) for part in parts]
    if ":" in said:
        if len(numbers) != 3:
            raise InputError(f"{name}={said[:40]} has {len(numbers)} parts; write from:to:step", source="--set")
        first, last, step = numbers
        if step <= 0 or last < first:
            raise InputError(f"{name}={said[:40]} goes nowhere; write from:to:step, each step up", source="--set")
        if (last - first) / step >= MOST_VARIANTS:
            raise InputError(f"{name}={said[:40]} has over {MOST_VARIANTS:,} values; take larger steps", source="--set")
        numbers = [first + step * i for i in range(int((last - first) / step) + 1)]
    texts = tuple(f"{number.normalize():f}" for number in numbers)
    if len(set(texts)) < len(texts):
        raise InputError(f"{name}={said[:40]} says a value twice", source="--set")
    return texts


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 20 or len(number.as_tuple().digits) > 30:
        raise InputError(f"{text.strip()[:40]!r} of {name} is no number", source="--set")
    return number


def variants(load: Loader, axes: Sequence[Axis], ticker: str = "") -> Iterator[Strategy]:
    """Yield the strategy of every combination, in the order of `itertools.product`.

    A rule is parsed once for all numbers that stand beside a position's words: they are no part of its shape.

    Args:
        load: Gives the definition of a combination.
        axes: The parameters and their values.
        ticker: Another ticker than the definition's.

    Raises:
        InputError: A combination is no strategy.
    """

    def parsed(values: Mapping[str, str]) -> Strategy:
        return strategy_of(load(values), ticker=ticker)

    first = {axis.name: axis.values[0] for axis in axes}
    base = parsed(first)
    free = [axis for axis in axes if parsed(first | {axis.name: axis.values[-1]}).shape == base.shape]
    places: dict[tuple[str, ...], tuple[Strategy, list[str | float]] | None] = {}
    bound = [axis.name for axis in axes if axis not in free]
    for combination in itertools.product(*(axis.values for axis in axes)):
        values = dict(zip([axis.name for axis in axes], combination, strict=True))
        key = tuple(values[name] for name in bound)
        if key not in places:
            places[key] = _places(parsed, values, free)
        known = places[key]
        if known is None:
            yield parsed(values)
        else:
            one, sources = known
            numbers = tuple(float(values[s]) if isinstance(s, str) else s for s in sources)
            yield Strategy(one.username, one.name, one.ticker, one.cash, one.shape, numbers, one.terms)


def _places(
    parsed: Callable[[Mapping[str, str]], Strategy], values: Mapping[str, str], free: Sequence[Axis]
) -> tuple[Strategy, list[str | float]] | None:
    """Return a strategy, and for each of its numbers the axis that it comes from or its value.

    None if that doesn't hold at each corner of the free axes: then every combination has to be parsed.
    """
    if any(len(text.replace(".", "")) > _PLAIN_DIGITS for axis in free for text in axis.values):
        return None
    # Half-way, no two axes and no constant have the same value by chance, or another corner tells.
    corners = [
        dict(values) | dict(zip([axis.name for axis in free], corner, strict=True))
        for corner in itertools.product(
            *({axis.values[0], axis.values[len(axis.values) // 2], axis.values[-1]} for axis in free)
        )
    ]
    found = [(corner, parsed(corner)) for corner in corners]
    one = found[0][1]
    if any(other.shape != one.shape for _, other in found):
        return None
    sources: list[str | float] = []
    for at, number in enumerate(one.parameters):
        names = [a.name for a in free if all(o.parameters[at] == float(c[a.name]) for c, o in found)]
        if len(names) == 1:
            sources.append(names[0])
        elif all(other.parameters[at] == number for _, other in found):
            sources.append(number)
        else:
            return None
    return one, sources


def score(
    backtest: Backtest, names: Sequence[str], progress: Callable[[int], None] = lambda _: None
) -> NDArray[np.float64]:
    """Return statistics of every strategy of a pass, NaN where there is none, shape (names, strategies).

    Args:
        backtest: The pass.
        names: Of the statistics.
        progress: Called with how many strategies are done, now and then.
    """
    found = np.full((len(names), len(backtest.strategies)), np.nan)
    ends = Ends.of(backtest)
    drawn = list(enumerate(names))
    if ends is not None:
        _score_ends(found, backtest, ends, names)
        drawn = [(row, name) for row, name in drawn if name not in _OF_ENDS and name not in _OF_RETURNS]
    if not drawn:
        return found
    rows_of = [row for row, _ in drawn]
    known: dict[bytes, list[float]] = {}
    for number, strategy in enumerate(backtest.strategies):
        rows = slice(*backtest.places[number : number + 2].tolist())
        # Variants often fill alike; what comes of them is the same.
        digest = hashlib.blake2b(f"{strategy.ticker} {strategy.cash}".encode(), digest_size=16)
        for name in ("time", "shares", "price", "cash"):
            digest.update(backtest.columns[name][rows].tobytes())
        key = digest.digest()
        if key not in known:
            record = backtest.record_of(number)
            values = [STATISTICS[name].function(record) for _, name in drawn]
            known[key] = [math.nan if value is None else float(value) for value in values]
        found[rows_of, number] = known[key]
        if number % 100 == 0:
            progress(number)
    return found


def _score_ends(found: Floats, backtest: Backtest, ends: Ends, names: Sequence[str]) -> None:
    """Put in those statistics for which start and end, or the returns of days, are enough."""
    if any(name in _OF_ENDS for name in names):
        values = ends.values().tolist()
        for row, name in enumerate(names):
            if name in _OF_ENDS:
                pairs = zip(backtest.strategies, values, strict=True)
                found[row] = _numbers([_OF_ENDS[name](one.cash, value) for one, value in pairs])
    if any(name in _OF_RETURNS for name in names):
        for numbers, returns in ends.returns():
            for row, name in enumerate(names):
                if name in _OF_RETURNS:
                    found[row, numbers] = _OF_RETURNS[name](returns)


def _numbers(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _probabilities(returns: Floats) -> Floats:
    return _numbers([probability_above(own, 0.0) for own in returns])


_OF_ENDS: dict[str, Callable[[int, int], float | None]] = {"total_return": gained, "end_equity": lambda _, end: end}
"""Statistics for which start and end are enough: no equity curve has to be drawn."""

_OF_RETURNS = {"sharpe": sharpes, "sortino": sortinos, "probabilistic_sharpe": _probabilities}
"""Statistics for which the returns of days are."""


def colour_of(share: float) -> tuple[int, int, int]:
    """Return the colour of a heat map's cell, dark blue for the worst to yellow for the best.

    Args:
        share: From 0 (worst) to 1 (best).

    >>> colour_of(0.0), colour_of(1.0)
    ((68, 1, 84), (253, 231, 37))
    """
    # The ends and quarters of viridis, which stays readable without seeing colours.
    stops = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
    at = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    first = min(int(at), len(stops) - 2)
    rest = at - first
    red, green, blue = (round(a + (b - a) * rest) for a, b in zip(stops[first], stops[first + 1], strict=True))
    return red, green, blue

"""Which indicators there are: names, parameters, outputs, size of the state, warm-up.

Needs nothing compiled, so that the language and the command line can ask it without starting Numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SMA, EMA, RSI, MACD, BOLLINGER, ATR, HIGHEST, LOWEST, ROC, STDEV, VWAP = range(11)
"""Codes by which the compiled kernel knows the indicators."""

SOURCES = ("open", "high", "low", "close", "volume")
"""What an indicator can be of, in the order of the kernel's bar."""

COLUMNS = (*SOURCES, "notional", "day")
"""The kernel's bar: dollars, shares, dollars traded, New York day number; all float64."""

MOST_BARS = 1_000
"""Longest window: what bounds the state of one indicator to 8 kB and a bar's work to about a microsecond."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number that an indicator takes.

    Attributes:
        name: As messages say it.
        default: Its value where none is given.
        least: Smallest accepted.
        most: Largest accepted.
        integer: Whether it must be a whole number.
    """

    name: str
    default: float
    least: float
    most: float
    integer: bool = True


@dataclass(frozen=True, slots=True)
class Indicator:
    """What is known of an indicator before it is computed.

    Attributes:
        name: As the language writes it.
        code: As the kernel knows it.
        parameters: In the order they are written.
        outputs: Names of its values; a single empty one where there is one value.
        sources: Whether the bar's column can be chosen.
        source: The column where none is chosen; empty where `sources` is False.
        needs: Columns that it reads besides `source`.
        summary: One line for lists.
        words: Float64 words of state, given all parameters.
        first: Bars until the first value of each output, given all parameters.
        word: Whether it is written without parentheses.
        unitless: Whether its values have no unit; else they are in that of what it is of, and a split changes them.
    """

    name: str
    code: int
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    sources: bool
    source: str
    needs: tuple[str, ...]
    summary: str
    words: Callable[[Sequence[float]], int]
    first: Callable[[Sequence[float]], tuple[int, ...]]
    word: bool = False
    unitless: bool = False

    def complete(self, parameters: Sequence[float]) -> tuple[float, ...]:
        """Check the parameters given and add the defaults of those that are not.

        Raises:
            ValueError: There are too many, or one is out of its range; the text says what is accepted.

        >>> INDICATORS["macd"].complete([5])
        (5.0, 26.0, 9.0)
        >>> INDICATORS["sma"].complete([0])
        Traceback (most recent call last):
        ...
        ValueError: sma: bars is 0; a whole number from 1 to 1,000 is expected
        """
        if len(parameters) > len(self.parameters):
            names = ", ".join(parameter.name for parameter in self.parameters) or "none"
            raise ValueError(f"{self.name}: {len(parameters)} numbers given; expected: {names}")
        values = [float(value) for value in parameters]
        values += [float(parameter.default) for parameter in self.parameters[len(values) :]]
        for parameter, value in zip(self.parameters, values, strict=True):
            whole = not parameter.integer or value.is_integer()
            if not (math.isfinite(value) and parameter.least <= value <= parameter.most and whole):
                kind = "whole number" if parameter.integer else "number"
                raise ValueError(
                    f"{self.name}: {parameter.name} is {value:g}; "
                    f"a {kind} from {parameter.least:,g} to {parameter.most:,g} is expected"
                )
        if self.code == MACD and values[0] >= values[1]:
            raise ValueError(f"macd: fast is {values[0]:g}; fewer bars than slow, {values[1]:g}, are expected")
        return tuple(values)

    def column(self, source: str = "") -> int:
        """Return the number of the bar's column that it is of; that of `close` where it has no choice.

        Args:
            source: One of `SOURCES`; empty for its own default.

        Raises:
            ValueError: It can't be of that column.
        """
        if source and (not self.sources or source not in SOURCES):
            known = ", ".join(SOURCES) if self.sources else "none: it always reads the same columns"
            raise ValueError(f"{self.name}: can't be of {source!r}; expected: {known}")
        return SOURCES.index(source or self.source or "close")

    def columns(self, source: str = "") -> tuple[str, ...]:
        """Return the columns that it reads.

        >>> INDICATORS["highest"].columns(), INDICATORS["highest"].columns("close")
        (('high',), ('close',))
        """
        return (COLUMNS[self.column(source)],) if self.sources else self.needs


def state_size(name: str, parameters: Sequence[float]) -> int:
    """Return how many float64 words of state an indicator keeps.

    Args:
        name: Of `INDICATORS`.
        parameters: What is given of them.

    >>> state_size("sma", [20]), state_size("ema", [20])
    (21, 2)
    """
    indicator = INDICATORS[name]
    return indicator.words(indicator.complete(parameters))


def warm_up(name: str, parameters: Sequence[float], output: str | None = None) -> int:
    """Return with how many bars the first value comes.

    Args:
        name: Of `INDICATORS`.
        parameters: What is given of them.
        output: Which of its outputs; all of them have a value where none is named.

    >>> warm_up("sma", [20]), warm_up("macd", [12, 26, 9]), warm_up("macd", [12, 26, 9], "line")
    (20, 34, 26)
    """
    indicator = INDICATORS[name]
    bars = indicator.first(indicator.complete(parameters))
    return max(bars) if output is None else bars[indicator.outputs.index(output)]


def _window(default: int, least: int = 1, name: str = "bars") -> Parameter:
    return Parameter(name, default, least, MOST_BARS)


def _ring(values: Sequence[float]) -> int:
    return 1 + int(values[0])


def _one(values: Sequence[float]) -> tuple[int, ...]:
    return (int(values[0]),)


def _after(values: Sequence[float]) -> tuple[int, ...]:
    return (int(values[0]) + 1,)


def _of_source(
    name: str,
    code: int,
    window: Parameter,
    summary: str,
    words: Callable[[Sequence[float]], int] = _ring,
    first: Callable[[Sequence[float]], tuple[int, ...]] = _one,
    source: str = "close",
    unitless: bool = False,
) -> Indicator:
    """Return an indicator with one window and one value of a column that can be chosen."""
    return Indicator(name, code, (window,), ("",), True, source, (), summary, words, first, unitless=unitless)


INDICATORS: dict[str, Indicator] = {
    indicator.name: indicator
    for indicator in (
        _of_source("sma", SMA, _window(20), "Simple moving average."),
        _of_source("ema", EMA, _window(20), "Exponential moving average, seeded by the simple one.", words=lambda _: 2),
        _of_source(
            "rsi",
            RSI,
            _window(14, 2),
            "Wilder's relative strength index, 0 to 100.",
            lambda _: 4,
            first=_after,
            unitless=True,
        ),
        Indicator(
            "macd",
            MACD,
            (_window(12, name="fast"), _window(26, 2, "slow"), _window(9, name="signal")),
            ("line", "signal", "histogram"),
            True,
            "close",
            (),
            "Difference of two exponential averages, its own average, and what is between.",
            lambda _: 4,
            lambda v: (int(v[1]), int(v[1] + v[2]) - 1, int(v[1] + v[2]) - 1),
        ),
        Indicator(
            "bollinger",
            BOLLINGER,
            (_window(20, 2), Parameter("deviations", 2, 0, 100, integer=False)),
            ("upper", "middle", "lower"),
            True,
            "close",
            (),
            "Simple moving average, and bands of population standard deviations around it.",
            _ring,
            lambda v: (int(v[0]),) * 3,
        ),
        Indicator(
            "atr",
            ATR,
            (_window(14),),
            ("",),
            False,
            "",
            ("high", "low", "close"),
            "Wilder's average true range.",
            lambda _: 3,
            _one,
        ),
        _of_source("highest", HIGHEST, _window(20), "Highest of the last bars.", source="high"),
        _of_source("lowest", LOWEST, _window(20), "Lowest of the last bars.", source="low"),
        _of_source("roc", ROC, _window(10), "Rate of change in percent.", first=_after, unitless=True),
        _of_source("stdev", STDEV, _window(20, 2), "Population standard deviation."),
        Indicator(
            "vwap",
            VWAP,
            (),
            ("",),
            False,
            "",
            ("volume", "notional", "day"),
            "Volume-weighted average price of the session so far.",
            lambda _: 4,
            lambda _: (1,),
            word=True,
        ),
    )
}
"""Every indicator by its name."""

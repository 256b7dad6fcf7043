"""Expressions of the strategy language over whole columns of bars: `rsi(14)`, `sma(20) - sma(volume, 50)`, `vwap`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from riskcontrol.errors import InputError
from riskcontrol.indicators.registry import INDICATORS
from riskcontrol.language.contents import walk
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.parser import parse_number
from riskcontrol.language.tree import Arithmetic, Function, Indicator, Negative, Node, Number, Word

Column = NDArray[np.float64]

_CALL = re.compile(r"\s*([A-Za-z]+)\s*\([^()]*\)\s*")

_OPERATORS: dict[str, Callable[[Column, Column], Column]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "min": np.minimum,
    "max": np.maximum,
}


def parse_columns(text: str, field: str = "expression") -> dict[str, Node]:
    """Parse an expression into the columns that it stands for.

    Args:
        text: A number in the strategy language. An indicator of several values may stand alone, for all of them.
        field: What errors call it.

    Returns:
        The node of each column by its name: the text, with the output's name where there are several.

    Raises:
        InputError: It isn't one; the text points at the column.

    >>> list(parse_columns("macd(12,26,9)"))
    ['macd(12,26,9).line', 'macd(12,26,9).signal', 'macd(12,26,9).histogram']
    """
    name = text.strip()
    call = _CALL.fullmatch(text)
    indicator = INDICATORS.get(call.group(1).lower()) if call else None
    outputs = indicator.outputs if indicator else ("",)
    try:
        if outputs == ("",):
            return {name: parse_number(text, field=field)}
        return {f"{name}.{output}": parse_number(f"{text}.{output}", field=field) for output in outputs}
    except LanguageError as error:
        raise InputError("\n".join(filter(None, (str(error), error.pointed())))) from error


def columns_read(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return the bars' columns that expressions read, in the kernel's names, each once.

    >>> columns_read(parse_columns("close - highest(20)").values())
    ('close', 'high')
    """
    found: dict[str, None] = {}
    for node in nodes:
        for part in walk(node):
            if isinstance(part, Indicator):
                found |= dict.fromkeys(INDICATORS[part.name].columns(part.source))
            elif isinstance(part, Word):
                read = INDICATORS[part.name].columns() if part.name in INDICATORS else (_column(part.name),)
                found |= dict.fromkeys(read)
    return tuple(found)


def evaluate(node: Node, bars: Mapping[str, Column]) -> Column:
    """Compute an expression at every bar.

    Args:
        node: A number of the market's words and indicators, as `parse_number` gives.
        bars: The columns that it reads, float64, of one length; at least one column.

    Returns:
        Its values, NaN where there is none: during warm-up, or divided by zero.
    """
    from riskcontrol.indicators.batch import compute  # noqa: PLC0415  starts Numba, which a wrong expression need not

    match node:
        case Number():
            return np.full(len(next(iter(bars.values()))), node.value)
        case Word(name):
            return compute(name, (), bars)[""] if name in INDICATORS else bars[_column(name)]
        case Indicator(name, source, parameters, output):
            return compute(name, [float(text) for text in parameters], bars, source)[output]
        case Negative(operand):
            return -evaluate(operand, bars)
        case Function("abs", (operand,)):
            return np.abs(evaluate(operand, bars))
        case Arithmetic(name, left, right) | Function(name, (left, right)):
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                values = _OPERATORS[name](evaluate(left, bars), evaluate(right, bars))
            return np.where(np.isfinite(values), values, np.nan)
    raise TypeError(f"{node} is no number of the market")


def _column(word: str) -> str:
    """Return the column of a word: at a bar's end, the price is its close."""
    return "close" if word == "price" else word

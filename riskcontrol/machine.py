"""The compiled machine that runs the instructions of `riskcontrol.code`.

Numbers are float64: dollars, shares, seconds. A comparison rounds both sides to six decimal places, which makes it
exact for prices, and is false if one of them is missing (NaN) or infinite.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol.code import STACK, Op
from riskcontrol.compiling import bare, inlined

_CONSTANT, _PARAMETER, _PRICE, _CLOCK = int(Op.CONSTANT), int(Op.PARAMETER), int(Op.PRICE), int(Op.CLOCK)
_REFERENCE, _ENTRY, _PEAK, _HELD = int(Op.REFERENCE), int(Op.ENTRY), int(Op.PEAK), int(Op.HELD)
_BAR, _BAR_BEFORE, _SERIES, _SERIES_BEFORE = int(Op.BAR), int(Op.BAR_BEFORE), int(Op.SERIES), int(Op.SERIES_BEFORE)
_NEGATIVE, _ABS, _ADD, _SUBTRACT = int(Op.NEGATIVE), int(Op.ABS), int(Op.ADD), int(Op.SUBTRACT)
_MULTIPLY, _DIVIDE, _MIN, _MAX = int(Op.MULTIPLY), int(Op.DIVIDE), int(Op.MIN), int(Op.MAX)
_LESS, _NOT_EQUAL, _CROSS, _AND, _OR = int(Op.LESS), int(Op.NOT_EQUAL), int(Op.CROSS), int(Op.AND), int(Op.OR)

VIEW = 6
"""What of a trade and a position an instruction can ask for: price, clock, reference, entry, peak, held."""

OUTPUTS = 3
"""Most values of an indicator."""

COLUMNS = 7
"""Values of a bar."""


class Code(NamedTuple):
    """The tables of a `riskcontrol.code.Library`, for compiled loops."""

    code: NDArray[np.int32]
    constants: NDArray[np.float64]
    conditions: NDArray[np.void]
    clauses: NDArray[np.void]
    shapes: NDArray[np.void]
    formulas: NDArray[np.void]


class Market(NamedTuple):
    """What indicators and bars are in a stretch of a ticker's trades, for one clock.

    Attributes:
        bars: float64, shape (closed + 2, 7): the bar before the last, the last, and each that closes in the stretch.
        values: float64: the same for every series, (closed + 2) × 3 of each.
        at: By number of a series: where its values begin.
        bindings: Which series the formulas and conditions mean.
    """

    bars: NDArray[np.float64]
    values: NDArray[np.float64]
    at: NDArray[np.int64]
    bindings: NDArray[np.int32]


@inlined
def _compared(op, left, right):
    if not (math.isfinite(left) and math.isfinite(right)):
        return 0.0
    a, b = np.rint(left * 1e6), np.rint(right * 1e6)
    if op == _LESS:
        held = a < b
    elif op == _LESS + 1:
        held = a <= b
    elif op == _LESS + 2:
        held = a > b
    elif op == _LESS + 3:
        held = a >= b
    elif op == _LESS + 4:
        held = a == b
    else:
        held = a != b
    return 1.0 if held else 0.0


@inlined
def _crossed(argument, fresh, a0, b0, a1, b1):
    if not (math.isfinite(a0) and math.isfinite(b0) and math.isfinite(a1) and math.isfinite(b1)):
        return 0.0
    before = np.rint(a0 * 1e6) - np.rint(b0 * 1e6)
    now = np.rint(a1 * 1e6) - np.rint(b1 * 1e6)
    crossed = fresh and (before <= 0 < now if argument & 1 else before >= 0 > now)
    return 0.0 if crossed == bool(argument & 2) else 1.0


@inlined
def joined(op, a, b):
    """Return what an operation of two makes of them."""
    if op == _ADD:
        return a + b
    if op == _SUBTRACT:
        return a - b
    if op == _MULTIPLY:
        return a * b
    if op == _DIVIDE:
        return a / b if b != 0.0 else math.nan
    if op == _MIN:
        return b if b < a or math.isnan(b) else a
    if op == _MAX:
        return b if b > a or math.isnan(b) else a
    if op == _AND:
        return min(a, b)
    if op == _OR:
        return max(a, b)
    return _compared(op, a, b)


@inlined
def evaluate(code, start, end, stack, view, parameters, market, bind, segment, fresh):
    """Run instructions and return the value that they leave; conditions give 1 or 0.

    Args:
        code: `Code`.
        start, end: Which instructions.
        stack: float64, shape (STACK,): room to work in.
        view: float64, shape (VIEW,).
        parameters: float64, shape (4,): of the position.
        market: `Market` of the clock.
        bind: Where in the bindings the formula's or the shape's series are.
        segment: How many bars have closed in the stretch.
        fresh: Whether this is the first driving trade since a bar closed.
    """
    n = 0
    for i in range(start, end):
        op, argument = code.code[i, 0], code.code[i, 1]
        if op == _CONSTANT:
            stack[n] = code.constants[argument]
            n += 1
        elif op == _PARAMETER:
            stack[n] = parameters[argument]
            n += 1
        elif op <= _HELD:
            stack[n] = view[op - _PRICE]
            n += 1
        elif op <= _BAR_BEFORE:
            stack[n] = market.bars[segment + 1 - (op - _BAR), argument]
            n += 1
        elif op <= _SERIES_BEFORE:
            series = market.bindings[bind + argument // 4]
            place = (segment + 1 - (op - _SERIES)) * OUTPUTS + argument % 4
            stack[n] = market.values[market.at[series] + place]
            n += 1
        elif op == _NEGATIVE:
            stack[n - 1] = -stack[n - 1]
        elif op == _ABS:
            stack[n - 1] = abs(stack[n - 1])
        elif op == _CROSS:
            n -= 3
            stack[n - 1] = _crossed(argument, fresh, stack[n - 1], stack[n], stack[n + 1], stack[n + 2])
        else:
            n -= 1
            stack[n - 1] = joined(op, stack[n - 1], stack[n])
    return stack[0]


@bare
def evaluate_segments(code, start, end, stacks, market, bind, first, count, fresh):
    """Run a formula that changes from bar to bar for many segments, an instruction at a time; conditions give 1 or 0.

    One instruction after the other took ten times as long, for choosing the instruction.

    Args:
        code: `Code`.
        start, end: Which instructions; of words, bars' and indicators' alone.
        stacks: float64, shape (STACK, count or more): room to work in; the values are in its first row at the end.
        market: `Market` of the clock.
        bind: Where in the bindings the formula's series are.
        first, count: Which segments.
        fresh: Whether they are looked at on the first driving trade since a bar closed.
    """
    n = 0
    for i in range(start, end):
        op, argument = code.code[i, 0], code.code[i, 1]
        if op == _CONSTANT:
            stacks[n, :count] = code.constants[argument]
            n += 1
        elif op <= _BAR_BEFORE:
            row = first + 1 - (op - _BAR)
            for k in range(count):
                stacks[n, k] = market.bars[row + k, argument]
            n += 1
        elif op <= _SERIES_BEFORE:
            series = market.bindings[bind + argument // 4]
            place = market.at[series] + (first + 1 - (op - _SERIES)) * OUTPUTS + argument % 4
            for k in range(count):
                stacks[n, k] = market.values[place + k * OUTPUTS]
            n += 1
        elif op == _NEGATIVE:
            for k in range(count):
                stacks[n - 1, k] = -stacks[n - 1, k]
        elif op == _ABS:
            for k in range(count):
                stacks[n - 1, k] = abs(stacks[n - 1, k])
        elif op == _CROSS:
            n -= 3
            for k in range(count):
                stacks[n - 1, k] = _crossed(
                    argument, fresh, stacks[n - 1, k], stacks[n, k], stacks[n + 1, k], stacks[n + 2, k]
                )
        else:
            n -= 1
            for k in range(count):
                stacks[n - 1, k] = joined(op, stacks[n - 1, k], stacks[n, k])


def new_stack() -> NDArray[np.float64]:
    """Return room for one evaluation at a time."""
    return np.empty(STACK)

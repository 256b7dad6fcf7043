"""The compiled loops of a sweep on bars: columns of numbers, rules over them, and what each variant makes of its cash.

`riskcontrol.sweep_columns` tells what a column and a step are. A fill is made by `riskcontrol.fills.execute`, as the
engine makes it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from riskcontrol import orders
from riskcontrol.book import Order, Reason, Status
from riskcontrol.clocks import run_series
from riskcontrol.code import STACK, Op
from riskcontrol.cohorts import grown
from riskcontrol.compiling import bare, inlined
from riskcontrol.fills import FILL, execute
from riskcontrol.machine import OUTPUTS, Market, evaluate_segments
from riskcontrol.signals import clock_of
from riskcontrol.terms import FillMode
from riskcontrol.triggers import profit_level, stop_level

# Numba freezes these module constants into the compiled code.
_NONE, _BUY, _SELL = int(Order.NONE), int(Order.BUY), int(Order.SELL)
_RUNNING, _SAME = int(Status.RUNNING), int(FillMode.SAME)
_BY_BUY, _BY_SELL = int(Reason.BUY), int(Reason.SELL)
_BY_STOP, _BY_TRAIL, _BY_PROFIT = int(Reason.STOP_LOSS), int(Reason.TRAILING_STOP), int(Reason.TAKE_PROFIT)
_LESS, _LESS_EQUAL, _GREATER = int(Op.LESS), int(Op.LESS_EQUAL), int(Op.GREATER)
_GREATER_EQUAL, _EQUAL, _CROSS, _AND, _OR = int(Op.GREATER_EQUAL), int(Op.EQUAL), int(Op.CROSS), int(Op.AND), int(Op.OR)

_WIDTH = 256
"""Bars that are looked at together: their stacks fit into the processor's nearest memory."""

CLOCK_TIME = -1
"""In place of a formula: the time of day."""


class Formulas(NamedTuple):
    """What columns are computed by.

    Attributes:
        numbers: int64, shape (columns,): of the formulas in the code, or `CLOCK_TIME`.
        first: int64, shape (columns + 1,): where each one's indicators begin.
        series: int64, shape (indicators, 3): code of the indicator, its bar's column, words of its state.
        parameters: float64, shape (indicators, 3).
    """

    numbers: NDArray[np.int64]
    first: NDArray[np.int64]
    series: NDArray[np.int64]
    parameters: NDArray[np.float64]


class Rule(NamedTuple):
    """A rule for all variants.

    Attributes:
        steps: int32, shape (steps, 2): an operation (`Op`) and its argument. A comparison or cross puts down what it
            gives, And and Or join the last two.
        sides: int32, shape (variants, sides): columns of the comparisons and crosses, two of each.
    """

    steps: NDArray[np.int32]
    sides: NDArray[np.int32]


@njit(cache=True, nogil=True)
def make_columns(code, formulas, bars, time, days):
    """Return columns of numbers in millionths, rounded as comparisons round, NaN where there is none.

    Args:
        code: `riskcontrol.machine.Code`.
        formulas: `Formulas`.
        bars: float64, shape (bars + 2, 7): the bars as indicators want them, after two rows of NaN.
        time: int64, shape (bars,): ends of the bars.
        days: `riskcontrol.kernel.Days`.

    Returns:
        float64, shape (columns, bars + 1): before the first bar, and at each bar's close.
    """
    segments, size = len(bars) - 1, len(bars) * OUTPUTS
    out = np.empty((len(formulas.numbers), segments))
    most = np.max(np.diff(formulas.first)) if len(formulas.numbers) > 0 else 0
    values, at, bindings = np.empty(most * size), np.arange(most) * size, np.arange(most).astype(np.int32)
    market = Market(bars, values, at, bindings)
    stacks = np.empty((STACK, _WIDTH))
    for column in range(len(formulas.numbers)):
        number, own = formulas.numbers[column], out[column]
        if number == CLOCK_TIME:
            own[0] = math.nan
            for row in range(len(time)):
                own[row + 1] = clock_of(time[row], days.moments, days.offsets)
        else:
            first = formulas.first[column]
            for series in range(first, formulas.first[column + 1]):
                kind, place = formulas.series[series], (series - first) * size
                run_series(
                    kind[0], kind[1], formulas.parameters[series], np.zeros(kind[2]), np.full((2, OUTPUTS), math.nan),
                    bars, values[place : place + size],
                )  # fmt: skip
            record = code.formulas[number]
            for begin in range(0, segments, _WIDTH):
                count = min(_WIDTH, segments - begin)
                evaluate_segments(code, record.code, record.end, stacks, market, 0, begin, count, True)
                own[begin : begin + count] = stacks[0, :count]
        for row in range(segments):
            own[row] = np.rint(own[row] * 1e6) if math.isfinite(own[row]) else math.nan
    return out


@bare
def _compare(op, a, b, out):
    """Put down at which bars two columns compare so."""
    if op == _LESS:
        for row in range(len(out)):
            out[row] = a[row + 1] < b[row + 1]
    elif op == _LESS_EQUAL:
        for row in range(len(out)):
            out[row] = a[row + 1] <= b[row + 1]
    elif op == _GREATER:
        for row in range(len(out)):
            out[row] = a[row + 1] > b[row + 1]
    elif op == _GREATER_EQUAL:
        for row in range(len(out)):
            out[row] = a[row + 1] >= b[row + 1]
    elif op == _EQUAL:
        for row in range(len(out)):
            out[row] = a[row + 1] == b[row + 1]
    else:  # NaN is unequal to everything, but a comparison of what is missing doesn't hold
        for row in range(len(out)):
            out[row] = (a[row + 1] < b[row + 1]) | (a[row + 1] > b[row + 1])


@bare
def _cross(argument, a, b, out):
    """Put down at which bars one column crosses another; `argument` is that of `Op.CROSS`."""
    if argument & 1:
        for row in range(len(out)):
            out[row] = (a[row] - b[row] <= 0.0) & (a[row + 1] - b[row + 1] > 0.0)
    else:
        for row in range(len(out)):
            out[row] = (a[row] - b[row] >= 0.0) & (a[row + 1] - b[row + 1] < 0.0)
    if argument & 2:
        for row in range(len(out)):
            there = a[row] == a[row] and b[row] == b[row] and a[row + 1] == a[row + 1] and b[row + 1] == b[row + 1]
            out[row] = there and not out[row]


@bare
def _look(rule, variant, columns, room):
    """Put down in the first row of `room` at which bars a rule holds for a variant."""
    n = side = 0
    for step in range(len(rule.steps)):
        op, argument = rule.steps[step, 0], rule.steps[step, 1]
        if op == _AND:
            n -= 1
            for row in range(room.shape[1]):
                room[n - 1, row] &= room[n, row]
        elif op == _OR:
            n -= 1
            for row in range(room.shape[1]):
                room[n - 1, row] |= room[n, row]
        else:
            a, b = columns[rule.sides[variant, side]], columns[rule.sides[variant, side + 1]]
            side += 2
            if op == _CROSS:
                _cross(argument, a, b, room[n])
            else:
                _compare(op, a, b, room[n])
            n += 1


@inlined
def _decision(position, own, price, buys, sells):
    """Return the order that a position decides on at a close, and its reason; stops come before rules."""
    if position.shares > 0:
        if own[orders.STOP_LOSS] > 0 and price <= stop_level(position.entry, own[orders.STOP_LOSS]):
            return _SELL, _BY_STOP
        if own[orders.TRAILING_STOP] > 0 and price <= stop_level(position.peak, own[orders.TRAILING_STOP]):
            return _SELL, _BY_TRAIL
        if own[orders.TAKE_PROFIT] > 0 and price >= profit_level(position.entry, own[orders.TAKE_PROFIT]):
            return _SELL, _BY_PROFIT
        if sells:
            return _SELL, _BY_SELL
    elif buys and orders.affordable(position.cash, orders.buying_price(price, own), own) > 0:
        return _BUY, _BY_BUY
    return _NONE, _NONE


@inlined
def _begin(position, cash):
    """Make a position one that has done nothing yet."""
    position.cash = cash
    position.reference = position.shares = position.entry = position.peak = position.entered = 0
    position.fills, position.status = 0, _RUNNING


@bare
def _run_variant(slots, own, buying, selling, rows, fills, n):
    """Lead the one position of `slots` through the bars, and return how many fills there are now.

    Args:
        slots: `riskcontrol.triggers.Slots` of one position.
        own: Its terms.
        buying, selling: bool, shape (bars,): at which bars its rules hold.
        rows: `riskcontrol.pyramid.Rows` of the bars.
        fills, n: `riskcontrol.fills.FILL`, with room for a fill a bar, and how many there are.
    """
    position = slots.positions[0]
    stops = own[orders.STOP_LOSS] > 0 or own[orders.TRAILING_STOP] > 0 or own[orders.TAKE_PROFIT] > 0
    same = own[orders.FILL] == _SAME
    order, reason = _NONE, _NONE
    row, count = 0, len(rows.price)
    while row < count:
        price = rows.price[row]
        if order != _NONE:
            n = execute(fills, n, 0, slots, own, order, reason, rows, row, rows.filling[row], rows.filled[row])
        if position.shares > 0 and price > position.peak:
            position.peak = price
        if position.status != _RUNNING:
            break
        order, reason = _decision(position, own, price, buying[row], selling[row])
        if order != _NONE and same:
            n = execute(fills, n, 0, slots, own, order, reason, rows, row, price, rows.time[row])
            order = _NONE
        row += 1
        if order == _NONE and position.shares == 0:
            while row < count and not buying[row]:
                row += 1
        elif order == _NONE and not stops:
            while row < count and not selling[row]:
                row += 1
    return n


@njit(cache=True, nogil=True)
def run_variants(rows, columns, buy, sell, own, cash, slots, most):
    """Run all variants of a sweep, one after the other.

    Args:
        rows: `riskcontrol.pyramid.Rows` of the bars.
        columns: Of `make_columns`.
        buy, sell: `Rule`; one for selling without steps never holds.
        own: Terms of every variant.
        cash: That each begins with.
        slots: Room for one position.
        most: With more fills than these it stops, before it is done.

    Returns:
        The fills (`riskcontrol.fills.FILL`), by variant, oldest first, and how many each has (int64).
    """
    variants, bars = len(buy.sides), len(rows.price)
    counts = np.zeros(variants, np.int64)
    fills, n = np.empty(1 << 12, FILL), 0
    buying = np.zeros((len(buy.steps) + 1, bars), np.bool_)
    selling = np.zeros((len(sell.steps) + 1, bars), np.bool_)
    for variant in range(variants):
        while n + bars > len(fills):
            fills = grown(fills)
        _look(buy, variant, columns, buying)
        _look(sell, variant, columns, selling)
        _begin(slots.positions[0], cash)
        before = n
        n = _run_variant(slots, own, buying[0], selling[0], rows, fills, n)
        counts[variant] = n - before
        if n > most:
            break
    return fills[:n], counts

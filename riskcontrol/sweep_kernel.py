"""The compiled loops of a sweep: columns of numbers, rules over them, and what each variant makes of its cash.

`riskcontrol.sweep_columns` tells what a column and a step are. A fill is made by `riskcontrol.fills.execute`, as the
engine makes it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol import orders
from riskcontrol.clocks import keep_fresh, rows_of, run_clock, run_series
from riskcontrol.code import STACK, Op
from riskcontrol.cohorts import grown
from riskcontrol.compiling import NO, YES, bare, entry, inlined
from riskcontrol.fills import FILL, execute
from riskcontrol.machine import OUTPUTS, Market, evaluate_segments
from riskcontrol.pyramid import make_rows, no_rows
from riskcontrol.signals import clock_of
from riskcontrol.states import Order, Reason, Status
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
        series: int64, shape (indicators, 4): code of the indicator, its bar's column, words of its state, their place.
        parameters: float64, shape (indicators, 3).
    """

    numbers: NDArray[np.int64]
    first: NDArray[np.int64]
    series: NDArray[np.int64]
    parameters: NDArray[np.float64]


class Memory(NamedTuple):
    """What columns keep from stretch to stretch.

    Attributes:
        states: float64: of the indicators.
        values: float64, shape (indicators, 2, 3): before the last closed bar and at it.
    """

    states: NDArray[np.float64]
    values: NDArray[np.float64]


class Rule(NamedTuple):
    """A rule for all variants.

    Attributes:
        steps: int32, shape (steps, 2): an operation (`Op`) and its argument. A comparison or cross puts down what it
            gives, And and Or join the last two.
        sides: int32, shape (variants, sides): columns of the comparisons and crosses, two of each.
    """

    steps: NDArray[np.int32]
    sides: NDArray[np.int32]


@entry
def make_columns(code, formulas, memory, bars, time, days):
    """Return columns of numbers in millionths, rounded as comparisons round, NaN where there is none.

    Args:
        code: `riskcontrol.machine.Code`.
        formulas: `Formulas`.
        memory: `Memory`; changed in place.
        bars: Of `riskcontrol.clocks.run_clock`: the two before the stretch, then those that close in it.
        time: int64, shape (closed,): ends of those; only asked for where a column is the time of day.
        days: `riskcontrol.kernel.Days`.

    Returns:
        float64, shape (columns, closed + 2): at each of the bars.
    """
    count, size = len(bars), len(bars) * OUTPUTS
    out = np.empty((len(formulas.numbers), count))
    most = np.max(np.diff(formulas.first))
    values, at, bindings = np.empty(most * size), np.arange(most) * size, np.arange(most).astype(np.int32)
    market = Market(bars, values, at, bindings)
    stacks = np.empty((STACK, _WIDTH))
    for column in range(len(out)):
        number, own = formulas.numbers[column], out[column]
        if number == CLOCK_TIME:
            own[:2] = math.nan
            for k in range(2, count):
                own[k] = clock_of(time[k - 2], days.moments, days.offsets)
        else:
            first = formulas.first[column]
            for series in range(first, formulas.first[column + 1]):
                one, place = formulas.series[series], (series - first) * size
                run_series(
                    one[0], one[1], formulas.parameters[series], memory.states[one[3] : one[3] + one[2]],
                    memory.values[series], bars, values[place : place + size],
                )  # fmt: skip
            record = code.formulas[number]
            for begin in range(0, count, _WIDTH):
                width = min(_WIDTH, count - begin)
                evaluate_segments(code, record.code, record.end, stacks, market, np.int32(0), begin - 1, width, YES)
                own[begin : begin + width] = stacks[0, :width]
        for k in range(count):
            own[k] = np.rint(own[k] * 1e6) if math.isfinite(own[k]) else math.nan
    return out


@bare
def _compare(op, a, b, out):
    """Put down in which segments two columns compare so; arguments are those of `_cross`."""
    if op == _LESS:
        for k in range(len(out)):
            out[k] = a[k + 1] < b[k + 1]
    elif op == _LESS_EQUAL:
        for k in range(len(out)):
            out[k] = a[k + 1] <= b[k + 1]
    elif op == _GREATER:
        for k in range(len(out)):
            out[k] = a[k + 1] > b[k + 1]
    elif op == _GREATER_EQUAL:
        for k in range(len(out)):
            out[k] = a[k + 1] >= b[k + 1]
    elif op == _EQUAL:
        for k in range(len(out)):
            out[k] = a[k + 1] == b[k + 1]
    else:  # NaN is unequal to everything, but a comparison of what is missing doesn't hold
        for k in range(len(out)):
            out[k] = (a[k + 1] < b[k + 1]) | (a[k + 1] > b[k + 1])


@bare
def _cross(argument, fresh, a, b, out):
    """Put down in which segments one column crosses another on the first trade after a bar, or on others.

    Args:
        argument: Of `Op.CROSS`.
        fresh: Whether it is the first trade; on others nothing crosses.
        a, b: float64, shape (segments + 1,): from the bar before the first segment's on.
        out: bool, shape (segments,).
    """
    if not fresh:
        out[:] = False
    elif argument & 1:
        for k in range(len(out)):
            out[k] = (a[k] - b[k] <= 0.0) & (a[k + 1] - b[k + 1] > 0.0)
    else:
        for k in range(len(out)):
            out[k] = (a[k] - b[k] >= 0.0) & (a[k + 1] - b[k + 1] < 0.0)
    if argument & 2:
        for k in range(len(out)):
            there = a[k] == a[k] and b[k] == b[k] and a[k + 1] == a[k + 1] and b[k + 1] == b[k + 1]
            out[k] = there and not out[k]


@bare
def _look(rule, variant, columns, fresh, room):
    """Put down in the first row of `room` in which segments a rule holds for a variant.

    Args:
        rule, columns: `Rule`, and of `make_columns`.
        variant: Which.
        fresh: Whether on the first trade after a bar, or on the others.
        room: bool, shape (as many as steps, segments).
    """
    n = side = 0
    for step in range(len(rule.steps)):
        op, argument = rule.steps[step, 0], rule.steps[step, 1]
        if op == _AND:
            n -= 1
            for k in range(room.shape[1]):
                room[n - 1, k] &= room[n, k]
        elif op == _OR:
            n -= 1
            for k in range(room.shape[1]):
                room[n - 1, k] |= room[n, k]
        else:
            a, b = columns[rule.sides[variant, side]], columns[rule.sides[variant, side + 1]]
            side += 2
            if op == _CROSS:
                _cross(argument, fresh, a, b, room[n])
            else:
                _compare(op, a, b, room[n])
            n += 1


@inlined
def _next_row(first, later, edges, segment, row, count):
    """Return the first row from `row` on, which is not the first of its segment, on which a rule holds, or `count`.

    Args:
        first, later: bool, shape (segments,): whether it holds on the first trade of a segment, and on others.
        edges: Where segments begin, but for the first.
        segment: That of the row before.
        row, count: Where to begin, and how many rows there are.
    """
    closed = len(edges)
    if later[segment] and row < (edges[segment] if segment < closed else count):
        return row
    for s in range(segment + 1, closed + 1):
        if first[s] or later[s]:
            begin = edges[s - 1]
            end = edges[s] if s < closed else count
            if first[s] and begin < end:
                return begin
            if later[s] and begin + 1 < end:
                return begin + 1
    return count


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
    elif buys and orders.affords(position.cash, orders.buying_price(price, own), own):
        return _BUY, _BY_BUY
    return _NONE, _NONE


@bare
def _run_variant(slot, slots, own, buying, selling, rows, edges, fills, n):
    """Lead one position through a stretch, and return how many fills there are now.

    Args:
        slot, slots: Which one, and `riskcontrol.triggers.Slots`.
        own: Its terms.
        buying, selling: Whether its rules hold on the first trade of each segment, and whether on others.
        rows: `riskcontrol.pyramid.Rows`.
        edges: Where segments begin, but for the first.
        fills, n: `riskcontrol.fills.FILL`, with room for a fill a row, and how many there are.
    """
    position = slots.positions[slot]
    stops = own[orders.STOP_LOSS] > 0 or own[orders.TRAILING_STOP] > 0 or own[orders.TAKE_PROFIT] > 0
    same = own[orders.FILL] == _SAME
    order, reason = np.int64(position.order), np.int64(position.reason)
    row, segment, count, closed = 0, 0, len(rows.price), len(edges)
    while row < count:
        while segment < closed and edges[segment] <= row:
            segment += 1
        later = row > (edges[segment - 1] if segment > 0 else 0)
        price = rows.price[row]
        if order != _NONE:
            n = execute(fills, n, slot, slots, own, order, reason, rows, row, rows.filling[row], rows.filled[row])
        if position.shares > 0 and price > position.peak:
            position.peak = price
        if position.status != _RUNNING:
            break
        buys = buying[1][segment] if later else buying[0][segment]
        sells = selling[1][segment] if later else selling[0][segment]
        order, reason = _decision(position, own, price, buys, sells)
        if order != _NONE and same:
            n = execute(fills, n, slot, slots, own, order, reason, rows, row, price, rows.time[row])
            order = _NONE
        row += 1
        if order == _NONE and position.shares == 0:
            row = _next_row(buying[0], buying[1], edges, segment, row, count)
        elif order == _NONE and not stops:
            row = _next_row(selling[0], selling[1], edges, segment, row, count)
    position.order, position.reason = order, reason
    return n


@bare
def _one_a_segment(rows, edges, fresh):
    """Return whether each trade is the first after a bar."""
    for k in range(1, len(edges)):
        if edges[k] - edges[k - 1] > 1:
            return False
    if len(edges) == 0 or len(rows.price) - edges[-1] > 1:
        return False
    return edges[0] == 0 or (edges[0] == 1 and fresh)


@entry
def read_trades(clocks, before, price, time, size, flags, sequence, days):
    """Return what a stretch of a ticker's trades is to a sweep.

    Args:
        clocks: `riskcontrol.book.CLOCK`, one; changed in place.
        before: As for `riskcontrol.clocks.run_clock`; changed in place.
        price, time, size, flags, sequence: Of all the ticker's trades.
        days: `riskcontrol.kernel.Days`.

    Returns:
        Bars and edges of `run_clock`, whether a bar had closed after the last driving trade before, and
        `riskcontrol.pyramid.Rows` of those that drive.
    """
    clock = clocks[0]
    fresh = clock.fresh == 1
    bars, edges = run_clock(clock, before, price, time, size, flags, days.moments, days.offsets)
    driving = rows_of(flags, clock.session)
    rows = no_rows()
    if len(driving) > 0:
        prices, times = price[driving], time[driving]
        rows = make_rows(prices, prices, times, times, sequence[driving])
    keep_fresh(clock, edges, len(driving))
    return bars, edges, fresh, rows


@entry
def run_variants(rows, edges, fresh, columns, buy, sell, own, slots, most):
    """Lead all variants of a sweep through a stretch, one after the other.

    Args:
        rows: `riskcontrol.pyramid.Rows` of the driving trades, or bars.
        edges: Of `riskcontrol.clocks.run_clock`.
        fresh: Whether a bar had closed after the last trade before the stretch.
        columns: Of `make_columns`.
        buy, sell: `Rule`; one for selling without steps never holds.
        own: Terms of every variant.
        slots: `riskcontrol.triggers.Slots`, one a variant; changed in place.
        most: With more fills than these it stops, before it is done.

    Returns:
        The fills (`riskcontrol.fills.FILL`), by variant, oldest first, and how many each has (int64).
    """
    variants, count, segments = len(buy.sides), len(rows.price), len(edges) + 1
    counts = np.zeros(variants, np.int64)
    fills, n = np.empty(1 << 12, FILL), np.int64(0)
    single = _one_a_segment(rows, edges, fresh)
    # On the first trade after a bar, and on others; the first segment has no bar before it unless there was one.
    room = np.zeros((4, max(len(buy.steps), len(sell.steps), 1), segments), np.bool_)
    for variant in range(variants):
        if slots.positions[variant].status != _RUNNING:
            continue
        while n + count > len(fills):
            fills = grown(fills)
        _look(buy, variant, columns, YES, room[0])
        _look(sell, variant, columns, YES, room[2])
        if not single:
            _look(buy, variant, columns, NO, room[1])
            _look(sell, variant, columns, NO, room[3])
            if not fresh:
                room[0, 0, 0], room[2, 0, 0] = room[1, 0, 0], room[3, 0, 0]
        before = n
        n = _run_variant(
            variant, slots, own, (room[0, 0], room[1, 0]), (room[2, 0], room[3, 0]), rows, edges, fills, n
        )  # fmt: skip
        counts[variant] = n - before
        if n > most:
            break
    return fills[:n], counts

"""The compiled rules of a position: what it decides on a trade, and which trades can make it decide.

A trigger may let a trade through on which nothing comes of it, but never holds one back that matters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol import orders
from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW
from riskcontrol.code import Kind, Op
from riskcontrol.compiling import NO, bare, inlined
from riskcontrol.machine import evaluate, joined
from riskcontrol.signals import holds
from riskcontrol.states import Order, Reason

_NONE, _BUY, _SELL = int(Order.NONE), int(Order.BUY), int(Order.SELL)
_BELOW, _ABOVE, _HELD = int(Kind.BELOW), int(Kind.ABOVE), int(Kind.HELD)
_REFERENCE, _ENTRY, _ADD, _SUBTRACT = int(Op.REFERENCE), int(Op.ENTRY), int(Op.ADD), int(Op.SUBTRACT)
_BY_BUY, _BY_SELL = int(Reason.BUY), int(Reason.SELL)
_BY_STOP, _BY_TRAIL, _BY_PROFIT = int(Reason.STOP_LOSS), int(Reason.TRAILING_STOP), int(Reason.TAKE_PROFIT)
_STOP_LOSS, _TAKE_PROFIT, _TRAILING_STOP = orders.STOP_LOSS, orders.TAKE_PROFIT, orders.TRAILING_STOP

_FARTHEST = 4e18
"""Levels beyond are held there, so that they fit into 64 bits."""

_EXACT = 2**47
"""Micro-dollars, more than any price; three roundings to 53 bits below twice as much err by less than an eighth."""


class Slots(NamedTuple):
    """The arrays of a `riskcontrol.book.Book` that are by slot, without the names."""

    triggers: NDArray[np.void]
    positions: NDArray[np.void]
    scores: NDArray[np.void]
    parameters: NDArray[np.float64]
    terms_of: NDArray[np.int32]


class Room(NamedTuple):
    """Room to work in: a stack, and the view of a position."""

    stack: NDArray[np.float64]
    seen: NDArray[np.float64]


class Fired(NamedTuple):
    """Where the signals of a stretch hold.

    Attributes:
        runs: int64, shape (n, 2): runs of driving trades, of one signal after the other.
        first, end: By number of a signal: which of the runs are its own.
    """

    runs: NDArray[np.int64]
    first: NDArray[np.int64]
    end: NDArray[np.int64]


@bare
def stop_level(price, ppm):
    """Return the highest price at which a stop `ppm` below `price` is reached."""
    return price - orders.part(price, ppm)


@bare
def profit_level(price, ppm):
    """Return the lowest price at which a profit of `ppm` over `price` is taken."""
    return price + orders.part(price, ppm)


@inlined
def _see(view, position, price, time):
    view[0] = price / 1e6
    view[1] = math.nan  # the clock is the market's: conditions of a position don't look at it
    view[2] = position.reference / 1e6
    if position.shares > 0:
        view[3] = position.entry / 1e6
        view[4] = position.peak / 1e6
        view[5] = (time - position.entered) / 1e9
    else:
        view[3] = view[4] = view[5] = math.nan


@bare
def _level(dollars):
    """Return a level in micro-dollars."""
    return np.int64(max(-_FARTHEST, min(_FARTHEST, np.rint(dollars * 1e6))))


@inlined
def _base_of(condition, position):
    """Return the price, micro-dollars, that a condition with a `base` begins with; -1 if there is none."""
    if condition.base == _REFERENCE:
        return position.reference
    if position.shares == 0:
        return -1
    return position.entry if condition.base == _ENTRY else position.peak


@inlined
def _operand_of(condition, parameters, constants):
    return parameters[condition.operand] if condition.operand >= 0 else constants[-1 - condition.operand]


@inlined
def _plain_level(condition, position, parameters, constants):
    """Return the level, dollars, of a condition that has a `base`; the same floats as its instructions give."""
    base = _base_of(condition, position)
    if base < 0:
        return math.nan
    if condition.operation == 0:
        return base / 1e6
    return joined(condition.operation, base / 1e6, _operand_of(condition, parameters, constants))


@inlined
def _plain_micros(condition, position, parameters, constants):
    """Return the same in micro-dollars, and whether there is such a level.

    The search for the next trade waits for it, so whole micro-dollars are added as integers. Below `_EXACT` the floats
    err by less than an eighth of one, and the number is less than a sixth beside a whole one: rounded, it is the same.
    """
    base, operation = _base_of(condition, position), condition.operation
    if 0 <= base < _EXACT and _ADD <= operation <= _SUBTRACT:
        micros = _operand_of(condition, parameters, constants) * 1e6
        whole = np.rint(micros)
        if abs(micros - whole) < 0.125 and abs(whole) < _EXACT:
            return base + np.int64(whole if operation == _ADD else -whole), True
    dollars = _plain_level(condition, position, parameters, constants)
    if math.isfinite(dollars):
        return _level(dollars), True
    return np.int64(0), False


@inlined
def _set(trigger, below, above, gated_below, gated_above, wake):
    """Fill a record of `riskcontrol.book.TRIGGER`."""
    trigger.below, trigger.above = below, above
    trigger.gated_below, trigger.gated_above = gated_below, gated_above
    trigger.wake = wake


@bare
def any_trade(slot, slots):
    """Let the next driving trade through, whatever its price."""
    _set(slots.triggers[slot], NEVER_ABOVE, NEVER_ABOVE, NEVER_BELOW, NEVER_ABOVE, NEVER_ABOVE)


@bare
def no_trade(slot, slots):
    """Let no trade through."""
    _set(slots.triggers[slot], NEVER_BELOW, NEVER_ABOVE, NEVER_BELOW, NEVER_ABOVE, NEVER_ABOVE)


@bare
def exact(code, shape):
    """Return whether nothing but levels of single conditions makes positions of a shape act, and which conditions.

    Without stops (`unstopped`), they then act on the very trade that their trigger lets through.

    Returns:
        Whether it is so; the condition on which they buy and that on which they sell, -1: none.
    """
    if shape.formulas > 0 or shape.moves == 1 or shape.peak or shape.sell > shape.buy + 1 or shape.end > shape.sell + 1:
        return False, -1, -1
    for c in range(shape.buy, shape.end):
        clause = code.clauses[c]
        condition = code.conditions[clause.first]
        if clause.end != clause.first + 1 or condition.base < 0 or condition.kind > _ABOVE:
            return False, -1, -1
    buying = np.int64(code.clauses[shape.buy].first) if shape.buy < shape.sell else -1
    selling = np.int64(code.clauses[shape.sell].first) if shape.sell < shape.end else -1
    return True, buying, selling


@inlined
def unstopped(own):
    """Return whether terms have no stops."""
    return own[_STOP_LOSS] == 0 and own[_TRAILING_STOP] == 0 and own[_TAKE_PROFIT] == 0


@inlined
def act(position, own, price):
    """Return the order, and its reason, of a position on the trade that its trigger has let through; see `exact`."""
    if position.shares > 0:
        return _SELL, _BY_SELL
    if orders.affords(position.cash, orders.buying_price(price, own), own):
        return _BUY, _BY_BUY
    return _NONE, _NONE


@inlined
def look_at_level(slot, slots, own, code, buying, selling, price, deciding):
    """Do the same as `look` for a position without stops; `buying` and `selling` are of `exact`."""
    position = slots.positions[slot]
    holding = position.shares > 0
    number = selling if holding else buying
    below, above = NEVER_BELOW, NEVER_ABOVE
    if number >= 0:
        condition = code.conditions[number]
        level, possible = _plain_micros(condition, position, slots.parameters[slot], code.constants)
        if possible:
            if condition.kind == _BELOW:
                below = level - condition.strict
            else:
                above = level + condition.strict
            if not holding:  # what it buys must be paid for
                below = min(below, position.cash)
                above = above if above <= position.cash else NEVER_ABOVE
    if deciding and (price <= below or price >= above):
        order, reason = act(position, own, price)
        if order != _NONE:
            return order, reason
    _set(slots.triggers[slot], below, above, NEVER_BELOW, NEVER_ABOVE, NEVER_ABOVE)
    return _NONE, _NONE


@inlined
def look(slot, slots, terms, code, cohort, market, fired, row, price, time, segment, room, deciding):
    """Look at a running position's rules on a trade, and work out which trades can make it act next.

    Args:
        slot: Which position.
        slots: `Slots`.
        terms: Of the book.
        code: `riskcontrol.machine.Code`.
        cohort: Record of its cohort.
        market: `riskcontrol.machine.Market`.
        fired: `Fired`.
        row, price, time, segment: Of the trade.
        room: `Room`.
        deciding: Whether it may decide on this trade.

    Returns:
        The order and its reason; exits come before entry. The triggers are set where there is none.
    """
    position = slots.positions[slot]
    own = terms[slots.terms_of[slot]]
    parameters = slots.parameters[slot]
    holding = position.shares > 0
    below = gated_below = NEVER_BELOW
    above = gated_above = wake = NEVER_ABOVE
    if holding:
        if own[_STOP_LOSS] > 0:
            below = stop_level(position.entry, own[_STOP_LOSS])
            if deciding and price <= below:
                return _SELL, _BY_STOP
        if own[_TRAILING_STOP] > 0:
            level = stop_level(position.peak, own[_TRAILING_STOP])
            if deciding and price <= level:
                return _SELL, _BY_TRAIL
            below = max(below, level)
        if own[_TAKE_PROFIT] > 0:
            above = profit_level(position.entry, own[_TAKE_PROFIT])
            if deciding and price >= above:
                return _SELL, _BY_PROFIT
        if own[_TRAILING_STOP] > 0 or code.shapes[cohort.shape].peak:
            above = min(above, position.peak + 1)
        first, end = code.shapes[cohort.shape].sell, code.shapes[cohort.shape].end
        most = NEVER_ABOVE
    else:
        first, end = code.shapes[cohort.shape].buy, code.shapes[cohort.shape].sell
        most = position.cash  # what it buys must be paid for; what it sells may have any price
    bind = cohort.bind + code.shapes[cohort.shape].formulas
    seen = wanted = False
    for c in range(first, end):
        clause = code.clauses[c]
        highest, lowest, since, possible = most, NEVER_BELOW, NEVER_BELOW, True
        agrees = deciding
        for k in range(clause.first, clause.end):
            condition = code.conditions[k]
            if condition.base >= 0:
                level = _plain_level(condition, position, parameters, code.constants)
            else:
                if not seen:
                    _see(room.seen, position, price, time)
                    seen = True
                if condition.kind > _ABOVE and agrees:
                    agrees = (
                        evaluate(
                            code, condition.test, condition.end, room.stack, room.seen, parameters, market, bind,
                            segment, NO,
                        )
                        == 1.0
                    )  # fmt: skip
                if condition.kind > _HELD:
                    continue
                level = evaluate(
                    code, condition.level, condition.level_end, room.stack, room.seen, parameters, market, bind,
                    segment, NO,
                )  # fmt: skip
            if not math.isfinite(level) or (condition.kind == _HELD and not holding):
                possible = False
                break
            if condition.kind == _BELOW:
                highest = min(highest, _level(level) - condition.strict)
            elif condition.kind == _ABOVE:
                lowest = max(lowest, _level(level) + condition.strict)
            else:
                # A microsecond early: comparisons round to that, and early does no harm.
                since = max(since, position.entered + np.int64(level * 1e9) - 1_000)
        if not possible or lowest > highest:
            continue
        if agrees and lowest <= price <= highest:
            if clause.formula >= 0:
                signal = market.bindings[cohort.bind + clause.formula]
                agrees = holds(fired.runs, fired.first[signal], fired.end[signal], row)
            if agrees:
                if holding:
                    return _SELL, _BY_SELL
                wanted = True
        if since > time:
            wake = min(wake, since)
            continue
        only_above = lowest > NEVER_BELOW and highest == most
        if clause.formula >= 0:
            if only_above:
                gated_above = min(gated_above, lowest)
            else:
                gated_below = max(gated_below, highest)
        elif only_above:
            above = min(above, lowest)
        else:
            below = max(below, highest)
    # Not in the loop: LLVM would work it out before, for each look at a position that doesn't buy.
    if wanted and orders.affords(position.cash, orders.buying_price(price, own), own):
        return _BUY, _BY_BUY
    _set(slots.triggers[slot], below, above, gated_below, gated_above, wake)
    return _NONE, _NONE

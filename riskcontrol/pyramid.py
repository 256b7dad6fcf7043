"""The driving trades of a ticker in a stretch, with a pyramid over their prices.

"The first trade at or beyond a price" is the question that the engine asks most. Each eight trades have their lowest
and highest price noted down, each eight of those again, and so on, and eight are compared at once; so the answer takes
two steps, up and down, to every factor of eight in how far away it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW
from riskcontrol.compiling import entry, inlined, inner
from riskcontrol.lanes import WIDTH, lowest_bit, outside

_SHIFT = 3
"""Eight trades, or nodes, are under a node: as many as are compared at once."""

_FEW = 2 * WIDTH
"""So many trades need no pyramid."""

# Places without a sign save Numba's question whether they count from the end.
_ZERO, _ONE, _THREE, _EIGHT = np.uint64(0), np.uint64(1), np.uint64(_SHIFT), np.uint64(WIDTH)
_MASK, _LATER = np.uint64(WIDTH - 1), np.uint64((1 << WIDTH) - 2)


class Rows(NamedTuple):
    """The driving trades of one ticker in a stretch, and what lies over them.

    Attributes:
        price: At which rules are looked at, micro-dollars.
        filling: At which orders fill; the same but for bars, where it is the bar's open.
        time: Nanoseconds UTC.
        filled: When orders fill; the same but for bars.
        sequence: Of the trades.
        nodes: int64: of each eight nodes the lowest prices and then the highest ones, lowest level first.
        levels: uint64: where in `nodes` each level begins.
        bounds: int64, shape (3,): lowest and highest price, latest time.
    """

    price: NDArray[np.int64]
    filling: NDArray[np.int64]
    time: NDArray[np.int64]
    filled: NDArray[np.int64]
    sequence: NDArray[np.int64]
    nodes: NDArray[np.int64]
    levels: NDArray[np.uint64]
    bounds: NDArray[np.int64]


@entry
def make_rows(price, filling, time, filled, sequence):
    """Put a pyramid over driving trades; there must be one at least."""
    n = len(price)
    count, groups, levels = n, 0, 0
    if n > _FEW:
        while count > WIDTH:
            count = (count + WIDTH - 1) >> _SHIFT
            groups += (count + WIDTH - 1) >> _SHIFT
            levels += 1
    nodes, starts = np.empty(2 * WIDTH * groups + WIDTH, np.int64), np.empty(levels, np.uint64)
    # Eight of them fill a cache line: none shall lie in two.
    nodes = nodes[-(nodes.ctypes.data >> _SHIFT) % WIDTH :]
    lowest = highest = price[0]
    latest = time[0]
    for i in range(n):
        lowest, highest, latest = min(lowest, price[i]), max(highest, price[i]), max(latest, time[i])
    count, place, below = n, 0, 0
    for level in range(levels):
        starts[level] = first = place
        for begin in range(0, count, WIDTH):
            end = min(count - begin, WIDTH)
            if level == 0:
                low = high = price[begin]
                for i in range(begin + 1, begin + end):
                    low, high = min(low, price[i]), max(high, price[i])
            else:
                group = below + 2 * begin
                low, high = nodes[group], nodes[group + WIDTH]
                for i in range(group + 1, group + end):
                    low, high = min(low, nodes[i]), max(high, nodes[i + WIDTH])
            nodes[place], nodes[place + WIDTH] = low, high
            place = _next_place(place)
        while place % WIDTH > 0:  # nodes that nobody finds
            nodes[place], nodes[place + WIDTH] = NEVER_ABOVE, NEVER_BELOW
            place = _next_place(place)
        count, below = (count + WIDTH - 1) >> _SHIFT, first
    return Rows(price, filling, time, filled, sequence, nodes, starts, np.array([lowest, highest, latest]))


@inlined
def _next_place(place):
    """Return where in `nodes` the node after the one at a place is."""
    place += 1
    return place + WIDTH if place % WIDTH == 0 else place


@inner
def no_rows():
    """Return rows without a trade."""
    none = np.empty(0, np.int64)
    return Rows(none, none, none, none, none, none, np.empty(0, np.uint64), none)


@inlined
def first_trade(rows, i, end, below, above):
    """Return the first trade from `i` on whose price is at or below `below` or at or above `above`, else `end`.

    Args:
        rows: `Rows`.
        i: Where to begin.
        end: Where to give up.
        below, above: Levels, micro-dollars.
    """
    price, nodes, levels = rows.price, rows.nodes, rows.levels
    at, last, top = np.uint64(i), np.uint64(end), len(levels)
    while at < last:
        group = at & ~_MASK
        if group + _EIGHT > np.uint64(len(price)):
            while at < last and below < price[at] < above:
                at += _ONE
            return np.int64(at)
        bits = outside(price, group, group, below, above) >> (at & _MASK)
        if bits != _ZERO:
            return np.int64(min(at + lowest_bit(bits), last))
        at = group + _EIGHT
        if top == 0:
            continue
        # Climb over what is outside, and down into the first node that isn't.
        node, level, shift = group >> _THREE, 0, _THREE
        while True:
            if (node + _ONE) << shift >= last:
                return end
            group = node & ~_MASK
            place = levels[level] + (group << _ONE)
            bits = outside(nodes, place, place + _EIGHT, below, above) & (_LATER << (node & _MASK))
            if bits != _ZERO:
                break
            node, level, shift = node >> _THREE, level + 1, shift + _THREE
            if level == top:
                return end
        node = group + lowest_bit(bits)
        while level > 0:
            level -= 1
            group = node << _THREE
            place = levels[level] + (group << _ONE)
            node = group + lowest_bit(outside(nodes, place, place + _EIGHT, below, above))
        at = node << _THREE
    return end

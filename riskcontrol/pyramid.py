"""The driving trades of a ticker in a stretch, with a pyramid over their prices.

"The first trade at or beyond a price" is the question that the engine asks most. Each eight trades have their lowest
and highest price noted down, each eight of those again, and so on; so the answer takes some ten steps to every
factor of eight in the number of trades, however far away it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from riskcontrol.compiling import inlined

_SHIFT = 3
_BRANCH = 1 << _SHIFT
"""Trades, or nodes, under a node. Eight took half the time of 64 on 57,000 trades (`riskcontrol bench engine`)."""

_FEW = 2 * _BRANCH
"""So many trades are gone through one by one."""

# Places without a sign save Numba's question whether they count from the end.
_ZERO, _ONE, _THREE, _MASK = np.uint64(0), np.uint64(1), np.uint64(_SHIFT), np.uint64(_BRANCH - 1)


class Rows(NamedTuple):
    """The driving trades of one ticker in a stretch, and what lies over them.

    Attributes:
        price: At which rules are looked at, micro-dollars.
        filling: At which orders fill; the same but for bars, where it is the bar's open.
        time: Nanoseconds UTC.
        filled: When orders fill; the same but for bars.
        sequence: Of the trades.
        nodes: int64, shape (2 × nodes,): lowest and highest price under each node, lowest level first.
        levels: int64: where in `nodes` each level begins.
        bounds: int64, shape (3,): lowest and highest price, latest time.
    """

    price: NDArray[np.int64]
    filling: NDArray[np.int64]
    time: NDArray[np.int64]
    filled: NDArray[np.int64]
    sequence: NDArray[np.int64]
    nodes: NDArray[np.int64]
    levels: NDArray[np.int64]
    bounds: NDArray[np.int64]


@njit(cache=True, nogil=True)
def make_rows(price, filling, time, filled, sequence):
    """Put a pyramid over driving trades; there must be one at least."""
    n = len(price)
    count, total, levels = n, 0, 0
    if n > _FEW:
        while count > _BRANCH:
            count = (count + _BRANCH - 1) >> _SHIFT
            total += count
            levels += 1
    nodes, starts = np.empty(2 * total, np.int64), np.empty(levels, np.int64)
    lowest = highest = price[0]
    latest = time[0]
    for i in range(n):
        lowest, highest, latest = min(lowest, price[i]), max(highest, price[i]), max(latest, time[i])
    first, count = 0, n
    for level in range(levels):
        starts[level] = first
        above = (count + _BRANCH - 1) >> _SHIFT
        for node in range(above):
            begin, end = node << _SHIFT, min(count, (node + 1) << _SHIFT)
            if level == 0:
                low = high = price[begin]
                for i in range(begin + 1, end):
                    low, high = min(low, price[i]), max(high, price[i])
            else:
                under = 2 * starts[level - 1]
                low, high = nodes[under + 2 * begin], nodes[under + 2 * begin + 1]
                for i in range(under + 2 * begin + 2, under + 2 * end, 2):
                    low, high = min(low, nodes[i]), max(high, nodes[i + 1])
            nodes[2 * (first + node)], nodes[2 * (first + node) + 1] = low, high
        first, count = first + above, above
    return Rows(price, filling, time, filled, sequence, nodes, starts, np.array([lowest, highest, latest]))


@njit(cache=True, nogil=True)
def no_rows():
    """Return rows without a trade."""
    none = np.empty(0, np.int64)
    return Rows(none, none, none, none, none, none, none, none)


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
    at, last = np.uint64(i), np.uint64(end)
    while at < last:
        stop = min(last, (at | _MASK) + _ONE)
        while at < stop:
            if price[at] <= below or price[at] >= above:
                return np.int64(at)
            at += _ONE
        if at >= last or len(levels) == 0:
            continue
        # Climb over what is outside, and down into the first node that isn't.
        node, level, first, shift = at >> _THREE, 0, np.uint64(levels[0]), _THREE
        while True:
            if node << shift >= last:
                return end
            place = (first + node) << _ONE
            if nodes[place] <= below or nodes[place + _ONE] >= above:
                if level == 0:
                    break
                level, node, shift = level - 1, node << _THREE, shift - _THREE
                first = np.uint64(levels[level])
            else:
                node += _ONE
                if node & _MASK == _ZERO and level + 1 < len(levels):
                    level, node, shift = level + 1, node >> _THREE, shift + _THREE
                    first = np.uint64(levels[level])
        at = node << _THREE
    return end

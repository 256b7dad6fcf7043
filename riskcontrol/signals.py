"""The compiled loops that find where a condition of the market holds, once for everybody who asks for it."""

from __future__ import annotations

import numpy as np

from riskcontrol.clocks import offset_at
from riskcontrol.code import STACK
from riskcontrol.compiling import NO, YES, bare, inlined, inner
from riskcontrol.machine import evaluate, evaluate_segments
from riskcontrol.newyork import NS_PER_DAY
from riskcontrol.trades import NS_PER_SECOND

_WIDTH = 256
"""Segments that are looked at together: their stacks fit into the processor's nearest memory."""


@inlined
def clock_of(time, moments, offsets):
    """Return the seconds since midnight in New York, float64."""
    return ((time + offset_at(time, moments, offsets)) % NS_PER_DAY) / NS_PER_SECOND


@inlined
def _put(runs, n, first, end):
    """Add a run of rows, or make the last one longer; return how many there are."""
    if n > 0 and runs[n - 1, 1] == first:
        runs[n - 1, 1] = end
        return n
    runs[n, 0] = first
    runs[n, 1] = end
    return n + 1


@inner
def find_runs(code, formula, bind, market, edges, fresh, price, time, moments, offsets, stack, view, none):
    """Return the runs of driving trades on which a formula holds.

    Args:
        code: `riskcontrol.machine.Code`.
        formula: Number of the formula.
        bind: Where its series are in the bindings.
        market: `riskcontrol.machine.Market`.
        edges: Of `riskcontrol.clocks.run_clock`.
        fresh: Whether a bar had closed after the last driving trade before the stretch.
        price, time: Of the driving trades; shape (n,).
        moments, offsets: `riskcontrol.newyork.transitions`.
        stack, view, none: Room to work in, and parameters that nobody asks for.

    Returns:
        int64, shape (runs, 2): first and end of each, ascending and apart.
    """
    segments = len(edges) + 1
    if code.formulas[formula].each_trade:
        runs = np.empty(((len(price) + 1) // 2, 2), np.int64)
        n = _runs_by_trade(
            code, code.formulas[formula], bind, market, edges, fresh, price, time, moments, offsets, stack, view, none,
            runs,
        )  # fmt: skip
    else:
        runs, width = np.empty((2 * segments, 2), np.int64), min(segments, _WIDTH)
        stacks, later = np.empty((STACK, width)), np.empty(width)
        n = _runs_by_bar(code, code.formulas[formula], bind, market, edges, fresh, len(price), stacks, later, runs)
    return runs[:n]


@bare
def _runs_by_trade(code, formula, bind, market, edges, fresh, price, time, moments, offsets, stack, view, none, runs):
    """Put down the runs of a formula that changes from trade to trade, and return how many there are.

    Args:
        code, bind, market, edges, fresh, price, time, moments, offsets, stack, view, none: As for `find_runs`.
        formula: Its record.
        runs: Gets them.
    """
    n = 0
    for segment in range(len(edges) + 1):
        first = 0 if segment == 0 else edges[segment - 1]
        last = len(price) if segment == len(edges) else edges[segment]
        new = fresh or segment > 0
        for i in range(first, last):
            view[0] = price[i] / 1e6
            view[1] = clock_of(time[i], moments, offsets)
            value = evaluate(
                code, formula.code, formula.end, stack, view, none, market, np.int64(bind), segment, new and i == first
            )
            if value == 1.0:
                n = _put(runs, n, i, i + 1)
    return n


@bare
def _runs_by_bar(code, formula, bind, market, edges, fresh, count, stacks, later, runs):
    """Put down the runs of a formula that changes from bar to bar, and return how many there are.

    Args:
        code, bind, market, edges, fresh: As for `find_runs`.
        formula: Its record.
        count: How many driving trades there are.
        stacks, later: Room for as many segments as are looked at together.
        runs: Gets them.
    """
    n = 0
    segments, width = len(edges) + 1, len(later)
    for begin in range(0, segments, width):
        own = min(width, segments - begin)
        if formula.crosses:
            evaluate_segments(code, formula.code, formula.end, stacks, market, bind, begin, own, NO)
            for k in range(own):
                later[k] = stacks[0, k]
        evaluate_segments(code, formula.code, formula.end, stacks, market, bind, begin, own, YES)
        for k in range(own):
            segment = begin + k
            first = 0 if segment == 0 else edges[segment - 1]
            last = count if segment == segments - 1 else edges[segment]
            if first == last:
                continue
            if not formula.crosses:
                if stacks[0, k] == 1.0:
                    n = _put(runs, n, first, last)
                continue
            if (stacks[0, k] if fresh or segment > 0 else later[k]) == 1.0:
                n = _put(runs, n, first, first + 1)
            if last > first + 1 and later[k] == 1.0:
                n = _put(runs, n, first + 1, last)
    return n


@inlined
def holds(runs, first, end, row):
    """Return whether a row is in one of the runs `first` to `end`."""
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        if runs[middle, 1] <= row:
            low = middle + 1
        else:
            high = middle
    return low < end and runs[low, 0] <= row

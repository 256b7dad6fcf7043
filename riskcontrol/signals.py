"""The compiled loops that find where a condition of the market holds, once for everybody who asks for it."""

from __future__ import annotations

import numpy as np
from numba import njit

from riskcontrol.machine import evaluate, inlined
from riskcontrol.newyork import NS_PER_DAY, offset_at
from riskcontrol.trades import NS_PER_SECOND


@njit(cache=True, nogil=True)
def clock_of(time, moments, offsets):
    """Return the seconds since midnight in New York, float64."""
    return ((time + offset_at(time, moments, offsets)) % NS_PER_DAY) / NS_PER_SECOND


@njit(cache=True, nogil=True)
def _add(runs, n, first, end):
    """Add a run of rows, or make the last one longer."""
    if n > 0 and runs[n - 1, 1] == first:
        runs[n - 1, 1] = end
        return runs, n
    if n == len(runs):
        longer = np.empty((2 * n, 2), np.int64)
        longer[:n] = runs
        runs = longer
    runs[n, 0] = first
    runs[n, 1] = end
    return runs, n + 1


@njit(cache=True, nogil=True)
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
    start, end = code.formulas[formula].code, code.formulas[formula].end
    each_trade = code.formulas[formula].each_trade
    runs, n = np.empty((4, 2), np.int64), 0
    for segment in range(len(edges) + 1):
        first = 0 if segment == 0 else edges[segment - 1]
        last = len(price) if segment == len(edges) else edges[segment]
        if first == last:
            continue
        new = fresh or segment > 0
        if each_trade:
            for i in range(first, last):
                view[0] = price[i] / 1e6
                view[1] = clock_of(time[i], moments, offsets)
                if evaluate(code, start, end, stack, view, none, market, bind, segment, new and i == first) == 1.0:
                    runs, n = _add(runs, n, i, i + 1)
        else:
            if evaluate(code, start, end, stack, view, none, market, bind, segment, new) == 1.0:
                runs, n = _add(runs, n, first, first + 1)
            if last > first + 1 and evaluate(code, start, end, stack, view, none, market, bind, segment, False) == 1.0:
                runs, n = _add(runs, n, first + 1, last)
    return runs[:n]


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

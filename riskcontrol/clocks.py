"""The compiled loops that make a clock's bars and lead its indicators through them.

A bar closes when a trade of a later one arrives; one that no trade has set a price for (odd lots alone) does not close
but goes on as the later one. The bars that close in a stretch of trades cut its driving trades
into segments: in segment s, s bars have closed since the stretch began.
"""

from __future__ import annotations

import math

import numpy as np

from riskcontrol.compiling import entry, inlined, inner
from riskcontrol.indicators.kernel import update
from riskcontrol.machine import COLUMNS, OUTPUTS
from riskcontrol.newyork import NS_PER_DAY
from riskcontrol.trades import DRIVING, HIGH_LOW, LAST, NS_PER_SECOND, REGULAR, VOLUME

_MOST = np.iinfo(np.int64).max
_DOLLAR = 1e6


@inlined
def offset_at(time, moments, offsets):
    """Return New York's offset from UTC at a time; all in nanoseconds.

    Args:
        time: Nanoseconds UTC.
        moments: Of `riskcontrol.newyork.transitions`.
        offsets: Of `riskcontrol.newyork.transitions`.
    """
    return offsets[np.searchsorted(moments, time, side="right") - 1]


@inner
def _close(clock, local, bar):
    """Put a clock's open bar, dollars and shares, where closed ones are."""
    bar[0] = clock.open / _DOLLAR if clock.open > 0 else math.nan
    bar[1] = clock.high / _DOLLAR if clock.high > 0 else math.nan
    bar[2] = clock.low / _DOLLAR if clock.low > 0 else math.nan
    bar[3] = clock.close / _DOLLAR if clock.close > 0 else math.nan
    bar[4] = clock.volume
    bar[5] = clock.notional / _DOLLAR
    bar[6] = local // NS_PER_DAY
    clock.trades = 0


@inner
def run_clock(clock, before, price, time, size, flags, moments, offsets):
    """Put a stretch of trades into a clock's bars.

    Args:
        clock: Record of the clock; its open bar is changed in place.
        before: float64, shape (2, 7): the bar before the last closed one, and that; changed in place.
        price, time, size, flags: All trades of the ticker in the stretch.
        moments, offsets: `riskcontrol.newyork.transitions`.

    Returns:
        bars: float64, shape (closed + 2, 7): those of `before`, then those that closed.
        edges: int64, shape (closed,): for each the first of the driving trades that comes after it.
    """
    bars, edges, closed = np.empty((8, COLUMNS)), np.empty(6, np.int64), 0
    bars[0], bars[1] = before[0], before[1]
    regular = clock.session == 0
    every = clock.every * NS_PER_SECOND
    row = 0
    for i in range(len(price)):
        flag = flags[i]
        if regular and not flag & REGULAR:
            continue
        if flag & (LAST | HIGH_LOW | VOLUME):
            local = time[i] + offset_at(time[i], moments, offsets)
            start = local - local % every
            if clock.trades > 0 and start > clock.start and clock.close == 0:
                clock.start = start
            elif clock.trades > 0 and start > clock.start:
                if closed == len(edges):
                    longer_bars, longer_edges = np.empty((2 * closed + 2, COLUMNS)), np.empty(2 * closed, np.int64)
                    longer_bars[: closed + 2], longer_edges[:closed] = bars, edges
                    bars, edges = longer_bars, longer_edges
                _close(clock, clock.start, bars[closed + 2])
                edges[closed] = row
                closed += 1
            if clock.trades == 0:
                clock.start = start
                clock.open = clock.high = clock.low = clock.close = clock.volume = clock.notional = 0
            clock.trades += 1
            if flag & LAST:
                if clock.open == 0:
                    clock.open = price[i]
                clock.close = price[i]
            if flag & HIGH_LOW:
                clock.high = max(clock.high, price[i])
                clock.low = price[i] if clock.low == 0 else min(clock.low, price[i])
            if flag & VOLUME:
                clock.volume += size[i]
                clock.notional = min(clock.notional, _MOST - price[i] * size[i]) + price[i] * size[i]
        if flag & LAST:
            row += 1  # a driving trade: of the regular session, or of the whole day where the clock is
    before[0], before[1] = bars[closed], bars[closed + 1]
    return bars[: closed + 2], edges[:closed]


@inlined
def keep_fresh(clock, edges, rows):
    """Note whether a bar has closed after the last of a stretch's driving trades.

    Args:
        clock: Record of the clock.
        edges: Of `run_clock`.
        rows: How many driving trades there were.
    """
    if rows > 0:
        clock.fresh = 1 if len(edges) > 0 and edges[-1] == rows else 0
    elif len(edges) > 0:
        clock.fresh = 1


@inner
def run_series(code, source, parameters, state, kept, bars, out):
    """Lead a series through the bars that closed.

    Args:
        code, source, parameters, state: As for `riskcontrol.indicators.kernel.update`.
        kept: float64, shape (2, 3): values before the last closed bar and at it; changed in place.
        bars: Of `run_clock`.
        out: float64, shape (len(bars) × 3,): gets the values at each of the bars.
    """
    for k in range(2):
        for j in range(OUTPUTS):
            out[k * OUTPUTS + j] = kept[k, j]
    for k in range(2, len(bars)):
        update(code, parameters, state, bars[k], source, out[k * OUTPUTS : (k + 1) * OUTPUTS])
    last = len(bars) - 2
    for k in range(2):
        for j in range(OUTPUTS):
            kept[k, j] = out[(last + k) * OUTPUTS + j]


@entry
def rows_of(flags, session):
    """Return which trades (int64) drive strategies of a session."""
    needed = DRIVING if session == 0 else LAST
    rows, n = np.empty(len(flags), np.int64), 0
    for i in range(len(flags)):
        if flags[i] & needed == needed:
            rows[n] = i
            n += 1
    return rows[:n]

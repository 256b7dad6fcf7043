"""The engine's compiled loops.

`riskcontrol.engine` tells what they are for; the slow, plain twin that they are tested against is
`tests/reference.py`.

All loops work in place on the arrays of a `riskcontrol.book.Book` and are compiled once, into Numba's cache. Those
that make bars are in `riskcontrol.minutes`, those that open strategies in `riskcontrol.opening`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskcontrol.clocks import keep_fresh, rows_of, run_clock, run_series
from riskcontrol.cohorts import grown, run_cohort
from riskcontrol.compiling import NO, entry, inner, pasted
from riskcontrol.fills import FILL
from riskcontrol.machine import COLUMNS, OUTPUTS, Market
from riskcontrol.pyramid import make_rows, no_rows
from riskcontrol.signals import find_runs
from riskcontrol.triggers import Fired


@entry
def group_by_ticker(tickers, n_tickers):
    """Return the order that brings trades of one ticker together (stable) and where each ticker starts.

    Args:
        tickers: int32, shape (n,): ticker number of each trade.
        n_tickers: How many ticker numbers there are.

    Returns:
        int64 arrays of shape (n,) and (n_tickers + 1,).
    """
    starts = np.zeros(n_tickers + 1, np.int64)
    for t in tickers:
        starts[t + 1] += 1
    for t in range(n_tickers):
        starts[t + 1] += starts[t]
    place = starts[:-1].copy()
    order = np.empty(len(tickers), np.int64)
    for i in range(len(tickers)):
        t = tickers[i]
        order[place[t]] = i
        place[t] += 1
    return order, starts


class Days(NamedTuple):
    """New York's clock, `riskcontrol.newyork.transitions`."""

    moments: NDArray[np.int64]
    offsets: NDArray[np.int64]


class Shared(NamedTuple):
    """The arrays of a `riskcontrol.book.Book` that are not by slot."""

    tickers: NDArray[np.void]
    cohorts: NDArray[np.void]
    pages: NDArray[np.void]
    chapters: NDArray[np.void]
    clocks: NDArray[np.void]
    clock_bars: NDArray[np.float64]
    series: NDArray[np.void]
    series_parameters: NDArray[np.float64]
    series_values: NDArray[np.float64]
    states: NDArray[np.float64]
    signals: NDArray[np.void]
    bindings: NDArray[np.int32]
    terms: NDArray[np.int64]


@inner
def _measure(number, shared, bars):
    """Lead all series of a clock through the bars that closed, and return the `Market` that rules see."""
    first = shared.clocks[number].series
    count, most = 0, -1
    series = first
    while series >= 0:
        count, most = count + 1, max(most, series)
        series = shared.series[series].next
    at = np.empty(most + 1, np.int64)
    size = len(bars) * OUTPUTS
    values = np.empty(count * size)
    series, place = first, 0
    while series >= 0:
        record = shared.series[series]
        at[series] = place
        run_series(
            record.code, record.source, shared.series_parameters[series],
            shared.states[record.state : record.state + record.words], shared.series_values[series], bars,
            values[place : place + size],
        )  # fmt: skip
        place += size
        series = record.next
    return Market(bars, values, at, shared.bindings)


@inner
def _watch(number, shared, code, market, edges, fresh, rows, days, room):
    """Find where the signals of a clock hold."""
    first = shared.clocks[number].signal
    most = -1
    signal = first
    while signal >= 0:
        most = max(most, signal)
        signal = shared.signals[signal].next
    starts, ends = np.zeros(most + 1, np.int64), np.zeros(most + 1, np.int64)
    runs, n = np.empty((16, 2), np.int64), 0
    none = np.zeros(4)
    signal = first
    while signal >= 0:
        record = shared.signals[signal]
        found = find_runs(
            code, record.formula, record.bind, market, edges, fresh, rows.price, rows.time, days.moments, days.offsets,
            room.stack, room.seen, none,
        )  # fmt: skip
        if n + len(found) > len(runs):
            longer = np.empty((2 * (n + len(found)), 2), np.int64)
            longer[:n] = runs[:n]
            runs = longer
        runs[n : n + len(found)] = found
        starts[signal], ends[signal] = n, n + len(found)
        n += len(found)
        signal = record.next
    return Fired(runs, starts, ends)


@pasted
def _run_cohorts(ticker, clock, session, shared, slots, code, market, fired, rows, edges, fresh, room, out):
    """Lead a ticker's cohorts of a clock (-1: without one) and a session through a stretch; return `out`."""
    cohort = shared.tickers[ticker].cohort
    while cohort >= 0:
        record = shared.cohorts[cohort]
        if record.clock == clock and code.shapes[record.shape].session == session:
            out = run_cohort(
                record, shared.chapters, shared.pages, slots, shared.terms, code, market, fired, rows, edges, fresh,
                room, out,
            )  # fmt: skip
        cohort = record.next
    return out


@pasted
def _run_bare(ticker, session, shared, slots, code, rows, room, out):
    """Lead a ticker's cohorts that look at no bars through a stretch; return `out`."""
    no_values, no_places = np.empty(0), np.empty(0, np.int64)
    nothing = Market(np.full((2, COLUMNS), np.nan), no_values, no_places, shared.bindings)
    silent = Fired(np.empty((0, 2), np.int64), no_places, no_places)
    return _run_cohorts(
        ticker, np.int32(-1), np.int32(session), shared, slots, code, nothing, silent, rows, no_places, NO, room, out
    )


@pasted
def run_clock_and_cohorts(ticker, number, bars, edges, fresh, shared, slots, code, rows, days, room, out):
    """Lead the series and signals of a clock, and the cohorts on it, through a stretch.

    Args:
        ticker: Number of the ticker.
        number: Of the clock.
        bars, edges: Of `riskcontrol.clocks.run_clock`.
        fresh: Whether a bar had closed after the last row before these.
        shared, slots, code, rows, days, room, out: As for `run_cohort`.

    Returns:
        `out`, with what they did.
    """
    market = _measure(number, shared, bars)
    if len(rows.price) == 0:
        return out
    fired = _watch(number, shared, code, market, edges, fresh, rows, days, room)
    session = shared.clocks[number].session
    return _run_cohorts(ticker, number, session, shared, slots, code, market, fired, rows, edges, fresh, room, out)


@inner
def _any_of(ticker, session, shared, code):
    """Return whether a ticker has cohorts without a clock, and whether it has any of a session."""
    bare = some = False
    cohort = shared.tickers[ticker].cohort
    while cohort >= 0:
        record = shared.cohorts[cohort]
        if code.shapes[record.shape].session == session:
            some = True
            bare = bare or record.clock < 0
        cohort = record.next
    return bare, some


@inner
def _nothing_done():
    """Return room for fills and for slots that act, as `run_cohort` takes it."""
    # What isn't used costs nothing: the system gives memory when it is touched.
    none = np.int64(0)  # to Numba, a 0 that stands in the code is of another type than one that was counted
    return np.empty(1 << 17, FILL), none, np.empty(1 << 12, np.int32), np.empty(1 << 12, np.bool_), none


@entry
def advance_bars_of(ticker, filling, filled, price, time, sequence, bars, shared, slots, code, days, room):
    """Lead a ticker's positions through bars, each of which is one driving trade at its close.

    An order decided at a bar's close fills at the next bar's open. All clocks of the ticker tick with these bars.

    Args:
        ticker: Number of the ticker.
        filling, filled: Opens and when they were.
        price, time: Closes and when they were.
        sequence: Numbers of the bars.
        bars: float64, shape (n, 7): the same bars as indicators want them.
        shared, slots, code, days, room: As for `advance_tickers`.

    Returns:
        The fills (`FILL`).
    """
    out = _nothing_done()
    rows = make_rows(price, filling, time, filled, sequence)
    shared.tickers[ticker].price, shared.tickers[ticker].time = price[-1], time[-1]
    no_bars, no_edges = np.full((2, COLUMNS), np.nan), np.empty(0, np.int64)
    all_bars = np.empty((len(bars) + 2, COLUMNS))
    all_bars[2:] = bars
    edges = np.arange(len(bars))
    clock = shared.tickers[ticker].clock
    while clock >= 0:
        own_bars, own_edges = no_bars, no_edges
        if shared.clocks[clock].every > 0:
            all_bars[:2] = shared.clock_bars[clock]
            own_bars, own_edges = all_bars, edges
        out = run_clock_and_cohorts(ticker, clock, own_bars, own_edges, NO, shared, slots, code, rows, days, room, out)
        if shared.clocks[clock].every > 0:
            shared.clock_bars[clock] = all_bars[-2:]
        clock = shared.clocks[clock].next
    for session in range(2):
        out = _run_bare(ticker, session, shared, slots, code, rows, room, out)
    return out[0][: out[1]]


@entry
def advance_tickers(starts, price, time, size, flags, sequence, shared, slots, code, days, room):
    """Lead every position, and all that rules look at, through a stretch of trades.

    Args:
        starts: int64, shape (tickers + 1,): where each ticker's trades start.
        price, time, size, flags, sequence: All trades, grouped by ticker, shape (n,).
        shared, slots: Of the book; changed in place.
        code: `riskcontrol.machine.Code`.
        days: `Days`.
        room: `riskcontrol.triggers.Room`.

    Returns:
        The fills (`FILL`); the slots (int32) of the positions that acted, and (bool) whether a fill, a first trade or
        a halt was among what they did; the clocks (int32) that ran, and (bool) whether a bar of theirs closed.
    """
    out = _nothing_done()
    ran, closed, n_ran = np.empty(256, np.int32), np.empty(256, np.bool_), 0
    no_bars, no_edges = np.full((2, COLUMNS), np.nan), np.empty(0, np.int64)
    for t in range(len(starts) - 1):
        a, b = starts[t], starts[t + 1]
        if a == b:
            continue
        for session in range(2):
            bare, some = _any_of(t, session, shared, code)
            if session == 1 and not some:
                continue
            driving = a + rows_of(flags[a:b], session)
            rows = no_rows()
            if len(driving) > 0:
                if session == 0:
                    shared.tickers[t].price = price[driving[-1]]
                    shared.tickers[t].time = time[driving[-1]]
                if not some:
                    continue
                prices = price[driving]
                times = time[driving]
                rows = make_rows(prices, prices, times, times, sequence[driving])
            clock = shared.tickers[t].clock
            while clock >= 0:
                record = shared.clocks[clock]
                if record.session == session:
                    bars, edges = no_bars, no_edges
                    if record.every > 0:
                        bars, edges = run_clock(
                            record, shared.clock_bars[clock], price[a:b], time[a:b], size[a:b], flags[a:b],
                            days.moments, days.offsets,
                        )  # fmt: skip
                    out = run_clock_and_cohorts(
                        t, clock, bars, edges, record.fresh == 1, shared, slots, code, rows, days, room, out
                    )
                    keep_fresh(record, edges, len(rows.price))
                    if n_ran == len(ran):
                        ran, closed = grown(ran), grown(closed)
                    ran[n_ran], closed[n_ran] = clock, len(edges) > 0
                    n_ran += 1
                clock = record.next
            if bare and len(rows.price) > 0:
                out = _run_bare(t, session, shared, slots, code, rows, room, out)
    fills, n_fills, acted, changed, n_acted = out
    return fills[:n_fills], acted[:n_acted], changed[:n_acted], ran[:n_ran], closed[:n_ran]

"""The engine's compiled loops.

`riskcontrol.engine` tells what they are for; the slow, plain twin that they are tested against is
`tests/reference.py`.

All loops work in place on the arrays of a `riskcontrol.book.Book` and are compiled once, into Numba's cache. Those
that make bars are in `riskcontrol.minutes`, those that open strategies in `riskcontrol.opening`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from riskcontrol import orders
from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE, Order, Status
from riskcontrol.clocks import rows_of, run_clock, run_series
from riskcontrol.machine import COLUMNS, OUTPUTS, Market, bare
from riskcontrol.signals import find_runs
from riskcontrol.terms import FillMode
from riskcontrol.triggers import Fired, decide, set_triggers

FILL = np.dtype(
    [
        *((name, "i8") for name in ("time", "price", "shares", "fee", "cash", "sequence")),
        *((name, "i4") for name in ("slot", "number", "reason", "pad")),
    ]
)
"""A fill, before the names are put to it."""

BLOCK = 64
"""Trades under one minimum and maximum of the pyramid, and those under one of the next level."""

# Numba freezes these module constants into the compiled code.
_NONE, _BUY, _SELL = int(Order.NONE), int(Order.BUY), int(Order.SELL)
_RUNNING, _HALTED = int(Status.RUNNING), int(Status.HALTED)
_SAME = int(FillMode.SAME)


@njit(cache=True, nogil=True)
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


@bare
def _build_pyramid(price, start, end, low1, high1, low2, high2):
    blocks = (end - start + BLOCK - 1) // BLOCK
    for b in range(blocks):
        low = high = price[start + b * BLOCK]
        for i in range(start + b * BLOCK, min(start + (b + 1) * BLOCK, end)):
            low = min(low, price[i])
            high = max(high, price[i])
        low1[b] = low
        high1[b] = high
    for c in range((blocks + BLOCK - 1) // BLOCK):
        low = low1[c * BLOCK]
        high = high1[c * BLOCK]
        for b in range(c * BLOCK, min((c + 1) * BLOCK, blocks)):
            low = min(low, low1[b])
            high = max(high, high1[b])
        low2[c] = low
        high2[c] = high


@bare
def _first_trade(price, start, end, i, below, above, low1, high1, low2, high2):
    """Return the first trade from `i` on whose price is at or below `below` or at or above `above`, else `end`."""
    while i < end:
        k = i - start
        if k % BLOCK == 0:
            b = k // BLOCK
            if b % BLOCK == 0:
                c = b // BLOCK
                if low2[c] > below and high2[c] < above:
                    i += BLOCK * BLOCK
                    continue
            if low1[b] > below and high1[b] < above:
                i += BLOCK
                continue
        stop = min(end, start + (k // BLOCK + 1) * BLOCK)
        while i < stop:
            if price[i] <= below or price[i] >= above:
                return i
            i += 1
    return end


@njit(cache=True, nogil=True)
def grown(array):
    """Return an array twice as long, with the same contents at its beginning."""
    larger = np.empty(len(array) * 2, array.dtype)
    larger[: len(array)] = array
    return larger


class Rows(NamedTuple):
    """The driving trades of one ticker in a stretch, and what lies over them.

    Attributes:
        price: At which rules are looked at, micro-dollars.
        filling: At which orders fill; the same but for bars, where it is the bar's open.
        time: Nanoseconds UTC.
        filled: When orders fill; the same but for bars.
        sequence: Of the trades.
        low1, high1, low2, high2: The pyramid of prices.
        bounds: int64, shape (3,): lowest and highest price, latest time.
    """

    price: NDArray[np.int64]
    filling: NDArray[np.int64]
    time: NDArray[np.int64]
    filled: NDArray[np.int64]
    sequence: NDArray[np.int64]
    low1: NDArray[np.int64]
    high1: NDArray[np.int64]
    low2: NDArray[np.int64]
    high2: NDArray[np.int64]
    bounds: NDArray[np.int64]


class Days(NamedTuple):
    """New York's clock, `riskcontrol.newyork.transitions`."""

    moments: NDArray[np.int64]
    offsets: NDArray[np.int64]


@njit(cache=True, nogil=True)
def make_rows(price, filling, time, filled, sequence):
    """Put a pyramid over driving trades; there must be one at least."""
    n = len(price)
    blocks = (n + BLOCK - 1) // BLOCK
    tops = (blocks + BLOCK - 1) // BLOCK
    low1, high1 = np.empty(blocks, np.int64), np.empty(blocks, np.int64)
    low2, high2 = np.empty(tops, np.int64), np.empty(tops, np.int64)
    _build_pyramid(price, 0, n, low1, high1, low2, high2)
    bounds = np.array([low2.min(), high2.max(), time.max()])
    return Rows(price, filling, time, filled, sequence, low1, high1, low2, high2, bounds)


@bare
def _fill(fills, n, slot, slots, terms, order, reason, rows, row, price, time):
    """Execute an order at a price and, unless it lapses, add the fill; halt what would leave 64 bits.

    Returns:
        How many fills there are now; there must be room.
    """
    position = slots.positions[slot]
    own = terms[slots.terms_of[slot]]
    if order == _BUY:
        paid = orders.buying_price(price, own)
        shares = orders.affordable(position.cash, paid, own)
        if shares == 0:
            return n
        cost = orders.fee(shares, paid, own)
        position.shares = shares
        position.entry = paid
        position.peak = max(price, rows.price[row])
        position.entered = time
    else:
        paid = orders.selling_price(price, own)
        if not orders.sale_fits(position.cash, position.shares, paid):
            position.status = _HALTED
            return n
        shares = -position.shares
        cost = orders.sale_fee(position.cash, position.shares, paid, own)
        position.shares = 0
        position.entry = position.peak = position.entered = 0
    position.cash -= shares * paid + cost
    position.reference = paid
    position.fills += 1
    fill = fills[n]
    fill.time, fill.price, fill.shares, fill.fee, fill.cash = time, paid, shares, cost, position.cash
    fill.sequence, fill.slot, fill.number, fill.reason, fill.pad = rows.sequence[row], slot, position.fills, reason, 0
    return n + 1


@bare
def _next_row(slot, slots, code, cohort, market, fired, rows, edges, row):
    """Return the first row from `row` on at which the position has to be looked at, or the number of rows."""
    n = len(rows.price)
    found = _first_trade(
        rows.price, 0, n, row, slots.below[slot], slots.above[slot], rows.low1, rows.high1, rows.low2, rows.high2
    )
    shape = code.shapes[cohort.shape]
    if shape.moves == 1:  # its levels move with the bars
        k = np.searchsorted(edges, row)
        if k < len(edges):
            found = min(found, edges[k])
    wake = slots.wake[slot]
    if wake <= rows.bounds[2]:
        i = row
        while i < found and rows.time[i] < wake:
            i += 1
        found = i
    below, above = slots.gated_below[slot], slots.gated_above[slot]
    if shape.formulas == 0 or (below == NEVER_BELOW and above == NEVER_ABOVE):
        return found
    holding = slots.positions[slot].shares > 0
    first = shape.sell if holding else shape.buy
    end = shape.end if holding else shape.sell
    for c in range(first, end):
        formula = code.clauses[c].formula
        if formula < 0:
            continue
        signal = market.bindings[cohort.bind + formula]
        low, high = fired.first[signal], fired.end[signal]
        while low < high:  # the first run that isn't over
            middle = (low + high) // 2
            if fired.runs[middle, 1] <= row:
                low = middle + 1
            else:
                high = middle
        for run in range(low, fired.end[signal]):
            start, stop = max(row, fired.runs[run, 0]), min(found, fired.runs[run, 1])
            if start >= found:
                break
            at = _first_trade(rows.price, 0, stop, start, below, above, rows.low1, rows.high1, rows.low2, rows.high2)
            if at < stop:
                found = at
                break
    return found


@bare
def _run_position(slot, slots, terms, code, cohort, market, fired, rows, edges, room, at, fills, n):
    """Lead one position through its ticker's driving trades from row `at` on, jumping from act to act.

    Returns:
        Row: where to go on once there is room for more fills, or the number of rows.
        Fills: how many there are now.
        Changed: whether a fill, a first trade or a halt was among what it did.
    """
    position = slots.positions[slot]
    changed = False
    count = len(rows.price)
    while at < count:
        if n + 2 > len(fills):
            break
        before = n
        price, time = rows.price[at], rows.time[at]
        segment = np.searchsorted(edges, at, side="right") if len(edges) > 0 else 0
        order, reason = position.order, position.reason
        position.order = _NONE
        if order != _NONE:
            n = _fill(fills, n, slot, slots, terms, order, reason, rows, at, rows.filling[at], rows.filled[at])
        elif position.reference == 0:
            position.reference = price
            position.time = time
            changed = True
        if position.shares > 0:
            position.peak = max(position.peak, price)
        if position.status == _RUNNING:
            order, reason = decide(slot, slots, terms, code, cohort, market, fired, at, price, time, segment, room)
            if order != _NONE and terms[slots.terms_of[slot], orders.FILL] == _SAME:
                n = _fill(fills, n, slot, slots, terms, order, reason, rows, at, price, time)
            else:
                position.order, position.reason = order, reason
        # A mere decision is not written: what a row says must not depend on where a batch ended.
        if n > before or position.status == _HALTED:
            position.time = time
            changed = True
        set_triggers(slot, slots, terms, code, cohort, market, price, time, segment, room)
        if position.status != _RUNNING:  # halted just now
            return count, n, changed
        at = _next_row(slot, slots, code, cohort, market, fired, rows, edges, at + 1)
    return at, n, changed


@bare
def widen(summary, other):
    """Let a summary's triggers cover another's as well, and count its positions."""
    summary.below = max(summary.below, other.below)
    summary.above = min(summary.above, other.above)
    summary.gated_below = max(summary.gated_below, other.gated_below)
    summary.gated_above = min(summary.gated_above, other.gated_above)
    summary.wake = min(summary.wake, other.wake)
    summary.flat += other.flat
    summary.holding += other.holding


@bare
def clear_summary(summary):
    """Make a summary that of no position."""
    summary.below = summary.gated_below = NEVER_BELOW
    summary.above = summary.gated_above = summary.wake = NEVER_ABOVE
    summary.flat = summary.holding = 0


@bare
def summarise_page(page, pages, slots):
    """Note down the outermost triggers of a page's positions, and how many of them run."""
    summary = pages[page]
    clear_summary(summary)
    for slot in range(page * PAGE, page * PAGE + summary.used):
        summary.below = max(summary.below, slots.below[slot])
        summary.above = min(summary.above, slots.above[slot])
        summary.gated_below = max(summary.gated_below, slots.gated_below[slot])
        summary.gated_above = min(summary.gated_above, slots.gated_above[slot])
        summary.wake = min(summary.wake, slots.wake[slot])
        position = slots.positions[slot]
        if position.status == _RUNNING:
            if position.shares > 0:
                summary.holding += 1
            else:
                summary.flat += 1


@bare
def summarise_cohort(cohort, pages):
    """Note down the same of a cohort's pages."""
    clear_summary(cohort)
    page = cohort.first
    while page >= 0:
        widen(cohort, pages[page])
        page = pages[page].next


@bare
def _reached(summary, bounds, firing):
    """Return whether one of a summary's positions may act in a stretch.

    Args:
        summary: Record of a page or a cohort.
        bounds: Of `Rows`.
        firing: Of `_firing`.
    """
    buying, selling, moved = firing
    low, high, newest = bounds[0], bounds[1], bounds[2]
    if low <= summary.below or high >= summary.above or newest >= summary.wake:
        return True
    if moved and summary.flat + summary.holding > 0:
        return True
    if (buying and summary.flat > 0) or (selling and summary.holding > 0):
        return low <= summary.gated_below or high >= summary.gated_above
    return False


@bare
def _fires(first, end, code, cohort, market, fired):
    """Return whether a signal of one of these clauses holds somewhere in the stretch."""
    for c in range(first, end):
        formula = code.clauses[c].formula
        if formula >= 0:
            signal = market.bindings[cohort.bind + formula]
            if fired.end[signal] > fired.first[signal]:
                return True
    return False


@bare
def _firing(code, cohort, market, fired, edges, fresh):
    """Return whether signals fire for those who would buy, for those who would sell, and whether levels have moved."""
    shape = code.shapes[cohort.shape]
    moved = shape.moves == 1 and (fresh or len(edges) > 0)
    buying = shape.formulas > 0 and _fires(shape.buy, shape.sell, code, cohort, market, fired)
    selling = shape.formulas > 0 and _fires(shape.sell, shape.end, code, cohort, market, fired)
    return buying, selling, moved


@bare
def _run_page(page, slot, at, pages, slots, terms, code, cohort, market, fired, rows, edges, fresh, firing, out):
    """Lead the positions of a page, from a slot and a row on, through the driving trades of its ticker.

    Args:
        firing: Whether signals fire for those who would buy, for those who would sell, and whether levels have moved.
        out: Room, fills and how many; slots that acted, whether what they did is to be written, and how many.

    Returns:
        Slot and row: where to go on once there is room for more, or the end of the page.
        How many fills there are now, and how many slots that acted.
    """
    buying, selling, moved = firing
    room, fills, n, acted, changed, n_acted = out
    low, high, newest = rows.bounds[0], rows.bounds[1], rows.bounds[2]
    end = page * PAGE + pages[page].used
    while slot < end:
        if at < 0:
            near = low <= slots.below[slot] or high >= slots.above[slot] or newest >= slots.wake[slot] or moved
            gated = (buying or selling) and (low <= slots.gated_below[slot] or high >= slots.gated_above[slot])
            if not (near or gated) or slots.positions[slot].status != _RUNNING:
                slot += 1
                continue
            at = 0
            if not (fresh and code.shapes[cohort.shape].moves == 1):
                at = _next_row(slot, slots, code, cohort, market, fired, rows, edges, 0)
        if at < len(rows.price):
            if n_acted == len(acted):
                return slot, at, n, n_acted
            at, n, did = _run_position(slot, slots, terms, code, cohort, market, fired, rows, edges, room, at, fills, n)
            acted[n_acted], changed[n_acted] = slot, did
            n_acted += 1
            if at < len(rows.price):
                return slot, at, n, n_acted
        slot += 1
        at = -1
    summarise_page(page, pages, slots)
    return slot, at, n, n_acted


@bare
def _next_page(page, pages, bounds, firing):
    """Return the first page from this one on of which a position may act in a stretch, or -1."""
    while page >= 0:
        if _reached(pages[page], bounds, firing):
            return page
        page = pages[page].next
    return page


@njit(cache=True, nogil=True)
def run_cohort(cohort, pages, slots, terms, code, market, fired, rows, edges, fresh, room, out):
    """Lead a cohort's positions through the driving trades of its ticker.

    Args:
        cohort: Its record; its summary is changed in place, as are the pages and slots.
        pages, slots, terms, code, market, fired, rows, edges, fresh, room: See `Rows` and `riskcontrol.triggers`.
        out: Fills (`FILL`) and how many; slots that acted (int32), whether what they did is to be written (bool), and
            how many.

    Returns:
        `out`, with what they did.
    """
    fills, n, acted, changed, n_acted = out
    firing = _firing(code, cohort, market, fired, edges, fresh)
    if not _reached(cohort, rows.bounds, firing):
        return out
    page = _next_page(cohort.first, pages, rows.bounds, firing)
    noted = page if page >= 0 else cohort.first
    while noted >= 0:
        # One of its slots, so that new summaries are saved even if none of its positions acts after all.
        if n_acted == len(acted):
            acted, changed = grown(acted), grown(changed)
        acted[n_acted], changed[n_acted] = noted * PAGE, False
        n_acted += 1
        if page < 0:
            break
        slot, at, end = page * PAGE, -1, page * PAGE + pages[page].used
        while slot < end:
            slot, at, n, n_acted = _run_page(
                page, slot, at, pages, slots, terms, code, cohort, market, fired, rows, edges, fresh, firing,
                (room, fills, n, acted, changed, n_acted),
            )  # fmt: skip
            if slot < end:
                if n + 2 > len(fills):
                    fills = grown(fills)
                if n_acted == len(acted):
                    acted, changed = grown(acted), grown(changed)
        page = noted = _next_page(pages[page].next, pages, rows.bounds, firing)
    summarise_cohort(cohort, pages)
    return fills, n, acted, changed, n_acted


class Shared(NamedTuple):
    """The arrays of a `riskcontrol.book.Book` that are not by slot."""

    tickers: NDArray[np.void]
    cohorts: NDArray[np.void]
    pages: NDArray[np.void]
    clocks: NDArray[np.void]
    clock_bars: NDArray[np.float64]
    series: NDArray[np.void]
    series_parameters: NDArray[np.float64]
    series_values: NDArray[np.float64]
    states: NDArray[np.float64]
    signals: NDArray[np.void]
    bindings: NDArray[np.int32]
    terms: NDArray[np.int64]


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
    cohort = shared.tickers[ticker].cohort
    while cohort >= 0:
        record = shared.cohorts[cohort]
        if record.clock == number:
            out = run_cohort(
                record, shared.pages, slots, shared.terms, code, market, fired, rows, edges, fresh, room, out
            )
        cohort = record.next
    return out


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
    out = np.empty(1024, FILL), 0, np.empty(1024, np.int32), np.empty(1024, np.bool_), 0
    rows = make_rows(price, filling, time, filled, sequence)
    shared.tickers[ticker].price, shared.tickers[ticker].time = price[-1], time[-1]
    no_bars, no_edges = np.full((2, COLUMNS), np.nan), np.empty(0, np.int64)
    all_bars = np.empty((len(bars) + 2, COLUMNS))
    all_bars[2:] = bars
    edges = np.arange(len(bars))
    clock = shared.tickers[ticker].clock
    while clock >= 0:
        if shared.clocks[clock].every > 0:
            all_bars[:2] = shared.clock_bars[clock]
            out = run_clock_and_cohorts(
                ticker, clock, all_bars, edges, False, shared, slots, code, rows, days, room, out
            )
            shared.clock_bars[clock] = all_bars[-2:]
        else:
            out = run_clock_and_cohorts(
                ticker, clock, no_bars, no_edges, False, shared, slots, code, rows, days, room, out
            )
        clock = shared.clocks[clock].next
    nothing = Market(no_bars, np.empty(0), np.empty(0, np.int64), shared.bindings)
    silent = Fired(np.empty((0, 2), np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
    cohort = shared.tickers[ticker].cohort
    while cohort >= 0:
        one = shared.cohorts[cohort]
        if one.clock < 0:
            out = run_cohort(
                one, shared.pages, slots, shared.terms, code, nothing, silent, rows, no_edges, False, room, out
            )
        cohort = one.next
    return out[0][: out[1]]


@njit(cache=True, nogil=True)
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
    out = np.empty(1024, FILL), 0, np.empty(1024, np.int32), np.empty(1024, np.bool_), 0
    ran, closed, n_ran = np.empty(256, np.int32), np.empty(256, np.bool_), 0
    no_bars, no_edges = np.full((2, COLUMNS), np.nan), np.empty(0, np.int64)
    nothing = Market(no_bars, np.empty(0), np.empty(0, np.int64), shared.bindings)
    silent = Fired(np.empty((0, 2), np.int64), np.empty(0, np.int64), np.empty(0, np.int64))
    empty = np.empty(0, np.int64)
    nobody = Rows(empty, empty, empty, empty, empty, empty, empty, empty, empty, empty)
    for t in range(len(starts) - 1):
        a, b = starts[t], starts[t + 1]
        if a == b:
            continue
        for session in range(2):
            bare, some = _any_of(t, session, shared, code)
            if session == 1 and not some:
                continue
            driving = a + rows_of(flags[a:b], session)
            rows = nobody
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
                    if len(rows.price) > 0:
                        record.fresh = 1 if len(edges) > 0 and edges[-1] == len(rows.price) else 0
                    elif len(edges) > 0:
                        record.fresh = 1
                    if n_ran == len(ran):
                        ran, closed = grown(ran), grown(closed)
                    ran[n_ran], closed[n_ran] = clock, len(edges) > 0
                    n_ran += 1
                clock = record.next
            if bare and len(rows.price) > 0:
                cohort = shared.tickers[t].cohort
                while cohort >= 0:
                    one = shared.cohorts[cohort]
                    if one.clock < 0 and code.shapes[one.shape].session == session:
                        out = run_cohort(
                            one, shared.pages, slots, shared.terms, code, nothing, silent, rows, no_edges, False,
                            room, out,
                        )  # fmt: skip
                    cohort = one.next
    fills, n_fills, acted, changed, n_acted = out
    return fills[:n_fills], acted[:n_acted], changed[:n_acted], ran[:n_ran], closed[:n_ran]

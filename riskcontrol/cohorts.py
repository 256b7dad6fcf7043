"""The compiled loops that lead a cohort's positions through the driving trades of their ticker."""

from __future__ import annotations

import numpy as np

from riskcontrol import orders
from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE
from riskcontrol.compiling import NO, YES, bare, inlined, inner
from riskcontrol.fills import execute
from riskcontrol.pages import clear_summary, count_in, cover_page, reached, summarise_chapter, widen
from riskcontrol.pyramid import first_trade
from riskcontrol.states import Order, Status
from riskcontrol.terms import FillMode
from riskcontrol.triggers import act, any_trade, exact, look, look_at_level, no_trade, unstopped

# Numba freezes these module constants into the compiled code.
_NONE, _RUNNING, _HALTED = int(Order.NONE), int(Status.RUNNING), int(Status.HALTED)
_SAME = int(FillMode.SAME)


@inner
def grown(array):
    """Return an array twice as long, with the same contents at its beginning."""
    larger = np.empty(len(array) * 2, array.dtype)
    larger[: len(array)] = array
    return larger


@inlined
def _next_row(slot, slots, code, cohort, market, fired, rows, edges, plain, row):
    """Return the first row from `row` on at which the position has to be looked at, or the number of rows."""
    n = len(rows.price)
    trigger = slots.triggers[slot]
    found = first_trade(rows, row, n, trigger.below, trigger.above)
    if plain[0]:
        return found
    shape = code.shapes[cohort.shape]
    if shape.moves == 1:  # its levels move with the bars
        k = np.searchsorted(edges, row)
        if k < len(edges):
            found = min(found, edges[k])
    wake = trigger.wake
    if wake <= rows.bounds[2]:
        i = row
        while i < found and rows.time[i] < wake:
            i += 1
        found = i
    below, above = trigger.gated_below, trigger.gated_above
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
            at = first_trade(rows, start, stop, below, above)
            if at < stop:
                found = at
                break
    return found


@inlined
def _look(slot, slots, terms, code, cohort, market, fired, rows, edges, plain, room, row, deciding):
    """Look at a running position's rules on a row; see `riskcontrol.triggers.look`."""
    single, buying, selling = plain
    if single:
        return look_at_level(slot, slots, terms[slots.terms_of[slot]], code, buying, selling, rows.price[row], deciding)
    segment = np.searchsorted(edges, row, side="right") if len(edges) > 0 else 0
    return look(
        slot, slots, terms, code, cohort, market, fired, row, rows.price[row], rows.time[row], segment, room, deciding
    )


@inlined
def _run_position(slot, slots, terms, code, cohort, market, fired, rows, edges, plain, room, at, fills, n):
    """Lead one position through its ticker's driving trades from row `at` on, jumping from act to act.

    Args:
        plain: Of its shape, see `exact`.

    Returns:
        Row: where to go on once there is room for more fills, or the number of rows.
        Fills: how many there are now.
        Changed: whether a fill, a first trade or a halt was among what it did.
    """
    position = slots.positions[slot]
    own = terms[slots.terms_of[slot]]
    same = own[orders.FILL] == _SAME
    changed = False
    count = len(rows.price)
    single = plain[0] and unstopped(own)
    plain = single, plain[1], plain[2]
    acts = single and position.order == _NONE and slots.triggers[slot].below != NEVER_ABOVE
    while at < count:
        if n + 2 > len(fills):
            break
        before = n
        price, time = rows.price[at], rows.time[at]
        order, reason = np.int64(position.order), np.int64(position.reason)
        if order != _NONE:
            position.order = _NONE
            n = execute(fills, n, slot, slots, own, order, reason, rows, at, rows.filling[at], rows.filled[at])
        elif position.reference == 0:
            position.reference = price
            position.time = time
            changed = True
        if position.shares > 0 and price > position.peak:
            position.peak = price
        waits = False
        if position.status == _RUNNING:
            order, reason = act(position, own, price) if acts else (_NONE, _NONE)
            if order == _NONE:
                order, reason = _look(
                    slot, slots, terms, code, cohort, market, fired, rows, edges, plain, room, at, YES
                )
            if order != _NONE and same:
                n = execute(fills, n, slot, slots, own, order, reason, rows, at, price, time)
                if position.status == _RUNNING:
                    _look(slot, slots, terms, code, cohort, market, fired, rows, edges, plain, room, at, NO)
            elif order != _NONE:
                position.order, position.reason = order, reason
                waits = True
        # A mere decision is not written: what a row says must not depend on where a batch ended.
        if n > before or position.status == _HALTED:
            position.time = time
            changed = True
        if position.status != _RUNNING:  # halted just now
            no_trade(slot, slots)
            return count, n, changed
        acts = single and not waits
        if waits:
            at += 1
            if at == count:
                any_trade(slot, slots)
        else:
            at = _next_row(slot, slots, code, cohort, market, fired, rows, edges, plain, at + 1)
    return at, n, changed


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
def _run_page(page, slot, at, pages, slots, terms, code, cohort, market, fired, rows, edges, fresh, firing, plain, out):
    """Lead the positions of a page, from a slot and a row on, through the driving trades of its ticker.

    Args:
        firing: Whether signals fire for those who would buy, for those who would sell, and whether levels have moved.
        plain: Of their shape, see `exact`.
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
            trigger = slots.triggers[slot]
            near = low <= trigger.below or high >= trigger.above or newest >= trigger.wake or moved
            gated = (buying or selling) and (low <= trigger.gated_below or high >= trigger.gated_above)
            if not (near or gated) or slots.positions[slot].status != _RUNNING:
                slot += 1
                continue
            at = 0
            if not (fresh and code.shapes[cohort.shape].moves == 1):
                at = _next_row(slot, slots, code, cohort, market, fired, rows, edges, plain, np.int64(0))
        if at < len(rows.price):
            if n_acted == len(acted):
                return slot, at, n, n_acted
            count_in(page, pages, slots, slot, -1)
            at, n, did = _run_position(
                slot, slots, terms, code, cohort, market, fired, rows, edges, plain, room, at, fills, n
            )
            count_in(page, pages, slots, slot, 1)
            acted[n_acted], changed[n_acted] = slot, did
            n_acted += 1
            if at < len(rows.price):
                return slot, at, n, n_acted
        slot += 1
        at = -1
    cover_page(page, pages, slots)
    return slot, at, n, n_acted


@inner
def run_cohort(cohort, chapters, pages, slots, terms, code, market, fired, rows, edges, fresh, room, out):
    """Lead a cohort's positions through the driving trades of its ticker.

    Args:
        cohort: Its record; its summary is changed in place, as are chapters, pages and slots.
        chapters, pages, slots, terms, code, market, fired, rows, edges, fresh, room: See
            `riskcontrol.pyramid.Rows` and `riskcontrol.triggers`.
        out: Fills (`riskcontrol.fills.FILL`) and how many; slots that acted (int32), whether what they did is to be
            written (bool), and how many.

    Returns:
        `out`, with what they did.
    """
    fills, n, acted, changed, n_acted = out
    firing, plain = _firing(code, cohort, market, fired, edges, fresh), exact(code, code.shapes[cohort.shape])
    if not reached(cohort, rows.bounds, firing):
        return out
    clear_summary(cohort)
    chapter = cohort.chapter
    while chapter >= 0:
        if not reached(chapters[chapter], rows.bounds, firing):
            widen(cohort, chapters[chapter])
            chapter = chapters[chapter].next
            continue
        page = chapters[chapter].first
        for nth in range(chapters[chapter].used):
            runs = reached(pages[page], rows.bounds, firing)
            if runs or nth == 0:
                # One of its slots, so that new summaries are saved even if none of its positions acts after all.
                if n_acted == len(acted):
                    acted, changed = grown(acted), grown(changed)
                acted[n_acted], changed[n_acted] = page * PAGE, False
                n_acted += 1
            slot, at, end = page * PAGE, np.int64(-1), page * PAGE + pages[page].used
            while runs and slot < end:
                slot, at, n, n_acted = _run_page(
                    page, slot, at, pages, slots, terms, code, cohort, market, fired, rows, edges, fresh, firing,
                    plain, (room, fills, n, acted, changed, n_acted),
                )  # fmt: skip
                if slot < end:
                    if n + 2 > len(fills):
                        fills = grown(fills)
                    if n_acted == len(acted):
                        acted, changed = grown(acted), grown(changed)
            page = pages[page].next
        summarise_chapter(chapters[chapter], pages)
        widen(cohort, chapters[chapter])
        chapter = chapters[chapter].next
    return fills, n, acted, changed, n_acted

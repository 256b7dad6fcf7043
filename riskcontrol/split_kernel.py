"""The compiled loop that brings everything a book has of a ticker to prices and shares after a split."""

from __future__ import annotations

import numpy as np

from riskcontrol import orders
from riskcontrol.book import PAGE
from riskcontrol.compiling import bare, entry, inner
from riskcontrol.fills import FILL
from riskcontrol.indicators.kernel import scale
from riskcontrol.indicators.registry import ATR, COLUMNS, INDICATORS, VWAP
from riskcontrol.money import MAX_PRICE
from riskcontrol.pages import count_in, cover_page, summarise_chapter, summarise_cohort
from riskcontrol.states import Order, Reason, Status
from riskcontrol.triggers import any_trade, no_trade

HIGHEST = 9 * MAX_PRICE
"""Most that a split makes of a price, micro-dollars: its product with a part of a ratio fits into 64 bits."""
LARGEST = 2**62
"""Most that a split makes of a volume; twice it, fees per share of all that is held must not reach."""

_LONGEST = np.iinfo(np.int64).max
_NONE, _SELL = int(Order.NONE), int(Order.SELL)
_RUNNING, _HALTED = int(Status.RUNNING), int(Status.HALTED)
_BY_SPLIT = int(Reason.SPLIT)
_VOLUME = COLUMNS.index("volume")
_OF_PRICE = (ATR, VWAP)
_UNITLESS = np.array([one.unitless for one in sorted(INDICATORS.values(), key=lambda one: one.code)])


@bare
def _scaled(amount, up, down, most):
    """Return `amount` × `up` / `down` rounded half up, `most` at most, without leaving 64 bits."""
    whole = amount // down
    if whole > most // up:
        return most
    return min(most, whole * up + (2 * (amount % down) * up + down) // (2 * down))


@bare
def price_after(price, numerator, denominator):
    """Return what a price becomes: × old shares / new ones, rounded half up, one micro-dollar at least."""
    return max(1, _scaled(price, denominator, numerator, HIGHEST))


@bare
def _split_shares(position, own, price, numerator, denominator):
    """Give a position its new shares, and cash for what is no whole one.

    Returns:
        Whether all of it fits into 64 bits; if not, nothing has changed.
    """
    whole, rest = position.shares // denominator, position.shares % denominator * numerator
    if whole > (LARGEST - numerator) // numerator:
        return False
    shares = whole * numerator + rest // denominator
    paid = rest % denominator * price // numerator
    if paid > _LONGEST - position.cash or shares > LARGEST // max(1, own[orders.PER_SHARE]):
        return False
    position.shares = shares
    position.cash += paid
    return True


@bare
def _split_position(slot, position, own, last, time, numerator, denominator, fills, n):
    """Bring a position that has seen a trade to what it is after a split.

    Returns:
        How many fills there are now; there must be room for one more.
    """
    held = position.shares
    position.reference = price_after(position.reference, numerator, denominator)
    if held == 0:
        return n
    position.time = time
    # Before any regular trade, what was paid is all that is known.
    price = last if last > 0 else position.entry
    if not _split_shares(position, own, price, numerator, denominator):
        position.status, position.order = _HALTED, _NONE
        return n
    if position.shares > 0:
        position.entry = price_after(position.entry, numerator, denominator)
        position.peak = price_after(position.peak, numerator, denominator)
    else:
        position.entry = position.peak = position.entered = 0
        if position.order == _SELL:
            position.order = _NONE
    position.fills += 1
    fill = fills[n]
    fill.time, fill.price, fill.fee, fill.cash = time, price_after(price, numerator, denominator), 0, position.cash
    fill.shares, fill.sequence, fill.slot, fill.number = position.shares - held, 0, slot, position.fills
    fill.reason, fill.pad = _BY_SPLIT, 0
    return n + 1


@inner
def _split_clock(number, shared, numerator, denominator):
    """Bring the bars and indicators of a clock to prices and volumes after a split."""
    clock, bars = shared.clocks[number], shared.clock_bars[number]
    if clock.open > 0:
        clock.open = price_after(clock.open, numerator, denominator)
    if clock.high > 0:
        clock.high = price_after(clock.high, numerator, denominator)
    if clock.low > 0:
        clock.low = price_after(clock.low, numerator, denominator)
    if clock.close > 0:
        clock.close = price_after(clock.close, numerator, denominator)
    clock.volume = _scaled(clock.volume, numerator, denominator, LARGEST)
    price_ratio, volume_ratio = denominator / numerator, numerator / denominator
    for k in range(2):
        for column in range(_VOLUME):
            bars[k, column] *= price_ratio
        bars[k, _VOLUME] *= volume_ratio
    series = clock.series
    while series >= 0:
        one = shared.series[series]
        scale(
            one.code, shared.series_parameters[series], shared.states[one.state : one.state + one.words],
            price_ratio, volume_ratio, one.source,
        )  # fmt: skip
        if not _UNITLESS[one.code]:
            of_volume = one.source == _VOLUME and one.code not in _OF_PRICE
            shared.series_values[series] *= volume_ratio if of_volume else price_ratio
        series = one.next


@bare
def _strategies_of(cohort, shared):
    """Return how many strategies a cohort and those after it have."""
    count = 0
    while cohort >= 0:
        chapter = shared.cohorts[cohort].chapter
        while chapter >= 0:
            page = shared.chapters[chapter].first
            for _ in range(shared.chapters[chapter].used):
                count += shared.pages[page].used
                page = shared.pages[page].next
            chapter = shared.chapters[chapter].next
        cohort = shared.cohorts[cohort].next
    return count


@entry
def apply_split(ticker, time, numerator, denominator, shared, slots):
    """Apply a split to all that a book has of a ticker but its bar of a minute, which is history.

    Args:
        ticker: Number of the ticker.
        time: When the ex-date begins, nanoseconds UTC.
        numerator: New shares ...
        denominator: ... for so many old ones; both at most `riskcontrol.splits.MAX_PART`.
        shared, slots: Of the book; changed in place.

    Returns:
        The fills (`riskcontrol.kernel.FILL`), one for each position with shares; the ticker's slots (int32), and (bool)
        whether there is a new state to be written of each; its clocks (int32).
    """
    record = shared.tickers[ticker]
    count = _strategies_of(record.cohort, shared)
    fills, n = np.empty(count, FILL), 0
    found, changed, at = np.empty(count, np.int32), np.empty(count, np.bool_), 0
    cohort = record.cohort
    while cohort >= 0:
        chapter = shared.cohorts[cohort].chapter
        while chapter >= 0:
            page = shared.chapters[chapter].first
            for _ in range(shared.chapters[chapter].used):
                for slot in range(page * PAGE, page * PAGE + shared.pages[page].used):
                    position = slots.positions[slot]
                    found[at], changed[at] = slot, position.reference > 0
                    at += 1
                    count_in(page, shared.pages, slots, slot, -1)
                    if position.reference > 0:
                        own = shared.terms[slots.terms_of[slot]]
                        n = _split_position(slot, position, own, record.price, time, numerator, denominator, fills, n)
                    count_in(page, shared.pages, slots, slot, 1)
                    if position.status == _RUNNING:
                        any_trade(slot, slots)
                    else:
                        no_trade(slot, slots)
                cover_page(page, shared.pages, slots)
                page = shared.pages[page].next
            summarise_chapter(shared.chapters[chapter], shared.pages)
            chapter = shared.chapters[chapter].next
        summarise_cohort(shared.cohorts[cohort], shared.chapters)
        cohort = shared.cohorts[cohort].next
    clocks, n_clocks = np.empty(len(shared.clocks), np.int32), 0
    clock = record.clock
    while clock >= 0:
        _split_clock(clock, shared, numerator, denominator)
        clocks[n_clocks] = clock
        n_clocks += 1
        clock = shared.clocks[clock].next
    if record.price > 0:
        record.price = price_after(record.price, numerator, denominator)
    return fills[:n], found, changed, clocks[:n_clocks]

"""The engine's compiled loops.

`riskcontrol.engine` tells what they are for; the slow, plain twin that they are tested against is
`tests/reference.py`.

All loops work in place on the arrays of a `riskcontrol.book.Book` and are compiled once, into Numba's cache. Those
that make bars are in `riskcontrol.minutes`, those that open strategies in `riskcontrol.opening`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE, Order, Status
from riskcontrol.strategy import FillMode
from riskcontrol.trades import DRIVING

FILL = np.dtype(
    [
        ("time", "i8"),
        ("price", "i8"),
        ("shares", "i8"),
        ("cash", "i8"),
        ("sequence", "i8"),
        ("slot", "i4"),
        ("number", "i4"),
    ]
)
"""A fill, before the names are put to it."""

BLOCK = 64
"""Trades under one minimum and maximum of the pyramid, and those under one of the next level."""

_LONGEST = np.iinfo(np.int64).max
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
def set_triggers(slot, position, below, above):
    """Work out at which prices the position acts next."""
    if position.status != _RUNNING:
        below[slot] = NEVER_BELOW
        above[slot] = NEVER_ABOVE
    elif position.order != _NONE or position.reference == 0:
        below[slot] = NEVER_ABOVE  # at any price: on the very next trade
        above[slot] = NEVER_ABOVE
    elif position.shares > 0:
        below[slot] = NEVER_BELOW
        above[slot] = position.reference + position.sell_above
    else:
        # It can buy nothing above its cash, so that it need not be looked at there.
        below[slot] = min(position.reference - position.buy_below, position.cash)
        above[slot] = NEVER_ABOVE


@njit(cache=True, nogil=True)
def _execute(position, order, price):
    """Fill an order at a price; return the shares bought (positive) or sold (negative), 0 if it lapses."""
    if order == _BUY:
        shares = position.cash // price
        if shares == 0:
            return 0
        position.cash -= shares * price
        position.shares = shares
    else:
        if position.shares > (_LONGEST - position.cash) // price:
            position.status = _HALTED
            return 0
        shares = -position.shares
        position.cash -= shares * price
        position.shares = 0
    position.reference = price
    position.fills += 1
    return shares


@njit(cache=True, nogil=True)
def _decide(position, price):
    """Look at the rules on a trade: exit first, then entry."""
    if position.shares > 0:
        if price >= position.reference + position.sell_above:
            return _SELL
    elif price <= position.reference - position.buy_below and price <= position.cash:
        return _BUY
    return _NONE


@njit(cache=True, nogil=True)
def grown(array):
    """Return an array twice as long, with the same contents at its beginning."""
    larger = np.empty(len(array) * 2, array.dtype)
    larger[: len(array)] = array
    return larger


@njit(cache=True, nogil=True)
def _fill(fills, n_fills, slot, position, order, price, time, sequence):
    """Execute an order and, unless it lapses, add the fill."""
    shares = _execute(position, order, price)
    if shares == 0:
        return fills, n_fills
    if n_fills == len(fills):
        fills = grown(fills)
    fill = fills[n_fills]
    fill.time = time
    fill.price = price
    fill.shares = shares
    fill.cash = position.cash
    fill.sequence = sequence
    fill.slot = slot
    fill.number = position.fills
    return fills, n_fills + 1


@njit(cache=True, nogil=True)
def _run_position(
    slot,
    positions,
    below,
    above,
    price,
    time,
    sequence,
    start,
    end,
    low1,
    high1,
    low2,
    high2,
    fills,
    n_fills,
):
    """Lead one position through its ticker's driving trades, jumping from act to act."""
    position = positions[slot]
    changed = False
    i = start
    while True:
        i = _first_trade(price, start, end, i, below[slot], above[slot], low1, high1, low2, high2)
        if i == end:
            return fills, n_fills, changed
        before = n_fills
        order = position.order
        position.order = _NONE
        if order != _NONE:
            fills, n_fills = _fill(fills, n_fills, slot, position, order, price[i], time[i], sequence[i])
        elif position.reference == 0:
            position.reference = price[i]
            position.time = time[i]
            changed = True
        if position.status == _RUNNING:
            order = _decide(position, price[i])
            if order != _NONE and position.fill == _SAME:
                fills, n_fills = _fill(fills, n_fills, slot, position, order, price[i], time[i], sequence[i])
            else:
                position.order = order
        # A mere decision is not written: what a row says must not depend on where a batch ended.
        if n_fills > before or position.status == _HALTED:
            position.time = time[i]
            changed = True
        set_triggers(slot, position, below, above)
        i += 1


@njit(cache=True, nogil=True)
def summarise_page(page, pages, below, above):
    """Note down the outermost triggers of a page's positions."""
    lowest, highest = NEVER_BELOW, NEVER_ABOVE
    for slot in range(page * PAGE, page * PAGE + pages[page].used):
        lowest = max(lowest, below[slot])
        highest = min(highest, above[slot])
    pages[page].below = lowest
    pages[page].above = highest


@njit(cache=True, nogil=True)
def _summarise_ticker(t, tickers, pages):
    lowest, highest = NEVER_BELOW, NEVER_ABOVE
    page = tickers[t].first
    while page >= 0:
        lowest = max(lowest, pages[page].below)
        highest = min(highest, pages[page].above)
        page = pages[page].next
    tickers[t].below = lowest
    tickers[t].above = highest


@njit(cache=True, nogil=True)
def advance_positions(
    positions,
    below,
    above,
    pages,
    tickers,
    starts,
    price,
    time,
    sequence,
):
    """Lead every position through its ticker's driving trades.

    Args:
        positions, below, above, pages, tickers: Of the book; changed in place.
        starts: int64, shape (tickers + 1,): where each ticker's trades start.
        price, time, sequence: int64, shape (n,): the driving trades, grouped by ticker.

    Returns:
        The fills (`FILL`), the slots (int32) of the positions that acted, and (bool) whether a fill, a first trade
        or a halt was among what they did.
    """
    longest = 0
    for t in range(len(starts) - 1):
        longest = max(longest, starts[t + 1] - starts[t])
    blocks = longest // BLOCK + 1
    low1, high1 = np.empty(blocks, np.int64), np.empty(blocks, np.int64)
    low2, high2 = np.empty(blocks // BLOCK + 1, np.int64), np.empty(blocks // BLOCK + 1, np.int64)
    fills, n_fills = np.empty(1024, FILL), 0
    acted, changed, n_acted = np.empty(1024, np.int32), np.empty(1024, np.bool_), 0
    for t in range(len(starts) - 1):
        start, end = starts[t], starts[t + 1]
        if start == end:
            continue
        _build_pyramid(price, start, end, low1, high1, low2, high2)
        low, high = low2[0], high2[0]
        for c in range(1, (end - start + BLOCK * BLOCK - 1) // (BLOCK * BLOCK)):
            low = min(low, low2[c])
            high = max(high, high2[c])
        tickers[t].price = price[end - 1]
        tickers[t].time = time[end - 1]
        if low > tickers[t].below and high < tickers[t].above:
            continue
        page = tickers[t].first
        while page >= 0:
            if low <= pages[page].below or high >= pages[page].above:
                for slot in range(page * PAGE, page * PAGE + pages[page].used):
                    if low <= below[slot] or high >= above[slot]:
                        fills, n_fills, did = _run_position(
                            slot, positions, below, above, price, time, sequence, start, end,
                            low1, high1, low2, high2, fills, n_fills,
                        )  # fmt: skip
                        if n_acted == len(acted):
                            acted = grown(acted)
                            changed = grown(changed)
                        acted[n_acted] = slot
                        changed[n_acted] = did
                        n_acted += 1
                summarise_page(page, pages, below, above)
            page = pages[page].next
        _summarise_ticker(t, tickers, pages)
    return fills[:n_fills], acted[:n_acted], changed[:n_acted]


@njit(cache=True, nogil=True)
def driving_trades(starts, order, flags, price, time, sequence):
    """Return price, time and sequence of the trades that drive strategies, grouped by ticker, and their starts."""
    n = len(order)
    driving_starts = np.zeros(len(starts), np.int64)
    out_price, out_time, out_sequence = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    k = 0
    for t in range(len(starts) - 1):
        for place in range(starts[t], starts[t + 1]):
            i = order[place]
            if flags[i] & DRIVING == DRIVING:
                out_price[k] = price[i]
                out_time[k] = time[i]
                out_sequence[k] = sequence[i]
                k += 1
        driving_starts[t + 1] = k
    return driving_starts, out_price[:k], out_time[:k], out_sequence[:k]

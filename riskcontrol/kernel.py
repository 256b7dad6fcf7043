"""The engine's compiled loops.

`riskcontrol.engine` tells what they are for; the slow, plain twin that they are tested against is
`tests/reference.py`.

All loops work in place on the arrays of a `riskcontrol.book.Book` and are compiled once, into Numba's cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE, PAGES, STRATEGIES, Order, Status
from riskcontrol.strategy import FillMode
from riskcontrol.trades import DRIVING, HIGH_LOW, LAST, NS_PER_MINUTE, VOLUME

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

BAR = np.dtype(
    [(name, "i8") for name in ("time", "open", "high", "low", "close", "volume", "notional", "trades")]
    + [("ticker", "i4"), ("pad", "i4")]
)
"""A closed bar, before the name is put to it."""

BLOCK = 64
"""Trades under one minimum and maximum of the pyramid, and those under one of the next level."""

_LONGEST = np.iinfo(np.int64).max
# Numba freezes these module constants into the compiled code.
_NONE, _BUY, _SELL = int(Order.NONE), int(Order.BUY), int(Order.SELL)
_RUNNING, _STOPPED, _HALTED = int(Status.RUNNING), int(Status.STOPPED), int(Status.HALTED)
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
def _set_triggers(slot, position, below, above):
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
def _grown(array):
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
        fills = _grown(fills)
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
        _set_triggers(slot, position, below, above)
        i += 1


@njit(cache=True, nogil=True)
def _summarise_page(page, pages, below, above):
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
                            acted = _grown(acted)
                            changed = _grown(changed)
                        acted[n_acted] = slot
                        changed[n_acted] = did
                        n_acted += 1
                _summarise_page(page, pages, below, above)
            page = pages[page].next
        _summarise_ticker(t, tickers, pages)
    return fills[:n_fills], acted[:n_acted], changed[:n_acted]


@njit(cache=True, nogil=True)
def advance_bars(tickers, starts, price, time, size, flags):
    """Put trades into their ticker's bar of a minute.

    A bar closes when a trade of a later minute arrives. A trade of an earlier minute than the open bar's came
    late: it counts in the open bar, so that no volume is lost.

    Args:
        tickers: Of the book; the open bars in it are changed in place.
        starts: int64, shape (tickers + 1,): where each ticker's trades start.
        price, time, size, flags: All trades, grouped by ticker, shape (n,).

    Returns:
        The bars (`BAR`) that closed, and how many trades came late.
    """
    bars, n, late = np.empty(1024, BAR), 0, 0
    for t in range(len(starts) - 1):
        ticker = tickers[t]
        for i in range(starts[t], starts[t + 1]):
            if flags[i] & (LAST | HIGH_LOW | VOLUME) == 0:
                continue
            minute = time[i] - time[i] % NS_PER_MINUTE
            if ticker.trades > 0 and minute > ticker.bar:
                if n == len(bars):
                    bars = _grown(bars)
                bar = bars[n]
                bar.time, bar.ticker = ticker.bar, t
                bar.open, bar.high, bar.low, bar.close = ticker.open, ticker.high, ticker.low, ticker.close
                bar.volume, bar.notional, bar.trades = ticker.volume, ticker.notional, ticker.trades
                n += 1
                ticker.trades = 0
            if ticker.trades == 0:
                ticker.bar = minute
                ticker.open = ticker.high = ticker.low = ticker.close = ticker.volume = ticker.notional = 0
            elif minute < ticker.bar:
                late += 1
            ticker.trades += 1
            if flags[i] & LAST:
                if ticker.open == 0:
                    ticker.open = price[i]
                ticker.close = price[i]
            if flags[i] & HIGH_LOW:
                ticker.high = max(ticker.high, price[i])
                ticker.low = price[i] if ticker.low == 0 else min(ticker.low, price[i])
            if flags[i] & VOLUME:
                ticker.volume += size[i]
                ticker.notional += price[i] * size[i]
    return bars[:n], late


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


@njit(cache=True, nogil=True)
def _hash(words, ticker):
    """FNV-1a over words, with a final mix (the constants are those of FNV and of splitmix64)."""
    h = np.uint64(14695981039346656037) ^ np.uint64(ticker)
    for word in words:
        h = (h ^ word) * np.uint64(1099511628211)
        h ^= h >> np.uint64(29)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return h ^ (h >> np.uint64(27))


@njit(cache=True, nogil=True)
def _find(index, names, pages, words, ticker):
    """Return the place in the hash table where this strategy is, or the free one where it would be."""
    mask = np.uint64(len(index) - 1)
    place = _hash(words, ticker) & mask
    while index[place] != 0:
        slot = index[place] - 1
        if pages[slot // PAGE].ticker == ticker and np.all(names[slot] == words):
            break
        place = (place + np.uint64(1)) & mask
    return place


@njit(cache=True, nogil=True)
def index_slots(index, names, pages, n_pages):
    """Enter every slot in use into an empty hash table."""
    for page in range(n_pages):
        for slot in range(page * PAGE, page * PAGE + pages[page].used):
            index[_find(index, names, pages, names[slot], pages[page].ticker)] = slot + 1


@njit(cache=True, nogil=True)
def open_and_stop(
    positions, below, above, names, pages, tickers, index, counts,
    opens, words, ticker, cash, buy_below, sell_above, fill, time,
):  # fmt: skip
    """Open and stop strategies in the order given.

    Opening one that there is already, and stopping one that there isn't or that has stopped, changes nothing.

    Args:
        positions, below, above, names, pages, tickers, index, counts: Of the book, with room reserved.
        opens: bool, shape (n,): True opens, False stops.
        words: uint64, shape (n, NAME_WORDS): who.
        ticker: int32, shape (n,): ticker numbers.
        cash, buy_below, sell_above, fill, time: The rest of the opening, shape (n,).

    Returns:
        Two int32 arrays of shape (n,): the slot concerned, -1 where nothing changed; and the page that a new
        page was linked to, -1 where none was.
    """
    slots, linked = np.full(len(opens), -1, np.int32), np.full(len(opens), -1, np.int32)
    for i in range(len(opens)):
        t = ticker[i]
        place = _find(index, names, pages, words[i], t)
        if opens[i] == (index[place] != 0):
            continue
        if opens[i]:
            page = tickers[t].last
            if page < 0 or pages[page].used == PAGE:
                new = np.int32(counts[PAGES])
                counts[PAGES] += 1
                pages[new].ticker, pages[new].next, pages[new].used = t, -1, 0
                pages[new].below, pages[new].above = NEVER_BELOW, NEVER_ABOVE
                if page < 0:
                    tickers[t].first = new
                else:
                    pages[page].next = new
                    linked[i] = page
                tickers[t].last = new
                page = new
            slot = page * PAGE + pages[page].used
            pages[page].used += 1
            counts[STRATEGIES] += 1
            names[slot] = words[i]
            index[place] = slot + 1
            position = positions[slot]
            position.reference = position.shares = position.time = 0
            position.cash, position.buy_below, position.sell_above = cash[i], buy_below[i], sell_above[i]
            position.fills, position.order, position.fill = 0, _NONE, fill[i]
            position.status = _RUNNING
        else:
            slot = index[place] - 1
            page = slot // PAGE
            position = positions[slot]
            if position.status != _RUNNING:
                continue
            position.status, position.order, position.time = _STOPPED, _NONE, time[i]
        slots[i] = slot
        _set_triggers(slot, position, below, above)
        _summarise_page(page, pages, below, above)
        # Opening only widens the ticker's range; after a stop it may stay wider than need be until someone acts.
        tickers[t].below = max(tickers[t].below, pages[page].below)
        tickers[t].above = min(tickers[t].above, pages[page].above)
    return slots, linked


@njit(cache=True, nogil=True)
def index_places(index, names, pages, slots):
    """Return where in the hash table these slots are entered, int64."""
    places = np.empty(len(slots), np.int64)
    for i in range(len(slots)):
        places[i] = _find(index, names, pages, names[slots[i]], pages[slots[i] // PAGE].ticker)
    return places

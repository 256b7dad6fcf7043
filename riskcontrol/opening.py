"""The compiled loops that open and stop strategies, and find them again by name."""

from __future__ import annotations

import numpy as np
from numba import njit

from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE, PAGES, STRATEGIES, Order, Status
from riskcontrol.kernel import set_triggers, summarise_page

_NONE = int(Order.NONE)
_RUNNING, _STOPPED = int(Status.RUNNING), int(Status.STOPPED)


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
def index_places(index, names, pages, slots):
    """Return where in the hash table these slots are entered, int64."""
    places = np.empty(len(slots), np.int64)
    for i in range(len(slots)):
        places[i] = _find(index, names, pages, names[slots[i]], pages[slots[i] // PAGE].ticker)
    return places


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
        set_triggers(slot, position, below, above)
        summarise_page(page, pages, below, above)
        # Opening only widens the ticker's range; after a stop it may stay wider than need be until someone acts.
        tickers[t].below = max(tickers[t].below, pages[page].below)
        tickers[t].above = min(tickers[t].above, pages[page].above)
    return slots, linked

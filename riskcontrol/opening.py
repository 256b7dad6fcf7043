"""The compiled loops that open and stop strategies, and find them again by name."""

from __future__ import annotations

import numpy as np

from riskcontrol.book import CHAPTER, COUNTED, PAGE
from riskcontrol.compiling import entry, inner
from riskcontrol.pages import clear_summary, count_in, cover_page, widen
from riskcontrol.states import Order, Status
from riskcontrol.triggers import any_trade, no_trade

_NONE = int(Order.NONE)
_PAGES, _CHAPTERS, _STRATEGIES = (COUNTED.index(unit) for unit in ("pages", "chapters", "strategies"))
_RUNNING, _STOPPED = int(Status.RUNNING), int(Status.STOPPED)


@inner
def _hash(words, ticker):
    """FNV-1a over words, with a final mix (the constants are those of FNV and of splitmix64)."""
    h = np.uint64(14695981039346656037) ^ np.uint64(ticker)
    for word in words:
        h = (h ^ word) * np.uint64(1099511628211)
        h ^= h >> np.uint64(29)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return h ^ (h >> np.uint64(27))


@inner
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


@entry
def index_slots(index, names, pages, n_pages):
    """Enter every slot in use into an empty hash table."""
    for page in range(n_pages):
        for slot in range(page * PAGE, page * PAGE + pages[page].used):
            index[_find(index, names, pages, names[slot], pages[page].ticker)] = slot + 1


@entry
def index_places(index, names, pages, slots):
    """Return where in the hash table these slots are entered, int64."""
    places = np.empty(len(slots), np.int64)
    for i in range(len(slots)):
        places[i] = _find(index, names, pages, names[slots[i]], pages[slots[i] // PAGE].ticker)
    return places


@entry
def open_and_stop(
    slots, names, shared, index, counts, opens, words, ticker, cohort, cash, parameters, terms, time
):  # fmt: skip
    """Open and stop strategies in the order given.

    Opening one that there is already, and stopping one that there isn't or that has stopped, changes nothing.

    Args:
        slots, names, shared, index, counts: Of the book, with room reserved.
        opens: bool, shape (n,): True opens, False stops.
        words: uint64, shape (n, NAME_WORDS): who.
        ticker: int32, shape (n,): ticker numbers.
        cohort: int32, shape (n,): where to open it; whatever for a stop.
        cash, parameters, terms, time: The rest of the opening, shape (n,), (n, 4) for the parameters.

    Returns:
        Two int32 arrays of shape (n,): the slot concerned, -1 where nothing changed; and the page that a new
        page was linked to, -1 where none was.
    """
    changed, linked = np.full(len(opens), -1, np.int32), np.full(len(opens), -1, np.int32)
    pages, chapters = shared.pages, shared.chapters
    for i in range(len(opens)):
        place = _find(index, names, pages, words[i], ticker[i])
        if opens[i] == (index[place] != 0):
            continue
        if opens[i]:
            own = shared.cohorts[cohort[i]]
            page = own.last
            if page < 0 or pages[page].used == PAGE:
                new = np.int32(counts[_PAGES])
                counts[_PAGES] += 1
                clear_summary(pages[new])
                pages[new].cohort, pages[new].ticker = cohort[i], ticker[i]
                pages[new].next, pages[new].used = -1, 0
                chapter = pages[page].chapter if page >= 0 else -1
                if page >= 0:
                    pages[page].next = new
                    linked[i] = page
                own.last = new
                if chapter < 0 or chapters[chapter].used == CHAPTER:
                    begun = np.int32(counts[_CHAPTERS])
                    counts[_CHAPTERS] += 1
                    clear_summary(chapters[begun])
                    chapters[begun].next, chapters[begun].first, chapters[begun].used = -1, new, 0
                    if chapter < 0:
                        own.chapter = begun
                    else:
                        chapters[chapter].next = begun
                    chapter = begun
                chapters[chapter].used += 1
                pages[new].chapter = chapter
                page = new
            slot = page * PAGE + pages[page].used
            pages[page].used += 1
            counts[_STRATEGIES] += 1
            names[slot] = words[i]
            index[place] = slot + 1
            slots.parameters[slot] = parameters[i]
            slots.terms_of[slot] = terms[i]
            position = slots.positions[slot]
            position.reference = position.shares = position.entry = position.peak = 0
            position.entered = position.time = 0
            position.cash, position.fills = cash[i], 0
            position.order, position.status, position.reason, position.pad = _NONE, _RUNNING, _NONE, 0
            score = slots.scores[slot]
            score.cash, score.trips = cash[i], 0
            score.sum1 = score.sum2 = score.sum3 = score.sum4 = 0.0
            any_trade(slot, slots)
            count_in(page, pages, slots, slot, 1)
        else:
            slot = index[place] - 1
            page = slot // PAGE
            position = slots.positions[slot]
            if position.status != _RUNNING:
                continue
            count_in(page, pages, slots, slot, -1)
            position.status, position.order, position.time = _STOPPED, _NONE, time[i]
            no_trade(slot, slots)
        changed[i] = slot
        cover_page(page, pages, slots)
        # Opening only widens the ranges above; after a stop they may stay wider than need be until someone acts.
        widen(chapters[pages[page].chapter], pages[page])
        widen(shared.cohorts[pages[page].cohort], pages[page])
    return changed, linked

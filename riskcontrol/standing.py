"""How a book's strategies stand at the end of a minute: the compiled loop that values all, and the best of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from riskcontrol import orders
from riskcontrol.book import PAGE, Book
from riskcontrol.compiling import entry
from riskcontrol.leaders import (
    BINS,
    COARSE,
    FAR,
    FINE,
    GAINS,
    LEAST_TRIPS,
    LOSSES,
    MIDDLE,
    MOST,
    NEAR,
    Leaders,
    Ranking,
)

LARGEST = int(np.iinfo(np.int64).max)
"""Most that a strategy is said to be worth, micro-dollars: 9.2 million million dollars."""


@entry
def bin_of(gain):
    """Return in which bin a return is."""
    if gain < -NEAR:
        return max(0, min(LOSSES - 1, int((gain + 1.0) / COARSE)))
    if gain < NEAR:
        return LOSSES + min(MIDDLE - 1, int((gain + NEAR) / FINE))
    if gain < FAR:
        return LOSSES + MIDDLE + min(GAINS - 1, int((gain - NEAR) / COARSE))
    return BINS - 1


@entry
def evidence_of(score, held):
    """Return z, of which the probability of skill is Φ(z); NaN where there is none.

    The formula is that of `riskcontrol.statistics.risk.probabilistic_sharpe`, over returns of round trips instead of
    days, from their sums of powers. What is held counts as a round trip that ends now: otherwise whoever never sells
    at a loss would never have one.

    Args:
        score: The sums of a position's round trips.
        held: What a share that is held has returned since it was bought; NaN where none is held.
    """
    n = score.trips
    if n < LEAST_TRIPS:
        return math.nan
    sum1, sum2, sum3, sum4 = score.sum1, score.sum2, score.sum3, score.sum4
    if not math.isnan(held):
        n, sum1, sum2, sum3, sum4 = n + 1, sum1 + held, sum2 + held**2, sum3 + held**3, sum4 + held**4
    mean = sum1 / n
    # Central moments.
    second = sum2 / n - mean * mean
    third = sum3 / n - 3.0 * mean * sum2 / n + 2.0 * mean**3
    fourth = sum4 / n - 4.0 * mean * sum3 / n + 6.0 * mean**2 * sum2 / n - 3.0 * mean**4
    if second < 1e-18:
        return math.nan
    ratio = mean / math.sqrt(second * n / (n - 1))
    variance = 1.0 - third / second**1.5 * ratio + (fourth / second**2 - 1.0) / 4.0 * ratio * ratio
    if not variance >= 1e-9:
        return math.nan
    return ratio * math.sqrt((n - 1) / variance)


@entry
def value_all(pages, n_pages, positions, scores, tickers):
    """Value every position that has seen a trade, at its ticker's last price.

    Args:
        pages, n_pages, positions, scores, tickers: Of a `riskcontrol.book.Book`.

    Returns:
        int32: their slots. float64: their returns since they were opened, and their evidence (`evidence_of`).
        int64: how many are in each bin.
    """
    most = 0
    for page in range(n_pages):
        most += pages[page].used
    slots, gains, evidence = np.empty(most, np.int32), np.empty(most), np.empty(most)
    counts, n = np.zeros(BINS, np.int64), 0
    for page in range(n_pages):
        last = tickers[pages[page].ticker].price
        for slot in range(page * PAGE, page * PAGE + pages[page].used):
            position, score = positions[slot], scores[slot]
            if position.reference == 0:
                continue
            # Before a regular trade, what was paid is all that is known.
            price = last if last > 0 else position.entry
            # What 64 bits don't hold is the most that they do: a rally, or a hostile tape, must not lead by wrapping.
            fits = orders.sale_fits(position.cash, position.shares, price)
            gain = (position.cash + position.shares * price if fits else LARGEST) / score.cash - 1.0
            held = price / position.entry - 1.0 if position.shares > 0 else math.nan
            slots[n], gains[n], evidence[n] = slot, gain, evidence_of(score, held)
            counts[bin_of(gain)] += 1
            n += 1
    return slots[:n], gains[:n], evidence[:n], counts


def leaders_of(book: Book, time: int) -> Leaders:
    """Rank a book's strategies as they stand.

    Args:
        book: The book; it stays as it is.
        time: Start of the minute that ends so, nanoseconds UTC.
    """
    slots, gains, evidence, counts = value_all(
        book.pages, book.count("pages"), book.positions, book.scores, book.tickers
    )
    traded = np.flatnonzero(book.scores["trips"][slots] > 0)
    known = np.where(np.isnan(evidence), -np.inf, evidence)
    by_gain, by_evidence = (
        _ranking(book, slots, gains, evidence, traded[_first(key[traded])]) for key in (gains, known)
    )
    return Leaders(time, by_gain, by_evidence, counts)


def _first(key: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the places of the `MOST` largest, the largest first; of equal ones the earlier; -inf is none."""
    found = np.flatnonzero(key > -np.inf)
    if len(found) > MOST:
        least = -np.partition(-key[found], MOST - 1)[MOST - 1]
        found = found[key[found] >= least]
    return found[np.argsort(-key[found], kind="stable")][:MOST]


def _ranking(
    book: Book,
    slots: NDArray[np.int32],
    gains: NDArray[np.float64],
    evidence: NDArray[np.float64],
    places: NDArray[np.int64],
) -> Ranking:
    own = slots[places]
    positions = book.positions[own]
    last = book.tickers["price"][book.pages["ticker"][own // PAGE]]
    price = np.where(last > 0, last, positions["entry"])
    return Ranking(
        username=book.usernames(own),
        name=book.strategy_names(own),
        ticker=book.slot_tickers(own),
        gain=gains[places],
        evidence=evidence[places],
        value=np.array(
            [
                min(LARGEST, cash + shares * each)
                for cash, shares, each in zip(
                    positions["cash"].tolist(), positions["shares"].tolist(), price.tolist(), strict=True
                )
            ],
            np.int64,
        ),
        trips=book.scores["trips"][own],
    )

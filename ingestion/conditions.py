"""What a sale condition and a correction let a trade do: the consolidated tape's tables, as data.

A sale condition is a *set of letters*; files pad it (``" O  "``) or strip it (``"FI"``). A trade updates the last
price, the high and low, or the volume only if every letter allows it. Some letters allow the last price only to
the first trade of the day that sets one for its ticker: `IF_FIRST` marks them, and `ingestion.lines` keeps the
score as it goes through a file.
"""

from __future__ import annotations

from enum import IntEnum

from riskcontrol.trades import HIGH_LOW, LAST, VOLUME


class Tape(IntEnum):
    """Which consolidated tape reported a trade: its plan decides what ``B`` means."""

    CTA = 0
    """Listed on the New York exchange or a regional one (tapes A and B): ``B`` is an average price."""
    UTP = 1
    """Listed on Nasdaq (tape C): ``B`` is a bunched trade."""


IF_FIRST = 16
"""The trade updates the last price only if none of its ticker and day has set one so far."""
UNKNOWN = 32
"""The condition has a letter that no table knows."""

_ALL = LAST | HIGH_LOW | VOLUME
_LETTERS = {
    "@ADEFKLOSXY156": _ALL,
    "GPRZ4": IF_FIRST | HIGH_LOW | VOLUME,
    "9": LAST | HIGH_LOW,
    "CHINTUVW7": VOLUME,
    "MQ": 0,
}
_BY_LETTER = {letter: flags for letters, flags in _LETTERS.items() for letter in letters}
_BUNCHED = {Tape.CTA: VOLUME, Tape.UTP: _ALL}

KEPT = (0, 1, 2)
"""Corrections of trades that stand: regular, corrected later (with the corrected data), corrected symbol."""
DROPPED = (7, 8, 10, 11, 12)
"""Corrections of trades that don't: later marked erroneous or cancelled, and the records that did so."""


def classify(condition: str, tape: Tape) -> int:
    """Return what a trade with this sale condition updates.

    Args:
        condition: The letters, padded or not, in any order.
        tape: Who reported the trade.

    Returns:
        A sum of `LAST`, `HIGH_LOW`, `VOLUME` and `IF_FIRST` (never with `LAST`), or `UNKNOWN`.

    >>> classify(" O  ", Tape.CTA) == LAST | HIGH_LOW | VOLUME
    True
    >>> classify("FI", Tape.CTA) == VOLUME
    True
    >>> classify("@B", Tape.CTA) == VOLUME, classify("@B", Tape.UTP) == LAST | HIGH_LOW | VOLUME
    (True, True)
    """
    updates, first_only = _ALL, False
    for letter in condition.replace(" ", ""):
        allowed = _BUNCHED[tape] if letter == "B" else _BY_LETTER.get(letter, UNKNOWN)
        if allowed == UNKNOWN:
            return UNKNOWN
        if allowed & IF_FIRST:
            first_only = True
            allowed |= LAST
        updates &= allowed
    if first_only and updates & LAST:
        updates = updates & ~LAST | IF_FIRST
    return updates

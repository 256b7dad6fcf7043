"""What to say of a name that isn't known: the names that are most like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

NEAREST = 5
"""Names that an error offers."""

_LONGEST = 80
"""Of a longer name only the beginning is compared: the time that it takes grows with the square."""


def likest(name: str, known: Iterable[str], least: float = 0.6) -> str | None:
    """Return the known name that is most like another, None if none is.

    Args:
        name: What was written.
        known: What there is.
        least: How alike they have to be, from 0 to 1.

    >>> likest("shardz", ["topic", "shards"]), likest("x", ["topic", "shards"])
    ('shards', None)
    >>> likest("stauts", ["stats", "status"])
    'status'
    """
    written, names = name[:_LONGEST], list(known)
    # Letters that changed places are the commonest slip; to difflib a missing letter is nearer.
    swapped = [one for one in names if sorted(one) == sorted(written)]
    return next(iter(swapped or difflib.get_close_matches(written, names, 1, least)), None)


def meant(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return a question after the known name that is most like another, or what to say where none is.

    >>> meant("shardz", ["topic", "shards"], "expected one of 2"), meant("x", [], "there are none")
    ("did you mean 'shards'?", 'there are none')
    """
    close = likest(name, known)
    return f"did you mean '{close}'?" if close else otherwise


def closest(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names most like another, the most alike first, at most `NEAREST`."""
    return difflib.get_close_matches(name, known, NEAREST, 0.5)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what to say of a name that isn't known.

    Args:
        name: What was asked for.
        known: What there is, what is most likely wanted first.

    >>> nearest("IBN", ["IBM", "BAC"])
    'did you mean IBM? there are IBM, BAC'
    """
    names = list(known)
    close = closest(name.upper(), names)
    there = ", ".join(names[:NEAREST]) + (f" and {len(names) - NEAREST:,} more" if len(names) > NEAREST else "")
    offered = f"did you mean {' or '.join(close)}? " if close else ""
    return offered + (f"there are {there}" if there else "there are none at all")

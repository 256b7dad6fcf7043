"""What to say of a name that isn't known: the names that are most like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NEAREST = 5
"""Names that an error offers."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what to say of a name that isn't known.

    Args:
        name: What was asked for.
        known: What there is, what is most likely wanted first.

    >>> nearest("IBN", ["IBM", "BAC"])
    'did you mean IBM? there are IBM, BAC'
    """
    names = list(known)
    close = difflib.get_close_matches(name.upper(), names, NEAREST, 0.5)
    there = ", ".join(names[:NEAREST]) + (f" and {len(names) - NEAREST:,} more" if len(names) > NEAREST else "")
    offered = f"did you mean {' or '.join(close)}? " if close else ""
    return offered + (f"there are {there}" if there else "there are none at all")

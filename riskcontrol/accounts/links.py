"""Links that open a page to whoever has them: unguessable, and kept as hashes alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass

_BYTES = 32
PATTERN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Published:
    """A strategy whose page somebody with its link may read.

    Attributes:
        username: Whose strategy.
        ticker: Of which ticker.
        name: Of which name.
        digest: Of the link.
        created: When it was published, aware.
    """

    username: str
    ticker: str
    name: str
    digest: str
    created: dt.datetime


def new_link() -> str:
    """Return a link's unguessable part: 256 random bits."""
    return secrets.token_urlsafe(_BYTES)


def digest(link: str) -> str:
    """Return what is kept of a link. It has so many random bits that a plain hash can't be turned back.

    >>> digest("a")[:8]
    'ca978112'
    """
    return hashlib.sha256(link.encode("utf-8", "replace")).hexdigest()

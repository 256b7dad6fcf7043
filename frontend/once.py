"""What a form does once: a browser that loads its answer again sends it again."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

FIELD = "once"
"""The hidden field with a form's number."""
MOST_KEPT = 10_000
_LONGEST = 64


def fresh() -> dict[str, str]:
    """Return the hidden field of a form that is shown now."""
    return {FIELD: secrets.token_urlsafe(12)}


class Once:
    """Knows which forms were sent already; many threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: OrderedDict[tuple[str, str], None] = OrderedDict()

    @contextmanager
    def first(self, username: str, sent: Mapping[str, str]) -> Iterator[bool]:
        """Yield whether a form is sent for the first time. One over which something is raised wasn't sent.

        Args:
            username: Who sends it.
            sent: Its fields. Without a number, as programs send it, it is a new one each time.
        """
        if not (number := sent.get(FIELD, "")[:_LONGEST]):
            yield True
            return
        with self._lock:
            is_first = (username, number) not in self._sent
            self._sent[username, number] = None
            while len(self._sent) > MOST_KEPT:
                self._sent.popitem(last=False)
        try:
            yield is_first
        except BaseException:
            if is_first:
                with self._lock:
                    self._sent.pop((username, number), None)
            raise

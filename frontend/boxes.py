"""The boxes of alerts as this process knows them: read once, changed only if nobody else has changed them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from riskcontrol.alerts.box import Box, Change
from riskcontrol.alerts.store import AlertStore
from riskcontrol.errors import ServerError

Changing = Callable[[Box], Change | None]
"""Returns what a box is to become; None to leave it as it is."""

_TRIES = 5


class Boxes:
    """Keeps boxes.

    Args:
        store: Where they are.
    """

    def __init__(self, store: AlertStore) -> None:
        self._store = store
        self._kept: dict[str, tuple[int, Box]] = {}
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(self, username: str) -> Box:
        """Return a user's box.

        Raises:
            ServerError: The database doesn't answer.
        """
        with self._locks[username]:
            return self._known(username)[1]

    def change(self, username: str, change: Changing) -> bool:
        """Change a user's box; returns whether it was changed.

        Args:
            username: Whose.
            change: What it becomes. Called again with a newer box if somebody else was quicker.

        Raises:
            ServerError: The database doesn't answer, so whether it was changed isn't known; what is, is read anew.
        """
        with self._locks[username]:
            for _ in range(_TRIES):
                version, box = self._known(username)
                wanted = change(box)
                if wanted is None:
                    return False
                # Unless it is known to have come in, it is read anew.
                del self._kept[username]
                if self._store.change(username, version, wanted):
                    self._kept[username] = version + 1, wanted.box
                    return True
            raise ServerError(f"alerts of {username} are changed by others all the time", server="cassandra")

    def forget(self) -> None:
        """Forget all: somebody else may have changed them."""
        for username in list(self._kept):
            with self._locks[username]:
                self._kept.pop(username, None)

    def _known(self, username: str) -> tuple[int, Box]:
        if username not in self._kept:
            self._kept[username] = self._store.box(username)
        return self._kept[username]

"""What the stream's log says while nothing comes: so once, and then once a minute, instead of a line a batch."""

from __future__ import annotations

import datetime as dt
import logging

log = logging.getLogger("riskcontrol.stream")

_AGAIN = dt.timedelta(minutes=1)


class Idle:
    """Knows since when nothing has come, and when that was said."""

    def __init__(self) -> None:
        self._since: dt.datetime | None = None
        self._said: dt.datetime | None = None

    def hides(self, time: dt.datetime, *, idle: bool) -> bool:
        """Return whether a batch needs no line of its own: nothing came, and that is said here.

        Args:
            time: The batch's nominal time.
            idle: Whether nothing came.
        """
        # Whoever wants to know what a batch took wants to know it of all.
        if not idle or log.isEnabledFor(logging.DEBUG):
            self._since = self._said = None
            return False
        moment = time.strftime("%Y-%m-%d %H:%M:%SZ")
        if self._since is None or self._said is None:
            self._since = self._said = time
            log.info("%s nothing new on the tape; the next line comes with it, or in a minute", moment)
        elif time - self._said >= _AGAIN:
            self._said = time
            log.info("%s nothing new on the tape for %d min", moment, (time - self._since) // _AGAIN)
        return True

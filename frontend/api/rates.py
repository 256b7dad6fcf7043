"""How many requests a key may make: a bucket of tokens for each, in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

RATE = 20.0
"""Requests a second that a key may go on making."""
BURST = 60.0
"""Requests that it may make at once after a pause."""
MOST_KEPT = 20_000


class Buckets:
    """Counts requests.

    Args:
        rate: Tokens that come into a bucket each second.
        burst: Tokens in a full bucket.
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(
        self, *, rate: float = RATE, burst: float = BURST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> float:
        """Take a token out of somebody's bucket; returns 0, or if there is none, how many seconds to wait for one.

        >>> ticks = iter([0.0, 0.0, 0.0, 0.5])
        >>> buckets = Buckets(rate=2, burst=2, clock=lambda: next(ticks))
        >>> [buckets.take("ann") for _ in range(4)]
        [0.0, 0.0, 0.5, 0.0]
        """
        now = self._clock()
        with self._lock:
            tokens, at = self._kept.get(who, (self._burst, now))
            tokens = min(self._burst, tokens + (now - at) * self._rate)
            wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
            self._kept[who] = (tokens - 1 if tokens >= 1 else tokens), now
            self._kept.move_to_end(who)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return wait

"""How long pages wait for answers: where that is long, they ask less often."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from fastapi.concurrency import run_in_threadpool

USUAL_MS, LONGEST_MS = 1_000, 10_000
"""How long a page's clock waits after an answer before it asks again: usually, and at the most."""
STEP_MS = 500
RESTS = 4
"""A page's clock waits so many times as long as its answers take."""
_LOOK_SECONDS = 0.25
_WEIGHT = 0.1
"""Of the newest one among all that were measured."""


class Busy:
    """Measures how long answers take. All of it happens on the server's event loop.

    Args:
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._answer = 0.0
        self._late = 0.0

    def answered(self, since: float) -> None:
        """Note that a call was answered just now.

        Args:
            since: By the clock, when it came.
        """
        self._answer += _WEIGHT * (self.clock() - since - self._answer)

    async def watch(self) -> None:
        """Measure, for good, how long whatever comes waits: until the event loop sees it, and then for a thread."""
        while True:
            began = self.clock()
            await asyncio.sleep(_LOOK_SECONDS)
            await run_in_threadpool(_nothing)
            self._late += _WEIGHT * (max(0.0, self.clock() - began - _LOOK_SECONDS) - self._late)

    def interval(self) -> int:
        """Return how long the clock of a page shall wait after an answer, milliseconds."""
        waits = RESTS * 1_000 * max(self._answer, self._late)
        return min(LONGEST_MS, max(USUAL_MS, math.ceil((waits - USUAL_MS) / STEP_MS) * STEP_MS + USUAL_MS))


def _nothing() -> None:
    """Do what takes no time."""

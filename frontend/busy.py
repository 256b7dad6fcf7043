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
_MOST_SECONDS = LONGEST_MS / RESTS / 1_000
"""Whatever took longer counts as this: pages can't wait longer, and soon ask as usual again."""


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
        """Note that the answer to a call is there, and is sent now.

        Args:
            since: By the clock, when it came. How long its answer is on the way is up to whoever asked, and is no
                measure of the server.
        """
        self._answer = _with(self._answer, self.clock() - since)

    async def watch(self) -> None:
        """Measure, for good, how long whatever comes waits: until the event loop sees it, and then for a thread."""
        while True:
            began = self.clock()
            await asyncio.sleep(_LOOK_SECONDS)
            await run_in_threadpool(_nothing)
            self._late = _with(self._late, max(0.0, self.clock() - began - _LOOK_SECONDS))

    def interval(self) -> int:
        """Return how long the clock of a page shall wait after an answer, milliseconds."""
        waits = RESTS * 1_000 * max(self._answer, self._late)
        return min(LONGEST_MS, max(USUAL_MS, math.ceil((waits - USUAL_MS) / STEP_MS) * STEP_MS + USUAL_MS))


def _with(known: float, newest: float) -> float:
    """Return the mean of what was measured, with the newest one."""
    return known + _WEIGHT * (min(newest, _MOST_SECONDS) - known)


def _nothing() -> None:
    """Do what takes no time."""

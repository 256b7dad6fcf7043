"""Whether the servers answer: asked in a thread of its own, at most every few seconds, for all viewers together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from riskcontrol.errors import RiskControlError

EVERY_SECONDS = 10.0
"""How long an answer counts as current."""
PATIENCE_SECONDS = 3.0
"""How long an answer may take before the server counts as silent."""
FIRST_SECONDS = 0.5
"""How long whoever asks first waits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says of itself."""

    up: bool | None
    """None while it has not been asked, or has not answered yet."""
    words: str


class Watch:
    """Asks a server now and then.

    Args:
        name: The server's, as errors have it.
        ask: Returns what the server says in words; raises a `RiskControlError` if it doesn't answer.
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, name: str, ask: Callable[[], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._asked: Future[Answer] | None = None
        self._asked_at = float("-inf")
        self._answer = Answer(None, "Asking …")

    def answer(self) -> Answer:
        """Return the newest answer; asks anew when it is old, without waiting for more than a moment."""
        with self._lock:
            first = self._asked is None and self._answer.up is None
            if self._asked is None and self._clock() - self._asked_at >= EVERY_SECONDS:
                self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="watch")
                self._asked, self._asked_at = self._pool.submit(self._safely), self._clock()
            asked = self._asked
        if asked is not None and first:
            wait([asked], FIRST_SECONDS)
        with self._lock:
            if self._asked is not None and self._asked.done():
                self._answer, self._asked = self._asked.result(), None
            elif self._asked is not None and self._clock() - self._asked_at > PATIENCE_SECONDS:
                return Answer(False, f"no answer for {self._clock() - self._asked_at:.0f} s")
            return self._answer

    def _safely(self) -> Answer:
        try:
            return Answer(True, self._ask())
        except RiskControlError as error:
            return Answer(False, str(error).removeprefix(f"{self._name}: "))
        except Exception as error:  # whatever its client raises: the server doesn't answer as it should
            return Answer(False, f"{type(error).__name__}: {error}"[:200])

"""Previews of strategies on stored bars: made by a worker process, as the pages start without the compiled engine.

The worker starts with the dashboard or, where the engine was never compiled, with the first who wants a preview, and is
kept. It ends itself over one that takes too long, when nobody asks for long, and when the dashboard is gone.
"""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from riskcontrol.cli.compiling import is_compiled
from riskcontrol.rows import Ints
from riskcontrol.statistics import Value
from riskcontrol.strategy import Strategy

log = logging.getLogger("riskcontrol.dashboard")

WORKER = (sys.executable, "-m", "frontend.preview_worker")
"""The worker's command; the number of its socket is added."""
ANSWER_SECONDS = 5.0
"""How long a preview may take in the worker."""
START_SECONDS = 300.0
"""How long the worker may take until it is ready: it compiles the engine where that was never done."""
PATIENCE_SECONDS = 0.5
"""How long somebody waits for the worker to start, or for others, before being told so."""
MOST_WAITING = 4
"""Most previews that wait for the worker; further ones are told at once."""

IDLE_SECONDS = 600.0
"""After how long without a preview the worker ends."""
MOST_MEMORY = 3 << 30
"""Most memory of the worker's own, bytes."""
MOST_MARKS = 1_000
"""Most fills that are marked: the newest."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What to try.

    Attributes:
        strategy: Any strategy.
        seconds: Length of the bars that it trades on.
        bars: Minute bars, columns of one length: time (the minute's start, nanoseconds UTC), open, high, low, close
            (micro-dollars, more than 0), volume, notional (micro-dollars); int64.
    """

    strategy: Strategy
    seconds: int
    bars: dict[str, Ints]


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What became of a strategy on stored bars; times in nanoseconds UTC, money in micro-dollars.

    Attributes:
        bars: How many bars of the strategy's length there were.
        first: When the first one began.
        last: When the last one ended.
        curve: Columns time, price, value and held (the value of buy & hold): at most `reduce.MOST_POINTS` points.
        fills: Columns time, price, shares; at most so many purchases and sales, oldest first.
        reasons: Why each of these was made, a name of `riskcontrol.states.Reason`.
        statistics: All of them by name.
        decision: The verdict, in words.
        why: Its reasons: what each points to, and its words.
    """

    bars: int
    first: int
    last: int
    curve: dict[str, Ints]
    fills: dict[str, Ints]
    reasons: list[str]
    statistics: dict[str, Value]
    decision: str
    why: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no preview.

    Attributes:
        message: In words.
        soon: Whether asking again in a moment may give one.
    """

    message: str
    soon: bool = False


NEXT = Refusal("Another strategy is being tried at the moment; yours is next.", soon=True)
BUSY = Refusal("Others are trying strategies at the moment; yours has its turn after them.", soon=True)
TOO_LONG = Refusal(f"It took longer than {ANSWER_SECONDS:g} seconds and was ended. Try fewer or shorter indicators.")
NO_START = Refusal("The preview's engine can't be started; the dashboard's own output says why.")
DIED = Refusal("The engine ended over this strategy; it may need more memory than a preview is given.")


def starting(seconds: float, *, compiles: bool) -> Refusal:
    """Return what to tell somebody who waits for the worker.

    Args:
        seconds: For how long it has been starting.
        compiles: Whether the engine has to be compiled first.

    >>> starting(41.7, compiles=False).message
    'The engine is being loaded, for 41 s so far. It takes some seconds, and longer while the machine is busy.'
    """
    does, takes = "loaded", "some seconds"
    if compiles:
        does, takes = "compiled for this machine, once and for all", "a minute or two"
    words = f"The engine is being {does}, for {int(seconds)} s so far."
    return Refusal(f"{words} It takes {takes}, and longer while the machine is busy.", soon=True)


class Previews:
    """The way to the worker; many threads may share one.

    Args:
        command: The worker's; another one in tests.
    """

    def __init__(self, command: Sequence[str] = WORKER) -> None:
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._inside = 0
        self._worker: _Worker | None = None

    def begin(self) -> None:
        """Start the worker unless there is one, without waiting for it: somebody may want it soon.

        Where it can't be started, that is logged, and told to who wants it.
        """
        if self._lock.acquire(blocking=False):  # else somebody is asking it something
            try:
                if self._worker is not None and self._worker.process.poll() is not None:
                    self._let_go()  # it had nothing to do for long
                if self._worker is None:
                    self._start()
            finally:
                self._lock.release()

    def run(self, job: Job) -> Preview | Refusal:
        """Return what becomes of a strategy, or why that can't be told."""
        with self._counting:
            if self._inside >= MOST_WAITING:
                return BUSY
            self._inside += 1
        try:
            if not self._lock.acquire(timeout=PATIENCE_SECONDS):
                return self._queue()
            try:
                return self._run(job)
            finally:
                self._lock.release()
        finally:
            with self._counting:
                self._inside -= 1

    def _queue(self) -> Refusal:
        """Return what to tell somebody who has waited in vain while another had the worker."""
        worker = self._worker
        if worker is not None and not worker.ready:
            return worker.starting()  # the other one waits for it too
        return NEXT if self._inside <= 2 else BUSY  # the other one and this one

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._let_go()

    def _run(self, job: Job) -> Preview | Refusal:
        worker = self._worker or self._start()
        if worker is None:
            return NO_START
        try:
            if not worker.ready:
                if not worker.connection.poll(PATIENCE_SECONDS):
                    if time.monotonic() - worker.since <= START_SECONDS:
                        return worker.starting()
                    raise EOFError
                worker.connection.recv()
                worker.ready = True
        except (EOFError, OSError):
            self._let_go()
            return NO_START
        try:
            worker.connection.send(job)
        except OSError:  # it had nothing to do for long, and ended
            self._let_go()
            anew = self._start()
            return NO_START if anew is None else anew.starting()
        try:
            # It ends itself in time; one that can't even do that is killed.
            if not worker.connection.poll(ANSWER_SECONDS + 1):
                self._let_go()
                return TOO_LONG
            answer: Preview | Refusal = worker.connection.recv()
        except (EOFError, OSError):
            return TOO_LONG if self._let_go() == -signal.SIGALRM else DIED
        return answer

    def _start(self) -> _Worker | None:
        """Start the worker; None if the system has no room for it."""
        try:
            self._worker = _started(self._command)
        except OSError as error:
            log.warning("The preview's engine can't be started: %s", error)
        return self._worker

    def _let_go(self) -> int | None:
        """End the worker, if there is one, and return its status."""
        if self._worker is None:
            return None
        worker, self._worker = self._worker, None
        worker.connection.close()
        try:
            return worker.process.wait(0.2)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            return worker.process.wait()


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    since: float
    compiles: bool
    ready: bool = False

    def starting(self) -> Refusal:
        """Return what to tell somebody who waits for it."""
        return starting(time.monotonic() - self.since, compiles=self.compiles)


def _started(command: Sequence[str]) -> _Worker:
    ours, its = socket.socketpair()
    with ours, its:
        process = subprocess.Popen(
            [*command, str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the dashboard, with whose end of the socket it ends
        )
        connection = Connection(ours.detach())
    return _Worker(process, connection, time.monotonic(), compiles=not is_compiled())

"""How often pages ask: as usual, and less often the longer answers take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from frontend import busy
from frontend.busy import LONGEST_MS, RESTS, STEP_MS, USUAL_MS, Busy
from tests.awaiting import awaited


class Clock:
    """Seconds that only a test makes pass."""

    now = 100.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


def taking(seconds: float, count: int = 200) -> Busy:
    """Return what is known after many answers that took so long."""
    clock = Clock()
    found = Busy(clock)
    for _ in range(count):
        found.answered(clock.now - seconds)
    return found


def watching(
    patch: pytest.MonkeyPatch, clock: Clock, sleep: Callable[[float], Coroutine[Any, Any, None]], thread: float = 0.0
) -> Busy:
    """Return what is known once `sleep` has ended its watch; a thread is there after `thread` seconds."""
    ours: list[asyncio.AbstractEventLoop] = []
    usual, usual_thread = asyncio.sleep, busy.run_in_threadpool

    def is_ours() -> bool:
        # A server that another test has left to end has a loop, and a watch, of its own.
        return asyncio.get_running_loop() in ours

    async def slept(seconds: float) -> None:
        await (sleep(seconds) if is_ours() else usual(seconds))

    async def in_thread(work: Callable[[], None]) -> None:
        if is_ours():
            work()
            clock.now += thread
        else:
            await usual_thread(work)

    async def watch() -> None:
        ours.append(asyncio.get_running_loop())
        await found.watch()

    patch.setattr(busy.asyncio, "sleep", slept)
    patch.setattr(busy, "run_in_threadpool", in_thread)
    found = Busy(clock)
    with pytest.raises(asyncio.CancelledError):
        awaited(watch)
    return found


@pytest.mark.parametrize(
    ("seconds", "interval"), [(0.0, 1_000), (0.2, 1_000), (0.3, 1_500), (0.5, 2_000), (0.7, 3_000), (60.0, 10_000)]
)
def test_the_longer_answers_take_the_longer_pages_wait(seconds: float, interval: int) -> None:
    assert taking(seconds).interval() == interval
    assert (interval - USUAL_MS) % STEP_MS == 0
    assert USUAL_MS <= interval <= LONGEST_MS


def test_one_slow_answer_changes_nothing_and_quick_ones_bring_the_usual_back() -> None:
    assert taking(1.0, count=1).interval() == USUAL_MS
    found = taking(2.0)
    assert found.interval() > USUAL_MS
    for _ in range(200):
        found.answered(found.clock())
    assert found.interval() == USUAL_MS


def test_what_took_very_long_is_forgotten_as_soon_as_what_took_long() -> None:
    intervals = []
    for seconds in (LONGEST_MS / RESTS / 1_000, 900.0):
        found = taking(seconds)
        for _ in range(10):
            found.answered(found.clock())
        intervals.append(found.interval())
    assert intervals[0] == intervals[1] < LONGEST_MS


def test_one_long_wait_for_the_loop_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    async def sleep(seconds: float) -> None:
        if clock.now > Clock.now:
            raise asyncio.CancelledError
        clock.now += 900.0

    assert watching(monkeypatch, clock, sleep).interval() == USUAL_MS


@pytest.mark.parametrize(("loop", "thread"), [(0.5, 0.0), (0.0, 0.5), (0.2, 0.3)])
def test_waiting_for_the_loop_and_for_a_thread_counts_as_well(
    monkeypatch: pytest.MonkeyPatch, loop: float, thread: float
) -> None:
    clock, slept = Clock(), 0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += 1
        clock.now += seconds + loop
        if slept == 200:
            raise asyncio.CancelledError

    assert watching(monkeypatch, clock, sleep, thread).interval() == 2_000

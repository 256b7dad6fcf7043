"""How the engine's benchmark measures: on one core, the best of several runs, each on inputs of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bench.common import Timer

Input = TypeVar("Input")
Output = TypeVar("Output")


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and those that it starts, on one core, where the system offers that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def best_of(repeats: int, prepare: Callable[[], Input], run: Callable[[Input], Output]) -> tuple[float, Output]:
    """Return the least processor time of several runs, seconds, and what the last one gave.

    Everything here runs on one core and in memory: processor time is wall clock without the neighbours.

    Args:
        repeats: How many runs.
        prepare: Makes a run's input, unmeasured.
        run: What is measured.

    >>> best_of(2, lambda: [3, 1, 2], sorted)[1]
    [1, 2, 3]
    """
    least = float("inf")
    for _ in range(repeats):
        prepared = prepare()
        with Timer() as timer:
            output = run(prepared)
        least = min(least, timer.cpu)
    return least, output

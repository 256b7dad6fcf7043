"""What is read once for all: who reads, who waits, and who gets what was read before."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from frontend.shared import OfVersion, Shared

SECONDS = 2.0


class Clock:
    """Seconds that only a test makes pass."""

    now = 0.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


def test_what_was_read_is_at_hand_while_it_is_fresh() -> None:
    clock = Clock()
    shared: Shared[str | None] = Shared(clock)
    assert shared.at_hand(SECONDS) is None
    assert shared.value(lambda: None, SECONDS) is None
    assert shared.at_hand(SECONDS) == (None,)
    clock.now = SECONDS
    assert shared.at_hand(SECONDS) is None
    assert shared.value(lambda: "new", SECONDS) == "new"


@pytest.mark.parametrize(("age", "waits"), [(1.5 * SECONDS, False), (2.5 * SECONDS, True)])
def test_while_one_reads_others_get_what_was_read_before_unless_it_is_old(age: float, waits: bool) -> None:
    clock, begun, go = Clock(), threading.Event(), threading.Event()
    shared: Shared[str] = Shared(clock)
    shared.value(lambda: "old", SECONDS)
    clock.now = age

    def read() -> str:
        begun.set()
        assert go.wait(30)
        return "new"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(shared.value, read, SECONDS)
        assert begun.wait(30)
        second = threads.submit(shared.value, lambda: "not read", SECONDS)
        if not waits:
            assert second.result(30) == "old"
        go.set()
        assert first.result(30) == "new"
        assert second.result(30) == ("new" if waits else "old")


def test_a_reading_that_fails_is_tried_again_by_the_next() -> None:
    shared: Shared[int] = Shared(Clock())
    with pytest.raises(ZeroDivisionError):
        shared.value(lambda: 1 // 0, SECONDS)
    assert shared.value(lambda: 1, SECONDS) == 1


def test_of_a_version_only_the_newest_is_at_hand() -> None:
    made: OfVersion[str] = OfVersion()
    assert made.at_hand("1") is None
    made.value("1", lambda: "of 1")
    assert (made.at_hand("1"), made.at_hand("2")) == ("of 1", None)
    made.value("2", lambda: "of 2")
    assert (made.at_hand("1"), made.at_hand("2")) == (None, "of 2")

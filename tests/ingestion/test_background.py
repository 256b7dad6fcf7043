"""What a thread makes ahead comes in order, with its errors, and the thread ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from ingestion.background import background


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("three")

    numbers = background(items())
    assert [next(numbers), next(numbers)] == [1, 2]
    with pytest.raises(KeyError, match="three"):
        next(numbers)


def test_closing_ends_the_thread_though_items_go_on() -> None:
    before = threading.active_count()
    with closing(background(iter(int, 1))) as endless:
        assert next(endless) == 0
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_only_a_few_items_are_made_ahead() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with closing(background(items(), ahead=3)) as numbers:
        next(numbers)
        assert len(made) <= 1 + 3 + 1 + 1  # used, waiting, in the thread's hand, and the one just freed

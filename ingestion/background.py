"""Running an iterator in a thread of its own, a few items ahead of whoever uses them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

_END = object()


def background(items: Iterable[T], *, ahead: int = 4) -> Generator[T, None, None]:
    """Give the items, made in a thread; an exception there is raised here, after the items before it.

    The thread ends when the items do, or when this generator is closed.

    Args:
        items: What to iterate over.
        ahead: How many items may wait.

    >>> list(background(iter("abc")))
    ['a', 'b', 'c']
    """
    waiting: queue.Queue[object] = queue.Queue(ahead)
    closed = threading.Event()
    failed: list[BaseException] = []

    def put(item: object) -> bool:
        while not closed.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def run() -> None:
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as error:  # handed over, whatever it is
            failed.append(error)
        finally:
            put(_END)

    thread = threading.Thread(target=run, name="reader", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            yield item  # type: ignore[misc]
        if failed:
            raise failed[0]
    finally:
        closed.set()
        thread.join()

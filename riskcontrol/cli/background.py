"""Work in threads that don't keep a command from ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(function: Callable[[], T]) -> Future[T]:
    """Run a function in a thread that does not keep the program from ending."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future


def wait(future: Future[T]) -> T:
    """Wait for a result so that Ctrl-C is heard meanwhile."""
    while not future.done():
        time.sleep(0.05)
    return future.result()

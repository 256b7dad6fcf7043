"""Running what is asynchronous to its end, whatever the test's process did before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def awaited(
    function: Callable[Parameters, Coroutine[Any, Any, Result]], *arguments: Parameters.args, **named: Parameters.kwargs
) -> Result:
    """Call it and return what it comes to.

    It has a thread of its own: in a process that has run tests with a browser, the browser's event loop goes on
    in this one, and a thread can have only one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(function(*arguments, **named))).result()  # noqa: TID251

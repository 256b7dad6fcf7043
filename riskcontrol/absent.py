"""Libraries that others try to import at our start, and that we have no use for there."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec


@dataclass(frozen=True)
class _Missing:
    """Finds nothing of one library for one thread, and keeps those that would from being asked."""

    library: str
    thread: int

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] == self.library and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"no {name} for the moment", name=name)
        return None


@contextmanager
def absent(library: str) -> Iterator[None]:
    """Make as if a library weren't installed, to this thread; what has been imported of it already stays.

    Args:
        library: Its top-level package.

    >>> with absent("pyclbr"):
    ...     import pyclbr
    Traceback (most recent call last):
    ModuleNotFoundError: no pyclbr for the moment
    """
    missing = _Missing(library, threading.get_ident())
    sys.meta_path.insert(0, missing)
    try:
        yield
    finally:
        sys.meta_path.remove(missing)

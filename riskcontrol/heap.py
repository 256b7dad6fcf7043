"""When a process looks for garbage, and how one that serves for days keeps its memory."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""
ARENAS = 2
_YOUNG = 50_000
_USUAL = gc.get_threshold()


def roomy() -> None:
    """Look for garbage among the young once there are 50,000 more of them, not some hundred as is Python's usual way.

    To be called before a process loads its modules, whose objects all stay: looking for garbage among them took a
    tenth of a command's start. What goes on for long calls `usual` or `settle` once it is loaded.
    """
    gc.set_threshold(_YOUNG)


def usual() -> None:
    """Look for garbage as often as Python does; what is loaded is no longer looked at."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def settle() -> None:
    """Keep what is loaded apart from what requests leave behind, and that in one place.

    Python looks for garbage among all that is old once that has grown by a quarter. Without what is loaded, some
    million objects, it looks sooner, and is done sooner.

    Each thread gets memory from one of glibc's arenas, of which there are eight a core; each keeps its own holes. As
    one thread at a time runs Python, two are enough.
    """
    gc.collect()
    usual()
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)

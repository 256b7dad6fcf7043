"""A claim on a folder, which ends with its process, however that ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


def claim(path: Path) -> TextIO | None:
    """Claim a lock file and return it, open; None if another process holds it.

    Args:
        path: The file; it and its folder are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file

"""A claim on a folder, which ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from riskcontrol.errors import SettingsError


def make_folder(folder: Path) -> None:
    """Make a folder of ours unless it is there.

    Raises:
        SettingsError: It can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{folder} can't be made ({error.strerror or error}); name another one", field="home"
        ) from error


def claim(path: Path) -> TextIO | None:
    """Claim a lock file and return it, open, with our process id in it; None if another process holds it.

    Args:
        path: The file; it and its folder are made.

    Raises:
        SettingsError: The folder can't be made.
    """
    make_folder(path.parent)
    # Not "w": that would take the pid out of a file that another process holds.
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


@contextmanager
def noted(path: Path) -> Iterator[None]:
    """Claim a lock file while something runs, so that others know of it; it runs all the same where that can't be.

    Args:
        path: The file; removed in the end.
    """
    file = None
    with suppress(SettingsError, OSError):
        file = claim(path)
    try:
        yield
    finally:
        if file is not None:
            path.unlink(missing_ok=True)
            file.close()

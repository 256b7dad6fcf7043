"""Whether the engine's kernels have been compiled for this machine, and what is said where they haven't."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

COMPILING = "Compiling the engine for this machine: once, about a minute"

_OURS = re.compile(r"numba-[0-9a-f]{12}")
"""Names that `riskcontrol` gives to folders of compiled code."""

_OLD_SECONDS = 7 * 86_400


def is_compiled() -> bool:
    """Tell whether Numba's cache has the kernel that is compiled last, for this Python."""
    name = f"kernel.advance_tickers-*.py{sys.version_info.major}{sys.version_info.minor}.nbi"
    return any(_folder().glob(f"*/{name}"))


def tell_of_compiling() -> None:
    """Say so on stderr where the kernels will have to be compiled, and clear what older sources left behind."""
    if not is_compiled():
        click.echo(f"{COMPILING} ...", err=True)
        remove_outdated()


def remove_outdated() -> None:
    """Remove the compiled code of other sources that nothing has been added to for a week."""
    own = _folder()
    if not _OURS.fullmatch(own.name) or not own.parent.is_dir():
        return  # somebody's own NUMBA_CACHE_DIR: what lies beside it isn't ours
    for folder in own.parent.iterdir():
        if folder != own and _OURS.fullmatch(folder.name):
            # Another checkout's process may remove it at the same time.
            with suppress(OSError):
                newest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
                if time.time() - newest > _OLD_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    return Path(os.environ["NUMBA_CACHE_DIR"])

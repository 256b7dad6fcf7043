"""Trade files on this machine: which of a folder's files are trade files, and their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from riskcontrol.errors import InputError

PIECE = 1 << 20
"""Bytes taken from a file at once."""

_SUFFIXES = (".gz", ".csv", ".txt", ".psv")
_OTHER_TAQ = re.compile(r"(EQY|SPLITS|CTA|UTP)_(?!.*_TRADE_\d)", re.IGNORECASE)


def base_name(path: str) -> str:
    """Return a file's name without directories and without what tells its format.

    >>> base_name("days/EQY_US_ALL_TRADE_20131007.csv.gz")
    'EQY_US_ALL_TRADE_20131007'
    """
    name = path.rstrip("/").rpartition("/")[2]
    while name.lower().endswith(_SUFFIXES):
        name = name[: name.rindex(".")]
    return name


def is_url(location: str) -> bool:
    """Tell whether a location is on S3 (here, for `ingestion.s3` brings boto3)."""
    return location.startswith("s3:")


def is_trade_file(path: str) -> bool:
    """Tell whether a file of a folder is one to read: a daily drop of TAQ holds quotes and masters, too.

    >>> [is_trade_file(name) for name in ("EQY_US_ALL_TRADE_20131007.gz", "EQY_US_ALL_NBBO_20131007.gz", "README.md")]
    [True, False, False]
    """
    parts = path.split("/")
    hidden = any(part.startswith(".") for part in parts)
    named = parts[-1].lower().endswith(_SUFFIXES) or re.match(r"EQY_.*_TRADE_\d{8}$", parts[-1]) is not None
    return named and not hidden and _OTHER_TAQ.match(parts[-1]) is None


def find(location: str) -> list[Path]:
    """Return the file at a path or, where it is a folder, the trade files in it and below.

    Raises:
        InputError: It isn't there, or can't be looked into.
    """
    path = Path(location).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError("isn't there" if not path.exists() else "is neither a file nor a folder", source=location)
    return sorted(
        file for file in path.rglob("*") if is_trade_file(file.relative_to(path).as_posix()) and file.is_file()
    )


def stream(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, in order.

    Raises:
        InputError: It can't be read.
    """
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror or error}", source=str(path)) from error

"""The rejects file: every line that couldn't be read, where it stood, and why."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from riskcontrol.errors import InputError

HEADER = "file\tline\treason\ttext\n"
LONGEST = 500
"""Bytes kept of a bad line."""


class Rejects:
    """One tab-separated file for any number of trade files: file, line, reason, text.

    What it says of a trade file is what that file's last reading found; reading it again doesn't double its lines.

    Args:
        path: The rejects file; it is made when there is something to write. None: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def begin(self, location: str) -> None:
        """Forget what an earlier reading of this trade file left.

        Raises:
            InputError: The rejects file can't be rewritten.
        """
        if self.path is None or not self.path.exists():
            return
        own = escaped(os.fsencode(location)) + "\t"
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            with self.path.open(encoding="utf-8", errors="replace") as old, fresh.open("w", encoding="utf-8") as new:
                if old.readline() != HEADER:
                    raise InputError("is there already and is no rejects file; name another one", source=str(self.path))
                new.write(HEADER)
                new.writelines(line for line in old if not line.startswith(own))
            fresh.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            fresh.unlink(missing_ok=True)

    def add(self, location: str, lines: Iterable[tuple[int, str, bytes]]) -> None:
        """Append bad lines of a trade file.

        Args:
            location: The trade file.
            lines: One-based line number, reason, and the line itself.

        Raises:
            InputError: The rejects file can't be written.
        """
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                if file.seek(0, os.SEEK_END) == 0:
                    file.write(HEADER)
                name = escaped(os.fsencode(location))
                file.writelines(
                    f"{name}\t{number}\t{reason}\t{escaped(text[:LONGEST])}{'...' if len(text) > LONGEST else ''}\n"
                    for number, reason, text in lines
                )
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"can't write the rejects file: {error.strerror or error}", source=str(self.path))


def escaped(text: bytes) -> str:
    r"""Return bytes as one harmless line of ASCII: control and foreign bytes and the backslash as ``\xNN``.

    >>> escaped(b"a|b\t\x1b[2J")
    'a|b\\x09\\x1b[2J'
    """
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in text)

"""Standard output that fails in words: a disk that is full ends every command with one line, and no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from riskcontrol.errors import InputError


@contextmanager
def told() -> Iterator[None]:
    """Let what fails on standard output raise an `InputError`; all is written when this ends.

    Raises:
        InputError: It takes nothing more.
    """
    plain = sys.stdout
    if plain is None:  # closed by whoever started us: nobody wants to read it
        yield
        return
    output = _Output(plain)
    sys.stdout = cast(TextIO, output)
    try:
        yield
        output.flush()  # as Python ends, it would be too late to tell that this fails
    finally:
        sys.stdout = plain
        if output.failed:
            # What is still to be written goes nowhere, or it would fail once more as Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), plain.fileno())


class _Output:
    """A file of which the errors are told from those of other files."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        with self._failing():
            return self._file.write(text)

    def flush(self) -> None:
        with self._failing():
            self._file.flush()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise  # whoever reads has had enough
        except OSError as error:
            self.failed = True
            raise InputError(f"can't be written: {error.strerror or error}", source="standard output") from error

"""A file that a command will write, as commands take it."""

from __future__ import annotations

import os
from pathlib import Path

import click


class OutputFile(click.Path):
    """A file that can be written, or made: one that can't is refused before the work, not after it.

    Args:
        allow_dash: Whether "-" stands for stdout.
    """

    def __init__(self, *, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, allow_dash=allow_dash)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return its path.

        Raises:
            InputError: It can't be written, or its folder isn't there.
        """
        from riskcontrol.errors import InputError

        field = param.opts[-1] if param is not None else None
        try:
            path = Path(os.fsdecode(super().convert(value, param, ctx)))
            if self.allow_dash and path == Path("-"):
                return path
            wrong = _wrong(path)
        except (OSError, ValueError) as error:  # a folder that may not be looked into, a name too long, a NUL in it
            wrong = f"can't be written: {getattr(error, 'strerror', None) or error}; name another file"
        if wrong:
            raise InputError(wrong, source=os.fsdecode(value), field=field)
        return path


def _wrong(path: Path) -> str:
    """Return why a file can't be written, nothing where it can."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}; make it, or name a file in another"
    if path.is_dir():
        return "is a folder; name a file in it"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return "can't be written: permission denied; name another file"
    return ""

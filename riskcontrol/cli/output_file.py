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

        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        field = param.opts[-1] if param is not None else None
        if self.allow_dash and path == Path("-"):
            return path
        if not path.parent.is_dir():
            raise InputError(
                f"there is no folder {path.parent}; make it, or name a file in another", source=str(path), field=field
            )
        if path.is_dir():
            raise InputError("is a folder; name a file in it", source=str(path), field=field)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise InputError("can't be written: permission denied; name another file", source=str(path), field=field)
        return path

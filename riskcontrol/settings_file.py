"""The TOML file of settings: what it says, and on which line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from riskcontrol.errors import SettingsError
from riskcontrol.nearest import meant

DEFAULT_FILE = Path("riskcontrol.toml")


def read_file(file: Path | None = None) -> dict[str, Any]:
    """Return what a TOML file says; the default one need not be there.

    Raises:
        SettingsError: A file that was named isn't there, or one can't be read or isn't TOML.
    """
    path = file or DEFAULT_FILE
    try:
        if path.is_file():
            return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror or error}", field="config") from None
    except RecursionError:
        raise SettingsError(f"{path} is not TOML: it is nested too deeply", field="config") from None
    except ValueError as error:  # of TOML, of UTF-8, and of numbers with thousands of digits
        raise SettingsError(f"{path} is not TOML: {error}", field="config") from None
    if file is None:
        return {}
    raise SettingsError(f"{file} is not a file", field="config")


def line_in(file: Path, *keys: str) -> int | None:
    """Return on which line of a TOML file a key of some tables is said, None if that can't be told.

    Args:
        file: A file that `read_file` has read.
        keys: Names of tables, the outermost first, and of the key.
    """
    lines = file.read_text(encoding="utf-8").split("\n")
    begun, table = 0, tuple[str, ...]()
    for number in range(len(lines)):
        try:
            statement = tomllib.loads("\n".join(lines[begun : number + 1]))
        except tomllib.TOMLDecodeError:
            continue  # a value goes on
        if lines[begun].lstrip(" \t").startswith("["):
            table = _header(statement)
            if table[: len(keys)] == keys:
                return begun + 1
        elif keys[: len(table)] == table and _has(statement, keys[len(table) :]):
            return begun + 1
        begun = number + 1
    return None


def _header(statement: Any) -> tuple[str, ...]:
    """Return the keys in a table's line."""
    if isinstance(statement, list):
        return _header(statement[0])
    return tuple(key for name, inner in statement.items() for key in (name, *_header(inner)))


def _has(values: Any, keys: tuple[str, ...]) -> bool:
    """Return whether there is such a key of a key."""
    return not keys or (isinstance(values, dict) and keys[0] in values and _has(values[keys[0]], keys[1:]))


def like(name: str, known: Iterable[str], many: str) -> str:
    """Return what to say of a name of a file that isn't known.

    >>> like("shardz", ["shards", "topic"], "settings"), like("x", ["shards", "topic"], "settings")
    ("did you mean 'shards'?", 'settings are shards, topic')
    >>> like("x", [], "options")
    'there are no options'
    """
    names = list(known)
    return meant(name.lower(), names, f"{many} are {', '.join(names)}" if names else f"there are no {many}")

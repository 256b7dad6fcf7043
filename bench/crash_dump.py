"""All rows that a run has left, in one order and one form, so that two runs can be compared byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from database.session import answering, connect
from riskcontrol.settings import Settings

TABLES = ("strategies", "positions", "fills", "bars")

WALL_CLOCK = {"strategies": frozenset({"opened", "stopped"})}
"""Columns that say when somebody asked for something, which is another moment in every run: of these only whether they
are set is compared. All else is a function of the tape."""

Dump = Mapping[str, str]
"""A row's values by its table and primary key, all as JSON, in the order of tables and keys."""


def dump(settings: Settings) -> Dump:
    """Read all rows of the tables of a keyspace, every column of them.

    Raises:
        ServerError: The database doesn't answer.
    """
    found: dict[str, str] = {}
    for table in TABLES:
        key, others = _columns(settings, table)
        # Their order must not depend on how the database spreads them.
        rows = sorted(_rows(settings, table, [*key, *others]), key=lambda row: _ordered(row[: len(key)]))
        for row in rows:
            values = dict(zip(others, row[len(key) :], strict=True))
            for name in WALL_CLOCK.get(table, frozenset()) & values.keys():
                values[name] = values[name] is not None
            found[f"{table} {_json(row[: len(key)])}"] = _json(values)
    return found


def text(rows: Dump) -> str:
    r"""Return a dump as text, a line a row.

    >>> text({'bars ["IBM"]': '{"open":1}'})
    'bars ["IBM"] {"open":1}\n'
    """
    return "".join(f"{key} {values}\n" for key, values in rows.items())


def fingerprint(rows: Dump) -> str:
    """Return the SHA-256 of a dump's text, in hexadecimal."""
    return hashlib.sha256(text(rows).encode()).hexdigest()


def differences(expected: Dump, found: Dump, most: int = 5) -> list[str]:
    """Return the first rows in which two dumps differ, a line each.

    Args:
        expected: Of the undisturbed run.
        found: Of the other one.
        most: How many.

    >>> differences({"bars 1": "a", "bars 2": "b"}, {"bars 2": "c", "bars 3": "d"})
    ['missing: bars 1 a', 'differs: bars 2 b, found c', 'too much: bars 3 d']
    """
    lines = []
    for key in sorted(expected.keys() | found.keys()):
        if key not in found:
            lines.append(f"missing: {key} {expected[key]}")
        elif key not in expected:
            lines.append(f"too much: {key} {found[key]}")
        elif expected[key] != found[key]:
            lines.append(f"differs: {key} {expected[key]}, found {found[key]}")
        if len(lines) == most:
            break
    return lines


def counts(rows: Dump) -> dict[str, int]:
    """Return how many rows of each table there are.

    >>> counts({"bars 1": "a", "fills 1": "b", "fills 2": "c"})
    {'strategies': 0, 'positions': 0, 'fills': 2, 'bars': 1}
    """
    tables = [key.partition(" ")[0] for key in rows]
    return {table: tables.count(table) for table in TABLES}


def write(rows: Dump, path: Path) -> None:
    """Write a dump's text into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(rows), encoding="utf-8")


def _columns(settings: Settings, table: str) -> tuple[list[str], list[str]]:
    """Return the columns of a table's primary key in its order, and all others by name."""
    with answering():
        rows = list(
            connect(settings).execute(
                "SELECT column_name, kind, position FROM system_schema.columns "
                "WHERE keyspace_name = %s AND table_name = %s",
                (settings.keyspace, table),
            )
        )
    kinds = {"partition_key": 0, "clustering": 1}
    key = sorted((kinds[row.kind], row.position, row.column_name) for row in rows if row.kind in kinds)
    return [name for *_, name in key], sorted(row.column_name for row in rows if row.kind not in kinds)


def _rows(settings: Settings, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    query = f"SELECT {', '.join(columns)} FROM {settings.keyspace}.{table}"  # noqa: S608  names of the schema
    with answering():
        return [tuple(row) for row in connect(settings).execute(query, timeout=60)]


def _ordered(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value if isinstance(value, int | str) else str(value) for value in key)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)

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

WALL_CLOCK = ("opened", "stopped")
"""Columns of `strategies` that say when somebody asked for something, another moment in every run: only whether
they are set is compared. A stopped position has its stop's moment as its `time`: only whether it has that is compared.
All else is a function of the tape, and compared as it is."""

Dump = Mapping[str, str]
"""A row's values by its table and primary key, all as JSON, in the order of tables and keys."""


def dump(settings: Settings) -> Dump:
    """Read all rows of the tables of a keyspace, every column of them.

    Raises:
        ServerError: The database doesn't answer.
    """
    found: dict[str, str] = {}
    stops: dict[tuple[str, ...], int | None] = {}
    for table in TABLES:
        key, columns = _columns(settings, table)
        rows = _rows(settings, table, columns)
        # Their order must not depend on how the database spreads them.
        for row in sorted(rows, key=lambda row: [_sortable(row[name]) for name in key]):
            _clear_wall_clock(table, row, stops)
            found[f"{table} {_json([row.pop(name) for name in key])}"] = _json(row)
    return found


def _clear_wall_clock(table: str, row: dict[str, Any], stops: dict[tuple[str, ...], int | None]) -> None:
    """Put in place of a moment what can be compared; `stops` goes from the strategies to their positions."""
    if table == "strategies":
        stops[row["username"], row["ticker"], row["name"]] = row["stopped"]
        for name in WALL_CLOCK:
            row[name] = row[name] is not None
    elif table == "positions" and row["status"] == "stopped":
        stopped = row["time"] == stops.get((row["username"], row["ticker"], row["name"]))
        row["time"] = "of its stop" if stopped else row["time"]


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
    """Return the columns of a table's primary key in its order, and all of its columns."""
    with answering():
        rows = list(
            connect(settings).execute(
                "SELECT column_name, kind, position FROM system_schema.columns "
                "WHERE keyspace_name = %s AND table_name = %s",
                (settings.keyspace, table),
            )
        )
    kinds = ("partition_key", "clustering")
    key = sorted((kinds.index(row.kind), row.position, row.column_name) for row in rows if row.kind in kinds)
    return [name for *_, name in key], [row.column_name for row in rows]


def _rows(settings: Settings, table: str, columns: list[str]) -> list[dict[str, Any]]:
    query = f"SELECT {', '.join(columns)} FROM {settings.keyspace}.{table}"  # noqa: S608  names of the schema
    with answering():
        found = connect(settings).execute(query, timeout=60)
        return [dict(zip(columns, row, strict=True)) for row in found]


def _sortable(value: Any) -> int | str:
    return value if isinstance(value, int) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)

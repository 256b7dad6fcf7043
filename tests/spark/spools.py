"""Spools with made-up rows."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from riskcontrol.rows import Accepted, Bars, Columns, Fills, Positions
from riskcontrol.strategy import first_rule
from riskcontrol.terms import FillMode
from spark.spool import Blocks, Rows, Spool

TERMS = first_rule("ann", "dip", "IBM", 1, 1, 1, FillMode.SAME).terms.text()


def made(kind: type[Columns], names: list[str], value: int = 7) -> Columns:
    """Return a row for each name, all numbers the same."""
    columns: dict[str, np.ndarray] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in ("username", "name", "ticker"):
            columns[field.name] = np.array(names, "S16")
        elif field.name in ("shape", "terms"):
            columns[field.name] = np.array([TERMS if n % 2 else "x" for n in range(len(names))], np.object_)
        else:
            columns[field.name] = np.full(len(names), 1 if field.name in ("reason", "status", "action") else value)
    return kind(**columns)


def rows(end: int, names: list[str], *, openings: int = 0, marks: bytes = b"", days: Blocks = ()) -> Rows:
    parts = [made(kind, names, end) for kind in (Fills, Positions, Bars)]
    return Rows(max(0, end - 1), end, made(Accepted, names[:openings], end), *parts, marks, days, days)  # type: ignore[arg-type]


def spool_of(folder: Path, number: int = 0) -> Spool:
    spool = Spool(folder / f"shard-{number:04d}")
    spool.folder.mkdir(parents=True)
    return spool

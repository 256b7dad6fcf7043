"""Rows on their way to the database: what batches made, in files, until the row writer has put it into the tables.

A batch leaves its rows here and is done: how fast the database takes rows does not hold it up, and a burst is written
while later batches run. A file is put down before the shard's state is committed. Killed in between, the file holds
rows of a stretch that will be done again: as rows are a function of the tape, they are right, and are written twice.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from riskcontrol.errors import StateError
from riskcontrol.newyork import date_of
from riskcontrol.rows import Accepted, Bars, Columns, Fills, Positions

_FILE = re.compile(r"rows-([0-9]{20})-([0-9]{20})-([0-9]+)")
"""Names the stretch of the tape, from an offset up to, not including, another, and how many rows it gave."""

Kind = TypeVar("Kind", bound=Columns)

Blocks = tuple[tuple[int, bytes], ...]
"""Packed rows with the start of a minute, nanoseconds UTC."""

_ADDED = ("since",)
"""Whole numbers that files of an earlier version lack; 0 says of each that it isn't known."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a stretch of the tape gives the tables.

    Attributes:
        start: The tape's offset before it.
        end: The tape's offset after it.
        openings, fills, positions, bars: Rows.
        marks: The shard's last prices, packed (`spark.task.encode_marks`); empty if they are as they were.
        leaders: Of each minute that ended, its start (nanoseconds UTC) and who led (`riskcontrol.leaders`), packed.
        days: Of each day in which one ended, the last one's start and the day so far (`riskcontrol.days`), packed.
    """

    start: int
    end: int
    openings: Accepted
    fills: Fills
    positions: Positions
    bars: Bars
    marks: bytes = b""
    leaders: Blocks = ()
    days: Blocks = ()

    def __len__(self) -> int:
        return len(self.openings) + len(self.fills) + len(self.positions) + len(self.bars) + len(self.leaders)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What lies in a spool.

    Attributes:
        rows: How many rows.
        bytes: How much room they take.
        seconds: How long the oldest has waited.
    """

    rows: int
    bytes: int
    seconds: float


class Spool:
    """The spool of one shard.

    Args:
        folder: The shard's folder (`spark.state.ShardStore.folder`).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, rows: Rows) -> None:
        """Put rows down, all of them or none."""
        path = self.folder / f"rows-{rows.start:020d}-{rows.end:020d}-{len(rows)}"
        temporary = self.folder / "rows.new"
        with pa.OSFile(str(temporary), "wb") as sink:
            parts = (_packed(part) for part in (rows.openings, rows.fills, rows.positions, rows.bars))
            for batch in (*parts, _packed_blocks(rows.leaders), _packed_blocks(rows.days)):
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch)
            sink.write(rows.marks)
        temporary.replace(path)

    def files(self) -> list[Path]:
        """Return the files that wait, in the order of the tape."""
        return sorted(
            (path for path in self.folder.glob("rows-*") if _FILE.fullmatch(path.name)),
            key=lambda path: _stretch(path)[::-1],
        )

    def reach(self, written: int) -> int:
        """Return up to which offset the shard's rows are in the tables or here, without a gap.

        Args:
            written: Up to which they are in the tables (`database.writes.Writer.watermarks`).
        """
        for path in self.files():
            start, end = _stretch(path)
            if start <= written:
                written = max(written, end)
        return written

    def holds(self, offset: int) -> bool:
        """Return whether rows of the tape before an offset are still here."""
        return any(_stretch(path)[1] <= offset for path in self.files())

    def take(self, path: Path) -> Rows:
        """Read a file.

        Raises:
            StateError: It is damaged.
        """
        try:
            with pa.memory_map(str(path)) as source:
                return Rows(
                    *_stretch(path),
                    _unpacked(Accepted, source),
                    _unpacked(Fills, source),
                    _unpacked(Positions, source),
                    _unpacked(Bars, source),
                    leaders=_unpacked_blocks(source),
                    days=_unpacked_blocks(source),
                    marks=source.read(),
                )
        except (pa.ArrowException, KeyError, ValueError, OSError) as error:
            shard = int(self.folder.name.removeprefix("shard-"))
            raise StateError(f"{path} is damaged ({error}); remove {self.folder.parent}", shard=shard) from error


def waiting(state: Path) -> Waiting:
    """Return what waits in the spools of all shards.

    Args:
        state: Folder of all shards' state.
    """
    now = time.time()
    rows, size, oldest = 0, 0, now
    for folder in state.glob("shard-*"):
        with os.scandir(folder) as entries:
            for entry in entries:
                if match := _FILE.fullmatch(entry.name):
                    try:
                        found = entry.stat()
                    except FileNotFoundError:
                        continue  # written meanwhile
                    oldest, size, rows = min(oldest, found.st_mtime), size + found.st_size, rows + int(match[3])
    return Waiting(rows, size, max(0.0, now - oldest))


def joined(parts: Sequence[Rows]) -> Rows:
    """Return the rows of files of one shard, in the order of the tape, with each position's newest state alone."""
    last = parts[-1]
    if len(parts) == 1:
        return last
    positions = last.positions.joined([part.positions for part in parts])
    return Rows(
        parts[0].start,
        last.end,
        last.openings.joined([part.openings for part in parts]),
        last.fills.joined([part.fills for part in parts]),
        positions.take(_newest(positions)),
        last.bars.joined([part.bars for part in parts]),
        next((part.marks for part in reversed(parts) if part.marks), b""),
        tuple(chain.from_iterable(part.leaders for part in parts)),
        # A later one of the same day is written over an earlier one.
        tuple({date_of(time): (time, block) for part in parts for time, block in part.days}.values()),
    )


def _newest(positions: Positions) -> np.ndarray:
    """Return the places of the last row of each strategy, ascending."""
    names = (positions.ticker, positions.username, positions.name)
    keys = np.column_stack([np.ascontiguousarray(c).view((np.uint8, c.dtype.itemsize)) for c in names])
    whole = np.ascontiguousarray(keys).view(f"V{keys.shape[1]}").reshape(-1)
    _, first = np.unique(whole[::-1], return_index=True)
    return np.sort(len(whole) - 1 - first)


def _stretch(path: Path) -> tuple[int, int]:
    match = _FILE.fullmatch(path.name)
    assert match  # noqa: S101  narrows the type: `files` gives no others
    return int(match[1]), int(match[2])


def rows_in(path: Path) -> int:
    """Return how many rows a file of `Spool.files` has."""
    return int(path.name.rpartition("-")[2])


def _packed(rows: Columns) -> pa.RecordBatch:
    names = [field.name for field in fields(rows)]  # type: ignore[arg-type]
    return pa.record_batch([_array(getattr(rows, name)) for name in names], names=names)


def _array(column: np.ndarray) -> pa.Array:
    if column.dtype.kind == "S":
        # With the padding: the same bytes come back.
        data = pa.py_buffer(np.ascontiguousarray(column))
        return pa.Array.from_buffers(pa.binary(column.dtype.itemsize), len(column), [None, data])
    if column.dtype.kind == "O":
        return pa.array(column.tolist(), pa.utf8()).dictionary_encode()
    return pa.array(np.ascontiguousarray(column))


def _packed_blocks(packed: Blocks) -> pa.RecordBatch:
    times, blocks = [time for time, _ in packed], [block for _, block in packed]
    return pa.record_batch([pa.array(times, pa.int64()), pa.array(blocks, pa.binary())], names=["time", "block"])


def _unpacked_blocks(source: pa.NativeFile) -> Blocks:
    (batch,) = list(pa.ipc.open_stream(source))
    return tuple(zip(batch.column("time").to_pylist(), batch.column("block").to_pylist(), strict=True))


def _unpacked(kind: type[Kind], source: pa.NativeFile) -> Kind:
    # To its end, so that the source stands at the next stream.
    (batch,) = list(pa.ipc.open_stream(source))
    columns = {}
    for name in (field.name for field in fields(kind)):  # type: ignore[arg-type]
        lacks = name in _ADDED and name not in batch.schema.names
        columns[name] = np.zeros(len(batch), np.int64) if lacks else _column(batch.column(name))
    return kind(**columns)


def _column(array: pa.Array) -> np.ndarray:
    if pa.types.is_fixed_size_binary(array.type):
        return np.frombuffer(array.buffers()[1], f"S{array.type.byte_width}", len(array))
    if isinstance(array, pa.DictionaryArray):
        return np.array([*array.dictionary.to_pylist(), None], np.object_)[array.indices.to_numpy()]
    return array.to_numpy()

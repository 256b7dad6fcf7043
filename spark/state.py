"""A shard's book on disk: memory-mapped, so that a batch pays for what it touches and not for what there is.

A batch maps the tables privately (copy on write), lets the engine change its copies, and commits:

1. the changed rows, the next offset and the counts go to a redo file, which is renamed into place: from here on
   the batch has happened;
2. the rows are put into the tables;
3. `meta.json` takes the next offset.

Killed between 1 and 3, the next to open the shard repeats 2 and 3. So the tables always are the fold of the tape
up to the offset that `meta.json` names, whichever process was killed when. Nothing is forced onto the disk: after a
machine has lost power, remove the state; the stream then reads the tape from its beginning and writes the same rows.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcontrol.book import COUNTED, PAGE, TABLES, Book
from riskcontrol.code import Library
from riskcontrol.engine import Touched
from riskcontrol.errors import StateError
from riskcontrol.opening import index_places

SCHEMA = 5
"""Version of the files' layout."""

_MAGIC = b"RCREDO03"


@dataclass(frozen=True, slots=True)
class Meta:
    """What `meta.json` says of a shard.

    Attributes:
        tape: Id of the topic that the state is a fold of.
        shard: Number of the shard.
        next: First offset of the tape that is not yet in the state.
        counts: `Book.counts`.
        last_time: Event time of the newest trade, nanoseconds UTC; 0 before any.
        schema: `SCHEMA` of the program that wrote it.
    """

    tape: str
    shard: int
    next: int = 0
    counts: tuple[int, ...] = (0,) * len(COUNTED)
    last_time: int = 0
    schema: int = SCHEMA


class MappedBook(Book):
    """A book whose tables are private mappings of files."""

    def __init__(self, folder: Path, counts: tuple[int, ...], library: Library | None = None) -> None:
        super().__init__(library)
        self.folder = folder
        self.counts[:] = counts
        for name in TABLES:
            if _rows(folder, name):  # a kill may have left one that was made and not yet filled
                setattr(self, name, _mapped(folder, name, "c"))

    def resize(self, name: str, rows: int) -> None:
        """Give a table room for `rows` rows, in its file as well."""
        old = getattr(self, name)
        _extend(self.folder, name, rows)
        new = _mapped(self.folder, name, "c")
        new[: len(old)] = old  # what this batch has changed so far is only in the old mapping
        setattr(self, name, new)


class ShardStore:
    """The files of one shard.

    Args:
        folder: Folder of all shards' state.
        shard: Number of the shard.
        tape: Id of the topic.
    """

    def __init__(self, folder: Path, shard: int, tape: str) -> None:
        self.folder = folder / f"shard-{shard:04d}"
        self.shard = shard
        self.tape = tape

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the shard alone: a worker that outlived its job must not write beside its successor."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def recover(self) -> Meta:
        """Finish a commit that was cut short and return where the shard stands; call it `locked`.

        Raises:
            StateError: The files are of another tape, a newer program, or damaged.
        """
        meta = self._meta()
        redo = self.folder / "redo"
        if redo.exists():
            header, parts = self._read_redo(redo)
            after = _meta_from(header["meta"])
            if (header["start"], after.tape) == (meta.next, self.tape) and after.next > meta.next:
                self._apply(after, header["index_rows"], parts)
                meta = after
        return meta

    def book(self, meta: Meta) -> MappedBook:
        """Map the tables as they stand at `meta`."""
        return MappedBook(self.folder, meta.counts, _library(self.folder, meta))

    def commit(self, book: Book, touched: Touched, before: Meta, after: Meta) -> None:
        """Make the changes of a batch permanent, all of them or none; call it `locked`.

        Args:
            book: With the changes in it.
            touched: Which rows changed.
            before: Where the shard stood when `book` was mapped.
            after: Where it stands now.
        """
        parts: list[tuple[str, NDArray[np.int64], NDArray[Any]]] = [
            (name, rows, getattr(book, name)) for name, rows in touched.rows.items()
        ]
        if _rows(self.folder, "index") == len(book.index):
            places = index_places(book.index, book.names, book.pages, touched.opened)
            parts.append(("index", places, book.index))
        rows = [(name, where, np.ascontiguousarray(table[where])) for name, where, table in parts if len(where)]
        self._write_redo(before, after, len(book.index), rows)
        self._apply(after, len(book.index), rows)

    def _apply(self, after: Meta, index_rows: int, parts: list[tuple[str, NDArray[np.int64], NDArray[Any]]]) -> None:
        for name, where, values in parts:
            _extend(self.folder, name, index_rows if name == "index" else int(where[-1]) + 1)
            table = _mapped(self.folder, name, "r+")
            table[where] = values
        if index_rows and _rows(self.folder, "index") != index_rows:
            book = MappedBook(self.folder, after.counts)
            book.reindex(index_rows)
            _write_atomically(self.folder / "index", book.index.tobytes())
        _write_atomically(self.folder / "meta.json", json.dumps(asdict(after)).encode())

    def _meta(self) -> Meta:
        path = self.folder / "meta.json"
        if not path.exists():
            return Meta(self.tape, self.shard)
        try:
            meta = _meta_from(json.loads(path.read_bytes()))
        except (ValueError, TypeError, KeyError) as error:
            raise StateError(f"{path} is damaged ({error}); remove {self.folder.parent}", shard=self.shard) from error
        if meta.schema > SCHEMA:
            raise StateError(f"{path} was written by a newer version of this program; use that one", shard=self.shard)
        if meta.schema < SCHEMA:
            raise StateError(
                f"{path} was written by an older version of this program; remove {self.folder.parent}: the tape has "
                "all that is in it",
                shard=self.shard,
            )
        if meta.tape != self.tape:
            raise StateError(
                f"the state in {self.folder.parent} belongs to another tape ({meta.tape}); remove it to start anew, "
                "or name another folder with --state",
                shard=self.shard,
            )
        used = dict(zip(COUNTED, meta.counts, strict=True))
        for name, (_, _, unit) in TABLES.items():
            expected = used["pages"] * PAGE if unit == "strategies" else used.get(unit, 0)
            if _rows(self.folder, name) < expected:
                raise StateError(f"{self.folder / name} is cut short; remove {self.folder.parent}", shard=self.shard)
        return meta

    def _write_redo(
        self, before: Meta, after: Meta, index_rows: int, parts: list[tuple[str, NDArray[np.int64], NDArray[Any]]]
    ) -> None:
        header = json.dumps(
            {
                "start": before.next,
                "meta": asdict(after),
                "index_rows": index_rows,
                "parts": [(name, len(where)) for name, where, _ in parts],
            }
        ).encode()
        chunks = [_MAGIC, len(header).to_bytes(8, "little"), header]
        for _, where, values in parts:
            chunks += [where.astype(np.int64).tobytes(), values.tobytes()]
        _write_atomically(self.folder / "redo", *chunks)

    def _read_redo(self, path: Path) -> tuple[dict[str, Any], list[tuple[str, NDArray[np.int64], NDArray[Any]]]]:
        data = path.read_bytes()
        try:
            if data[:8] != _MAGIC:
                raise ValueError("no redo file")
            at = 16 + int.from_bytes(data[8:16], "little")
            header = json.loads(data[16:at])
            parts = []
            for name, count in header["parts"]:
                dtype, shape, _ = TABLES[name]
                where = np.frombuffer(data, np.int64, count, at)
                at += where.nbytes
                values = np.frombuffer(data, dtype, count * int(np.prod(shape)), at).reshape(count, *shape)
                at += values.nbytes
                parts.append((name, where, values))
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path} is damaged ({error}); remove {path.parent.parent}", shard=self.shard) from error
        return header, parts


def _library(folder: Path, meta: Meta) -> Library:
    """Return the compiled shapes of a shard, as far as this process has compiled them; the book adds the others."""
    shapes = meta.counts[COUNTED.index("shapes")]
    key = (str(folder), meta.tape)
    library = _libraries.get(key)
    if library is None or len(library.texts) > shapes:
        # The last batch was not committed, or the state was made anew.
        library = _libraries[key] = Library()
    return library


_libraries: dict[tuple[str, str], Library] = {}


def _meta_from(fields: dict[str, Any]) -> Meta:
    return Meta(**{**fields, "counts": tuple(fields["counts"])})


def _row_bytes(name: str) -> int:
    dtype, shape, _ = TABLES[name]
    return dtype.itemsize * int(np.prod(shape))


def _rows(folder: Path, name: str) -> int:
    path = folder / name
    return path.stat().st_size // _row_bytes(name) if path.exists() else 0


def _extend(folder: Path, name: str, rows: int) -> None:
    """Make the file at least that long; what is added reads as zeros."""
    with (folder / name).open("ab") as file:
        if file.tell() < rows * _row_bytes(name):
            file.truncate(rows * _row_bytes(name))


def _mapped(folder: Path, name: str, mode: str) -> NDArray[Any]:
    dtype, shape, _ = TABLES[name]
    array = np.memmap(folder / name, dtype, mode, shape=(_rows(folder, name), *shape))  # type: ignore[call-overload]
    # A plain view: NumPy's subclass costs microseconds at every slice.
    return np.asarray(array)


def _write_atomically(path: Path, *chunks: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.writelines(chunks)
    temporary.replace(path)

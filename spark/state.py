"""A shard's book on disk: memory-mapped, so that a batch pays for what it touches and not for what there is.

A batch maps the tables privately (copy on write), lets the engine change its copies, and commits:

1. the changed rows, the next offset and the counts go to a redo file, which is renamed into place: from here on
   the batch has happened;
2. the rows are put into the tables;
3. `meta.json` takes the next offset.

Killed between 1 and 3, the next to open the shard repeats 2 and 3. So the tables always are the fold of the tape
up to the offset that `meta.json` names, whichever process was killed when.

Nothing is forced onto the disk. What a loss of power, or anybody else, does to the files is noticed when the stream
starts: `meta.json` and the redo file carry checksums of themselves, and `meta.json` a sum of each table, which a commit
keeps by the rows that it changes. The hash table is not summed but made anew.
"""

from __future__ import annotations

import fcntl
import json
import math
import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from riskcontrol.book import COUNTED, TABLES, Book
from riskcontrol.code import Library
from riskcontrol.engine import Touched
from riskcontrol.errors import StateError, StateLost
from riskcontrol.opening import index_places
from riskcontrol.sums import BITS, rows_sum
from spark.meta import SCHEMA, SUMMED, Meta, decode_checked, encode_checked, meta_from

_MAGIC = b"RCREDO04"
_PIECE = 1 << 20

Parts = list[tuple[str, NDArray[np.int64], NDArray[Any]]]
"""Rows that change: the table, which of its rows, ascending, and what they become."""

_RESTORED = "; started again, the stream takes a snapshot in its place or reads the tape again"


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
            StateLost: The files are damaged or of an older program.
            StateError: They are of another tape or a newer program.
        """
        meta = self._meta()
        redo = self.folder / "redo"
        if redo.exists():
            after, index_rows, parts = self._read_redo(redo, meta)
            if after != meta:
                self._apply(after, index_rows, parts)
            return after
        return meta

    def check(self, meta: Meta) -> None:
        """Read all tables, compare them with their sums, and make the hash table anew; call it `locked`.

        Raises:
            StateLost: A table isn't what the last commit left.
        """
        for name, expected in zip(SUMMED, meta.sums, strict=True):
            used = meta.used(name)
            if (rows_sum(_mapped(self.folder, name, "c")[:used]) if used else 0) != expected:
                raise StateLost(f"{self.folder / name} is damaged{_RESTORED}", shard=self.shard)
        (self.folder / "index").unlink(missing_ok=True)
        if meta.counts[COUNTED.index("strategies")]:
            book = MappedBook(self.folder, meta.counts)
            book.reserve()
            _write_atomically(self.folder / "index", book.index.tobytes())

    def clear(self) -> None:
        """Remove the shard's files; call it `locked`."""
        _libraries.pop((str(self.folder), self.tape), None)
        # Without it, what is left of the others is known to be nothing.
        (self.folder / "meta.json").unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink(missing_ok=True)  # the row writer of a stream that was killed may be at its last rows

    def copy(self, meta: Meta, target: Path) -> int:
        """Write the rows in use of all tables into a file, one table after the other; call it `locked`.

        Returns:
            Its bytes.
        """
        with target.open("wb") as file:
            for name in SUMMED:
                if used := meta.used(name):
                    _mapped(self.folder, name, "r")[:used].tofile(file)
            return file.tell()

    def paste(self, meta: Meta, read: Callable[[int], bytes]) -> None:
        """Put in place what `copy` wrote, of this meta; call it `locked`.

        Args:
            meta: Where the shard stood.
            read: Returns the file's next bytes, as many as it is asked for unless it ends before.

        Raises:
            StateLost: It isn't what `copy` wrote.
        """
        self.clear()
        for name in SUMMED:
            left = meta.used(name) * _ROW_BYTES[name]
            with (self.folder / name).open("wb") as file:
                while left and (data := read(min(left, _PIECE))):
                    left -= file.write(data)
            if left:
                raise StateLost(f"{name} is cut short", shard=self.shard)
        if read(1):
            raise StateLost("there is more in it than tables", shard=self.shard)
        self.check(meta)
        self._write_meta(meta)

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
        parts: Parts = [(name, rows, getattr(book, name)) for name, rows in touched.rows.items()]
        if _rows(self.folder, "index") == len(book.index):
            places = index_places(book.index, book.names, book.pages, touched.opened)
            parts.append(("index", places, book.index))
        rows = [(name, where, np.ascontiguousarray(table[where])) for name, where, table in parts if len(where)]
        # Mapped once for both: most of what either costs is getting at pages.
        tables = {name: _mapped(self.folder, name, "r+") for name, _, _ in rows if _rows(self.folder, name)}
        after = replace(after, sums=_sums(tables, before, rows))
        self._write_redo(before, after, len(book.index), rows)
        self._apply(after, len(book.index), rows, tables)

    def _apply(self, after: Meta, index_rows: int, parts: Parts, tables: dict[str, NDArray[Any]] | None = None) -> None:
        for name, where, values in parts:
            table = (tables or {}).get(name)
            if table is None or len(table) <= where[-1]:
                _extend(self.folder, name, index_rows if name == "index" else int(where[-1]) + 1)
                table = _mapped(self.folder, name, "r+")
            table[where] = values
        if index_rows and _rows(self.folder, "index") != index_rows:
            book = MappedBook(self.folder, after.counts)
            book.reindex(index_rows)
            _write_atomically(self.folder / "index", book.index.tobytes())
        self._write_meta(after)

    def _write_meta(self, meta: Meta) -> None:
        _write_atomically(self.folder / "meta.json", encode_checked(asdict(meta)))

    def _meta(self) -> Meta:
        path = self.folder / "meta.json"
        if not path.exists():
            return self._begun()
        try:
            fields = decode_checked(path.read_bytes())
            if fields["schema"] > SCHEMA:
                raise StateError(
                    f"{path} was written by a newer version of this program; use that one", shard=self.shard
                )
            if fields["schema"] < SCHEMA:
                raise StateLost(f"{path} was written by an older version of this program{_RESTORED}", shard=self.shard)
            meta = meta_from(fields)
        except (ValueError, TypeError, KeyError) as error:
            raise StateLost(f"{path} is damaged ({error}){_RESTORED}", shard=self.shard) from error
        if meta.tape != self.tape:
            raise StateError(
                f"the state in {self.folder.parent} belongs to another tape ({meta.tape}); remove it to start anew, "
                "or name another folder with --state",
                shard=self.shard,
            )
        for name in SUMMED:
            if _rows(self.folder, name) < meta.used(name):
                raise StateLost(f"{self.folder / name} is cut short{_RESTORED}", shard=self.shard)
        return meta

    def _begun(self) -> Meta:
        """Begin a shard that has no `meta.json` yet.

        Raises:
            StateLost: It has had one.
        """
        if (self.folder / "redo").exists() or any(_rows(self.folder, name) for name in TABLES):
            raise StateLost(f"{self.folder / 'meta.json'} is missing{_RESTORED}", shard=self.shard)
        meta = Meta(self.tape, self.shard)
        self._write_meta(meta)
        return meta

    def _write_redo(self, before: Meta, after: Meta, index_rows: int, parts: Parts) -> None:
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
        check = 0
        for chunk in chunks:
            check = crc32c(chunk, check)
        _write_atomically(self.folder / "redo", *chunks, check.to_bytes(4, "little"))

    def _read_redo(self, path: Path, meta: Meta) -> tuple[Meta, int, Parts]:
        """Return where a redo file leads to, the rows of the hash table, and what changes; `meta` if it is done."""
        try:
            with path.open("rb") as file:
                header = _redo_header(file)
                after = meta_from(header["meta"])
                if (header["start"], after.tape) != (meta.next, self.tape) or after.next <= meta.next:
                    # Mostly it is the last commit's, which was finished: the rest of it doesn't matter then.
                    return meta, 0, []
                file.seek(0)
                return after, header["index_rows"], _redo_parts(file.read())
        except (ValueError, KeyError, TypeError) as error:
            raise StateLost(f"{path} is damaged ({error}){_RESTORED}", shard=self.shard) from error


def _redo_header(file: BinaryIO) -> dict[str, Any]:
    """Read a redo file's header.

    Raises:
        ValueError, TypeError, KeyError: It has none.
    """
    start = file.read(16)
    if start[:8] != _MAGIC:
        raise ValueError("it begins otherwise")
    header = json.loads(file.read(int.from_bytes(start[8:], "little")))
    return {name: header[name] for name in ("start", "meta", "index_rows", "parts")}


def _redo_parts(data: bytes) -> Parts:
    """Return the rows in a redo file.

    Raises:
        ValueError: It is damaged.
    """
    if crc32c(memoryview(data)[:-4]) != int.from_bytes(data[-4:], "little"):
        raise ValueError("its checksum is another")
    at = 16 + int.from_bytes(data[8:16], "little")
    parts = []
    for name, count in json.loads(data[16:at])["parts"]:
        dtype, shape, _ = TABLES[name]
        where = np.frombuffer(data, np.int64, count, at)
        at += where.nbytes
        values = np.frombuffer(data, dtype, count * int(np.prod(shape)), at).reshape(count, *shape)
        at += values.nbytes
        parts.append((name, where, values))
    return parts


def _sums(tables: dict[str, NDArray[Any]], before: Meta, parts: Parts) -> tuple[int, ...]:
    """Return the sums of tables that get these rows."""
    sums = dict(zip(SUMMED, before.sums, strict=True))
    for name, where, values in parts:
        if name in sums:
            known = where[where < before.used(name)]
            old = rows_sum(tables[name][known], known) if len(known) else 0
            sums[name] = (sums[name] + rows_sum(values, where) - old) & BITS
    return tuple(sums.values())


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


_ROW_BYTES = {name: dtype.itemsize * math.prod(shape) for name, (dtype, shape, _) in TABLES.items()}
_ACCESS = {"c": mmap.ACCESS_COPY, "r": mmap.ACCESS_READ, "r+": mmap.ACCESS_WRITE}
"""By mode: to change what nobody else sees, to read, to change the file."""


def _rows(folder: Path, name: str) -> int:
    try:
        return (folder / name).stat().st_size // _ROW_BYTES[name]
    except FileNotFoundError:
        return 0


def _extend(folder: Path, name: str, rows: int) -> None:
    """Make the file at least that long; what is added reads as zeros."""
    with (folder / name).open("ab") as file:
        if file.tell() < rows * _ROW_BYTES[name]:
            file.truncate(rows * _ROW_BYTES[name])


def _mapped(folder: Path, name: str, mode: str) -> NDArray[Any]:
    dtype, shape, _ = TABLES[name]
    rows = _rows(folder, name)
    with (folder / name).open("r+b" if mode == "r+" else "rb") as file:
        # No `np.memmap`: it looks for links in the path each time, and costs microseconds at every slice.
        content = mmap.mmap(file.fileno(), rows * _ROW_BYTES[name], access=_ACCESS[mode]) if rows else b""
    return np.ndarray((rows, *shape), dtype, content)


def _write_atomically(path: Path, *chunks: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.writelines(chunks)
    temporary.replace(path)

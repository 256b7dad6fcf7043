"""The row writer: a process of its own that puts what spools hold into the tables.

The stream starts it as ``python -m spark.drain``. Its first line of input says, in JSON, where things are; each further
line what a batch did, which is a row of its own, and that there may be rows in the spools. It answers with lines of
JSON: how many rows it has written, or why it couldn't. At the end of its input it writes what is there, if the database
takes it, and ends.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from pydantic import SecretStr

from database.session import connect
from database.writes import Writer
from riskcontrol.errors import RiskControlError, StateError
from riskcontrol.rows import Columns
from riskcontrol.settings import Settings
from spark.spool import Rows, Spool, joined, rows_in

PIECE = 20_000
"""Rows that are encoded at a time: memory, not speed, depends on it."""
MOST, FILES = 200_000, 200
"""Rows and files of a pass, at most; a file that has more rows by itself is a pass of its own."""
LOCK = "rows.lock"
_POLITENESS = 5
"""A batch under way goes first: somebody waits for it, for rows nobody does."""


def request(settings: Settings, state: Path, tape: str) -> str:
    """Return the first line that tells a row writer where things are."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()
    }
    return json.dumps({"settings": plain, "state": state, "tape": tape}, default=str)


def drain(writer: Writer, state: Path, tape: str) -> int:
    """Write what waits in the spools of all shards, and return how many rows that were.

    Raises:
        ServerError: The database does not take it; what it didn't stays where it is.
        StateError: A file is damaged.
    """
    written, damaged = 0, None
    for folder in sorted(state.glob("shard-*")):
        try:
            written += _drain(writer, Spool(folder), tape)
        except StateError as error:
            # The other shards' rows need not wait for somebody who mends this one.
            damaged = error
    if damaged is not None:
        raise damaged
    return written


def _drain(writer: Writer, spool: Spool, tape: str) -> int:
    written, shard = 0, int(spool.folder.name.removeprefix("shard-"))
    for paths, rows in _passes(spool):
        _write(writer, rows)
        for time, block in rows.leaders:
            writer.leaders(shard, time, block)
        for time, block in rows.days:
            writer.day(shard, time, block, version=rows.end)
        if rows.marks:
            writer.marks(shard, rows.marks, version=rows.end)
        writer.watermark(tape, shard, rows.end)
        written += len(rows)
        for path in paths:
            path.unlink(missing_ok=True)
    return written


def _passes(spool: Spool) -> Iterator[tuple[list[Path], Rows]]:
    """Yield files to be written together, and what is in them."""
    paths: list[Path] = []
    parts: list[Rows] = []
    count = 0
    for path in spool.files():
        if paths and (count + rows_in(path) > MOST or len(paths) == FILES):
            yield paths, joined(parts)
            paths, parts, count = [], [], 0
        paths.append(path)
        parts.append(spool.take(path))
        count += rows_in(path)
    if parts:
        yield paths, joined(parts)


def _write(writer: Writer, rows: Rows) -> None:
    for piece in _pieces(rows.openings):
        writer.strategies(piece, version=rows.end)
    for piece in _pieces(rows.fills):
        writer.fills(piece)
    # A position's row says that its fills are in (`spark.reopen` relies on it).
    writer.flush()
    for piece in _pieces(rows.positions):
        writer.positions(piece, version=rows.end)
    for piece in _pieces(rows.bars):
        writer.bars(piece)


def _pieces(rows: Columns) -> Iterator[Any]:
    for first in range(0, len(rows), PIECE):
        yield rows.take(slice(first, first + PIECE))


def main() -> None:
    """Serve until the input ends."""
    os.nice(_POLITENESS)
    said = json.loads(sys.stdin.readline())
    settings, state, tape = Settings(**said["settings"]), Path(said["state"]), said["tape"]
    told = _Told(settings)
    with (state / LOCK).open("a") as lock:
        # The writer of a stream that was killed may be at its last rows.
        while not _locked(lock):
            _say(failure="the row writer of an earlier stream is not at its end yet")
            if told.wait(seconds=1.0):
                return
        last = False
        while not last:
            last = told.wait()
            try:
                with Writer(connect(settings)) as writer:
                    written = drain(writer, state, tape)
                if written or told.failed:
                    told.failed = False
                    _say(written=written)
            except RiskControlError as error:
                told.failed = True
                _say(failure=str(error))


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Told:
    """Reads what the stream says, and writes the batches' rows: rows in the spools may keep the drain busy for long.

    Attributes:
        failed: Whether the drain has said so and has not written since.
    """

    def __init__(self, settings: Settings) -> None:
        self.failed = False
        self._settings = settings
        self._news, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for news, or so long; return whether there won't be any more."""
        self._news.wait(seconds)
        self._news.clear()
        return self._ended.is_set()

    def _read(self) -> None:
        try:
            for line in sys.stdin:
                self._news.set()
                if line.strip():
                    self._note(json.loads(line))
        finally:  # whatever went wrong, nobody waits for more from here, and the stream starts another one
            self._ended.set()
            self._news.set()

    def _note(self, batch: dict[str, Any]) -> None:
        try:
            with Writer(connect(self._settings)) as writer:
                writer.batch(time=dt.datetime.fromisoformat(batch.pop("time")), **batch)
        except RiskControlError as error:
            # The pipeline's own history lacks a row; what the batch did waits in the spools.
            _say(failure=str(error))


def _say(**what: object) -> None:
    with contextlib.suppress(BrokenPipeError):  # the stream has been killed: what waits is written all the same
        os.write(sys.stdout.fileno(), f"{json.dumps(what)}\n".encode())


if __name__ == "__main__":
    main()

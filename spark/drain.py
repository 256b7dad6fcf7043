"""The row writer: a process of its own that puts what spools hold into the tables.

The stream starts it as ``python -m spark.drain``. Its first line of input says, in JSON, where things are; each further
line what a batch did, which is a row of its own, and that there may be rows in the spools. It answers with lines of
JSON: how many rows it has written, or why it couldn't. At the end of its input it writes what is there, if the database
takes it, and ends.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from database.session import connect
from database.writes import Writer
from riskcontrol.errors import RiskControlError
from riskcontrol.rows import Columns
from riskcontrol.settings import Settings
from spark.spool import Rows, Spool, joined

PIECE = 20_000
"""Rows that are encoded at a time: memory, not speed, depends on it."""
MOST = 200_000
"""Rows after which no further file is taken into a pass."""
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
    written = 0
    for folder in sorted(state.glob("shard-*")):
        spool = Spool(folder)
        shard = int(folder.name.removeprefix("shard-"))
        for paths, rows in _passes(spool):
            _write(writer, rows)
            for time, block in rows.leaders:
                writer.leaders(shard, time, block)
            if rows.marks:
                writer.marks(shard, rows.marks)
            writer.watermark(tape, shard, rows.end)
            written += len(rows)
            for path in paths:
                path.unlink(missing_ok=True)
    return written


def _passes(spool: Spool) -> Iterator[tuple[list[Path], Rows]]:
    """Yield files to be written together, and what is in them."""
    paths: list[Path] = []
    parts: list[Rows] = []
    for path in spool.files():
        paths.append(path)
        parts.append(spool.take(path))
        if sum(map(len, parts)) >= MOST:
            yield paths, joined(parts)
            paths, parts = [], []
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
    # Ctrl-C is for the stream, which ends us when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_POLITENESS)
    said = json.loads(sys.stdin.readline())
    settings, state, tape = Settings(**said["settings"]), Path(said["state"]), said["tape"]
    with (state / LOCK).open("a") as lock:
        # The writer of a stream that was killed may be at its last rows.
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = _Told(settings)
        while True:
            last = told.wait()
            try:
                with Writer(connect(settings)) as writer:
                    written = drain(writer, state, tape)
                if written:
                    _say(written=written)
            except RiskControlError as error:
                _say(failure=str(error))
            if last:
                return


class _Told:
    """Reads what the stream says, and writes the batches' rows: rows in the spools may keep the drain busy for long."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._news, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self) -> bool:
        """Wait for news; return whether there won't be any more."""
        self._news.wait()
        self._news.clear()
        return self._ended.is_set()

    def _read(self) -> None:
        for line in sys.stdin:
            self._news.set()
            if line.strip():
                self._note(json.loads(line))
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
    os.write(sys.stdout.fileno(), f"{json.dumps(what)}\n".encode())


if __name__ == "__main__":
    main()

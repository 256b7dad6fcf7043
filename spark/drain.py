"""The row writer: a process of its own that puts what spools hold into the tables.

The stream starts it as ``python -m spark.drain``. Its first line of input says, in JSON, where things are; each further
line what a batch did, which is a row of its own, and that there may be rows in the spools. It answers with lines of
JSON: how many rows it has written, or why it couldn't. At the end of its input it writes what is there, if the database
takes it, and ends.
"""

from __future__ import annotations

from riskcontrol.heap import roomy, usual

if __name__ == "__main__":
    roomy()

import contextlib
import datetime as dt
import fcntl
import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from cassandra.cluster import Session
from pydantic import SecretStr

from database.durable import lives, settling
from database.session import connect
from database.writes import Writer
from riskcontrol.errors import RiskControlError, ServerError, StateError
from riskcontrol.priority import give_way
from riskcontrol.rows import Columns
from riskcontrol.settings import Settings
from spark.spool import Kind, Rows, Spool, joined, rows_in

PIECE = 20_000
"""Rows that are encoded at a time: memory, not speed, depends on it."""
MOST, FILES = 200_000, 200
"""Rows and files of a pass, at most; a file that has more rows by itself is a pass of its own."""
LOCK = "rows.lock"
_MOST_SETTLING = 5.0
"""Seconds that the last rows are waited for at the end. A server that needs longer has them as well; what the next
start writes once more changes nothing."""
_NICE = 5
"""A batch under way goes first: somebody waits for it, for rows nobody does."""


def request(settings: Settings, state: Path, tape: str) -> str:
    """Return the first line that tells a row writer where things are."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in values.items()
    }
    return json.dumps({"settings": plain, "state": state, "tape": tape}, default=str)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Files whose rows the servers have acknowledged."""

    shard: int
    end: int
    paths: list[Path]
    at: float
    """When a write proves that they are on the disk."""
    lives: frozenset[tuple[str, int]]
    """Of the servers, before the first row was sent."""


class Drain:
    """Writes what waits in the spools of all shards.

    The shard's watermark follows a file's rows. The file is removed only when both are on the servers' disks: one that
    is killed before has forgotten what it acknowledged, and gets it once more.

    Args:
        session: A session with the keyspace of the tables.
        state: Folder of the shards' state.
        tape: Id of the tape.

    Attributes:
        settling: Seconds until a write proves that what was written before is on the disks.
    """

    def __init__(self, session: Session, state: Path, tape: str) -> None:
        self._session, self._state, self._tape = session, state, tape
        self.settling = settling(session)
        self._sent: deque[_Pass] = deque()
        self._alive: frozenset[tuple[str, int]] | None = None

    def run(self) -> int:
        """Write what waits, and return how many rows that were; forget what is on the disks by now.

        Raises:
            ServerError: The database does not take it; what it didn't stays where it is.
            StateError: A file is damaged.
        """
        written, damaged = 0, None
        try:
            with Writer(self._session) as writer:
                self._alive = None
                for folder in sorted(self._state.glob("shard-*")):
                    try:
                        written += self._write(writer, Spool(folder))
                    except StateError as error:
                        # The other shards' rows need not wait for somebody who mends this one.
                        damaged = error
                self._forget(writer)
        except ServerError:
            self._sent.clear()  # whatever it forgets now is sent again
            raise
        if damaged is not None:
            raise damaged
        return written

    def settle(self) -> None:
        """Write what waits, and wait until all of it is on the disks.

        Raises:
            ServerError, StateError: As `run`.
        """
        while self.run() or self._sent:
            time.sleep(self.pause() or 0.0)

    def pause(self) -> float | None:
        """Return after how many seconds there is something to forget; None if nothing was written."""
        return max(0.0, self._sent[0].at - time.monotonic()) if self._sent else None

    def _lives(self) -> frozenset[tuple[str, int]]:
        return lives(self._session) if self.settling else frozenset()

    def _write(self, writer: Writer, spool: Spool) -> int:
        written, shard = 0, int(spool.folder.name.removeprefix("shard-"))
        sent = {path for one in self._sent if one.shard == shard for path in one.paths}
        for paths, rows in _passes(spool, sent):
            if self._alive is None:
                self._alive = self._lives()
            _write(writer, rows)
            for minute, block in rows.leaders:
                writer.leaders(shard, minute, block)
            for minute, block in rows.days:
                writer.day(shard, minute, block, version=rows.end)
            if rows.marks:
                writer.marks(shard, rows.marks, version=rows.end)
            writer.watermark(self._tape, shard, rows.end)
            self._sent.append(_Pass(shard, rows.end, paths, time.monotonic() + self.settling, self._alive))
            written += len(rows)
            self._forget(writer)
        return written

    def _forget(self, writer: Writer) -> None:
        """Remove the files of rows that are on the disks.

        Raises:
            ServerError: The database doesn't answer, or was started anew and may have forgotten rows.
        """
        ripe = []
        while self._sent and self._sent[0].at <= time.monotonic():
            ripe.append(self._sent.popleft())
        if not ripe:
            return
        if self.settling:
            # An acknowledgement from servers that have not been started anew in between is the proof.
            writer.watermark(self._tape, ripe[-1].shard, ripe[-1].end)
            alive = self._lives()
            if any(one.lives != alive for one in ripe):
                raise ServerError("was started anew; its last rows are written once more", server="cassandra")
        for path in (path for one in ripe for path in one.paths):
            path.unlink(missing_ok=True)


def _passes(spool: Spool, sent: set[Path]) -> Iterator[tuple[list[Path], Rows]]:
    """Yield files to be written together, and what is in them; those that were sent are left out."""
    paths: list[Path] = []
    parts: list[Rows] = []
    count = 0
    for path in spool.files():
        if path in sent:
            continue
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
    for piece in _pieces(_grouped(rows.fills, "username", "ticker", "name")):
        writer.fills(piece)
    for piece in _pieces(_grouped(rows.bars, "ticker")):
        writer.bars(piece)
    # A position's row says that its fills are in (`spark.reopen` relies on it), and a last price, which comes later,
    # that the bars before it are (`frontend.history.is_current` does).
    writer.flush()
    for piece in _pieces(_grouped(rows.positions, "ticker")):
        writer.positions(piece, version=rows.end)


def _grouped(rows: Kind, *key: str) -> Kind:
    """Return the rows with those of a partition side by side, in their order: in one batch they are one write.

    The order of partitions is that of a hash of their key: two that share one cost time, nothing else.
    """
    hashes = np.zeros(len(rows), np.uint64)
    for column in (getattr(rows, name) for name in key):
        width = -(-column.dtype.itemsize // 8)
        words = np.ascontiguousarray(column.astype(f"S{8 * width}")).view(np.uint64).reshape(-1, width)
        for word in words.T:
            hashes = (hashes ^ word) * np.uint64(0xBF58476D1CE4E5B9)
            hashes ^= hashes >> np.uint64(31)
    return rows.take(np.argsort(hashes, kind="stable"))


def _pieces(rows: Columns) -> Iterator[Any]:
    for first in range(0, len(rows), PIECE):
        yield rows.take(slice(first, first + PIECE))


def main() -> None:
    """Serve until the input ends."""
    usual()
    give_way(os.getpid(), _NICE)
    said = json.loads(sys.stdin.readline())
    settings, state, tape = Settings(**said["settings"]), Path(said["state"]), said["tape"]
    told = _Told(settings)
    with (state / LOCK).open("a") as lock:
        # The writer of a stream that was killed may be at its last rows.
        while not _locked(lock):
            _say(failure="the row writer of an earlier stream is not at its end yet")
            if told.wait(seconds=1.0):
                return
        last, drain = False, None
        while not last:
            last = told.wait(drain.pause() if drain is not None else None)
            try:
                drain = drain or Drain(connect(settings), state, tape)
                written = drain.run()
                if last and drain.settling <= _MOST_SETTLING:
                    drain.settle()
                if written or told.failed:
                    told.failed = False
                    _say(written=written)
            except RiskControlError as error:
                if isinstance(error, ServerError):
                    drain = None  # what was sent of other shards beside a damaged file is still known to be
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

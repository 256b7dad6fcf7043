"""Taking snapshots beside a running stream.

The driver copies the shards' tables between two batches, a few tens of megabytes at a time, so that the next batch is
not late. What takes long, compressing and putting away, is a thread's work, which gives way to the batches.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import shutil
import threading
import time
from pathlib import Path

from riskcontrol.errors import RiskControlError
from spark.depot import Depot, tape_folder
from spark.meta import Meta
from spark.snapshot import Part, complete, new_name, pack, prune, publish
from spark.spool import Spool
from spark.state import ShardStore

log = logging.getLogger("riskcontrol.stream")

SCRATCH = "snapshot"
"""Folder below the state's where a snapshot is put together."""

KEPT = 2
"""Complete snapshots of a tape that are kept: should the newest be spoilt, there is one more."""

COPIED = 16 << 20
"""Bytes after which the copying of shards goes on after the next batch; a shard is copied at once."""

_NICE = 10
_LOOK = 0.5
"""Seconds between looks whether rows have been written."""
_PATIENCE = 5.0
"""Seconds that the end of the stream waits for one that is being put away; without it, it is as if killed."""


class Snapshots:
    """Takes a snapshot every so often.

    Args:
        depot: Where they go.
        state: Folder of the shards' state.
        tape: Id of the topic.
        shards: How many there are.
        every: Seconds from the beginning of one to that of the next.
    """

    def __init__(self, depot: Depot, state: Path, tape: str, shards: int, every: float) -> None:
        self._depot = depot
        self._state = state
        self._scratch = state / SCRATCH
        self._tape = tape
        self._shards = shards
        self._every = every
        self._due = time.monotonic() + every
        self._waiting: list[int] = []
        self._copied: list[Meta] = []
        self._taken: list[Meta] = []
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def after_batch(self) -> None:
        """Do the next piece of work, if one is due; call it when no batch runs."""
        if self._thread is not None and self._thread.is_alive():
            return
        if not self._waiting:
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + self._every
            if self._taken == [self._meta(shard) for shard in range(self._shards)]:
                return
            self._waiting, self._copied = list(range(self._shards)), []
        try:
            self._copy()
        except OSError as error:
            self._waiting = []
            _tell_of_failure(error)
            return
        if self._waiting:
            return
        self._thread = threading.Thread(target=self._put_away, args=(self._copied,), name="snapshot", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give up what is under way; complete snapshots stay as they are."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE)

    def _copy(self) -> None:
        if not self._copied:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch.mkdir()
        copied = 0
        while self._waiting and copied < COPIED:
            shard = self._waiting.pop(0)
            store = ShardStore(self._state, shard, self._tape)
            with store.locked():
                meta = store.recover()
                copied += store.copy(meta, self._raw(shard))
            self._copied.append(meta)

    def _await_rows(self, metas: list[Meta]) -> None:
        """Wait until the tables have the rows of before a snapshot: going on from it makes only those after it.

        Raises:
            InterruptedError: It was given up.
        """
        for meta in metas:
            spool = Spool(ShardStore(self._state, meta.shard, self._tape).folder)
            while spool.holds(meta.next):
                if self._stop.wait(_LOOK):
                    raise InterruptedError

    def _meta(self, shard: int) -> Meta:
        store = ShardStore(self._state, shard, self._tape)
        with store.locked():
            return store.recover()

    def _raw(self, shard: int) -> Path:
        return self._scratch / f"shard-{shard:04d}"

    def _put_away(self, metas: list[Meta]) -> None:
        with contextlib.suppress(OSError):  # a thread can't be made to give way everywhere
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        began = time.monotonic()
        try:
            there = complete(self._depot, self._scratch, self._tape)
            # What kills have left goes first, and what has been outlived.
            prune(self._depot, self._tape, there[-KEPT:])
            name = new_name(dt.datetime.now(dt.UTC), there[-1].name if there else "")
            room = self._depot.room(tape_folder(self._tape), name, self._scratch)
            parts: list[Part] = []
            for meta in metas:
                parts.append(pack(self._raw(meta.shard), meta, room, self._stop))
                self._raw(meta.shard).unlink()
            self._await_rows(metas)
            taken = publish(self._depot, self._tape, name, room, parts)
            prune(self._depot, self._tape, [*there, taken][-KEPT:])
        except InterruptedError:
            return
        except (RiskControlError, OSError) as error:
            _tell_of_failure(error)
            return
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._taken = metas
        log.info(
            "snapshot %s: %d positions, %.1f MB in %s, %.1f s",
            name,
            taken.positions,
            taken.size / 1e6,
            self._depot,
            time.monotonic() - began,
        )


def _tell_of_failure(error: Exception) -> None:
    log.warning("no snapshot this time, the next will be tried: %s", error)

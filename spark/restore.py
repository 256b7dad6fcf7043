"""Where the shards stand when the stream starts: by their state, else by a snapshot, else at the tape's beginning."""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path

from riskcontrol.errors import StateError, StateLost
from spark.depot import Depot
from spark.meta import SCHEMA, Meta
from spark.snapshot import Snapshot, complete, unpack
from spark.snapshots import SCRATCH
from spark.spool import Spool
from spark.state import ShardStore

log = logging.getLogger("riskcontrol.stream")


def stand(
    state: Path, tape: str, begins: dict[int, int], depot: Depot | None, written: dict[int, int]
) -> dict[int, Meta]:
    """Make the shards' state whole and return where each stands.

    A shard whose state is missing, damaged, or of an older version of the program gets that of the newest snapshot
    that fits, and reads the tape again from there; without one, from its beginning.

    Args:
        state: Folder of the shards' state.
        tape: Id of the topic.
        begins: First offset that each partition still holds.
        depot: Where snapshots are, if anywhere.
        written: Up to which offset each shard's rows are in the tables: a state, or a snapshot, that is ahead of its
            rows can't be gone on from, or they would be missing for ever.

    Raises:
        StateError: A state is of another tape or a newer program, or the tape no longer holds what comes next.
        ServerError: The place of the snapshots can't be used.
    """
    scratch = state / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    snapshots = _fitting(depot, scratch, tape) if depot is not None else []
    try:
        return {
            shard: _shard(ShardStore(state, shard, tape), begin, depot, snapshots, written.get(shard, 0))
            for shard, begin in begins.items()
        }
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def lost(
    state: Path, tape: str, begins: dict[int, int], depot: Depot | None, written: dict[int, int]
) -> dict[int, int]:
    """Return those of `begins` whose shards `stand` could not help.

    Args:
        state: As for `stand`.
        tape: As for `stand`.
        begins: As for `stand`.
        depot: As for `stand`.
        written: As for `stand`.

    Raises:
        StateError, ServerError: As `stand` does.
    """
    scratch = state / SCRATCH
    snapshots = _fitting(depot, scratch, tape) if depot is not None else []
    shutil.rmtree(scratch, ignore_errors=True)
    reached = dict.fromkeys(begins, 0)
    for part in (part for snapshot in snapshots for part in snapshot.parts):
        reached[part.shard] = max(reached.get(part.shard, 0), part.stands.next)
    for shard in begins:
        store = ShardStore(state, shard, tape)
        with contextlib.suppress(StateLost), store.locked():
            meta = _checked(store, written.get(shard, 0))
            reached[shard] = max(reached[shard], meta.next)
    return {shard: begin for shard, begin in begins.items() if reached[shard] < begin}


def _fitting(depot: Depot, scratch: Path, tape: str) -> list[Snapshot]:
    """Return the snapshots that this tape and program can go on from, newest first."""
    found = complete(depot, scratch)
    fitting = [snapshot for snapshot in found if (snapshot.tape, snapshot.schema) == (tape, SCHEMA)]
    other = sum(snapshot.tape != tape for snapshot in found)
    schemas = sorted({snapshot.schema for snapshot in found if snapshot.tape == tape} - {SCHEMA})
    if found and not fitting:
        log.warning(
            "none of the %d snapshots in %s fits: %d of other tapes, %d of other versions of this program%s",
            len(found),
            depot,
            other,
            len(found) - other,
            f" (schema {', '.join(map(str, schemas))}, not {SCHEMA})" if schemas else "",
        )
    return fitting[::-1]


def _shard(store: ShardStore, begin: int, depot: Depot | None, snapshots: list[Snapshot], written: int) -> Meta:
    with store.locked():
        try:
            meta = _checked(store, written)
            why = "" if meta.next else "no state"
        except StateLost as error:
            meta, why = Meta(store.tape, store.shard), error.message.partition(";")[0]
        if not why:
            _check_begin(meta, begin)
            return meta
        for snapshot in snapshots:
            part = next((part for part in snapshot.parts if part.shard == store.shard), None)
            if part is None or depot is None:
                continue
            if part.stands.next > written:
                log.warning("shard %d: the rows of snapshot %s are not in the tables", store.shard, snapshot.name)
                continue
            try:
                _check_begin(part.stands, begin, snapshot)
                meta = unpack(depot, snapshot, part, store, store.folder.parent / SCRATCH)
            except StateLost as error:
                log.warning("shard %d: snapshot %s is damaged: %s", store.shard, snapshot.name, error.message)
                continue
            if meta.next:
                log.warning("shard %d: %s; goes on from snapshot %s at offset %d, the tape is read again from there",
                            store.shard, why, snapshot.name, meta.next)  # fmt: skip
            return meta
        _check_begin(meta, begin, why=why)
        if why != "no state":
            log.warning("shard %d: %s; no snapshot fits: the tape is read again from its beginning", store.shard, why)
            store.clear()
        return store.recover()


def _checked(store: ShardStore, written: int) -> Meta:
    """Return where a shard stands, having read all of its files; call it with the store locked.

    Raises:
        StateLost: One is damaged, or rows are neither in the tables nor on their way there.
        StateError: They are of another tape or a newer program.
    """
    meta = store.recover()
    store.check(meta)
    spool = Spool(store.folder)
    for path in spool.files():
        try:
            spool.take(path)
        except StateError as error:
            raise StateLost(error.message, shard=store.shard) from error
    reach = spool.reach(written)
    if reach < meta.next:
        # Tables that were dropped or are others, or a power failure that took rows but not the state.
        raise StateLost(f"rows from offset {reach} on are missing in the tables", shard=store.shard)
    return meta


def _check_begin(meta: Meta, begin: int, snapshot: Snapshot | None = None, why: str = "") -> None:
    """Check that the tape still holds what comes next.

    Raises:
        StateError: It doesn't.
    """
    if meta.next >= begin:
        return
    if why:
        raise StateError(
            f"{why}, no snapshot fits, and the tape begins at offset {begin}: what came before is lost; go on from "
            "what the tables hold with --from-cassandra (see its help)",
            shard=meta.shard,
        )
    stands = f"the newest snapshot, {snapshot.name}, stands" if snapshot else "the state stands"
    raise StateError(
        f"{stands} at offset {meta.next}, but the tape begins at {begin}; its retention is too short for a stop that "
        "long: the trades between are lost",
        shard=meta.shard,
    )

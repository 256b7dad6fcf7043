"""A snapshot: the tables of all shards, each as it stood after a commit, and a manifest that names every file.

Shards may stand at different moments: each is the fold of its own partition up to its own offset, and nothing of one
depends on another.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from riskcontrol.book import COUNTED
from riskcontrol.errors import InputError, StateLost
from spark.depot import MANIFEST, NAME, Depot, tape_folder
from spark.meta import SCHEMA, Meta, decode_checked, encode_checked, meta_from
from spark.state import ShardStore

_CODEC = "zstd"
_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """One shard of a snapshot.

    Attributes:
        shard: Number of the shard.
        size: Bytes of its file.
        sha256: Of its file.
        meta: `Meta` taken apart; of another schema it may be anything.
    """

    shard: int
    size: int
    sha256: str
    meta: dict[str, Any]

    @property
    def file(self) -> str:
        """Name of the file with its tables, compressed."""
        return part_file(self.shard)

    @property
    def stands(self) -> Meta:
        """Where the shard stands.

        Raises:
            StateLost: It doesn't say.
        """
        try:
            return meta_from(self.meta)
        except (ValueError, TypeError, KeyError) as error:
            raise StateLost(f"its manifest can't be read ({error})", shard=self.shard) from error


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a manifest says.

    Attributes:
        tape: Id of the topic.
        name: When it was begun, see `moment`.
        schema: `spark.meta.SCHEMA` of the program that wrote it.
        offsets: Sum of the offsets at which its shards stand.
        positions: How many positions it has.
        parts: Its shards.
    """

    tape: str
    name: str
    schema: int
    offsets: int
    positions: int
    parts: tuple[Part, ...]

    @property
    def moment(self) -> dt.datetime:
        """When it was begun."""
        return dt.datetime.strptime(self.name, "%Y%m%dT%H%M%S.%f%z")

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(part.size for part in self.parts)


def part_file(shard: int) -> str:
    """Return the name of a shard's file.

    >>> part_file(3)
    'shard-0003.zst'
    """
    return f"shard-{shard:04d}.zst"


def new_name(now: dt.datetime, last: str = "") -> str:
    """Return the name of a snapshot begun now, after that of the last one even if the clock was put back.

    >>> new_name(dt.datetime(2024, 3, 5, 14, 30, 0, 1_500, dt.UTC))
    '20240305T143000.001Z'
    >>> new_name(dt.datetime(2024, 3, 5, 14, 30, tzinfo=dt.UTC), last="20240305T153000.001Z")
    '20240305T153000.002Z'
    """
    if last:
        now = max(now, dt.datetime.strptime(last, "%Y%m%dT%H%M%S.%f%z") + dt.timedelta(milliseconds=1))
    return now.strftime("%Y%m%dT%H%M%S.") + f"{now.microsecond // 1_000:03d}Z"


def pack(raw: Path, meta: Meta, room: Path, stop: threading.Event) -> Part:
    """Compress a shard's copied tables (`ShardStore.copy`) into a snapshot's room.

    Args:
        raw: The copy.
        meta: Where the shard stood.
        room: `Depot.room`.
        stop: Set it to have this given up.

    Raises:
        InterruptedError: It was given up.
    """
    target = room / part_file(meta.shard)
    with (
        raw.open("rb") as file,
        pa.OSFile(str(target), "wb") as sink,
        pa.CompressedOutputStream(sink, _CODEC) as packed,
    ):
        while data := file.read(_PIECE):
            if stop.is_set():
                raise InterruptedError
            packed.write(data)
    return Part(meta.shard, target.stat().st_size, _sha256(target), asdict(meta))


def publish(depot: Depot, tape: str, name: str, room: Path, parts: list[Part]) -> Snapshot:
    """Make a snapshot known whose files are in its room."""
    metas = [part.stands for part in parts]
    positions = sum(meta.counts[COUNTED.index("strategies")] for meta in metas)
    found = Snapshot(tape, name, SCHEMA, sum(meta.next for meta in metas), positions, tuple(parts))
    depot.publish(tape_folder(tape), name, room, encode_checked(asdict(found)))
    return found


def complete(depot: Depot, scratch: Path, tape: str | None = None) -> list[Snapshot]:
    """Return the complete snapshots, oldest first.

    Args:
        depot: Where they are.
        scratch: A folder for copies of manifests.
        tape: Only those of this tape.
    """
    wanted = None if tape is None else tape_folder(tape)
    found = []
    for (folder, name), files in depot.listing().items():
        if MANIFEST in files and NAME.fullmatch(name) and wanted in (None, folder):
            try:
                snapshot = _manifest(depot.fetch(folder, name, MANIFEST, scratch).read_bytes())
                whole = all(files.get(part.file) == part.size for part in snapshot.parts)
            except (ValueError, TypeError, KeyError, AttributeError, InputError, FileNotFoundError):
                continue  # damaged, or removed just now
            if whole and (tape_folder(snapshot.tape), snapshot.name) == (folder, name):
                found.append(snapshot)
    return sorted(found, key=lambda snapshot: (snapshot.name, snapshot.tape))


def prune(depot: Depot, tape: str, keep: list[Snapshot]) -> None:
    """Remove what there is of a tape's snapshots, complete or not, besides these."""
    names = {snapshot.name for snapshot in keep}
    for folder, name in depot.listing():
        if folder == tape_folder(tape) and name not in names:
            depot.remove(folder, name)


def unpack(depot: Depot, snapshot: Snapshot, part: Part, store: ShardStore, scratch: Path) -> Meta:
    """Put a shard's state as it is in a snapshot in place of what there is; call it with the store locked.

    Raises:
        StateLost: The snapshot is damaged.
    """
    try:
        path = depot.fetch(tape_folder(snapshot.tape), snapshot.name, part.file, scratch)
        if _sha256(path) != part.sha256:
            raise StateLost("its file has another checksum than its manifest says", shard=part.shard)
        meta = part.stands
        with pa.OSFile(str(path), "rb") as file, pa.CompressedInputStream(file, _CODEC) as tables:
            store.paste(meta, tables.read)
    except (pa.ArrowException, InputError, OSError, ValueError, TypeError, KeyError) as error:
        raise StateLost(f"it can't be read ({error})", shard=part.shard) from error
    return meta


def _manifest(data: bytes) -> Snapshot:
    fields = decode_checked(data)
    parts = tuple(Part(**part) for part in fields.pop("parts"))
    return Snapshot(**fields, parts=parts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""A snapshot is complete or does not exist; whatever happens to the state, it and the tape make the same again."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingestion import s3
from riskcontrol.blocks import Event
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.errors import RiskControlError, SettingsError, StateError
from riskcontrol.settings import Settings
from spark import depot as depots
from spark import snapshots
from spark.depot import Depot, depot, tape_folder
from spark.meta import SCHEMA, SUMMED, Meta, decode_checked, encode_checked
from spark.restore import stand
from spark.snapshot import Snapshot, complete
from spark.snapshots import KEPT, Snapshots
from spark.spool import Rows, Spool
from spark.state import ShardStore
from tests.core.test_engine import ANN, ibm, openings
from tests.spark.test_state import HALVED, contents, many, rewrite, step

TAPE = "tape/1"
SHARDS = 2

BATCHES: list[list[Event]] = [
    [openings(ANN), many(0, 50)],
    [HALVED, ibm(10_000, 9_980, 9_970)],
    [many(50, 40), ibm(10_010, 9_960)],
    [ibm(10_500, 9_000)],
]
"""What both shards go through; the second one is always a batch behind."""


@dataclass
class World:
    """A state, and a place for its snapshots."""

    state: Path
    depot: Depot

    def store(self, shard: int) -> ShardStore:
        """Return the files of a shard."""
        return ShardStore(self.state, shard, TAPE)

    def advance(self, to: int) -> None:
        """Lead the shards to the end of a batch, from wherever they stand."""
        for shard in range(SHARDS):
            with self.store(shard).locked():
                at = self.store(shard).recover().next
            offset = 0
            for batch in BATCHES[: to - shard]:
                if offset >= at:
                    step(self.store(shard), batch)
                offset += len(batch)

    def snapshot(self) -> None:
        """Take a snapshot."""
        taking = Snapshots(self.depot, self.state, TAPE, SHARDS, every=0)
        taking.after_batch()
        assert taking._thread is not None
        taking._thread.join()

    def there(self) -> list[Snapshot]:
        """Return the complete snapshots."""
        return complete(self.depot, self.state / "scratch", TAPE)

    def stand(self, begin: int = 0, written: int = 1_000) -> list[int]:
        """Do what a stream does at its start, and return where the shards stand."""
        begins, tables = dict.fromkeys(range(SHARDS), begin), dict.fromkeys(range(SHARDS), written)
        metas = stand(self.state, TAPE, begins, self.depot, tables)
        return [metas[shard].next for shard in range(SHARDS)]

    def everything(self) -> list[tuple[Meta, dict[str, object]]]:
        """Return all that the state says."""
        found = []
        for shard in range(SHARDS):
            store = self.store(shard)
            with store.locked():
                meta = store.recover()
                store.check(meta)
                found.append((meta, contents(store.book(meta))))
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = depot(Settings(snapshots=str(tmp_path / "snapshots")))
    assert made is not None
    return World(tmp_path / "state", made)


@pytest.fixture
def bucket(tmp_path: Path, all_servers: Settings) -> World:
    name = f"b{uuid.uuid4().hex}"
    s3.client(all_servers).create_bucket(Bucket=name)
    made = depot(all_servers.model_copy(update={"snapshots": f"s3://{name}/far/below"}))
    assert made is not None
    return World(tmp_path / "state", made)


# A fixture that is asked for by its name in a variable isn't seen before the test runs, so the group is told here.
@pytest.fixture(
    params=["world", pytest.param("bucket", marks=[pytest.mark.servers, pytest.mark.xdist_group("servers")])]
)
def either(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)


def expected(tmp_path: Path) -> World:
    """Return what an undisturbed run leaves."""
    undisturbed = World(tmp_path / "undisturbed", depots.FolderDepot(tmp_path / "none"))
    undisturbed.advance(len(BATCHES))
    return undisturbed


def test_without_a_state_the_newest_snapshot_and_the_tape_make_the_same_one(either: World, tmp_path: Path) -> None:
    for batch in (2, 3):
        either.advance(batch)
        either.snapshot()
    either.advance(len(BATCHES))
    offsets = [step["next"] for step in (part.meta for part in either.there()[-1].parts)]
    assert offsets == [6, 4], "shards may stand at different offsets"
    shutil.rmtree(either.state)
    assert either.stand() == offsets
    either.advance(len(BATCHES))
    assert either.everything() == expected(tmp_path).everything()


def damages() -> list[object]:
    def cut(name: str) -> Callable[[Path], object]:
        return lambda folder: (folder / name).write_bytes(
            (folder / name).read_bytes()[:-1][: 40 if name == "redo" else 7]
        )

    def flip(name: str) -> Callable[[Path], object]:
        def damage(folder: Path) -> None:
            content = bytearray((folder / name).read_bytes())
            content[5] ^= 1
            (folder / name).write_bytes(content)

        return damage

    names = [name for name in SUMMED if name not in ("clocks", "clock_bars", "series", "series_parameters",
                                                     "series_values", "states", "signals", "bindings")]  # fmt: skip
    return [
        *[pytest.param(cut(name), id=f"{name} cut") for name in (*names, "meta.json", "redo") if name != "texts"],
        *[pytest.param(flip(name), id=f"{name} changed") for name in (*names, "meta.json", "redo")],
        pytest.param(lambda folder: (folder / "meta.json").unlink(), id="meta.json removed"),
        pytest.param(lambda folder: (folder / "positions").unlink(), id="positions removed"),
        pytest.param(shutil.rmtree, id="folder removed"),
        pytest.param(lambda folder: (folder / f"rows-{4:020d}-{6:020d}-3").write_bytes(b"half"), id="rows cut"),
        pytest.param(lambda folder: (folder / "meta.json").write_text('{"schema": 4}'), id="older schema"),
    ]


@pytest.mark.parametrize("damage", damages())
def test_a_damaged_shard_alone_goes_back_to_the_snapshot(
    world: World, tmp_path: Path, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    world.advance(2)
    world.snapshot()
    world.advance(3)
    damage(world.store(0).folder)
    assert world.stand() == [4, 4]
    assert "shard 0" in caplog.text
    assert "goes on from snapshot" in caplog.text
    world.advance(len(BATCHES))
    assert world.everything() == expected(tmp_path).everything()


def test_a_sound_state_is_gone_on_from_whatever_snapshots_there_are(world: World) -> None:
    world.advance(2)
    world.snapshot()
    world.advance(3)
    assert world.stand() == [6, 4]


@pytest.mark.parametrize("name", ["index"])
def test_a_spoilt_hash_table_is_made_anew(world: World, tmp_path: Path, name: str) -> None:
    world.advance(3)
    path = world.store(0).folder / name
    path.write_bytes(bytes(reversed(path.read_bytes())))
    assert world.stand() == [6, 4]
    world.advance(len(BATCHES))
    assert world.everything() == expected(tmp_path).everything()


def test_the_two_newest_are_kept_and_leftovers_removed(either: World) -> None:
    for batch in range(1, 5):
        either.advance(batch)
        either.snapshot()
    room = either.depot.room(tape_folder(TAPE), "20200101T000000.000Z", either.state / "scratch")
    (room / "shard-0000.zst").write_bytes(b"half of it")
    either.advance(5)
    either.snapshot()
    names = [snapshot.name for snapshot in either.there()]
    assert len(names) == KEPT
    assert names == sorted(names)
    assert {name for _, name in either.depot.listing()} == set(names)


def test_an_unchanged_state_is_not_taken_twice(world: World) -> None:
    world.advance(2)
    taking = Snapshots(world.depot, world.state, TAPE, SHARDS, every=0)
    for _ in range(3):
        taking.after_batch()
        if taking._thread is not None:
            taking._thread.join()
    assert len(world.there()) == 1


def test_a_snapshot_waits_until_the_tables_have_the_rows_of_before_it(world: World) -> None:
    world.advance(2)
    before, after = (world.store(0).folder / f"rows-{end - 1:020d}-{end:020d}-1" for end in (4, 5))
    before.touch()
    after.touch()
    taking = Snapshots(world.depot, world.state, TAPE, SHARDS, every=0)
    looks = []

    def wait(_: float | None = None) -> bool:
        looks.append(world.there())
        before.unlink()
        return False

    taking._stop.wait = wait  # type: ignore[method-assign]
    taking.after_batch()
    assert taking._thread is not None
    taking._thread.join()
    assert looks == [[]]
    assert len(world.there()) == 1


class Killed(Exception):
    """Stands for kill -9."""


def nth(function: Callable[..., object], number: int) -> Callable[..., object]:
    """Return the function as it is, but for its nth call, before which it is killed."""
    calls = iter(range(1, 10_000))

    def call(*arguments: object, **named: object) -> object:
        if next(calls) == number:
            raise Killed
        return function(*arguments, **named)

    return call


@pytest.mark.parametrize("number", range(1, 12))
def test_killed_at_any_stage_the_older_ones_stay_or_the_new_one_is_there(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    for batch in (1, 2):
        world.advance(batch)
        world.snapshot()
    older = world.there()
    world.advance(3)
    taking = Snapshots(world.depot, world.state, TAPE, SHARDS, every=0)
    taking._waiting = list(range(SHARDS))
    taking._copy()
    with monkeypatch.context() as patch:
        calls = nth(lambda function, *arguments, **named: function(*arguments, **named), number)
        for module, name in (
            (snapshots, "prune"), (snapshots, "pack"), (snapshots, "publish"), (depots, "_force"),
            (depots.Path, "rename"), (depots.shutil, "rmtree"),
        ):  # fmt: skip
            function = getattr(module, name)
            patch.setattr(module, name, lambda *a, _f=function, **k: calls(_f, *a, **k))
        with pytest.raises(Killed):
            taking._put_away(taking._copied)
    there = world.there()
    assert len(there) >= KEPT
    assert there[-1] == older[-1] or there[-1].offsets > older[-1].offsets
    shutil.rmtree(world.state)
    assert world.stand() in ([4, 2], [6, 4])
    world.advance(len(BATCHES))
    assert world.everything() == expected(tmp_path).everything()
    world.snapshot()
    assert len(world.depot.listing()) == KEPT


def spoil(world: World, snapshot: Snapshot, shard: int) -> None:
    path = world.depot.fetch(tape_folder(TAPE), snapshot.name, f"shard-{shard:04d}.zst", world.state)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_spoilt_snapshot_is_told_of_and_the_older_one_taken(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for batch in (2, 3):
        world.advance(batch)
        world.snapshot()
    spoil(world, world.there()[-1], shard=0)
    shutil.rmtree(world.state)
    assert world.stand() == [4, 4]
    assert "is damaged: its file has another checksum" in caplog.text
    spoil(world, world.there()[0], shard=0)
    shutil.rmtree(world.state)
    assert world.stand() == [0, 4]


def test_a_state_or_a_snapshot_ahead_of_the_tables_rows_is_not_gone_on_from(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.advance(2)
    world.snapshot()
    world.advance(3)
    assert world.stand(written=6) == [6, 4]
    assert world.stand(written=4) == [4, 4]  # the state of one shard is ahead, the snapshot isn't
    assert "shard 0: rows from offset 4 on are missing in the tables" in caplog.text
    assert world.stand(written=0) == [0, 0]
    assert "are not in the tables" in caplog.text


def test_rows_that_wait_make_up_for_what_the_tables_lack(world: World) -> None:
    world.advance(3)
    nothing = advance(Book(), [])
    rows = (nothing.openings, nothing.fills, nothing.positions, nothing.bars)
    spool = Spool(world.store(0).folder)
    spool.put(Rows(2, 4, *rows))
    assert spool.reach(1) == 1
    assert spool.reach(2) == 4
    spool.put(Rows(4, 6, *rows))
    assert world.stand(written=2)[0] == 6


def test_a_snapshot_with_a_file_cut_short_does_not_exist(world: World) -> None:
    world.advance(2)
    world.snapshot()
    path = world.depot.fetch(tape_folder(TAPE), world.there()[0].name, "shard-0001.zst", world.state)
    path.write_bytes(path.read_bytes()[:-1])
    assert world.there() == []


def forge(world: World, **changes: object) -> None:
    """Let the newest snapshot's manifest say something else."""
    path = world.depot.fetch(tape_folder(TAPE), world.there()[-1].name, "manifest.json", world.state)
    path.write_bytes(encode_checked(decode_checked(path.read_bytes()) | changes))


@pytest.mark.parametrize("schema", [SCHEMA + 1, SCHEMA - 1])
def test_a_snapshot_of_another_version_is_left_alone(
    world: World, schema: int, caplog: pytest.LogCaptureFixture
) -> None:
    world.advance(2)
    world.snapshot()
    forge(world, schema=schema)
    shutil.rmtree(world.state)
    assert world.stand() == [0, 0]
    assert f"schema {schema}, not {SCHEMA}" in caplog.text


def test_a_snapshot_of_another_tape_is_left_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.advance(2)
    world.snapshot()
    shutil.rmtree(world.state)
    assert stand(world.state, "another", {0: 0, 1: 0}, world.depot, {})[0].next == 0
    assert "1 of other tapes" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "x"}', b'{"schema": 5, "crc": 0}'])
def test_a_manifest_that_is_none_makes_no_snapshot(world: World, content: bytes) -> None:
    world.advance(2)
    world.snapshot()
    path = world.depot.fetch(tape_folder(TAPE), world.there()[-1].name, "manifest.json", world.state)
    path.write_bytes(content)
    assert world.there() == []


@pytest.mark.parametrize("parts", [[], [{"shard": "../../x", "size": 1, "sha256": "", "meta": {}}], [1], None])
def test_a_manifest_with_strange_parts_makes_no_snapshot_to_go_on_from(world: World, parts: object) -> None:
    world.advance(2)
    world.snapshot()
    forge(world, parts=parts)
    shutil.rmtree(world.state)
    assert world.stand() == [0, 0]


def test_a_tape_that_has_passed_the_snapshot_is_an_error(world: World) -> None:
    world.advance(2)
    world.snapshot()
    shutil.rmtree(world.state)
    with pytest.raises(StateError, match=r"newest snapshot, \d+T.*Z, stands at offset 4, but the tape begins at 5"):
        world.stand(begin=5)
    shutil.rmtree(world.state, ignore_errors=True)
    assert world.stand(begin=2) == [4, 2]


def test_a_tape_that_has_passed_the_state_is_an_error(world: World) -> None:
    world.advance(2)
    with pytest.raises(StateError, match="state stands at offset 4, but the tape begins at 5"):
        world.stand(begin=5)


def test_neither_state_nor_snapshot_and_a_tape_without_beginning_is_an_error(world: World) -> None:
    with pytest.raises(StateError, match=r"no snapshot fits.*--from-cassandra"):
        world.stand(begin=1)


def test_a_state_of_a_newer_version_is_refused_in_spite_of_snapshots(world: World) -> None:
    world.advance(2)
    world.snapshot()
    rewrite(world.store(1), schema=SCHEMA + 1)
    with pytest.raises(StateError, match="newer version"):
        world.stand()


def test_a_place_that_fails_costs_the_snapshot_and_not_the_stream(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.advance(2)
    assert isinstance(world.depot, depots.FolderDepot)
    world.depot.root.write_text("a file in its place")
    world.snapshot()
    assert "no snapshot this time" in caplog.text
    world.depot.root.unlink()
    world.snapshot()
    assert len(world.there()) == 1


def test_closing_gives_up_what_is_under_way(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.advance(2)
    taking = Snapshots(world.depot, world.state, TAPE, SHARDS, every=0)
    taking._stop.set()
    taking.after_batch()
    taking.close()
    assert world.there() == []
    assert caplog.text == ""


@pytest.mark.servers
def test_a_bucket_that_is_not_there_is_told_at_the_start(all_servers: Settings) -> None:
    place = depot(all_servers.model_copy(update={"snapshots": "s3://nobody-made-it/x"}))
    assert place is not None
    with pytest.raises(RiskControlError, match="no bucket 'nobody-made-it'"):
        place.prepare()


@pytest.mark.parametrize("place", ["http://a/b", "s3:///key", "gs://bucket", "s3:/bucket/key"])
def test_a_place_that_can_be_none_is_refused(place: str) -> None:
    with pytest.raises(SettingsError, match="snapshots"):
        depot(Settings(snapshots=place))


def test_a_folder_that_can_not_be_made_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = depot(Settings(snapshots=str(tmp_path / "file" / "below")))
    assert place is not None
    with pytest.raises(SettingsError, match="nothing can be put into"):
        place.prepare()


def test_no_place_means_no_snapshots() -> None:
    assert depot(Settings()) is None


def test_a_name_tells_when_it_was_begun(world: World) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(milliseconds=1)
    world.advance(1)
    world.snapshot()
    assert before <= world.there()[0].moment <= dt.datetime.now(dt.UTC)

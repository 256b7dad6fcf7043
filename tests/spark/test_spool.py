"""Rows on their way to the database: nothing is lost, nothing half there, the newest state wins."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from itertools import groupby
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.session import connect
from database.writes import Writer
from riskcontrol.errors import StateError
from riskcontrol.rows import Accepted, Fills, Openings
from riskcontrol.settings import Settings
from spark.drain import Drain, _grouped
from spark.rowwriter import RowWriter
from spark.spool import Blocks, Rows, Waiting, joined, waiting
from tests.processes import until
from tests.spark.spools import made, rows, spool_of


def same(one: Rows, other: Rows) -> bool:
    return (
        one.end == other.end
        and (one.marks, one.leaders, one.days) == (other.marks, other.leaders, other.days)
        and all(
            np.array_equal(getattr(getattr(one, part), field.name), getattr(getattr(other, part), field.name))
            for part in ("openings", "fills", "positions", "bars")
            for field in fields(getattr(one, part))
        )
    )


@given(
    names=st.lists(st.text("abc", min_size=1, max_size=16), max_size=5),
    openings=st.integers(0, 5),
    marks=st.binary(max_size=20),
    days=st.lists(st.tuples(st.integers(0, 2**60), st.binary(max_size=9)), max_size=3).map(tuple),
)
def test_what_is_taken_is_what_was_put(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], openings: int, marks: bytes, days: Blocks
) -> None:
    spool = spool_of(tmp_path_factory.mktemp("state"))
    put = rows(9, names, openings=openings, marks=marks, days=days)
    spool.put(put)
    (path,) = spool.files()
    assert same(spool.take(path), put)
    assert waiting(spool.folder.parent).rows == len(put)


def test_files_come_in_the_order_of_the_tape_and_others_are_not_looked_at(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    for end in (10_000, 9, 200):
        spool.put(rows(end, ["a"]))
    for name in ("rows.new", "rows-7", "redo", "rows-00000000000000000001-00000000000000000002-3.old"):
        (spool.folder / name).write_bytes(b"x")
    assert [spool.take(path).end for path in spool.files()] == [9, 200, 10_000]
    assert waiting(tmp_path).rows == 9


def test_the_wait_is_that_of_the_oldest_file(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    assert waiting(tmp_path).rows == 0
    spool.put(rows(1, ["a"]))
    spool.put(rows(2, ["a"]))
    (first, _) = spool.files()
    os.utime(first, (first.stat().st_mtime - 100,) * 2)
    assert 99 < waiting(tmp_path).seconds < 200


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -9])
def test_a_damaged_file_is_told_with_its_spool_of(tmp_path: Path, cut: int) -> None:
    spool = spool_of(tmp_path, 3)
    spool.put(rows(1, ["a", "b"]))
    (path,) = spool.files()
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StateError, match=r"is damaged .*shard 3|shard 3.*is damaged"):
        spool.take(path)


def test_what_an_earlier_version_left_is_taken_without_the_time_since_when(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    now = rows(9, ["a", "b"], openings=2, marks=b"m")
    earlier = Openings(**{field.name: getattr(now.openings, field.name) for field in fields(Openings)})
    spool.put(replace(now, openings=cast(Accepted, earlier)))
    (path,) = spool.files()
    assert same(spool.take(path), replace(now, openings=Accepted.of(earlier, np.zeros(2, np.int64))))


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, max_size=4), min_size=1, max_size=4))
def test_of_several_files_each_position_is_written_once_as_it_stood_last(files: list[list[str]]) -> None:
    parts = [rows(end, names, marks=b"m" if end == 2 else b"") for end, names in enumerate(files, 1)]
    whole = joined(parts)
    newest = {name: end for end, names in enumerate(files, 1) for name in names}
    found = zip(whole.positions.username.tolist(), whole.positions.cash.tolist(), strict=True)
    assert dict(found) == {name.encode(): end for name, end in newest.items()}
    assert len(whole.positions) == len(newest)
    assert len(whole.fills) == len(whole.bars) == sum(map(len, files))
    assert whole.end == len(files)
    assert whole.marks == (b"m" if len(files) > 1 else b"")


def test_of_several_files_each_day_s_newest_row_is_written() -> None:
    day = 86_400 * 10**9
    whole = joined([rows(1, [], days=((day, b"a"),)), rows(2, [], days=((day + 1, b"b"), (3 * day, b"c")))])
    assert whole.days == ((day + 1, b"b"), (3 * day, b"c"))
    assert [time for time, _ in whole.leaders] == [day, day + 1, 3 * day]


@pytest.mark.servers
def test_drained_rows_are_in_the_tables_and_their_files_gone(servers: Settings, tmp_path: Path) -> None:
    for number in range(2):
        spool = spool_of(tmp_path, number)
        spool.put(rows(5, [f"u{number}", "v"], marks=b"early"))
        spool.put(rows(6 + number, [f"u{number}"], marks=b"late"))
    session, tape = connect(servers), "tape"
    with Writer(session) as writer:
        # Six and three rows a shard, of which the newer state of one position covers the older.
        drain = Drain(session, tmp_path, tape)
        assert drain.run() == 2 * (6 + 3 - 1)
        assert drain.run() == 0, "what was sent is not sent again while it settles"
        drain.settle()
        assert writer.watermarks(tape) == {0: 6, 1: 7}
    assert waiting(tmp_path) == Waiting(0, 0, 0.0)
    cash = dict(session.execute("SELECT username, cash FROM positions"))
    assert cash == {"u0": 6, "u1": 7, "v": 5}
    assert {row.block for row in session.execute("SELECT block FROM marks")} == {b"late"}


@pytest.mark.servers
def test_a_row_writer_that_is_killed_is_followed_by_another_and_the_last_rows_are_in(
    servers: Settings, tmp_path: Path
) -> None:
    spool = spool_of(tmp_path)
    writer = RowWriter(servers, tmp_path, "tape")
    spool.put(rows(1, ["a"]))
    writer.tell()
    until(lambda: not spool.files(), 60)
    writer._process.kill()
    writer._process.wait()
    spool.put(rows(2, ["b"]))
    writer.tell(time="2024-03-05T15:00:00+00:00", trades=3, waiting=3, behind=0.5)
    until(lambda: not spool.files(), 60)
    spool.put(rows(3, ["c"]))
    assert writer.close(60).rows == 0
    session = connect(servers)
    assert {row.username for row in session.execute("SELECT username FROM fills")} == {"a", "b", "c"}
    assert list(session.execute("SELECT trades, waiting, behind FROM batches")) == [(3, 3, 0.5)]


def test_without_a_database_rows_stay_and_it_says_why(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.put(rows(1, ["a"]))
    writer = RowWriter(Settings(home=tmp_path, cassandra="127.0.0.1:9"), tmp_path, "tape")
    writer.tell()
    until(lambda: writer.failure, 60)
    assert "127.0.0.1:9" in writer.failure
    assert writer.close(60).rows == 3
    assert len(spool.files()) == 1


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 99)), max_size=40))
def test_rows_of_a_partition_are_put_side_by_side_in_their_order(pairs: list[tuple[str, int]]) -> None:
    fills = made(Fills, [name for name, _ in pairs])
    fills = replace(fills, number=np.array([number for _, number in pairs], np.int64))
    found = _grouped(fills, "username", "ticker", "name")
    runs = [name for name, _ in groupby(found.username.tolist())]
    assert len(runs) == len(set(runs))
    for name in "abcd":
        mine = found.number[found.username == name.encode()].tolist()
        assert mine == [number for who, number in pairs if who == name]

"""A shard's state on disk is the fold of the tape up to one offset, whatever was killed when."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskcontrol.blocks import Event
from riskcontrol.book import COUNTED, TABLES, Book
from riskcontrol.engine import advance
from riskcontrol.errors import StateError, StateLost
from riskcontrol.rows import Openings, Splits
from riskcontrol.strategy import Strategy, first_rule
from spark import state
from spark.meta import SCHEMA, SUMMED, Meta, decode_checked, encode_checked
from spark.state import ShardStore
from tests.core.test_engine import ANN, ibm, openings, tapes, tuples
from tests.core.test_rules import tapes as tapes_of_any_rule
from tests.core.test_splits import RATIOS, traders
from tests.core.test_splits import tapes as tapes_with_splits


def step(store: ShardStore, events: list[Event]) -> list[tuple[object, ...]]:
    """Run a batch as a worker does, one offset an event, and return the fills."""
    with store.locked():
        before = store.recover()
        book = store.book(before)
        outcome = advance(book, events)
        after = replace(before, next=before.next + len(events), counts=tuple(book.counts.tolist()))
        store.commit(book, outcome.touched, before, after)
    return tuples(outcome.fills)


def contents(book: Book) -> dict[str, object]:
    """Return everything that counts in a book, in a form that can be compared."""
    slots = book.used_slots()
    rows = {unit: np.arange(book.count(unit)) for unit in COUNTED} | {"strategies": slots}
    return {
        **{name: getattr(book, name)[rows[unit]].tobytes() for name, (_, _, unit) in TABLES.items() if unit in rows},
        "indexed": sorted((book.index[book.index > 0] - 1).tolist()),
    }


any_tape = st.one_of(tapes(), tapes_of_any_rule(), tapes_with_splits(traders(), RATIOS))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(tape=any_tape)
def test_batches_through_the_files_equal_one_run_in_memory(tmp_path: Path, tape: list[Event]) -> None:
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    store = ShardStore(tmp_path / "s", 3, "tape")
    fills = [fill for event in tape for fill in step(store, [event])]
    book = Book()
    assert sorted(fills) == sorted(tuples(advance(book, tape).fills))
    with store.locked():
        meta = store.recover()
        assert meta.next == len(tape)
        assert contents(store.book(meta)) == contents(book)


def many(first: int, count: int) -> Openings:
    return openings(*[first_rule(f"u{i}", "s", "IBM", 10**9, 10**5, 10**5) for i in range(first, first + count)])


def test_tables_and_hash_table_grow_without_losing_anything(tmp_path: Path) -> None:
    store, book = ShardStore(tmp_path, 0, "tape"), Book()
    batches: list[list[Event]] = [
        [many(0, 10), ibm(10_000, 9_990, 9_980)],
        [ibm(9_990), many(10, 3_000), ibm(9_970, 9_960)],
        [many(0, 20), many(3_010, 2_000)],
        [ibm(10_000, 10_010)],
    ]
    for batch in batches:
        assert sorted(step(store, batch)) == sorted(tuples(advance(book, batch).fills))
    with store.locked():
        assert contents(store.book(store.recover())) == contents(book)


def on(ticker: str, number: int) -> Openings:
    return openings(first_rule(f"u{number}", "s", ticker, 10**9, 10**5, 10**5))


def test_a_shard_that_grows_by_one_strategy_at_a_time_never_runs_out_of_room(tmp_path: Path) -> None:
    store, book = ShardStore(tmp_path, 0, "tape"), Book()
    for number in range(150):
        batch: list[Event] = [on(f"T{number % 70}", number)]
        step(store, batch)
        advance(book, batch)
    with store.locked():
        meta = store.recover()
        assert contents(store.book(meta)) == contents(book)


def test_files_that_a_kill_left_of_different_lengths_are_grown_together(tmp_path: Path) -> None:
    store, book = ShardStore(tmp_path, 0, "tape"), Book()
    for number in range(3):
        step(store, [on("IBM", number)])
        advance(book, [on("IBM", number)])
    # Killed when the pages had been given more room and the slots had not.
    with (store.folder / "pages").open("ab") as file:
        file.truncate((store.folder / "pages").stat().st_size * 8)
    batch: list[Event] = [on(f"T{number}", number) for number in range(100)]
    step(store, batch)
    advance(book, batch)
    with store.locked():
        assert contents(store.book(store.recover())) == contents(book)


def test_a_file_that_a_kill_left_empty_is_filled(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, 0, "tape")
    store.folder.mkdir(parents=True)
    for name in TABLES:
        (store.folder / name).touch()
    assert len(step(store, [on("IBM", 1), ibm(10_000, 9_980, 9_970)])) == 1


class Killed(Exception):
    """Stands for kill -9 at a point of the commit."""


@pytest.mark.parametrize("point", ["before redo", "after redo", "in the middle of the tables", "before meta"])
def test_a_commit_cut_short_has_happened_or_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    batches: list[list[Event]] = [
        [openings(ANN), ibm(10_000, 9_990)],
        [many(0, 3_000), ibm(9_980, 10_000)],
        [ibm(10_500)],
    ]
    undisturbed = ShardStore(tmp_path / "a", 0, "tape")
    expected = [step(undisturbed, batch) for batch in batches]
    store = ShardStore(tmp_path / "b", 0, "tape")
    assert step(store, batches[0]) == expected[0]

    write, apply = state._write_atomically, ShardStore._apply

    def dying_write(path: Path, *chunks: bytes) -> None:
        if path.name == "redo" and point == "before redo":
            raise Killed
        if path.name == "meta.json" and point == "before meta":
            raise Killed
        write(path, *chunks)
        if path.name == "redo" and point == "after redo":
            raise Killed

    def dying_apply(
        self: ShardStore, after: Meta, index_rows: int, parts: state.Parts, tables: dict[str, np.ndarray]
    ) -> None:
        if point == "in the middle of the tables":
            for name, where, values in parts[: len(parts) // 2]:
                tables[name][where] = values
            raise Killed
        apply(self, after, index_rows, parts, tables)

    with monkeypatch.context() as patch:
        patch.setattr(state, "_write_atomically", dying_write)
        patch.setattr(ShardStore, "_apply", dying_apply)
        with pytest.raises(Killed):
            step(store, batches[1])

    with store.locked():
        reached = store.recover().next
    if point == "before redo":
        assert reached == 2
        assert step(store, batches[1]) == expected[1]
    else:
        assert reached == 4
    assert step(store, batches[2]) == expected[2]
    with store.locked(), undisturbed.locked():
        meta = store.recover()
        assert meta == undisturbed.recover()
        assert contents(store.book(meta)) == contents(undisturbed.book(meta))


def test_the_state_of_another_tape_is_refused(tmp_path: Path) -> None:
    step(ShardStore(tmp_path, 0, "tape"), [openings(ANN)])
    with pytest.raises(StateError, match="another tape"), ShardStore(tmp_path, 0, "other").locked():
        ShardStore(tmp_path, 0, "other").recover()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "meta.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "meta.json").write_text(json.dumps({"next": 1})), "damaged"),
        (lambda folder: (folder / "meta.json").write_text(json.dumps({"schema": 4, "next": 1})), "older"),
        (lambda folder: (folder / "meta.json").unlink(), "missing"),
        (lambda folder: (folder / "positions").write_bytes(b""), "cut short"),
        (lambda folder: (folder / "redo").write_bytes(b"RCREDO01\xff\x00\x00\x00\x00\x00\x00\x00{"), "damaged"),
        (lambda folder: (folder / "redo").write_bytes(b"nonsense"), "damaged"),
    ],
)
def test_damage_is_told(tmp_path: Path, damage: object, reason: str) -> None:
    store = ShardStore(tmp_path, 0, "tape")
    step(store, [openings(ANN), ibm(1)])
    damage(store.folder)  # type: ignore[operator]
    with store.locked(), pytest.raises(StateLost, match=reason):
        store.recover()


@pytest.mark.parametrize("name", [*TABLES, "meta.json", "redo"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4)
@given(data=st.data())
def test_a_byte_changed_or_missing_is_noticed_or_mended(tmp_path: Path, name: str, data: st.DataObject) -> None:
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    store, book = ShardStore(tmp_path / "s", 0, "tape"), Book()
    dips = Strategy("eve", "dips", "IBM", 10**9, _MARKET_RULE)
    for batch in ([openings(ANN, dips), HALVED], [ibm(10_000, 9_980, 9_970)]):
        step(store, batch)
        advance(book, batch)
    path = store.folder / name
    content = path.read_bytes()
    assert content, "there is something to damage in every file"
    used = store.recover().used(name) * state._ROW_BYTES[name] if name in SUMMED else 0
    at = data.draw(st.integers(0, (used or len(content)) - 1))
    changed = content[at] ^ data.draw(st.integers(1, 255))
    path.write_bytes(data.draw(st.sampled_from([content[:at], content[:at] + bytes([changed]) + content[at + 1 :]])))
    with store.locked():
        try:
            meta = store.recover()
            store.check(meta)
        except StateLost:
            assert name != "index"
        else:
            assert name in ("index", "redo"), "the one is made anew, the other was done with"
            assert contents(store.book(meta)) == contents(book)


def test_a_redo_file_that_is_needed_must_be_whole(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, 0, "tape")
    step(store, [openings(ANN)])
    meta = (store.folder / "meta.json").read_bytes()
    step(store, [ibm(10_000, 9_980, 9_970)])
    (store.folder / "meta.json").write_bytes(meta)
    content = bytearray((store.folder / "redo").read_bytes())
    content[-20] ^= 1
    (store.folder / "redo").write_bytes(content)
    with store.locked(), pytest.raises(StateLost, match="redo is damaged"):
        store.recover()


_MARKET_RULE = '{"buy":"crosses_above(ema(close, 2), ema(close, 3))","every":60}'
HALVED = Splits(np.array([b"IBM"]), np.array([10**15]), np.array([2]), np.array([1]))


@given(tape=any_tape)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=15)
def test_a_copy_put_elsewhere_goes_on_as_the_shard_itself(tmp_path: Path, tape: list[Event]) -> None:
    shutil.rmtree(tmp_path, ignore_errors=True)
    stores = [ShardStore(tmp_path / name, 3, "tape") for name in "ab"]
    half = len(tape) // 2
    for event in tape[:half]:
        step(stores[0], [event])
    with stores[0].locked():
        meta = stores[0].recover()
        stores[0].check(meta)
        stores[0].copy(meta, tmp_path / "copy")
    with stores[1].locked(), (tmp_path / "copy").open("rb") as file:
        stores[1].paste(meta, file.read)
    assert [step(stores[0], [event]) for event in tape[half:]] == [step(stores[1], [event]) for event in tape[half:]]
    with stores[0].locked(), stores[1].locked():
        metas = [store.recover() for store in stores]
        assert metas[0] == metas[1]
        assert contents(stores[0].book(metas[0])) == contents(stores[1].book(metas[1]))


def rewrite(store: ShardStore, **changes: int) -> None:
    """Let a shard's `meta.json` say something else."""
    path = store.folder / "meta.json"
    path.write_bytes(encode_checked(decode_checked(path.read_bytes()) | changes))


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, 0, "tape")
    step(store, [openings(ANN)])
    rewrite(store, schema=SCHEMA + 1)
    with store.locked(), pytest.raises(StateError, match="newer"):
        store.recover()


def test_a_fresh_shard_stands_at_the_beginning(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, 5, "tape")
    with store.locked():
        assert store.recover() == Meta("tape", 5)

"""A split is on the tape before the first trade that it counts for."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import outbox
from ingestion.columns import Directory
from ingestion.ingest import Progress, ingest
from ingestion.splits import Coming
from riskcontrol.blocks import MAX_SPLITS, SPLITS_HEADERS
from riskcontrol.rows import Splits
from riskcontrol.settings import Settings
from tests.ingestion.made import Made, at, batch
from tests.ingestion.tapes import Row, records, trades

Split = tuple[str, int, int, int]
SHARDS = 3


def made(rows: list[Split]) -> Splits:
    names, *numbers = list(zip(*rows, strict=True)) or [()] * 4
    return Splits(np.array(names, "S16"), *(np.array(column, np.int64) for column in numbers))


def tuples(splits: Splits) -> list[Split]:
    columns = (getattr(splits, name).tolist() for name in ("time", "numerator", "denominator"))
    return list(zip([t.decode() for t in splits.ticker.tolist()], *columns, strict=True))


known = st.lists(
    st.tuples(st.sampled_from("ABCX"), st.integers(0, 50), st.integers(1, 9), st.just(10)),
    unique_by=lambda row: row[:2],
    max_size=8,
)
slices = st.lists(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 60)), max_size=8), max_size=5)


@given(known, slices)
def test_each_comes_once_and_before_the_first_trade_at_or_after_its_time(
    rows: list[Split], parts: list[list[tuple[str, int]]]
) -> None:
    directory = Directory(4)
    coming = Coming(made(rows), directory)
    told: list[Split] = []
    for part in parts:
        if not part:
            continue
        tickers, times = zip(*part, strict=True)
        new = tuples(coming.before(directory.rows(batch(list(tickers), list(times)), first=0)))
        assert not set(new) & set(told)
        assert all(any(t == split[0] and time >= split[1] for t, time in part) for split in new)
        told += new
        wanted = {split for split in rows for t, time in part if t == split[0] and time >= split[1]}
        assert wanted <= set(told)


def on_the_tape(settings: Settings) -> list[list[Split | Row]]:
    """Return splits and trades in the order of each partition."""
    found: list[list[Split | Row]] = []
    for partition in records(settings):
        rows: list[Split | Row] = []
        for record in partition:
            # As they lie there, without the checks: splits in mid-day show better where they go.
            with pa.ipc.open_stream(record.value) as reader:
                block = reader.read_next_batch()
            if list(record.headers) == SPLITS_HEADERS:
                assert block.num_rows <= outbox.MAX_SPLITS
                rows += [tuple(row.values()) for row in block.to_pylist()]
            else:
                rows += block.to_pylist()
        found.append(rows)
    return found


@pytest.mark.servers
@pytest.mark.parametrize(("by_ticker", "most"), [(False, MAX_SPLITS), (True, MAX_SPLITS), (False, 2)])
def test_a_stopped_ingestion_goes_on_and_every_split_is_in_its_place(
    kafka: Settings, monkeypatch: pytest.MonkeyPatch, by_ticker: bool, most: int
) -> None:
    monkeypatch.setattr(outbox, "MAX_SPLITS", most)
    source = Made(count=30_000, by_ticker=by_ticker)
    early = [(f"T{n}", at("09:30") - 86_400 * 10**9, 2, 1) for n in range(0, 40, 2)]
    later = [(f"T{n}", at("12:00"), 1, 3) for n in range(0, 40, 3)]
    never = [("T1", at("23:00"), 5, 1), ("ZZ", 1, 5, 1)]
    splits = made([*early, *later, *never])
    stop = threading.Event()

    def look(progress: Progress) -> None:
        if progress.sent > 9_000:
            stop.set()

    first = ingest([source], kafka, speed=None, splits=splits, on_progress=look, stop=stop)
    second = ingest([source], kafka, speed=None, splits=splits)
    assert first.sent + second.sent == source.count
    assert first.splits > 0
    third = ingest([source], kafka, speed=None, splits=splits)
    assert third.splits == 0
    # One is told of once all has been read to its end, and only then.
    assert (first.unmet, second.unmet) == ([], ["ZZ"])
    seen: list[Split] = []
    for partition in on_the_tape(kafka):
        known: set[Split] = set()
        for row in partition:
            if isinstance(row, tuple):
                known.add(row)
            else:
                due = [one for one in (*early, *later) if one[0] == row["ticker"] and one[1] <= row["time"]]
                assert set(due) <= known
        seen += known
    assert sorted(seen) == sorted([*early, *later])
    rows = [row for partition in trades(kafka) for row in partition]
    assert len({(row["ticker"], row["sequence"]) for row in rows}) == len(rows) == source.count

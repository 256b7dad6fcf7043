"""Trades are split by partition and come out of their blocks as they went in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.columns import BLOCK_ROWS, Directory, Rows
from ingestion.topic import partition_of
from riskcontrol.blocks import TRADES_HEADERS, decode
from tests.ingestion.made import batch, rows

TICKERS = [f"T{n}" for n in range(30)] + ["BRK.B", "A"]
some_tickers = st.lists(st.sampled_from(TICKERS), min_size=1, max_size=80)


@settings(deadline=None)
@given(some_tickers, st.integers(1, 9))
def test_splitting_keeps_every_row_in_the_order_of_its_partition(tickers: list[str], partitions: int) -> None:
    directory, everything = rows(tickers, range(len(tickers)), partitions)
    split = directory.split(everything)
    for partition, part in enumerate(split):
        assert [tickers[i] for i in part.ordinal] == [t for t in tickers if partition_of(t, partitions) == partition]
        assert (np.diff(part.ordinal) > 0).all()
    assert sum(map(len, split)) == len(tickers)


@settings(deadline=None)
@given(some_tickers, st.integers(0, 79), st.integers(1, 80))
def test_a_block_decodes_to_its_rows_and_names_only_their_tickers(tickers: list[str], first: int, count: int) -> None:
    directory, everything = rows(tickers, range(len(tickers)))
    part = everything.take(slice(first, first + count))
    block = decode(directory.encode(part), TRADES_HEADERS)
    assert isinstance(block, pa.RecordBatch)
    expected = batch(tickers, range(len(tickers))).slice(first, count)
    assert block.to_pylist() == expected.to_pylist()
    assert set(block.column("ticker").dictionary.to_pylist()) == set(tickers[first : first + count])


def test_a_ticker_keeps_its_number_from_batch_to_batch() -> None:
    directory = Directory(4)
    one = directory.rows(batch(["A", "B"], [1, 2]), first=0)
    two = directory.rows(batch(["C", "B"], [3, 4]), first=2)
    both = Rows.joined([one, two])
    assert both.ticker.tolist() == [0, 1, 2, 1]
    assert both.ordinal.tolist() == [0, 1, 2, 3]


def test_pieces_are_full_but_for_the_last() -> None:
    _, everything = rows(["A"] * (BLOCK_ROWS + 1), range(BLOCK_ROWS + 1))
    assert [len(piece) for piece in everything.cut(BLOCK_ROWS)] == [BLOCK_ROWS, 1]

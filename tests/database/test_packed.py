"""Packed rows that are not what the job writes: told with shard and table, never taken for what is left of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from database.reads import Reader, _unpacked, _unpacked_day
from riskcontrol.blocks import encode
from riskcontrol.days import encode_day
from riskcontrol.errors import ServerError
from riskcontrol.leaders import encode_leaders
from tests.database.tables import bars
from tests.frontend.fake import leaders

MARKS = encode(pa.record_batch([["IBM", "BAC"], [10, 20], [5, 6]], names=["ticker", "price", "time"]))
DAY = encode_day(bars("IBM", [0]))
LEADERS = encode_leaders(leaders(count=3))
END = 8
"""Bytes of the mark at the end of a stream, without which it is read as well."""


class Rows(Reader):
    """A reader whose shard 3 has these leaders."""

    def __init__(self, block: bytes) -> None:
        self.block = block

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return [(3, b"")]

    def _many(self, query: str, values: Any) -> list[list[tuple[Any, ...]]]:
        return [[(0, self.block)]]


READ: list[tuple[str, bytes, Callable[[bytes], Any]]] = [
    ("marks", MARKS, lambda block: _unpacked({3: block})),
    ("days", DAY, lambda block: _unpacked_day([(3, 0, block)]).to_numpy().tolist()),
    ("leaders", LEADERS, lambda block: str(Rows(block).leaders(until=1))),
]
NAMES = [table for table, _, _ in READ]


@pytest.mark.parametrize(("table", "block", "read"), READ, ids=NAMES)
def test_a_row_that_is_cut_anywhere_is_told_and_one_without_its_end_is_whole(
    table: str, block: bytes, read: Callable[[bytes], Any]
) -> None:
    whole = read(block)
    for length in range(len(block) - END):
        with pytest.raises(ServerError, match=f"row 3 of {table} is damaged"):
            read(block[:length])
    assert read(block[:-END]) == whole


@pytest.mark.parametrize(("table", "block", "read"), READ[:2], ids=NAMES[:2])
def test_a_ticker_that_is_no_text_is_told(table: str, block: bytes, read: Callable[[bytes], Any]) -> None:
    (batch,) = pa.ipc.open_stream(block)
    strange = pa.array([b"\xff"] * len(batch), pa.binary()).view(pa.utf8())
    columns = [strange if name == "ticker" else batch.column(name) for name in batch.schema.names]
    with pytest.raises(ServerError, match=f"row 3 of {table} is damaged"):
        read(encode(pa.record_batch(columns, names=batch.schema.names)))

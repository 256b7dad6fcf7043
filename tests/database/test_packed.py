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
from riskcontrol.packed import unpacked
from tests.database.tables import bars
from tests.frontend.fake import leaders

MARKS = encode(pa.record_batch([["IBM", "BAC"], [10, 20], [5, 6]], names=["ticker", "price", "time"]))
DAY = encode_day(bars("IBM", [0]))
LEADERS = encode_leaders(leaders(count=3))
END = 8
"""Bytes of the mark at the end of a stream, without which one that isn't compressed is read as well."""


class Rows(Reader):
    """A reader whose shard 3 has these leaders."""

    def __init__(self, block: bytes) -> None:
        self.block = block

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return [(3, b"")]

    def _many(self, query: str, values: Any) -> list[list[tuple[Any, ...]]]:
        return [[(0, self.block)]]


def by_buffer(*tables: pa.RecordBatch) -> bytes:
    """Return a packed row of an earlier version: streams whose buffers are compressed one by one."""
    sink = pa.BufferOutputStream()
    for table in tables:
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_batch(table)
    return bytes(sink.getvalue())


def read_day(block: bytes) -> Any:
    return _unpacked_day([(3, 0, block)]).to_numpy().tolist()


def read_leaders(block: bytes) -> str:
    return str(Rows(block).leaders(until=1))


READ: list[tuple[str, bytes, int, Callable[[bytes], Any]]] = [
    ("marks", MARKS, END, lambda block: _unpacked({3: block})),
    ("days", DAY, 0, read_day),
    ("leaders", LEADERS, 0, read_leaders),
    ("days", by_buffer(*unpacked(DAY)), END, read_day),
    ("leaders", by_buffer(*unpacked(LEADERS, 3)), END, read_leaders),
]
NAMES = ["marks", "days", "leaders", "days of before", "leaders of before"]


@pytest.mark.parametrize(("table", "block", "end", "read"), READ, ids=NAMES)
def test_a_row_that_is_cut_anywhere_is_told_and_one_without_its_end_is_whole(
    table: str, block: bytes, end: int, read: Callable[[bytes], Any]
) -> None:
    whole = read(block)
    for length in range(len(block) - end):
        with pytest.raises(ServerError, match=f"row 3 of {table} is damaged"):
            read(block[:length])
    assert read(block[: len(block) - end]) == whole


@pytest.mark.parametrize(
    ("length", "told"),
    [(b"\xff\xff\xff\x7f", "its length"), (b"\xfe\xff\xff\xff", "its length"), (bytes(4), ""), (b"\x01\0\0\0", "")],
)
@pytest.mark.parametrize(("block", "read"), [(DAY, read_day), (LEADERS, read_leaders)], ids=["days", "leaders"])
def test_a_row_whose_length_is_damaged_is_told_and_takes_no_memory(
    block: bytes, read: Callable[[bytes], Any], length: bytes, told: str
) -> None:
    with pytest.raises(ServerError, match=rf"row 3 of .* is damaged \({told}"):
        read(length + block[4:])


def test_rows_of_before_are_read_as_those_of_now() -> None:
    for (_, now, _, read), (_, before, _, _) in zip(READ[1:3], READ[3:], strict=True):
        assert now != before
        assert read(now) == read(before)


@pytest.mark.parametrize(("table", "block", "_end", "read"), READ[:2], ids=NAMES[:2])
def test_a_ticker_that_is_no_text_is_told(table: str, block: bytes, _end: int, read: Callable[[bytes], Any]) -> None:
    (batch,) = unpacked(block)
    strange = pa.array([b"\xff"] * len(batch), pa.binary()).view(pa.utf8())
    columns = [strange if name == "ticker" else batch.column(name) for name in batch.schema.names]
    with pytest.raises(ServerError, match=f"row 3 of {table} is damaged"):
        read(encode(pa.record_batch(columns, names=batch.schema.names)))

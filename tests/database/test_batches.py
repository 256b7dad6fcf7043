from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cassandra import ConsistencyLevel
from cassandra.marshal import double_pack, int64_pack, uint32_pack
from cassandra.protocol import BatchMessage, ProtocolHandler
from cassandra.query import BatchType
from hypothesis import given
from hypothesis import strategies as st

from database.batches import EncodedBatch, EncodedHandler, encode_rows

STATEMENT: Any = SimpleNamespace(query_id=bytes(range(16)))

texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
shared = st.sampled_from(["", "{}", "a rule", "größer"])
Row = tuple[str, int, str, int, float, str, str]
rows = st.lists(
    st.tuples(
        texts, st.integers(-(2**63), 2**63 - 1), texts, st.integers(0, 2**32 - 1), st.floats(), shared, st.text()
    ),
    min_size=1,
    max_size=30,
)


def columns(table: list[Row]) -> list[Any]:
    first, number, second, day, real, third, fourth = zip(*table, strict=True)
    return [
        np.array([text.encode() for text in first], "S32"),
        np.array(number, np.int64),
        np.array([text.encode() for text in second], "S16"),
        np.array(day, np.uint32),
        np.array(real, np.float64),
        np.array(third, np.object_),
        np.array(fourth, np.object_),
    ]


def frame(handler: Any, queries: Any, timestamp: int) -> bytes:
    message = BatchMessage(BatchType.UNLOGGED, queries, ConsistencyLevel.LOCAL_QUORUM, timestamp=timestamp)
    return bytes(handler.encode_message(message, 7, 4, None, False))


@given(rows, st.integers(0, 2**62), st.data())
def test_a_batch_is_byte_for_byte_what_the_driver_makes_value_by_value(
    table: list[Row], timestamp: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(table) - 1))
    end = data.draw(st.integers(first + 1, len(table)))
    ours = EncodedBatch(encode_rows(STATEMENT, columns(table)), first, end)
    plain = [
        (
            True,
            STATEMENT.query_id,
            [a.encode(), int64_pack(n), b.encode(), uint32_pack(day), double_pack(x), c.encode(), d.encode()],
        )
        for a, n, b, day, x, c, d in table[first:end]
    ]
    assert frame(EncodedHandler, ours._statements_and_parameters, timestamp) == frame(ProtocolHandler, plain, timestamp)


def test_a_timestamp_of_its_own_beats_the_session_s() -> None:
    encoded = encode_rows(STATEMENT, [np.array([1])])
    with_own = EncodedBatch(encoded, 0, 1, timestamp=5)._statements_and_parameters
    without = EncodedBatch(encoded, 0, 1)._statements_and_parameters
    assert frame(EncodedHandler, with_own, 99) == frame(EncodedHandler, without, 5)


def test_columns_of_objects_come_last() -> None:
    with pytest.raises(ValueError, match="last"):
        encode_rows(STATEMENT, [np.array(["{}"], np.object_), np.array([1])])


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, ">i8"])
def test_any_signed_integer_goes_as_a_bigint(dtype: Any) -> None:
    encoded = encode_rows(STATEMENT, [np.array([-3], dtype)])
    assert bytes(encoded.body).endswith(int64_pack(-3))


def test_columns_that_are_slices_of_wider_records_are_read_right() -> None:
    records = np.array([(b"ann", 1), (b"bob", 2)], [("name", "S8"), ("number", "i8")])
    strided = encode_rows(STATEMENT, [records["name"], records["number"]])
    packed = encode_rows(STATEMENT, [np.array([b"ann", b"bob"]), np.array([1, 2])])
    assert (bytes(strided.body), strided.starts) == (bytes(packed.body), packed.starts)


def test_other_messages_are_left_to_the_driver() -> None:
    plain = [(False, "INSERT", ())]
    assert frame(EncodedHandler, plain, 1) == frame(ProtocolHandler, plain, 1)

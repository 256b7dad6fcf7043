"""Batches of rows encoded by whole columns.

The driver binds and packs value by value, some 10 µs a row. A row of a batch is, on the wire, the prepared
statement's id and for each value its length and its bytes; all of that but the text has a fixed width. So NumPy
lays the rows out as an array of records, one pass a column, and squeezes out the padding of the text. Long texts that
most rows share would be padding for the most part: each of them is encoded once and put behind the rows that have it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
from cassandra.protocol import BatchMessage, ProtocolHandler
from cassandra.query import BatchStatement, BatchType, PreparedStatement
from numpy.typing import NDArray

Column = NDArray[Any]
"""Values of a column: signed integers for bigint, floats for double, uint32 for date (days since 1970 plus 2³¹),
ASCII bytes for text, objects of `str` for text that few rows have of their own."""

_BATCH_HEAD = struct.Struct(">BH")  # kind of batch, number of rows
_BATCH_TAIL = struct.Struct(">HBq")  # consistency level, flags, timestamp
_FRAME_HEAD = struct.Struct(">BBhBi")  # protocol version, flags, stream, opcode, length of the body
_WITH_TIMESTAMP = 0x20


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Rows as they go over the wire: row i is ``body[starts[i]:starts[i + 1]]``."""

    body: memoryview
    starts: list[int]

    def __len__(self) -> int:
        return len(self.starts) - 1


def encode_rows(statement: PreparedStatement, columns: Sequence[Column]) -> EncodedRows:
    """Encode rows for a batch of a prepared statement.

    Args:
        statement: An INSERT or UPDATE.
        columns: The values of its markers, in order, all of one length; those of objects come last.
    """
    plain = [column for column in columns if column.dtype.kind != "O"]
    shared = columns[len(plain) :]
    if any(column.dtype.kind != "O" for column in shared):
        raise ValueError("columns of objects come last")
    encoded = _encode_plain(statement, plain, len(columns))
    return _followed_by([_encode_texts(column) for column in shared], encoded) if shared else encoded


def _encode_texts(column: NDArray[np.object_]) -> list[bytes]:
    """Return each text as it goes over the wire, encoding equal ones once."""
    values = column.tolist()
    wire = {text: struct.pack(">i", len(data := text.encode())) + data for text in set(values)}
    return [wire[text] for text in values]


def _followed_by(texts: Sequence[list[bytes]], rows: EncodedRows) -> EncodedRows:
    """Put texts behind the rows that they belong to."""
    body = bytes(rows.body)
    parts = [body[start:end] for start, end in pairwise(rows.starts)]
    lengths = np.diff(rows.starts) + sum(np.fromiter(map(len, column), np.int64, len(rows)) for column in texts)
    joined = b"".join(chain.from_iterable(zip(parts, *texts, strict=True)))
    return EncodedRows(memoryview(joined), [0, *np.cumsum(lengths).tolist()])


def _encode_plain(statement: PreparedStatement, columns: Sequence[Column], markers: int) -> EncodedRows:
    """Encode what has no objects in it; `markers` counts all columns of the statement."""
    rows = len(columns[0])
    identity = statement.query_id
    head = struct.pack(f">BH{len(identity)}sH", 1, len(identity), identity, markers)
    text = {i: _bytes_of(column) for i, column in enumerate(columns) if column.dtype.kind == "S"}
    layout: list[Any] = [("head", f"V{len(head)}")]
    for i, column in enumerate(columns):
        layout.append((f"length{i}", ">i4"))
        layout.append((f"{i}", "u1", (text[i].shape[1],)) if i in text else (f"{i}", wire_type(column)))
    record = np.dtype(layout)
    offsets = {name: field[1] for name, field in (record.fields or {}).items()}
    records = np.empty(rows, record)
    records["head"] = np.void(head)
    width = record.itemsize
    kept = np.ones((rows, width), np.bool_)
    lengths = np.full(rows, width, np.int64)
    for i, column in enumerate(columns):
        if i in text:
            used = text[i] != 0
            length = used.sum(axis=1)
            kept[:, offsets[str(i)] : offsets[str(i)] + used.shape[1]] = used
            lengths -= used.shape[1] - length
            records[f"length{i}"], records[str(i)] = length, text[i]
        else:
            records[f"length{i}"], records[str(i)] = wire_type(column).itemsize, column
    body = records.view(np.uint8).reshape(rows, width)[kept]
    return EncodedRows(memoryview(body.data), [0, *np.cumsum(lengths).tolist()])


def wire_type(column: Column) -> np.dtype[Any]:
    """Return the type that a column of numbers has on the wire."""
    return np.dtype({"u": ">u4", "f": ">f8"}.get(column.dtype.kind, ">i8"))


def _bytes_of(column: NDArray[np.bytes_]) -> NDArray[np.uint8]:
    """Return text as rows of bytes, no wider than the longest of them."""
    if not column.dtype.itemsize or not len(column):
        return np.zeros((len(column), 0), np.uint8)
    wide = np.ascontiguousarray(column).view(np.uint8).reshape(len(column), -1)
    return wide[:, : int(np.flatnonzero(wide.any(axis=0)).max(initial=-1)) + 1]


@dataclass(frozen=True, slots=True)
class _Payload:
    """What `EncodedBatch` puts where the driver keeps a batch's statements."""

    rows: memoryview
    count: int
    timestamp: int | None

    def __len__(self) -> int:
        return self.count


class EncodedBatch(BatchStatement):
    """An unlogged batch of encoded rows; its session must use `EncodedHandler`.

    Args:
        rows: Encoded rows.
        first: The first of them that goes into this batch.
        end: The one after the last, at most 65,535 further.
        timestamp: Of all its writes, microseconds; without one, now.
        routing_key: Of a row in it, for which a replica is chosen.
        keyspace: Keyspace of the table, which the choice needs as well.
    """

    def __init__(
        self,
        rows: EncodedRows,
        first: int,
        end: int,
        *,
        timestamp: int | None = None,
        routing_key: bytes | None = None,
        keyspace: str | None = None,
    ) -> None:
        super().__init__(BatchType.UNLOGGED)
        body = rows.body[rows.starts[first] : rows.starts[end]]
        self._statements_and_parameters = _Payload(body, end - first, timestamp)
        self.is_idempotent = True
        self.routing_key = routing_key
        self.keyspace = keyspace


class EncodedHandler(ProtocolHandler):
    """The driver's protocol handler, which knows encoded batches as well."""

    @classmethod
    def encode_message(
        cls, msg: Any, stream_id: int, protocol_version: int, compressor: Any, allow_beta_protocol_version: bool
    ) -> bytes:
        """Return a message's frame."""
        if not (isinstance(msg, BatchMessage) and isinstance(msg.queries, _Payload)):
            frame: bytes = super().encode_message(
                msg, stream_id, protocol_version, compressor, allow_beta_protocol_version
            )
            return frame
        payload = msg.queries
        timestamp = msg.timestamp if payload.timestamp is None else payload.timestamp
        head = _BATCH_HEAD.pack(BatchType.UNLOGGED.value, payload.count)
        tail = _BATCH_TAIL.pack(msg.consistency_level, _WITH_TIMESTAMP, timestamp)
        size = len(head) + len(payload.rows) + len(tail)
        frame_head = _FRAME_HEAD.pack(protocol_version, 0, stream_id, msg.opcode, size)
        return b"".join((frame_head, head, payload.rows, tail))

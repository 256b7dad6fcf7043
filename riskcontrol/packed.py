"""Small tables as the bytes of a row: Arrow IPC streams, compressed together.

Arrow would compress each buffer of each column by itself: of tables of a hundred rows that takes ten times as long, and
two to three times the bytes.
"""

from __future__ import annotations

import pyarrow as pa

_CODEC = "zstd"
_LENGTH = 4
"""Bytes, little-endian, that say how long the streams are."""
_MOST = 1 << 28
"""Bytes of streams that are unpacked at most: a length that is damaged must not take all memory."""
_STREAM = b"\xff" * _LENGTH
"""How an Arrow stream begins: one that isn't compressed, or, of earlier versions, buffer by buffer."""


def packed(*tables: pa.RecordBatch) -> bytes:
    """Return tables as bytes: the length of their Arrow IPC streams, and these compressed with zstd."""
    sink = pa.BufferOutputStream()
    for table in tables:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_batch(table)
    streams = sink.getvalue()
    return len(streams).to_bytes(_LENGTH, "little") + pa.compress(streams, _CODEC, asbytes=True)


def unpacked(block: bytes, count: int = 1) -> list[pa.RecordBatch]:
    """Return the tables in what `packed` made, or in Arrow streams as they are, validated.

    Args:
        block: The bytes.
        count: How many tables there are.

    Raises:
        pa.ArrowException: It is something else; or OSError or ValueError: it is a part.

    >>> table = pa.record_batch({"ticker": ["IBM"], "price": [182_000_000]})
    >>> unpacked(packed(table))[0].to_pylist()
    [{'ticker': 'IBM', 'price': 182000000}]
    """
    streams = block
    if not block.startswith(_STREAM):
        length = int.from_bytes(block[:_LENGTH], "little")
        if len(block) <= _LENGTH or length > _MOST:
            raise ValueError("its length is damaged")
        streams = pa.decompress(block[_LENGTH:], length, _CODEC)
    source = pa.BufferReader(streams)
    tables = []
    for _ in range(count):
        (table,) = list(pa.ipc.open_stream(source))
        table.validate(full=True)  # or offsets beyond their buffer would be followed
        tables.append(table)
    return tables

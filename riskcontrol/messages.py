"""Looks at the messages of an Arrow stream before they are read: a small one may unpack to hundreds of gigabytes.

What a batch's body unpacks to stands in its metadata, a flatbuffer (Arrow's ``Message.fbs``). Ours are never
compressed, so that a body that is, is refused; so is a batch or dictionary of more rows than a block may have.
"""

from __future__ import annotations

import struct

import pyarrow as pa

from riskcontrol.errors import TapeError

# Places of fields in the tables of Message.fbs.
_HEADER_TYPE, _HEADER = 1, 2
_DICTIONARY_DATA = 1
_LENGTH, _COMPRESSION = 0, 3
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_MOST_MESSAGES = 100


def check_plain(value: bytes, most_rows: int) -> None:
    """Refuse an Arrow stream whose batches are compressed or have too many rows.

    Args:
        value: The stream.
        most_rows: Most rows in a batch or dictionary.

    Raises:
        TapeError: It is one of those, or its metadata makes no sense.
        pa.ArrowInvalid: It isn't an Arrow stream.
    """
    messages = pa.ipc.MessageReader.open_stream(pa.py_buffer(value))
    for _ in range(_MOST_MESSAGES):
        try:
            message = messages.read_next_message()
        except StopIteration:
            return
        metadata = message.metadata
        if metadata is None:
            return
        try:
            rows, compressed = _batch(metadata.to_pybytes())
        except (struct.error, ValueError) as error:
            raise TapeError("not an Arrow stream: its metadata is damaged") from error
        if compressed:
            raise TapeError("its columns are compressed; blocks are not")
        if not 0 <= rows <= most_rows:
            raise TapeError(f"{rows:,} rows; at most {most_rows:,} are accepted")
    raise TapeError(f"more than {_MOST_MESSAGES} messages; a block is one batch")


def _batch(data: bytes) -> tuple[int, bool]:
    """Return a message's number of rows and whether its body is compressed; (0, False) if it has no batch."""
    root = _unsigned(data, 0)
    kind = data[at] if (at := _field(data, root, _HEADER_TYPE)) else 0
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH):
        return 0, False
    batch = _table(data, root, _HEADER)
    if kind == _DICTIONARY_BATCH:
        batch = _table(data, batch, _DICTIONARY_DATA)
    at = _field(data, batch, _LENGTH)
    rows = struct.unpack_from("<q", data, at)[0] if at else 0
    return rows, bool(_field(data, batch, _COMPRESSION))


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a table's field is, 0 if the table hasn't got it."""
    layout = table - struct.unpack_from("<i", data, table)[0]
    place = 4 + 2 * number
    if layout < 0 or place >= struct.unpack_from("<H", data, layout)[0]:
        return 0
    offset = struct.unpack_from("<H", data, layout + place)[0]
    at = table + offset if offset else 0
    if at >= len(data):
        raise ValueError("a field outside of its message")
    return int(at)


def _table(data: bytes, table: int, number: int) -> int:
    at = _field(data, table, number)
    if not at:
        raise ValueError("a table is missing")
    return at + _unsigned(data, at)


def _unsigned(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])

"""Reading a whole tape back, for tests."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ingestion.producer import TapeReader
from ingestion.topic import ensure_topic
from riskcontrol.blocks import OPENINGS_HEADERS, TRADES_HEADERS, decode
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.trades import TRADES

Row = dict[str, Any]


def records(settings: Settings) -> list[list[Any]]:
    """Return all records of each partition."""
    with TapeReader(settings) as tape:
        return [list(tape.read(p, *tape.bounds(p))) for p in range(ensure_topic(settings))]


def tables(settings: Settings, source: str | None = None) -> list[pa.Table]:
    """Return the trades of each partition, of one source or of all, the ticker as plain text."""
    found: list[pa.Table] = []
    plain = TRADES.set(0, pa.field("ticker", pa.utf8(), nullable=False))
    for partition in records(settings):
        blocks: list[pa.RecordBatch] = []
        for record in partition:
            headers = dict(record.headers)
            if headers.get("type") == b"trades" and source in (None, headers["source"].decode()):
                block = decode(record.value, record.headers)
                assert isinstance(block, pa.RecordBatch)
                assert list(record.headers)[:2] == TRADES_HEADERS
                columns = [block.column(0).dictionary_decode(), *block.columns[1:]]
                blocks.append(pa.record_batch(columns, schema=plain))
        found.append(pa.Table.from_batches(blocks, schema=plain).combine_chunks())
    return found


def trades(settings: Settings, source: str | None = None) -> list[list[Row]]:
    """Return the same as rows."""
    return [table.to_pylist() for table in tables(settings, source)]


def openings(settings: Settings) -> list[list[Openings]]:
    """Return the blocks of openings of each partition."""
    found: list[list[Openings]] = []
    for partition in records(settings):
        blocks = [decode(r.value, r.headers) for r in partition if list(r.headers) == OPENINGS_HEADERS]
        found.append([block for block in blocks if isinstance(block, Openings)])
    return found

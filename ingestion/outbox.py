"""From rows to blocks on the tape, keeping all partitions busy."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from ingestion.columns import BLOCK_ROWS, Directory, Rows
from ingestion.producer import TapeProducer
from ingestion.progress import Trail
from ingestion.reading import Reading
from ingestion.topic import partition_of
from riskcontrol.blocks import MAX_SPLITS, SPLITS_HEADERS, TRADES_HEADERS, encode, splits_batch
from riskcontrol.rows import Splits


class Outbox:
    """Sends the rows of one source as blocks, each partition's in order.

    Args:
        producer: Where they go.
        trails: For each partition, what is known of it.
        directory: The tickers.
        name: The source's name on the tape.
        reading: Where the rows come from.
    """

    def __init__(
        self, producer: TapeProducer, trails: list[Trail], directory: Directory, name: str, reading: Reading
    ) -> None:
        self._producer = producer
        self._trails = trails
        self._directory = directory
        self._name = name
        self._reading = reading
        self._rest: list[Rows | None] = [None] * len(trails)

    def add(self, rows: Rows, *, at_once: bool) -> None:
        """Send rows, in as many blocks as they need.

        Args:
            rows: The rows.
            at_once: Send the blocks that aren't full as well, rather than wait for the next rows.
        """
        parts = [
            part if rest is None else Rows.joined([rest, part])
            for part, rest in zip(self._directory.split(rows), self._rest, strict=True)
        ]
        self._rest = [None] * len(parts)
        blocks: list[list[Rows]] = []
        for partition, part in enumerate(parts):
            *full, last = part.cut(BLOCK_ROWS) if len(part) else [part]
            if at_once or len(last) == BLOCK_ROWS:
                full.append(last)
            else:
                self._rest[partition] = last
            blocks.append(full)
        # In turns: a partition takes a block only when it has acknowledged the one before.
        for turn in zip_longest(*blocks):
            for partition, block in enumerate(turn):
                if block is not None and len(block):
                    self._send(partition, block)

    def announce(self, splits: Splits) -> None:
        """Send splits, each to the partition of its ticker, and wait until they are acknowledged.

        Trades added before that are still to be sent come after them: the engine applies a split by time.
        """
        partitions = np.array([partition_of(t.decode("ascii"), len(self._trails)) for t in splits.ticker.tolist()])
        for partition in np.unique(partitions).tolist():
            self._settle(partition)
            rows = np.flatnonzero(partitions == partition)
            for first in range(0, len(rows), MAX_SPLITS):
                block = splits_batch(splits.take(rows[first : first + MAX_SPLITS]))
                self._producer.send(partition, encode(block), SPLITS_HEADERS)
            self._producer.wait(partition)

    def flush(self) -> None:
        """Send what is left, and wait until all is acknowledged."""
        for partition, rest in enumerate(self._rest):
            if rest is not None and len(rest):
                self._send(partition, rest)
        self._rest = [None] * len(self._rest)
        for partition in range(len(self._trails)):
            self._settle(partition)

    def complete(self) -> None:
        """Note that the whole source is on the tape; the next source's blocks will say so."""
        for trail in self._trails:
            held = trail.ledger.get(self._name)
            trail.complete(self._name, self._reading.mark(held.last if held else -1, complete=True))

    def _send(self, partition: int, rows: Rows) -> None:
        self._settle(partition)
        mark = self._reading.mark(int(rows.ordinal[-1]))
        headers = self._trails[partition].headers(self._name, mark, int(rows.ordinal[0]))
        self._producer.send(partition, self._directory.encode(rows), [*TRADES_HEADERS, *headers])

    def _settle(self, partition: int) -> None:
        offset = self._producer.wait(partition)
        if offset is not None:
            self._trails[partition].acknowledged(offset)

"""Reading a source for the tape: its rows in the order they go out in, less those that the tape holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ingestion.columns import Directory, Rows
from ingestion.progress import Mark, Order
from ingestion.replay import in_time, sorted_by_time
from riskcontrol.errors import InputError

if TYPE_CHECKING:
    from ingestion.sources import Source


class Reading:
    """The rows of a source that are still to be sent.

    Args:
        source: The source.
        name: Its name on the tape.
        marks: What each partition holds of it, None for nothing.
        directory: The tickers.
        by_time: Whether the rows must come in time order.
        stop: Set to end early.

    Raises:
        InputError: The tape holds another source of this name.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        marks: Sequence[Mark | None],
        directory: Directory,
        *,
        by_time: bool,
        stop: threading.Event,
    ) -> None:
        known = [mark for mark in marks if mark is not None]
        if other := [mark for mark in known if mark.size != source.size]:
            raise InputError(
                f"the tape holds a source of this name with {other[0].size:,} bytes; this one has {source.size:,}. "
                "If it is another one, send it under another name with --as",
                source=name,
            )
        self._source = source
        self._name = name
        self._directory = directory
        self._by_time = by_time
        self._stop = stop
        self._begun = known[0].order if known else None
        self._last = np.array([mark.last if mark is not None else -1 for mark in marks])
        self.sent_before = max((mark.rows for mark in known), default=-1)
        """Rows of a source that the tape holds wholly, or -1."""
        self.order: Order = "file"
        """The order of the rows, known once the first of them came."""
        self.rows = 0
        """Rows read so far."""
        self.skipped = 0
        """Rows left out so far, as the tape holds them."""
        self.finished = False
        """Whether the source was read to its end."""

    def mark(self, last: int, *, complete: bool = False) -> Mark:
        """Return the mark of a partition that holds the rows up to one."""
        return Mark(last, self._source.size, self.order, self.rows if complete else -1)

    def __iter__(self) -> Iterator[Rows]:
        """Give the rows; a batch that the tape holds wholly comes as one without rows, as a sign of life."""
        for rows in self._ordered():
            if self._stop.is_set():
                return
            wanted = rows.ordinal > self._last[self._directory.partitions_of(rows)]
            if wanted.all():
                yield rows
            else:
                self.skipped += len(rows) - int(np.count_nonzero(wanted))
                yield rows.take(wanted)
        self.finished = not self._stop.is_set()

    def _ordered(self) -> Iterator[Rows]:
        batches = self._read()
        if self._begun == "time":
            self.order = "time"
            yield sorted_by_time(batches, source=self._name)
        elif self._by_time:
            order, batches = in_time(batches, source=self._name)
            if self._begun is not None and order != self._begun:
                raise InputError(
                    "it is not in time order, and a part of it was sent in the order of the file; "
                    "go on with --speed max, or send it anew under another name with --as",
                    source=self._name,
                )
            self.order = order
            yield from batches
        else:
            yield from batches

    def _read(self) -> Iterator[Rows]:
        for batch in self._source.batches():
            if self._stop.is_set():
                return
            if len(batch):
                rows = self._directory.rows(batch, first=self.rows)
                self.rows += len(batch)
                yield rows

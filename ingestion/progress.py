"""How far each source has got, written on the tape itself, so that a producer killed at any moment can go on.

Every block that the producer writes carries, beside the type and schema of `riskcontrol.blocks`, these headers:

* ``source``, ``size``, ``order``: the source's name, its bytes, and whether its rows go out in the order of the file
  (``file``) or sorted by time (``time``);
* ``rows``: ``first-last``, the ordinals of the block's first and last row in that source;
* ``previous``: an offset of this partition; whatever was written before it is in the ledger;
* ``ledger``: JSON, what this partition holds of the *other* sources, or ``ledger-at``: the offset of an earlier
  block with the ledger that still holds.

A block is sent to a partition only when the one before it is acknowledged, so a partition never has a gap, and the
newest block tells everything that came before it. What lies between two blocks of one producer (openings of
strategies, trades of other producers) it reads when the second is acknowledged, so the ledger knows what concurrent
producers sent, and a second producer of the *same* source is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from riskcontrol.blocks import Headers
from riskcontrol.errors import TapeError

Order = Literal["file", "time"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of a source one partition holds.

    Args:
        last: Ordinal of the last row it holds, -1 for none.
        size: Bytes of the source, to tell two of one name apart.
        order: The order its rows go out in.
        rows: How many rows the source has in all, once every partition holds all of its own; until then -1.
    """

    last: int
    size: int
    order: Order = "file"
    rows: int = -1

    @property
    def complete(self) -> bool:
        """Whether the whole source is on the tape."""
        return self.rows >= 0


@dataclass(frozen=True, slots=True)
class Stamp:
    """The headers of one block, read back."""

    source: str
    mark: Mark
    first: int
    previous: int
    ledger: dict[str, Mark] | None
    ledger_at: int


class Record(Protocol):
    """What is used of a record of the tape."""

    @property
    def offset(self) -> int:
        """Its offset."""

    @property
    def headers(self) -> Iterable[tuple[str, bytes]]:
        """Its headers."""


class Tape(Protocol):
    """What is used of the tape to read back progress."""

    def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset and the one after the last."""

    def read(self, partition: int, first: int, end: int) -> Iterator[Record]:
        """Give the records with offsets from `first` up to, not with, `end`."""


def stamp(headers: Iterable[tuple[str, bytes]]) -> Stamp | None:
    """Return what the headers of a block say, or None where the producer did not write it.

    >>> stamp([("type", b"strategies"), ("schema", b"1")]) is None
    True
    """
    given = dict(headers)
    try:
        first, last = map(int, given["rows"].decode().split("-"))
        order = given["order"].decode()
        if not (0 <= first <= last) or order not in ("file", "time"):
            return None
        ledger = _ledger(json.loads(given["ledger"])) if "ledger" in given else None
        return Stamp(
            source=given["source"].decode(),
            mark=Mark(last, int(given["size"]), cast(Order, order)),
            first=first,
            previous=int(given["previous"]),
            ledger=ledger,
            ledger_at=int(given["ledger-at"]) if ledger is None else -1,
        )
    except (RecursionError, KeyError, ValueError, TypeError, AttributeError):  # anyone may write to the topic
        return None


def _ledger(marks: dict[str, list[Any]]) -> dict[str, Mark]:
    return {name: Mark(int(last), int(size), order, int(rows)) for name, (last, size, order, rows) in marks.items()}


def merge(ledger: dict[str, Mark], marks: dict[str, Mark]) -> bool:
    """Add to the ledger what is newer in `marks`; return whether anything was."""
    newer = {
        name: mark
        for name, mark in marks.items()
        if name not in ledger or (mark.rows, mark.last) > (ledger[name].rows, ledger[name].last)
    }
    ledger.update(newer)
    return bool(newer)


def recover(tape: Tape, partition: int) -> tuple[dict[str, Mark], int]:
    """Read back what one partition holds.

    Args:
        tape: The tape.
        partition: Which one.

    Returns:
        The mark of each source, and the offset up to which the tape was read.

    Raises:
        TapeError: The block that holds the ledger can't be read any more.
    """
    begin, end = tape.bounds(partition)
    found = _newest(tape, partition, begin, end)
    if found is None:
        return {}, end
    offset, newest = found
    ledger = newest.ledger
    if ledger is None:
        holder = next((stamp(r.headers) for r in tape.read(partition, newest.ledger_at, newest.ledger_at + 1)), None)
        if holder is None or holder.ledger is None:
            raise TapeError(
                f"partition {partition}: the record at {newest.ledger_at}, which tells what was sent before {offset}, "
                "is gone or spoilt; send what is missing under a new name with --as"
            )
        ledger = holder.ledger
    ledger = dict(ledger)
    for record in tape.read(partition, max(begin, newest.previous), end):
        if (other := stamp(record.headers)) is not None:
            merge(ledger, (other.ledger or {}) | {other.source: other.mark})
    return ledger, end


def _newest(tape: Tape, partition: int, begin: int, end: int) -> tuple[int, Stamp] | None:
    """Look back from the end for a block of the producer: others may have written any number after it."""
    window = 8
    while end > begin:
        first = max(begin, end - window)
        found = [(r.offset, s) for r in tape.read(partition, first, end) if (s := stamp(r.headers)) is not None]
        if found:
            return found[-1]
        end, window = first, min(window * 4, 8_192)
    return None


class Trail:
    """What this producer knows of one partition and writes into its blocks' headers.

    Args:
        tape: To read what others wrote in between.
        partition: Which one.
        ledger: What the partition holds, as `recover` returned it.
        end: The offset up to which that is known.
    """

    def __init__(self, tape: Tape, partition: int, ledger: dict[str, Mark], end: int) -> None:
        self._tape = tape
        self._partition = partition
        self._known = end
        self._ledger_at = -1
        self._sent: tuple[str, Mark, bool] | None = None
        self.ledger = ledger

    def headers(self, source: str, mark: Mark, first: int) -> Headers:
        """Return the headers of the next block.

        Args:
            source: Name of the source.
            mark: How far the partition is with it once this block is written.
            first: Ordinal of the block's first row.
        """
        given = [
            ("source", source.encode()),
            ("size", b"%d" % mark.size),
            ("order", mark.order.encode()),
            ("rows", b"%d-%d" % (first, mark.last)),
            ("previous", b"%d" % self._known),
        ]
        self._sent = (source, mark, self._ledger_at < 0)
        if self._ledger_at >= 0:
            return [*given, ("ledger-at", b"%d" % self._ledger_at)]
        others = {n: [m.last, m.size, m.order, m.rows] for n, m in self.ledger.items() if n != source}
        return [*given, ("ledger", json.dumps(others, separators=(",", ":")).encode())]

    def acknowledged(self, offset: int) -> None:
        """Note that the block of the last `headers` was written.

        Args:
            offset: Its offset.

        Raises:
            TapeError: Another producer sends the same source.
        """
        if self._sent is None:
            return
        source, mark, carried = self._sent
        if carried:
            self._ledger_at = offset
        if offset > self._known:
            self._learn(source, offset)
        self.ledger[source] = mark
        self._known = offset + 1

    def complete(self, source: str, mark: Mark) -> None:
        """Note that every partition holds all that it should of a source."""
        self.ledger[source] = mark
        self._ledger_at = -1

    def _learn(self, source: str, offset: int) -> None:
        for record in self._tape.read(self._partition, self._known, offset):
            other = stamp(record.headers)
            if other is None:
                continue
            if other.source == source:
                raise TapeError(
                    f"another producer sends {source!r} to this tape as well (partition {self._partition}, offset "
                    f"{record.offset}): rows {other.first} to {other.mark.last} may be on it twice; stop one of the two"
                )
            if merge(self.ledger, (other.ledger or {}) | {other.source: other.mark}):
                self._ledger_at = -1

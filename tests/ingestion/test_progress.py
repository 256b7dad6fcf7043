"""However producers are killed and interleave, the tape tells exactly what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.progress import Mark, Trail, merge, recover, stamp
from riskcontrol.blocks import OPENINGS_HEADERS, TRADES_HEADERS, Headers
from riskcontrol.errors import TapeError


@dataclass
class Record:
    """A record of the tape."""

    offset: int
    headers: Headers


@dataclass
class Memory:
    """A partition in memory."""

    records: list[Record] = field(default_factory=list)
    begin: int = 0

    def bounds(self, partition: int) -> tuple[int, int]:
        """First offset, and the one after the last."""
        return self.begin, len(self.records)

    def read(self, partition: int, first: int, end: int) -> Iterator[Record]:
        """Records in between."""
        return iter([record for record in self.records[first:end] if record.offset >= self.begin])

    def append(self, headers: Headers) -> int:
        """Write a record; return its offset."""
        self.records.append(Record(len(self.records), [*TRADES_HEADERS, *headers]))
        return len(self.records) - 1


class Producer:
    """Sends one source after the other, each of its own."""

    def __init__(self, tape: Memory, number: int) -> None:
        self.tape, self.number, self.source = tape, number, 0
        self.start()

    @property
    def name(self) -> str:
        """Name of the present source."""
        return f"{self.number}/{self.source}"

    def start(self) -> None:
        """Begin anew, as a process does after a kill: only the tape is known."""
        self.trail = Trail(self.tape, 0, *recover(self.tape, 0))
        self.in_flight: Headers | None = None
        self.written: int | None = None
        self.next = self.trail.ledger[self.name].last + 1 if self.name in self.trail.ledger else 0

    def send(self) -> None:
        """Have the next block under way, once the one before is acknowledged."""
        self.settle()
        self.in_flight = self.trail.headers(self.name, Mark(self.next + 4, 7), self.next)
        self.next += 5

    def write(self) -> None:
        """Let the block under way reach the tape."""
        if self.in_flight is not None and self.written is None:
            self.written = self.tape.append(self.in_flight)

    def settle(self) -> None:
        """Let it be acknowledged."""
        self.write()
        if self.written is not None:
            self.trail.acknowledged(self.written)
        self.in_flight = self.written = None

    def finish(self) -> None:
        """End the source and begin the next."""
        self.settle()
        self.trail.complete(self.name, Mark(self.next - 1, 7, "file", self.next))
        self.source += 1
        self.next = 0


def held(tape: Memory) -> dict[str, int]:
    """What a partition holds of each source, by reading all of it."""
    found: dict[str, int] = {}
    for record in tape.records:
        if (block := stamp(record.headers)) is not None:
            assert block.first == found.get(block.source, -1) + 1, "a gap, or a row twice"
            found[block.source] = block.mark.last
    return found


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "write", "settle", "finish", "start", "foreign"]), st.integers(0, 2)),
        max_size=60,
    )
)
def test_whatever_happens_the_end_of_the_tape_tells_all_it_holds(steps: list[tuple[str, int]]) -> None:
    tape = Memory()
    producers = [Producer(tape, number) for number in range(3)]
    for step, number in steps:
        if step == "foreign":
            tape.append(OPENINGS_HEADERS if number else [])
        else:
            getattr(producers[number], step)()
        marks, end = recover(tape, 0)
        truth = held(tape)
        assert {name: mark.last for name, mark in marks.items() if mark.last >= 0} == truth
        assert end == len(tape.records)


def test_a_finished_source_is_known_to_be_whole_from_the_next_block_on() -> None:
    tape = Memory()
    producer = Producer(tape, 0)
    producer.send()
    producer.finish()
    assert not recover(tape, 0)[0]["0/0"].complete
    producer.send()
    producer.settle()
    assert recover(tape, 0)[0]["0/0"].rows == 5


def test_any_number_of_foreign_records_may_follow_the_newest_block() -> None:
    tape = Memory()
    producer = Producer(tape, 0)
    producer.send()
    producer.settle()
    for _ in range(5_000):
        tape.append([])
    assert recover(tape, 0)[0]["0/0"].last == 4


def test_a_second_producer_of_the_same_source_is_noticed() -> None:
    tape = Memory()
    one, two = Producer(tape, 0), Producer(tape, 0)
    one.send()
    two.send()
    one.settle()
    with pytest.raises(TapeError, match=r"another producer sends '0/0'.*offset 0"):
        two.settle()


def test_a_ledger_that_is_gone_is_an_error_with_a_remedy() -> None:
    tape = Memory()
    producer = Producer(tape, 0)
    for _ in range(5):
        producer.send()
        producer.settle()
    tape.begin = 3  # the log's beginning was deleted
    with pytest.raises(TapeError, match="--as"):
        recover(tape, 0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"rows": b"9-3"},
        {"rows": b"x"},
        {"order": b"up"},
        {"size": b""},
        {"previous": b"\xff"},
        {"ledger": b"[1]"},
        {"ledger": b'{"a": 3}'},
        {"ledger": b'{"a": [1, 2]}'},
        {"ledger": b"{"},
        {"source": b"\xff"},
    ],
)
def test_headers_that_the_producer_cannot_have_written_are_not_taken_for_its_own(spoilt: dict[str, bytes]) -> None:
    tape = Memory()
    headers = dict(Trail(tape, 0, {}, 0).headers("a", Mark(4, 7), 0))
    assert stamp(headers.items()) is not None
    assert stamp((headers | spoilt).items()) is None


def test_merging_keeps_what_is_newer() -> None:
    ledger = {"a": Mark(5, 1), "b": Mark(5, 1)}
    assert merge(ledger, {"a": Mark(4, 1), "b": Mark(5, 1, "file", 6), "c": Mark(0, 1)})
    assert ledger == {"a": Mark(5, 1), "b": Mark(5, 1, "file", 6), "c": Mark(0, 1)}
    assert not merge(ledger, {"a": Mark(5, 1)})

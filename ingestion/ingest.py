"""Sending trade files to the tape: read, paced, split by partition, nothing twice and nothing never."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.background import background
from ingestion.columns import Directory, Rows
from ingestion.locks import only_one
from ingestion.outbox import Outbox
from ingestion.producer import TapeProducer, TapeReader
from ingestion.progress import Trail, recover
from ingestion.reading import Reading
from ingestion.replay import Slice, paced
from ingestion.splits import Coming
from riskcontrol.errors import InputError
from riskcontrol.newyork import date_of
from riskcontrol.rows import Splits
from riskcontrol.settings import Settings
from riskcontrol.splits import NO_SPLITS, unmet
from riskcontrol.trades import MAX_AHEAD

if TYPE_CHECKING:
    from ingestion.sources import Source

CHUNK_ROWS = 262_144
"""Most rows sent between two looks at whether to stop."""


@dataclass(slots=True)
class Sent:
    """What became of one source.

    Args:
        name: The name it has on the tape.
        sent: Trades sent.
        skipped: Trades that the tape had already.
        complete: Whether all of it is on the tape now.
    """

    name: str
    sent: int = 0
    skipped: int = 0
    complete: bool = False


@dataclass(slots=True)
class Summary:
    """What an ingestion did.

    Args:
        sources: Each source that was begun.
        seconds: How long it took.
        stopped: Whether it was asked to stop before the end.
        time: Event time of the last trade sent, nanoseconds UTC; 0 for none.
        splits: Splits sent.
        unmet: Tickers with splits that no file had, where all were read to their ends.
    """

    sources: list[Sent] = field(default_factory=list)
    seconds: float = 0.0
    stopped: bool = False
    time: int = 0
    splits: int = 0
    unmet: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Trades sent, all sources together."""
        return sum(source.sent for source in self.sources)

    @property
    def skipped(self) -> int:
        """Trades that the tape had already, all sources together."""
        return sum(source.skipped for source in self.sources)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion has got.

    Args:
        source: Name of the present source.
        bytes_read: Bytes read of it.
        size: Its bytes.
        sent: Trades sent, all sources together.
        skipped: Trades that the tape had already, all sources together.
        time: Event time of the last trade sent, nanoseconds UTC; 0 before the first.
        behind: How late the last trades were, seconds of wall time.
    """

    source: str
    bytes_read: int
    size: int
    sent: int
    skipped: int
    time: int
    behind: float


def ingest(
    sources: Sequence[Source],
    settings: Settings,
    *,
    speed: float | None,
    start: datetime.time | None = None,
    name: str | None = None,
    splits: Splits = NO_SPLITS,
    on_progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> Summary:
    """Send the trades of sources to the tape, one source after the other; what it holds already is not sent again.

    Args:
        sources: What to send, in this order.
        settings: Where the tape is; it is created where there is none.
        speed: Seconds of event time in a second of wall time; None sends as fast as can be.
        start: New York time of day at which the replay clock starts; earlier trades are sent at once.
        name: Another name on the tape, to send again what is there; with several sources, the beginning of theirs.
        splits: Sent before the first trade of their ticker at or after their time; of any tickers and days.
        on_progress: Called after each slice sent.
        stop: Set it to end early: what is under way is finished, and the next call goes on from there.

    Returns:
        What was done.

    Raises:
        InputError: A source can't be read, or not at this speed; what came before is on the tape.
        ServerError: The tape can't be written to.
        TapeError: The tape doesn't tell what it holds, or another producer sends the same source.
        ValueError: `speed` isn't more than 0.
    """
    if speed is not None and not 0 < speed < float("inf"):
        raise ValueError(f"speed {speed} is not a number above 0")
    stop = stop or threading.Event()
    began = time.monotonic()
    named = _named(sources, name)
    summary = Summary()
    with ExitStack() as stack:
        for source_name in named:
            stack.enter_context(only_one(settings, source_name))
        producer = stack.enter_context(TapeProducer(settings))
        tape = stack.enter_context(TapeReader(settings))
        trails = [Trail(tape, partition, *recover(tape, partition)) for partition in range(producer.partitions)]
        directory = Directory(producer.partitions)
        coming = Coming(splits, directory)
        unread = False
        for source_name, source in named.items():
            if stop.is_set():
                break
            marks = [trail.ledger.get(source_name) for trail in trails]
            reading = Reading(source, source_name, marks, directory, by_time=speed is not None, stop=stop)
            sent = Sent(source_name)
            summary.sources.append(sent)
            if reading.sent_before >= 0:
                unread = True
                sent.skipped, sent.complete = reading.sent_before, True
                continue
            outbox = Outbox(producer, trails, directory, source_name, reading)
            with closing(background(reading)) as batches:
                try:
                    for part in _slices(batches, source_name, speed, start, stop):
                        _check_clock(part.rows, source)
                        if len(due := coming.before(part.rows)):
                            outbox.announce(due)
                            summary.splits += len(due)
                        outbox.add(part.rows, at_once=speed is not None)
                        sent.sent += len(part.rows)
                        sent.skipped = reading.skipped
                        summary.time = int(part.rows.time[-1]) if len(part.rows) else summary.time
                        if on_progress is not None:
                            on_progress(_progress(source, summary, part.behind))
                except InputError:
                    outbox.flush()
                    raise
            outbox.flush()
            sent.skipped, sent.complete = reading.skipped, reading.finished and not stop.is_set()
            if sent.complete:
                outbox.complete()
        if not (unread or stop.is_set()):
            summary.unmet = unmet(splits, directory.tickers)
    summary.stopped = stop.is_set()
    summary.seconds = time.monotonic() - began
    return summary


def _named(sources: Sequence[Source], name: str | None) -> dict[str, Source]:
    """Return the sources by their names on the tape."""
    named: dict[str, Source] = {}
    for source in sources:
        own = source.name if name is None else name if len(sources) == 1 else f"{name}/{source.name}"
        if own in named:
            raise InputError(
                f"{named[own].location} has the same name; send one of them by itself under another name with --as",
                source=source.location,
            )
        named[own] = source
    return named


def _check_clock(rows: Rows, source: Source) -> None:
    """Refuse trades of the future, which the stream would put aside.

    Raises:
        InputError: There are some.
    """
    if len(rows) and (newest := int(rows.time.max())) > time.time_ns() + MAX_AHEAD:
        raise InputError(
            f"holds trades of {date_of(newest)}, more than a day from now; check the day in its name",
            source=source.location,
        )


def _slices(
    batches: Iterator[Rows], source: str, speed: float | None, start: datetime.time | None, stop: threading.Event
) -> Iterator[Slice]:
    """Give the rows as they are due, at most `CHUNK_ROWS` at once, until told to stop."""
    due = (
        (Slice(rows, 0.0) for rows in batches)
        if speed is None
        else paced(batches, speed=speed, start=start, source=source, pause=stop.wait)
    )
    for part in due:
        for rows in part.rows.cut(CHUNK_ROWS) if len(part.rows) else [part.rows]:
            if stop.is_set():
                return
            yield Slice(rows, part.behind)


def _progress(source: Source, summary: Summary, behind: float) -> Progress:
    return Progress(
        source=summary.sources[-1].name,
        bytes_read=source.report.bytes_read,
        size=source.size,
        sent=summary.sent,
        skipped=summary.skipped,
        time=summary.time,
        behind=behind,
    )

"""The replay clock: rows of a source, in slices, each when its time has come."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ingestion.columns import Rows
from ingestion.progress import Order
from riskcontrol.errors import InputError
from riskcontrol.newyork import NEW_YORK
from riskcontrol.trades import NS_PER_SECOND

TICK = 0.1
"""Wall time between two slices, seconds."""

MAX_DISORDER = 60 * NS_PER_SECOND
"""How far time may go back from row to row in a file that counts as being in time order, nanoseconds."""

MAX_SORTED = 100_000_000
"""Most rows sorted in memory (about 50 bytes each, and as much again while sorting)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows that are due.

    Args:
        rows: The rows.
        behind: How late their first is, seconds of wall time.
    """

    rows: Rows
    behind: float


def new_york(time_ns: int) -> datetime.datetime:
    """Return a time of the tape as New York reads it, to the second.

    >>> new_york(1_381_152_600 * NS_PER_SECOND).isoformat()
    '2013-10-07T09:30:00-04:00'
    """
    return datetime.datetime.fromtimestamp(time_ns // NS_PER_SECOND, NEW_YORK)


def at_new_york(day: datetime.date, clock: datetime.time) -> int:
    """Return a New York day and time as nanoseconds UTC."""
    return int(datetime.datetime.combine(day, clock, NEW_YORK).timestamp()) * NS_PER_SECOND


def paced(
    batches: Iterable[Rows],
    *,
    speed: float,
    start: datetime.time | None = None,
    source: str = "",
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], bool],
) -> Iterator[Slice]:
    """Give the rows when they are due: event time runs `speed` times as fast as wall time.

    The clock starts at the first row, and again at the first row of each further New York day: nights are not waited
    for. Where time goes back a little, the row is due at once.

    Args:
        batches: Rows in time order.
        speed: Seconds of event time in a second of wall time.
        start: New York time of day at which the clock starts; earlier rows are due at once.
        source: The source's name, for the error.
        clock: Wall time, seconds.
        pause: Waits so many seconds; says True to end the replay.

    Raises:
        InputError: Time goes back by more than `MAX_DISORDER`.
    """
    event, wall, midnight, high = 0, 0.0, 0, 0
    for rows in batches:
        if not len(rows):
            yield Slice(rows, 0.0)
            continue
        due_at = np.maximum.accumulate(np.maximum(rows.time, high))
        if (back := int((due_at - rows.time).max())) > MAX_DISORDER:
            raise InputError(
                f"time goes back by {back // NS_PER_SECOND:,} s from row to row, so it can't be replayed by the clock; "
                "sort the file by time, or send it with --speed max",
                source=source,
            )
        high = int(due_at[-1])
        sent = 0
        while sent < len(rows):
            first = int(due_at[sent])
            if first >= midnight:
                day = new_york(first).date()
                midnight = at_new_york(day + datetime.timedelta(days=1), datetime.time())
                event = max(first, at_new_york(day, start) if start else first)
                wall = clock()
            now = event + int((clock() - wall) * speed * NS_PER_SECOND)
            end = int(np.searchsorted(due_at, min(now, midnight - 1), "right"))
            if end > sent:
                late = (now - max(first, event)) / NS_PER_SECOND / speed
                yield Slice(rows.take(slice(sent, end)), max(0.0, late - TICK))
                sent = end
            if sent < len(rows) and int(due_at[sent]) < midnight and pause(TICK):
                return


def in_time(batches: Iterable[Rows], *, source: str = "", most: int = MAX_SORTED) -> tuple[Order, Iterator[Rows]]:
    """Find out whether a source is in time order, and sort it by time where it isn't.

    Files of a day are sorted by time, or by ticker and then by time. In the first kind a ticker comes again after
    another one within a few rows; in the second, time goes back where the ticker changes. Only as much is read ahead
    as it takes to see one or the other.

    Args:
        batches: The source's rows.
        source: Its name, for the error.
        most: Most rows sorted in memory.

    Returns:
        ``file`` and the rows as they come, or ``time`` and the rows in one piece sorted by time (those of one time
        in the order of the file), with their ordinals counted in that order.

    Raises:
        InputError: It would have to be sorted but is too large.
    """
    ahead: list[Rows] = []
    rest = iter(batches)
    high, latest = 0, -1
    seen: set[int] = set()
    for rows in rest:
        ahead.append(rows)
        due_at = np.maximum.accumulate(np.maximum(rows.time, high))
        if int((due_at - rows.time).max()) > MAX_DISORDER:
            return "time", iter([sorted_by_time(chain(ahead, rest), source=source, most=most)])
        runs = rows.ticker[np.flatnonzero(np.diff(rows.ticker, prepend=latest))]
        if len(set(runs.tolist())) < len(runs) or not seen.isdisjoint(runs.tolist()):
            break  # a ticker came again
        seen.update(runs.tolist())
        high, latest = int(due_at[-1]), int(rows.ticker[-1])
    return "file", chain(ahead, rest)


def sorted_by_time(batches: Iterable[Rows], *, source: str = "", most: int = MAX_SORTED) -> Rows:
    """Return all rows in one piece, sorted by time (those of one time as they came), ordinals counted in that order.

    Raises:
        InputError: There are more than `most`.
    """
    parts, count = [], 0
    for rows in batches:
        parts.append(rows)
        count += len(rows)
        if count > most:
            raise InputError(
                f"it is not in time order and has more than {most:,} rows, too many to sort in memory; "
                "sort the file by time, or send it with --speed max",
                source=source,
            )
    everything = Rows.joined(parts)
    everything = everything.take(np.argsort(everything.time, kind="stable"))
    everything.ordinal[:] = np.arange(len(everything))
    return everything

"""What a worker does in a batch: lead one shard through its range of the tape."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from riskcontrol.blocks import encode
from riskcontrol.book import Book
from riskcontrol.days import encode_day
from riskcontrol.engine import advance
from riskcontrol.errors import ServerError, StateError
from riskcontrol.leaders import encode_leaders
from riskcontrol.settings import Settings
from spark.source import read_range, send_rejected
from spark.spool import Rows, Spool
from spark.state import ShardStore

MARKS = pa.schema([("ticker", pa.utf8()), ("price", pa.int64()), ("time", pa.int64())])
"""Schema of the packed row with the last driving price (micro-dollars) and time (ns UTC) of a shard's tickers."""


@dataclass(frozen=True, slots=True)
class Work:
    """One shard's part of a batch."""

    settings: Settings
    state: Path
    tape: str
    shard: int
    shards: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it; seconds are wall clock.

    A `failure` says that a server did not answer, or that the shard stands elsewhere; it goes on from `next`, which
    writes the same rows. `unfit` says that the shard's state doesn't fit, which ends the stream.
    """

    shard: int
    next: int
    records: int = 0
    trades: int = 0
    openings: int = 0
    fills: int = 0
    positions: int = 0
    bars: int = 0
    rejected: int = 0
    late: int = 0
    ignored: int = 0
    last_time: int = 0
    reading: float = 0.0
    engine: float = 0.0
    writing: float = 0.0
    saving: float = 0.0
    worker: int = 0
    failure: str = ""
    unfit: str = ""


def settle(part: Iterable[int]) -> None:
    """Have a worker made: as many of these tasks at once as there are workers give each of them one.

    It stands here, as what it comes from is loaded in the worker: forked, that has all of this module from the start.
    """
    list(part)
    time.sleep(0.2)


def advance_shards(works: Iterable[Work]) -> Iterator[Done]:
    """Do the work of an RDD's partition (`mapPartitions`)."""
    # The input must be read to its end: Spark throws a Python worker away that leaves some of it unread, and with
    # it the compiled kernels, the consumers and the database session.
    for work in list(works):
        try:
            yield advance_shard(work)
        except ServerError as error:
            yield Done(work.shard, work.start, failure=str(error), worker=os.getpid())
        except OSError as error:
            # A disk that is full, most likely: what is half written counts for nothing and is written anew.
            yield Done(work.shard, work.start, failure=f"shard {work.shard}: {error}", worker=os.getpid())
        except StateError as error:
            yield Done(work.shard, work.start, unfit=error.message, worker=os.getpid())


def advance_shard(work: Work) -> Done:
    """Lead a shard from offset `start` to `end`: read, advance, put rows into the spool, save state.

    The rows are put down before the state is saved: killed in between, the range is done again, and as rows are a
    function of the tape, the same rows are written again.

    Raises:
        ServerError: The tape doesn't answer.
        StateError: The shard's state can't be used.
    """
    store = ShardStore(work.state, work.shard, work.tape)
    with store.locked():
        before = store.recover()
        if before.next == work.end:
            # A second attempt at a task whose first one had finished.
            return Done(work.shard, work.end, last_time=before.last_time, worker=os.getpid())
        if before.next != work.start:
            # A worker that outlived its driver, or its job, was quicker than we were told.
            failure = f"shard {work.shard} stands at offset {before.next}, not at {work.start}"
            return Done(work.shard, before.next, last_time=before.last_time, worker=os.getpid(), failure=failure)
        clock = [time.perf_counter()]
        events, rejected = read_range(work.settings, work.shard, work.start, work.end, shards=work.shards)
        clock.append(time.perf_counter())
        book = store.book(before)
        outcome = advance(book, events, rank=True)
        clock.append(time.perf_counter())
        send_rejected(work.settings, work.shard, rejected)
        marks = encode_marks(book) if outcome.trades else b""
        leaders = tuple((one.time, encode_leaders(one)) for one in outcome.leaders)
        days = tuple((int(one.time[0]), encode_day(one)) for one in outcome.days if len(one))
        tables = (outcome.openings, outcome.fills, outcome.positions, outcome.bars)
        Spool(store.folder).put(Rows(work.start, work.end, *tables, marks, leaders, days))
        clock.append(time.perf_counter())
        after = replace(
            before,
            next=work.end,
            counts=tuple(book.counts.tolist()),
            last_time=max(before.last_time, outcome.last_time),
        )
        store.commit(book, outcome.touched, before, after)
        clock.append(time.perf_counter())
    reading, engine, writing, saving = np.diff(clock).tolist()
    return Done(
        shard=work.shard,
        next=work.end,
        records=len(events) + len(rejected),
        trades=outcome.trades,
        openings=len(outcome.openings),
        fills=len(outcome.fills),
        positions=len(outcome.positions),
        bars=len(outcome.bars),
        rejected=len(rejected),
        late=outcome.late,
        ignored=outcome.ignored,
        last_time=after.last_time,
        reading=reading,
        engine=engine,
        writing=writing,
        saving=saving,
        worker=os.getpid(),
    )


def encode_marks(book: Book) -> bytes:
    """Pack the last driving price and time of every ticker that has one."""
    tickers = book.tickers[: book.count("tickers")]
    tickers = tickers[tickers["price"] > 0]
    names = pa.array(tickers["ticker"].astype("U").tolist(), pa.utf8())
    return encode(pa.record_batch([names, pa.array(tickers["price"]), pa.array(tickers["time"])], schema=MARKS))

"""The stream: a DStream whose every batch leads all shards through what the tape has gained."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database.session import connect
from database.writes import Writer
from ingestion.topic import ensure_topic, tape_id
from riskcontrol import secret
from riskcontrol.claim import claim
from riskcontrol.errors import ServerError, SettingsError, StateError
from riskcontrol.heap import usual
from riskcontrol.servers import require
from riskcontrol.servers.holders import STREAM
from riskcontrol.settings import Settings
from spark import standalone
from spark.context import spark_context
from spark.depot import depot
from spark.idle import Idle
from spark.rate import Rate, plan
from spark.reopen import reopen
from spark.restore import lost, stand
from spark.rowwriter import RowWriter
from spark.snapshots import Snapshots
from spark.source import REJECTED, Tape
from spark.spool import Waiting
from spark.task import Done, Work, advance_shards, settle
from spark.workers import Losses

log = logging.getLogger("riskcontrol.stream")

MOST_WAITING = 2_000_000
"""Rows that may wait for the database before no further batch is made: about a minute's writing."""

MOST_BYTES = 2 << 30
"""The same for the room that they take."""

PATIENCE = 15.0
"""Seconds that a stream that is stopped gives the database for the last rows: those who end it wait a little longer."""

_SUMS = ("records", "trades", "openings", "fills", "positions", "bars", "rejected", "late", "ignored")


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch did and how long it took.

    Attributes:
        time: Its nominal time.
        processing: Seconds from its start to its end.
        delay: Seconds from its nominal time to its start.
        lag: Records of those that the tape held at its start that it did not take.
        waiting: Rows not yet in the tables at its end.
        behind: Seconds that the oldest of them has waited.
        event_time: Newest trade seen so far, nanoseconds UTC.
        parts: What each shard did.
        failure: Why it came to nothing, if it did; the next batch tries again.
    """

    time: dt.datetime
    processing: float
    delay: float
    lag: int
    event_time: int
    waiting: int = 0
    behind: float = 0.0
    parts: tuple[Done, ...] = ()
    failure: str = ""

    def sum(self, name: str) -> int:
        """Return the sum of a count over the shards."""
        return sum(getattr(part, name) for part in self.parts)


class Stream:
    """The driver's side of the job: plans each batch, hands it to the workers, keeps the books of the pipeline.

    Args:
        settings: Resolved: with the addresses of brokers and database.
        state: Folder of the shards' state.
        interval: Seconds between batches.
        on_batch: Told of every batch.
        snapshot_every: Seconds between snapshots, if the settings name a place for them.
        from_cassandra: Make the state of shards that have nothing else to go on from what the tables hold.
    """

    def __init__(
        self,
        settings: Settings,
        state: Path,
        interval: float,
        on_batch: Callable[[Batch], None] | None = None,
        *,
        snapshot_every: float = 60.0,
        from_cassandra: bool = False,
    ) -> None:
        self.settings = settings
        self.state = state.absolute()
        self.interval = interval
        self.failed: BaseException | None = None
        self.stopping = threading.Event()
        self._alone = claim(self.state / STREAM)
        if self._alone is None:
            raise ServerError(f"one runs already on the state in {self.state}; stop it first", server="stream")
        self._on_batch = on_batch
        ensure_topic(settings.model_copy(update={"topic": settings.topic + REJECTED, "shards": 1}))
        self._id = tape_id(settings)
        self._tape = Tape(settings)
        writer = Writer(connect(settings))
        writer.check_tables()
        others = writer.tapes() - {self._id}
        if others:
            raise SettingsError(
                f"{settings.keyspace} holds the rows of another tape ({min(others)}); name another one, or drop them: "
                f"riskcontrol database drop --rows --keyspace {settings.keyspace}, then riskcontrol database init; "
                "accounts stay",
                field="keyspace",
            )
        self._rate = Rate(interval)
        self._losses = Losses()
        self._idle = Idle()
        place = depot(settings)
        if place is not None:
            place.prepare()
        begins = self._tape.begins()
        if from_cassandra:
            self._reopen(lost(self.state, self._id, begins, place, writer.watermarks(self._id)))
        metas = stand(self.state, self._id, begins, place, writer.watermarks(self._id))
        self._event_time = max(meta.last_time for meta in metas.values())
        self._next = {shard: meta.next for shard, meta in metas.items()}
        self._check_ends(self._tape.ends())
        self._snapshots = (
            Snapshots(place, self.state, self._id, self.shards, snapshot_every) if place is not None else None
        )
        self._rows = RowWriter(settings, self.state, self._id)

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return self._tape.shards

    def _reopen(self, begins: dict[int, int]) -> None:
        if not begins:
            raise SettingsError(
                "every shard has a state or a snapshot, or the tape still has its beginning, from which everything is "
                "exactly as it was: leave --from-cassandra out",
                field="from_cassandra",
            )
        reopen(self.settings, self.state, self._id, self.shards, begins)

    def run_batch(self, nominal: dt.datetime, context: Any) -> Batch:
        """Lead all shards through what the tape has gained.

        Args:
            nominal: The batch's nominal time.
            context: The SparkContext.
        """
        began = time.time()
        delay = max(0.0, began - nominal.timestamp())
        try:
            ends = self._tape.ends()
            self._check_ends(ends)
            # Where the database can't keep up, rows would fill the disk: the tape is where they wait best.
            waits = self._rows.waiting()
            full = waits.rows > MOST_WAITING or waits.bytes > MOST_BYTES
            ranges = {} if full else plan(self._next, ends, self._rate.bound)
            parts = self._advance(context, ranges)
            failure = next((part.failure for part in parts if part.failure), "")
            if full and not failure:
                failure = f"{waits.rows:,} rows wait to be written, as many as may; {self._rows.failure}".rstrip("; ")
            lag = sum(end - self._next[shard] for shard, end in ends.items())
        except ServerError as error:
            parts, failure, lag = (), str(error), -1
        waiting = self._rows.waiting()
        batch = Batch(
            nominal, time.time() - began, delay, lag, self._event_time, waiting.rows, waiting.seconds, parts, failure
        )
        if not failure:
            self._rate.record(records=max((part.records for part in parts), default=0), seconds=batch.processing)
        self._note(batch)
        return batch

    def close(self) -> Waiting:
        """Have the last rows written, as far as the database takes them; return what waits for the next start.

        A snapshot that is under way is given up.
        """
        if self._snapshots is not None:
            self._snapshots.close()
        return self._rows.close(PATIENCE)

    def _note(self, batch: Batch) -> None:
        """Have the batch's row written; one that came to nothing has none, so that pages see that nothing moves."""
        if batch.failure and not batch.sum("records"):
            self._rows.tell()
            return
        self._rows.tell(
            time=batch.time.isoformat(),
            processing=batch.processing,
            delay=batch.delay,
            lag=batch.lag,
            event_time=batch.event_time,
            waiting=batch.waiting,
            behind=batch.behind,
            **{name: batch.sum(name) for name in _SUMS if name not in ("records", "late", "ignored")},
        )

    def _check_ends(self, ends: dict[int, int]) -> None:
        """Notice a tape that lost its end, or was made anew.

        Raises:
            StateError: It holds less than the state has taken.
        """
        for shard, position in self._next.items():
            if ends[shard] < position:
                raise StateError(
                    f"stands at offset {position}, but the tape ends at {ends[shard]}: it has lost records or was made "
                    "anew; remove the state and the tables (riskcontrol down --purge does both for local servers)",
                    shard=shard,
                )

    def _advance(self, context: Any, ranges: dict[int, tuple[int, int]]) -> tuple[Done, ...]:
        """Hand the ranges to the workers.

        Raises:
            ServerError: A worker was lost.
            StateError: A shard's state doesn't fit.
        """
        if not ranges:
            return ()
        works = [
            Work(self.settings, self.state, self._id, shard, self.shards, start, end)
            for shard, (start, end) in ranges.items()
        ]
        # A task a core rather than a shard: starting a task costs about as much as advancing a shard.
        tasks = min(len(works), context.defaultParallelism)
        with self._losses.borne():
            parts = tuple(context.parallelize(works, tasks).mapPartitions(advance_shards).collect())
        for part in parts:
            if part.unfit:
                raise StateError(part.unfit, shard=part.shard)
            self._next[part.shard] = part.next
            self._event_time = max(self._event_time, part.last_time)
        return parts

    def on_tick(self, nominal: dt.datetime, rdd: Any) -> None:
        """Run the batch of a tick of the DStream's clock; a fault of ours stops the stream."""
        if self.stopping.is_set():
            return
        if time.time() - nominal.timestamp() >= self.interval:
            # A later tick is due already and takes what this one would: a slow batch costs its own time and no more.
            return
        try:
            batch = self.run_batch(nominal.astimezone(dt.UTC), rdd.context)
            if not self._idle.hides(batch.time, idle=not (batch.failure or batch.parts or batch.lag)):
                log_batch(batch)
            if self._on_batch is not None:
                self._on_batch(batch)
            if self._snapshots is not None:
                self._snapshots.after_batch()
        except BaseException as error:
            self.failed = error
            self.stopping.set()


def log_batch(batch: Batch) -> None:
    """Write the batch's line to the log."""
    moment = batch.time.strftime("%Y-%m-%d %H:%M:%SZ")
    if batch.failure:
        log.warning("%s batch failed, will be tried again: %s", moment, batch.failure)
        return
    log.info(
        "%s trades %d openings %d fills %d bars %d rejected %d processing %.3f s delay %.3f s lag %d rows waiting %d",
        moment,
        *(batch.sum(name) for name in ("trades", "openings", "fills", "bars", "rejected")),
        batch.processing,
        batch.delay,
        batch.lag,
        batch.waiting,
    )
    for part in batch.parts:
        log.debug(
            "    shard %d worker %d records %d trades %d reading %.3f engine %.3f writing %.3f saving %.3f s",
            part.shard,
            part.worker,
            part.records,
            part.trades,
            part.reading,
            part.engine,
            part.writing,
            part.saving,
        )


def run(
    settings: Settings,
    *,
    state: Path,
    interval: float = 1.0,
    master: str | None = None,
    memory: str = "1g",
    patience: float = 0.0,
    snapshot_every: float = 60.0,
    from_cassandra: bool = False,
    on_batch: Callable[[Batch], None] | None = None,
    on_ready: Callable[[Stream], None] | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Run the stream until `stop` is set; the batch under way is finished first.

    Args:
        settings: Addresses that are not set are those of the local servers.
        state: Folder of the shards' state; made if it isn't there, gone on from if it is.
        interval: Seconds between batches.
        master: Spark's master; without one, that of the local cluster, or two threads where there is none.
        memory: Memory of the driver's JVM.
        patience: Seconds to wait for brokers, database and tables to be there; Spark starts meanwhile.
        snapshot_every: Seconds between snapshots, if the settings name a place for them.
        from_cassandra: Make the state of shards that have nothing else to go on from what the tables hold.
        on_batch: Told of every batch.
        on_ready: Told when the workers are warm, before the first batch.
        stop: Set it from another thread or a signal handler to end the stream.

    Raises:
        ServerError: Brokers or database can't be reached at the start.
        SettingsError: The keyspace holds the rows of another tape.
        StateError: The state doesn't fit the tape.
    """
    settings = secret.withhold(settings)  # neither Spark nor the row writer signs sessions or sends e-mail
    stop = stop or threading.Event()
    depot(settings)  # so that one that can't be is told of at once

    def opened(settings: Settings) -> Stream:
        return Stream(settings, state, interval, on_batch, snapshot_every=snapshot_every, from_cassandra=from_cassandra)

    # Whoever has no servers, or the wrong tables, is told before Spark takes its seconds to start.
    stream = None if patience else opened(_reach(settings))
    try:
        log.info("Spark starts")
        context = spark_context(master or standalone.choose(settings.home), settings.home, memory)
        try:
            if stop.is_set():
                return
            workers = context.defaultParallelism
            log.info("Spark's workers load the engine")
            context.parallelize(range(workers), workers).foreachPartition(settle)
            if stream is None:
                log.info("Waiting for Kafka, Cassandra and its tables")
                stream = opened(_await(settings, patience, stop))
            _serve(context, stream, interval, on_ready, stop)
        except OSError as error:  # what py4j raises when nobody listens
            if _ended(context):
                raise ServerError(_JVM_ENDED, server="spark") from error
            raise
        finally:
            # Of a JVM that has ended there is nothing to stop, and asking it to would hide why we are here.
            if not _ended(context):
                context.stop()
    finally:
        if stream is not None and (left := stream.close()).rows:
            log.warning("%d rows may not be on the database's disk yet; the next start writes them", left.rows)
    if stream.failed is not None:
        raise stream.failed


def _serve(
    context: Any,
    stream: Stream,
    interval: float,
    on_ready: Callable[[Stream], None] | None,
    stop: threading.Event,
) -> None:
    """Run batches until `stop` is set or one of them fails for good."""
    from pyspark.streaming import StreamingContext  # noqa: PLC0415  reads the environment set above

    usual()
    if on_ready is not None:
        on_ready(stream)
    with warnings.catch_warnings():
        # DStreams are deprecated but stay; the design rests on them.
        warnings.simplefilter("ignore", FutureWarning)
        # Parts of seconds are fine, whatever the annotation says.
        streaming = StreamingContext(context, interval)
    # A queue with a default is a clock: it gives an (empty) RDD at every tick.
    empty = context.emptyRDD()
    streaming.queueStream([empty], default=empty).foreachRDD(stream.on_tick)
    streaming.start()
    while not (stop.wait(0.2) or stream.stopping.is_set()):
        if _ended(context):
            raise ServerError(_JVM_ENDED, server="spark")
    stream.stopping.set()
    streaming.stop(stopSparkContext=False, stopGraceFully=True)


_JVM_ENDED = "its JVM has ended; started again, the stream goes on where it was"


def _ended(context: Any) -> bool:
    return context._gateway.proc.poll() is not None


def _reach(settings: Settings) -> Settings:
    """Return the settings with the addresses of servers that answer.

    Raises:
        ServerError: One is not known or does not answer.
    """
    resolved = require(settings, "kafka", "cassandra")
    ensure_topic(resolved)
    connect(resolved, keyspace=False)
    return resolved


def _await(settings: Settings, patience: float, stop: threading.Event) -> Settings:
    """Do as `_reach`, and ask for the tables as well, again and again for so many seconds.

    Raises:
        ServerError: What was wrong the last time.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            resolved = _reach(settings)
            Writer(connect(resolved)).tapes()
        except ServerError:
            if time.monotonic() > deadline or stop.wait(0.2):
                raise
        else:
            return resolved

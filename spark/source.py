"""The direct stream's two ends: what the tape holds (driver), and reading a range of it (worker)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from ingestion.foreign import decode_trade
from ingestion.topic import MAX_RECORD, bootstrap, connected, partition_of, reaching
from riskcontrol.blocks import Event, decode
from riskcontrol.errors import ServerError, TapeError
from riskcontrol.rows import Openings, Splits
from riskcontrol.settings import Settings
from riskcontrol.trades import MAX_AHEAD, MAX_TIME

REJECTED = ".rejected"
"""What the dead-letter topic's name has behind the tape's."""

MAX_KEPT = 1 << 20
"""How much of a record that can't be used is kept in the dead-letter topic, bytes; its size is in the headers."""

_READ_SECONDS = 60
"""How long a range may give nothing before the batch is given up (and tried again)."""


_OFFSETS_TRIES, _OFFSETS_MS = 4, 3_000
"""How often, and for how long each time, the brokers are asked where partitions begin or end: when one has ended, it
takes ten seconds until another leads its partitions."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that could not be used."""

    offset: int
    reason: str
    value: bytes


class Tape:
    """The driver's view: where each partition begins and ends.

    Args:
        settings: `kafka` and `topic`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: KafkaConsumer | None = None
        with reaching(settings.kafka):
            partitions = self._consumer().partitions_for_topic(settings.topic)
        self._partitions = [TopicPartition(settings.topic, number) for number in sorted(partitions or ())]
        if not self._partitions:
            raise ServerError(
                f"there is no topic {settings.topic}; it is made by: riskcontrol up, or riskcontrol ingest",
                server="kafka",
            )

    @property
    def shards(self) -> int:
        """How many partitions there are."""
        return len(self._partitions)

    def begins(self) -> dict[int, int]:
        """Return the first offset that each partition still holds.

        Raises:
            ServerError: The brokers don't answer.
        """
        return self._offsets(lambda consumer: consumer.beginning_offsets)

    def ends(self) -> dict[int, int]:
        """Return the first offset that each partition does not hold yet.

        Raises:
            ServerError: The brokers don't answer.
        """
        return self._offsets(lambda consumer: consumer.end_offsets)

    def _offsets(self, ask: Callable[[KafkaConsumer], Any]) -> dict[int, int]:
        for _ in range(_OFFSETS_TRIES - 1):
            # A client goes on asking the broker that used to lead a partition: a new one asks who leads it now.
            with suppress(ServerError):
                return self._asked(ask)
        return self._asked(ask)

    def _asked(self, ask: Callable[[KafkaConsumer], Any]) -> dict[int, int]:
        try:
            with reaching(bootstrap(self._settings)):
                found = ask(self._consumer())(self._partitions, timeout_ms=_OFFSETS_MS)
                return {tp.partition: offset for tp, offset in found.items()}
        except LookupError as error:  # the client does not expect this
            self.close()
            topic = self._settings.topic
            raise ServerError(f"nobody leads a partition of topic {topic} for the moment", server="kafka") from error
        except ServerError:
            self.close()
            raise

    def _consumer(self) -> KafkaConsumer:
        if self._client is None:
            # As the workers read: of a transaction that is open they get nothing yet.
            self._client = connected(
                KafkaConsumer, bootstrap(self._settings), enable_auto_commit=False, isolation_level="read_committed"
            )
        return self._client

    def close(self) -> None:
        """Leave the brokers."""
        if self._client is not None:
            self._client.close()
            self._client = None


_consumers: dict[tuple[str, str, int], KafkaConsumer] = {}
"""This process's consumers, by brokers, topic and partition: making one costs more than a batch."""


def close() -> None:
    """Close this process's consumers: their threads would look for brokers that have gone."""
    while _consumers:
        _consumers.popitem()[1].close(autocommit=False)


def _consumer(settings: Settings, shard: int) -> KafkaConsumer:
    key = (settings.kafka, settings.topic, shard)
    if key not in _consumers:
        consumer = connected(
            KafkaConsumer,
            settings.kafka,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            fetch_max_wait_ms=20,
            max_partition_fetch_bytes=2 * MAX_RECORD,
            fetch_max_bytes=4 * MAX_RECORD,
        )
        consumer.assign([TopicPartition(settings.topic, shard)])
        _consumers[key] = consumer
    return _consumers[key]


@contextmanager
def _failing_clean(settings: Settings, shard: int) -> Iterator[None]:
    """Forget the consumer when something goes wrong: the next try makes a new one."""
    try:
        with reaching(settings.kafka):
            yield
    except BaseException:
        consumer = _consumers.pop((settings.kafka, settings.topic, shard), None)
        if consumer is not None:
            consumer.close(autocommit=False)
        raise


def read_range(
    settings: Settings, shard: int, start: int, end: int, *, shards: int
) -> tuple[list[Event], list[Rejected]]:
    """Read and decode the records of a partition from offset `start` up to, not including, `end`.

    Args:
        settings: `kafka` and `topic`.
        shard: The partition.
        start: First offset.
        end: First offset not wanted.
        shards: How many partitions the tape has: a ticker that belongs to another one is refused.

    Returns:
        The blocks in the order of the tape, and the records that can't be used.

    Raises:
        ServerError: The brokers don't answer, or the tape no longer holds the range.
    """
    events: list[Event] = []
    rejected: list[Rejected] = []
    with _failing_clean(settings, shard):
        consumer, partition = _consumer(settings, shard), TopicPartition(settings.topic, shard)
        consumer.seek(partition, start)
        last_news = time.monotonic()
        # Offsets may have gaps (markers of transactions), so that the position tells the end, not a count.
        while consumer.position(partition) < end:
            records = consumer.poll(200, max_records=end - start).get(partition, [])
            for record in records:
                if record.offset >= end:
                    break
                try:
                    event = _decode(record)
                    _check_place(event, shard, shards)
                    events.append(event)
                except TapeError as error:
                    rejected.append(Rejected(record.offset, error.reason, record.value or b""))
                except Exception as error:  # whatever a stranger's record does to us, it must not end the stream
                    rejected.append(Rejected(record.offset, f"unreadable: {error!r}"[:500], record.value or b""))
            if records:
                last_news = time.monotonic()
            elif time.monotonic() - last_news > _READ_SECONDS:
                raise ServerError(f"no records of shard {shard} for {_READ_SECONDS} s", server="kafka")
    return events, rejected


def _decode(record: Any) -> Event:
    # The brokers refuse times that are much later than their own clock.
    value, written = record.value or b"", int(record.timestamp or 0) * 1_000_000
    if written <= 0:  # of a writer that says no time
        written = MAX_TIME
    if not any(name == "type" for name, _ in record.headers):
        return decode_trade(value, written=written)
    event = decode(value, record.headers)
    if isinstance(event, pa.RecordBatch) and event.num_rows and pc.max(event["time"]).as_py() > written + MAX_AHEAD:
        raise TapeError("has a trade of more than a day after the record was written: a broken clock")
    return event


def _check_place(event: Event, shard: int, shards: int) -> None:
    """Refuse what belongs to another shard: each ticker's trades and positions have one place and one order.

    Raises:
        TapeError: A ticker isn't this shard's.
    """
    if isinstance(event, Openings | Splits):
        tickers = [ticker.decode("ascii") for ticker in set(event.ticker.tolist())]
    else:
        tickers = event.column("ticker").unique().to_pylist()
    for ticker in tickers:
        if partition_of(ticker, shards) != shard:
            raise TapeError(f"{ticker} belongs to partition {partition_of(ticker, shards)}; key records by ticker")


_producers: dict[str, KafkaProducer] = {}


def send_rejected(settings: Settings, shard: int, rejected: list[Rejected]) -> None:
    """Put records that can't be used into the dead-letter topic, with reason and offset in the headers.

    Raises:
        ServerError: The brokers don't take them.
    """
    if not rejected:
        return
    producer = _producers.get(settings.kafka)
    if producer is None:
        producer = connected(KafkaProducer, settings.kafka, acks="all", max_request_size=MAX_RECORD)
        _producers[settings.kafka] = producer
    with reaching(settings.kafka):
        sent = [
            producer.send(
                settings.topic + REJECTED,
                value=record.value[:MAX_KEPT],
                headers=[
                    ("reason", record.reason.encode()),
                    ("size", str(len(record.value)).encode()),
                    ("partition", str(shard).encode()),
                    ("offset", str(record.offset).encode()),
                ],
            )
            for record in rejected
        ]
        producer.flush(30)
        for future in sent:
            if not future.succeeded():
                raise future.exception or KafkaError("not acknowledged")

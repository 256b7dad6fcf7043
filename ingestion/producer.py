"""Writing to the tape and reading its records back."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors

from ingestion.topic import MAX_RECORD, bootstrap, connected, ensure_topic, partition_of, reaching, reason
from riskcontrol.blocks import OPENINGS_HEADERS, Headers, encode, openings_batch
from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action, Strategy

OPENINGS_ROWS = 1_000
"""Most strategies in a block of openings."""

_ANSWER_MS = 15_000
_DELIVERY_MS = 60_000
"""How long the broker may be away before sending fails, milliseconds."""
_GIVE_UP_SECONDS = _DELIVERY_MS / 1_000 + 5


class TapeProducer:
    """Sends records to the tape: one in flight per partition, so that a partition never has a gap.

    Kafka's idempotent producer sends nothing twice, but once a record has failed, those queued behind it are still
    sent; with one in flight there are none behind it. That also bounds its memory to a record per partition.

    Args:
        settings: Where the tape is; it is created where there is none.

    Raises:
        ServerError: The broker can't be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self._brokers, self._topic = bootstrap(settings), settings.topic
        self.partitions = ensure_topic(settings)
        self._client = connected(
            KafkaProducer,
            self._brokers,
            enable_idempotence=True,
            acks="all",
            max_request_size=MAX_RECORD + (1 << 20),
            request_timeout_ms=_ANSWER_MS,
            delivery_timeout_ms=_DELIVERY_MS,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
        self._pending: dict[int, Any] = {}

    def send(self, partition: int, value: bytes, headers: Headers) -> None:
        """Send one record, once the partition's earlier one is acknowledged.

        Args:
            partition: Where to.
            value: The record's value.
            headers: The record's headers.

        Raises:
            ServerError: This record, or the earlier one, can't be written.
        """
        self.wait(partition)
        with reaching(self._brokers):
            self._pending[partition] = self._client.send(self._topic, value, partition=partition, headers=headers)

    def wait(self, partition: int) -> int | None:
        """Wait until the partition's record in flight is acknowledged.

        Returns:
            Its offset, or None where none was in flight.

        Raises:
            ServerError: It can't be written.
        """
        future = self._pending.pop(partition, None)
        if future is None:
            return None
        try:
            # With a time limit of our own: while a broker is gone, the client's doesn't always come to an end.
            return int(future.get(timeout=_GIVE_UP_SECONDS).offset)
        except kafka_errors.KafkaError as error:
            raise ServerError(
                f"partition {partition} of topic {self._topic} takes no records: {reason(error)}; "
                "see to the broker and run the same command again: it goes on where the tape ends",
                server="kafka",
            ) from error

    def close(self) -> None:
        """Close the connections; a record still in flight is given a second."""
        try:
            self._client.close(timeout=1)
        except kafka_errors.KafkaTimeoutError:
            # It waits for a record that can't be delivered, and has no public way to be told not to.
            self._client._sender.force_close()
            self._client.close(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class TapeReader:
    """Reads records of the tape back, by partition and offset.

    Args:
        settings: Where the tape is.

    Raises:
        ServerError: The broker can't be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self._brokers, self._topic = bootstrap(settings), settings.topic
        self._client = connected(
            KafkaConsumer,
            self._brokers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            metrics_enabled=False,
            max_partition_fetch_bytes=MAX_RECORD,
            fetch_max_wait_ms=50,
        )

    def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset of a partition and the one after its last."""
        at = TopicPartition(self._topic, partition)
        with reaching(self._brokers):
            return int(self._client.beginning_offsets([at])[at]), int(self._client.end_offsets([at])[at])

    def read(self, partition: int, first: int, end: int) -> Iterator[Any]:
        """Give the records with offsets from `first` up to, not with, `end`, in order.

        Raises:
            ServerError: They don't come.
        """
        if first >= end:
            return
        at = TopicPartition(self._topic, partition)
        with reaching(self._brokers):
            self._client.assign([at])
            self._client.seek(at, first)
            patience = time.monotonic() + _DELIVERY_MS / 1_000
            while (self._client.position(at) or first) < end:
                records = self._client.poll(timeout_ms=200).get(at, [])
                if records:
                    patience = time.monotonic() + _DELIVERY_MS / 1_000
                elif time.monotonic() > patience:
                    raise ServerError(
                        f"records {first} to {end} of partition {partition} don't come; see to the broker",
                        server="kafka",
                    )
                for record in records:
                    if record.offset < end:
                        yield record

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def publish_openings(
    settings: Settings,
    strategies: Sequence[Strategy],
    *,
    action: Action = Action.OPEN,
    producer: TapeProducer | None = None,
) -> dict[int, int]:
    """Ask the stream, through the tape, to open strategies (or to stop them).

    Args:
        settings: Where the tape is.
        strategies: Which; each goes to the partition of its ticker, in this order.
        action: `Action.OPEN` or `Action.STOP`.
        producer: An open producer to send with; without one, one is opened and closed.

    Returns:
        For each partition written to, the offset after the last record: once the stream has read up to there,
        the strategies are open.

    Raises:
        ServerError: The tape can't be written to.
    """
    if producer is None:
        with TapeProducer(settings) as opened:
            return publish_openings(settings, strategies, action=action, producer=opened)
    by_partition: dict[int, list[Strategy]] = defaultdict(list)
    for strategy in strategies:
        by_partition[partition_of(strategy.ticker, producer.partitions)].append(strategy)
    now = time.time_ns()
    for first in range(0, max(map(len, by_partition.values()), default=0), OPENINGS_ROWS):
        for partition, asked in by_partition.items():
            if block := asked[first : first + OPENINGS_ROWS]:
                producer.send(partition, encode(openings_batch(block, time=now, action=action)), OPENINGS_HEADERS)
    return {partition: offset + 1 for partition in by_partition if (offset := producer.wait(partition)) is not None}

"""Records reach the tape in order, and openings reach the partition of their ticker."""

from __future__ import annotations

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from ingestion.producer import OPENINGS_ROWS, TapeProducer, TapeReader, publish_openings
from ingestion.topic import partition_of
from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action, first_rule
from tests.ingestion.tapes import openings, records

pytestmark = pytest.mark.servers


def test_records_of_a_partition_keep_their_order_and_offsets_are_told(kafka: Settings) -> None:
    with TapeProducer(kafka) as producer:
        for number in range(20):
            producer.send(number % 2, b"%d" % number, [("n", b"%d" % number)])
        assert [producer.wait(0), producer.wait(1), producer.wait(1)] == [9, 9, None]
    found = records(kafka)
    assert [[int(record.value) for record in partition] for partition in found] == [
        list(range(0, 20, 2)),
        list(range(1, 20, 2)),
        [],
    ]
    assert found[0][3].headers == [("n", b"6")]


def test_any_stretch_of_the_tape_can_be_read(kafka: Settings) -> None:
    with TapeProducer(kafka) as producer, TapeReader(kafka) as tape:
        for number in range(1_200):
            producer.send(1, b"%d" % number, [])
        producer.wait(1)
        assert tape.bounds(1) == (0, 1_200)
        assert [record.offset for record in tape.read(1, 5, 1_105)] == list(range(5, 1_105))
        assert [record.offset for record in tape.read(1, 3, 4)] == [3]
        assert list(tape.read(1, 7, 7)) == []


def test_a_record_that_the_tape_does_not_take_is_an_error(kafka: Settings) -> None:
    with TapeProducer(kafka) as producer, pytest.raises(ServerError, match="kafka"):
        producer.send(0, bytes(20 << 20), [])
    with TapeProducer(kafka) as producer:
        producer.send(0, bytes((10 << 20) - 4_096), [])  # the client lets it pass, the broker doesn't
        with pytest.raises(ServerError, match=r"takes no records.*goes on where the tape ends"):
            producer.wait(0)


def test_openings_go_to_the_partition_of_their_ticker_in_order(kafka: Settings) -> None:
    strategies = [
        first_rule(f"user{n}", "dip", f"T{n % 7}", 10**10, 100_000, 200_000) for n in range(3 * OPENINGS_ROWS)
    ]
    ends = publish_openings(kafka, strategies)
    found = openings(kafka)
    assert {partition: len(blocks) for partition, blocks in enumerate(found) if blocks} == ends
    for partition, blocks in enumerate(found):
        assert all(len(block) <= OPENINGS_ROWS for block in blocks)
        names = [name.decode() for block in blocks for name in block.username]
        assert names == [s.username for s in strategies if partition_of(s.ticker, 3) == partition]


def test_stops_are_published_alike_and_nothing_is_published_of_nothing(kafka: Settings) -> None:
    strategy = first_rule("ann", "dip", "IBM", 10**10, 100_000, 200_000)
    with TapeProducer(kafka) as producer:
        assert publish_openings(kafka, [], producer=producer) == {}
        opened = publish_openings(kafka, [strategy], producer=producer)
        stopped = publish_openings(kafka, [strategy], action=Action.STOP, producer=producer)
    partition = partition_of("IBM", 3)
    assert (opened, stopped) == ({partition: 1}, {partition: 2})
    assert [block.action.tolist() for block in openings(kafka)[partition]] == [[Action.OPEN], [Action.STOP]]


class Stuck:
    """A record that is never acknowledged, as kafka-python leaves some when the broker dies."""

    def get(self, timeout: float | None = None) -> None:
        """Wait in vain."""
        assert timeout is not None, "this would wait for ever"
        raise KafkaTimeoutError(f"Timeout after waiting for {timeout} secs.")


def test_a_record_that_is_never_acknowledged_is_an_error_in_the_end(
    kafka: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TapeProducer(kafka) as producer:
        monkeypatch.setitem(producer._pending, 0, Stuck())
        with pytest.raises(ServerError, match="goes on where the tape ends"):
            producer.send(0, b"next", [])
        assert producer.wait(0) is None  # nothing was sent behind it


def test_a_producer_closes_though_a_record_cannot_be_delivered(kafka: Settings) -> None:
    producer = TapeProducer(kafka)
    producer._client._accumulator.muted.add(TopicPartition(kafka.topic, 0))  # its sender passes it over
    producer.send(0, b"never", [])
    producer.close()
    with TapeReader(kafka) as tape:
        assert tape.bounds(0) == (0, 0)

"""The tape's topic is made once, fits, and puts tickers where Kafka's own clients put them."""

from __future__ import annotations

import uuid

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from ingestion.topic import MAX_RECORD, bootstrap, ensure_topic, partition_of, tape_id
from riskcontrol.errors import ServerError, SettingsError
from riskcontrol.settings import Settings


@pytest.mark.parametrize(
    ("ticker", "hashed"),  # from the tests of Kafka's Java client
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
@pytest.mark.parametrize("partitions", [1, 4, 1024])
def test_a_ticker_belongs_where_the_java_client_puts_it(ticker: str, hashed: int, partitions: int) -> None:
    assert partition_of(ticker, partitions) == (hashed & 0x7FFFFFFF) % partitions


@pytest.mark.parametrize("address", ["nowhere", "a:b", "a:1,,b:2", "a:1 b:2"])
def test_what_is_no_list_of_addresses_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="HOST:PORT"):
        bootstrap(Settings(kafka=address))


def test_a_broker_that_does_not_answer_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9 .*refused.*riskcontrol up"):
        ensure_topic(Settings(kafka="127.0.0.1:9"))


@pytest.mark.servers
def test_a_new_topic_keeps_everything_and_takes_the_largest_block(kafka: Settings) -> None:
    assert ensure_topic(kafka.model_copy(update={"shards": 3})) == 3
    admin = KafkaAdminClient(bootstrap_servers=bootstrap(kafka))
    config = admin.describe_configs([ConfigResource("topic", kafka.topic)], config_filter="all")["topic"][kafka.topic]
    admin.close()
    assert config["retention.ms"]["value"] == config["retention.bytes"]["value"] == "-1"
    assert config["cleanup.policy"]["value"] == "delete"
    assert int(config["max.message.bytes"]["value"]) == MAX_RECORD


@pytest.mark.servers
def test_a_topic_that_is_there_keeps_its_partitions(kafka: Settings) -> None:
    ensure_topic(kafka.model_copy(update={"shards": 3}))
    assert ensure_topic(kafka.model_copy(update={"shards": 7})) == 3


@pytest.mark.servers
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"retention.ms": "1000", "max.message.bytes": str(MAX_RECORD)}, "retention.ms=1000"),
        ({"retention.ms": "-1", "max.message.bytes": "1000"}, "max.message.bytes=1000"),
        ({"cleanup.policy": "compact", "retention.ms": "-1"}, "cleanup.policy=compact"),
    ],
)
def test_a_topic_that_would_lose_trades_is_refused(kafka: Settings, wrong: dict[str, str], named: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap(kafka))
    admin.create_topics({kafka.topic: {"num_partitions": 1, "configs": wrong}}, wait_for_metadata=True)
    admin.close()
    with pytest.raises(ServerError, match=named):
        ensure_topic(kafka)


@pytest.mark.servers
def test_a_replication_that_the_brokers_cannot_give_is_an_error(kafka: Settings) -> None:
    with pytest.raises(ServerError, match="replicat"):
        ensure_topic(kafka.model_copy(update={"replication": 3}))


@pytest.mark.servers
def test_a_tape_made_again_under_its_name_has_another_id(kafka: Settings) -> None:
    with pytest.raises(ServerError, match="no topic"):
        tape_id(kafka)
    ensure_topic(kafka)
    before = tape_id(kafka)
    assert tape_id(kafka) == before
    assert uuid.UUID(before)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap(kafka))
    admin.delete_topics([kafka.topic])
    admin.close()
    ensure_topic(kafka)
    assert tape_id(kafka) != before

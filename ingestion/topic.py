"""The topic that is the tape: making it, checking it, and which partition a ticker belongs to."""

from __future__ import annotations

import functools
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaAdminClient
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource
from kafka.partitioner.default import murmur2

from riskcontrol.blocks import MAX_BYTES
from riskcontrol.errors import ServerError, SettingsError
from riskcontrol.servers import require
from riskcontrol.settings import Settings

MAX_RECORD = MAX_BYTES + (1 << 20)
"""Largest record the topic takes, bytes: the largest block and a megabyte for its headers."""

_CONNECT_SECONDS = 5

_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(MAX_RECORD),
    # Of whatever kind a producer's compression is, the broker undoes it: readers need no codec of it, and what a record
    # unpacks to counts for its size.
    "compression.type": "uncompressed",
}
_FITS: dict[str, Callable[[str], bool]] = {
    "cleanup.policy": lambda value: value == "delete",
    "retention.ms": lambda value: int(value) < 0,
    "retention.bytes": lambda value: int(value) < 0,
    "max.message.bytes": lambda value: int(value) >= MAX_RECORD,
    "compression.type": lambda value: value == "uncompressed",
}

_ADDRESSES = re.compile(r"[^\s,]+:\d{1,5}(,[^\s,]+:\d{1,5})*")


def bootstrap(settings: Settings) -> str:
    """Return the brokers' addresses, HOST:PORT[,HOST:PORT...].

    Raises:
        SettingsError: What is set isn't a list of addresses.
        ServerError: None is set and no local broker runs.
    """
    addresses = require(settings, "kafka").kafka
    if not _ADDRESSES.fullmatch(addresses):
        raise SettingsError(f"{addresses!r} is not HOST:PORT[,HOST:PORT...]", field="kafka")
    return addresses


@contextmanager
def reaching(brokers: str) -> Iterator[None]:
    """Turn errors of the client inside into `ServerError` with what to do.

    Args:
        brokers: Their addresses, as `bootstrap` returns them.

    Raises:
        ServerError: The brokers can't be reached, or refuse what is asked of them.
    """
    try:
        yield
    except (kafka_errors.KafkaTimeoutError, kafka_errors.KafkaConnectionError) as error:
        raise _no_answer(brokers, error) from error
    except kafka_errors.KafkaError as error:
        raise ServerError(f"{brokers}: {reason(error)}", server="kafka") from error


def connected(make: Callable[..., Any], brokers: str, **config: Any) -> Any:
    """Return a client of the brokers.

    Args:
        make: Its class.
        brokers: Their addresses, as `bootstrap` returns them.
        config: What else the client is given.

    Raises:
        ServerError: They can't be reached.
    """
    with reaching(brokers):
        # Knocked at first: the client takes long to give up, and then leaves its sockets open.
        refused: OSError | None = None
        for address in brokers.split(","):
            host, port = address.rsplit(":", 1)
            try:
                socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
                break
            except OSError as error:
                refused = error
        else:
            raise _no_answer(brokers, refused) from refused
        return make(bootstrap_servers=brokers.split(","), bootstrap_timeout_ms=_CONNECT_SECONDS * 1_000, **config)


def _no_answer(brokers: str, error: Exception | None) -> ServerError:
    return ServerError(
        f"no answer from {brokers} ({error}); start one with: riskcontrol up, or give its address with --kafka",
        server="kafka",
    )


def reason(error: BaseException) -> str:
    """Return what a broker said, without the request and the response that the client wraps around it.

    >>> reason(kafka_errors.KafkaTimeoutError("Unable to bootstrap"))
    'KafkaTimeoutError: Unable to bootstrap'
    """
    said = re.search(r"error_message=['\"](.+?)['\"], ", str(error))
    return f"{type(error).__name__}: {said[1]}" if said else str(error)[:300]


_SPREAD_SECONDS = 15.0
"""How long brokers may take to tell each other of a new topic."""


def ensure_topic(settings: Settings) -> int:
    """Create the tape's topic, or check the one that is there.

    Args:
        settings: `topic`, `shards` and `replication` say how a new one is made; one that exists keeps its
            number of partitions, as a ticker must stay where its history is.

    Returns:
        The number of its partitions.

    Raises:
        ServerError: The broker can't be reached or refuses, or the topic that is there would lose trades.
    """
    settings = require(settings, "kafka")  # a local cluster says how many replicas there are
    with _admin(settings) as admin:
        found = _describe(admin, settings.topic)
        if found is None:
            made = {
                "num_partitions": settings.shards,
                "replication_factor": settings.replication,
                "configs": _CONFIG | {"min.insync.replicas": str(settings.replication // 2 + 1)},
            }
            with suppress(kafka_errors.TopicAlreadyExistsError):  # somebody else may have been as quick
                admin.create_topics({settings.topic: made})
            admin.wait_for_topics([settings.topic])
            # Of several brokers, the one that is asked next may not have heard of it yet.
            deadline = time.monotonic() + _SPREAD_SECONDS
            while (found := _describe(admin, settings.topic)) is None and time.monotonic() < deadline:
                time.sleep(0.1)
        else:
            _check_config(admin, settings.topic)
    if found is None:
        raise ServerError(f"topic {settings.topic} vanished while it was made; try again", server="kafka")
    return len(found["partitions"])


def tape_id(settings: Settings) -> str:
    """Return the topic's own id, which a topic deleted and made again under the same name does not share.

    Raises:
        ServerError: The broker can't be reached, or there is no such topic.
    """
    with _admin(settings) as admin:
        found = _describe(admin, settings.topic)
    if found is None:
        raise ServerError(
            f"there is no topic {settings.topic}; it is made by: riskcontrol up, or riskcontrol ingest", server="kafka"
        )
    return str(found["topic_id"])


def brokers_up(settings: Settings) -> tuple[int, int]:
    """Return how many brokers answer together, and how many partitions the topic has; 0 without it.

    Raises:
        ServerError: No broker can be reached.
    """
    with _admin(settings) as admin:
        found = _describe(admin, settings.topic)
        return len(admin.describe_cluster()["brokers"]), len(found["partitions"]) if found else 0


@functools.lru_cache(maxsize=1 << 17)
def partition_of(ticker: str, partitions: int) -> int:
    """Return the partition of a ticker: that of Kafka's default partitioner for the ticker as the key.

    >>> partition_of("IBM", 4)
    3
    """
    return int((murmur2(ticker.encode()) & 0x7FFFFFFF) % partitions)


@contextmanager
def _admin(settings: Settings) -> Iterator[Any]:
    brokers = bootstrap(settings)
    admin = connected(KafkaAdminClient, brokers)
    try:
        with reaching(brokers):
            yield admin
    finally:
        admin.close()


def _describe(admin: Any, topic: str) -> dict[str, Any] | None:
    (found,) = admin.describe_topics([topic])
    error = kafka_errors.for_code(found["error_code"])
    if error is kafka_errors.UnknownTopicOrPartitionError:
        return None
    if found["error_code"]:
        raise error(topic)
    return dict(found)


def _check_config(admin: Any, topic: str) -> None:
    """Refuse a topic that forgets (state is a fold of the whole tape) or that takes only small records."""
    resource = ConfigResource("topic", topic)
    config = admin.describe_configs([resource], config_filter="all")["topic"][topic]
    wrong = {
        name: config[name]["value"]
        for name, fits in _FITS.items()
        if name in config and not fits(config[name]["value"])
    }
    if wrong:
        shown = ", ".join(f"{name}={value}" for name, value in wrong.items())
        needed = ", ".join(f"{name}={_CONFIG[name]}" for name in wrong)
        raise ServerError(
            f"topic {topic} has {shown} and would lose trades; alter it to {needed}, or name another with --topic",
            server="kafka",
        )

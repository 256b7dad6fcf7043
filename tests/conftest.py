"""The real servers, started once for all tests, on ports and in a folder of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from riskcontrol import servers as local_servers
from riskcontrol.settings import Settings

SHARDS = 3


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose servers are stopped when the tests end, however they end."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    local_servers.stop(folder, purge=True)


@pytest.fixture(scope="session")
def all_servers(home: Path) -> Settings:
    """Settings with the addresses of a running Kafka, Cassandra and S3."""
    local_servers.start(home)
    return local_servers.resolve(Settings(home=home, shards=SHARDS))


@pytest.fixture
def kafka(all_servers: Settings) -> Settings:
    """Settings with a broker and a topic's name that nobody has used; the topic is not made yet."""
    return all_servers.model_copy(update={"topic": f"tape-{uuid.uuid4().hex[:12]}"})


@pytest.fixture
def cassandra(all_servers: Settings) -> Iterator[Settings]:
    """Settings with a database and a keyspace of the test's own, tables made."""
    from database.session import drop, init

    settings = all_servers.model_copy(update={"keyspace": f"test_{uuid.uuid4().hex[:12]}"})
    init(settings)
    yield settings
    drop(settings)


@pytest.fixture
def servers(kafka: Settings, cassandra: Settings) -> Settings:
    """Settings with all of them: a topic's name, a keyspace and an S3 endpoint."""
    return cassandra.model_copy(update={"topic": kafka.topic})

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from cassandra.cluster import Session

from database.session import connect, drop, init
from riskcontrol.settings import Settings


@pytest.fixture(scope="module")
def tables(all_servers: Settings) -> Iterator[Settings]:
    """Settings with tables that a module's tests share, as making them takes seconds: use names of your own."""
    settings = all_servers.model_copy(update={"keyspace": f"test_{uuid.uuid4().hex[:12]}"})
    init(settings)
    yield settings
    drop(settings)


@pytest.fixture
def session(tables: Settings) -> Session:
    """A session with those tables."""
    return connect(tables)

from __future__ import annotations

import pytest
from cassandra.cluster import Session

from database.session import connect
from riskcontrol.settings import Settings
from tests.conftest import emptied, made


@pytest.fixture(scope="session")
def shared_keyspace(all_servers: Settings) -> Settings:
    """Settings with a keyspace for the modules of this folder, one after the other."""
    return made(all_servers)


@pytest.fixture(scope="module")
def tables(shared_keyspace: Settings) -> Settings:
    """Settings with tables that a module's tests share, empty before the first: use names of your own."""
    return emptied(shared_keyspace)


@pytest.fixture
def session(tables: Settings) -> Session:
    """A session with those tables."""
    return connect(tables)

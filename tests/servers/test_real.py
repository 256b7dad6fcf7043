"""The real Cassandra: killed, started again, and what it had been given is still there.

Kafka's turn is in bench/test_crash.py, a broker of three in test_cluster.py.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from riskcontrol import servers
from riskcontrol.errors import ServerError
from riskcontrol.servers.registry import Registry
from riskcontrol.settings import Settings
from tests.spark.spools import rows, spool_of

NAMES = ["cassandra"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    servers.stop(tmp_path)


def settings(home: Path) -> Settings:
    return servers.resolve(Settings(home=home))


def ask(home: Path, query: str) -> list[Any]:
    from database import session

    try:
        return list(session.connect(settings(home), keyspace=False).execute(query))
    finally:
        session.close()


@pytest.mark.servers
@pytest.mark.usefixtures("short_lived")
def test_what_cassandra_was_given_survives_a_kill(home: Path) -> None:
    from database import session
    from spark.drain import Drain
    from spark.spool import waiting

    state = home / "state"
    servers.start(home, NAMES)
    session.init(settings(home))
    shards = 20
    for number in range(shards):
        spool = spool_of(state, number)
        spool.put(rows(1, [f"user{number:03d}"]))
    drain = Drain(session.connect(settings(home)), state, "tape")
    processes = [psutil.Process(entry.pid) for entry in Registry(home).alive().values()]
    # At once: what was acknowledged a moment ago must be there as well. On a busy machine no time passes meanwhile.
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spark.drain.time", SimpleNamespace(monotonic=lambda: began))
        assert drain.run() == 3 * shards
    for process in processes:
        process.kill()
        process.wait(10)
    assert waiting(state).rows > 0, "rows were forgotten that may not have been on the disk"
    assert servers.running(home) == {}
    session.close()

    servers.start(home, NAMES)
    # The driver's session finds the server again by itself; here it was closed for the test's own questions.
    drain._session = session.connect(settings(home))
    with pytest.raises(ServerError, match="started anew"):
        drain.settle()
    drain.settle()
    assert waiting(state).rows == 0
    found = {row.username for row in ask(home, "SELECT username FROM riskcontrol.fills")}
    assert found == {f"user{number:03d}" for number in range(shards)}

    pids = [entry.pid for entry in Registry(home).alive().values()]
    assert sorted(servers.stop(home, purge=True)) == sorted(NAMES)
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not any((home / name).exists() for name in NAMES)

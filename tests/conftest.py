"""The real servers, started once for all tests, on ports and in a folder of their own."""

from __future__ import annotations

import gc
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from riskcontrol import servers as local_servers
from riskcontrol.heap import roomy
from riskcontrol.settings import Settings

roomy()

# It checks, and is no test itself: its assertions tell both sides all the same.
pytest.register_assert_rewrite("tests.spark.program")

SHARDS = 3

_ONE_COMPILER = "-XX:TieredStopAtLevel=1"
"""What JVMs that live for a minute or two are better off with: the second compiler works for those that live longer."""
_NO_FLUSH = "-Dcassandra.unsafesystem=true"
"""Has Cassandra not flush its own tables at each change of a schema, which takes two thirds of the time of making ours.
Only for servers that are not started again: what is about crashes starts its own, as users do."""
_STARTED_ONCE = f"{_ONE_COMPILER} {_NO_FLUSH}"

# How long an example takes depends on what else the machine does: no test is about that.
_PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("tests", max_examples=30, **_PATIENT)
hypothesis.settings.register_profile("deep", max_examples=1_000, **_PATIENT)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # Whoever runs the tests in a shell's background has them ignore Ctrl-C, which some are about.
    signal.signal(signal.SIGINT, signal.default_int_handler)


GROUPS = ("long", "servers", "pages", "templates")
"""What one process runs, in the order in which processes take it, all else coming after: the long tests, which have
servers of their own; those that share servers; the pages that need none; and what shares an engine."""


@pytest.hookimpl(tryfirst=True)  # before xdist asks which belong together
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares servers or a browser, and begin with what takes longest."""

    def place(item: pytest.Item) -> int:
        group = item.get_closest_marker("xdist_group")
        return GROUPS.index(group.args[0]) if group else len(GROUPS)

    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "all_servers" in fixtures:
            item.add_marker(pytest.mark.xdist_group("servers"))
        elif "windows" in fixtures:
            item.add_marker(pytest.mark.xdist_group("pages"))
    items.sort(key=place)


class GroupsAndFiles(LoadGroupScheduling):
    """Hands out whole files but for what is grouped: test after test, thousands cost more to hand out than to run."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope


@pytest.hookimpl(tryfirst=True, optionalhook=True)  # before xdist makes its own, where there is xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupsAndFiles | None:
    """Hand out tests by the groups above and by files, where that is asked for by `--dist loadgroup`."""
    return GroupsAndFiles(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_finish() -> None:
    """Set apart what was loaded to collect the tests: it stays, and looking for garbage among it takes seconds."""
    gc.freeze()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose servers are stopped when the tests end, however they end."""
    folder = tmp_path_factory.mktemp("home")
    yield folder
    local_servers.stop(folder, purge=True)


@pytest.fixture(scope="session")
def all_servers(home: Path) -> Iterator[Settings]:
    """Settings with the addresses of a running Kafka, Cassandra and S3."""
    from database.session import close

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", _STARTED_ONCE)
        local_servers.start(home)
    yield local_servers.resolve(Settings(home=home, shards=SHARDS))
    close()  # sessions would try to find their server again


@pytest.fixture
def short_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the servers that a test starts for itself be short-lived ones."""
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", _ONE_COMPILER)


@pytest.fixture
def started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the servers that a test starts for itself be short-lived ones that are not started again."""
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", _STARTED_ONCE)


@pytest.fixture
def kafka(all_servers: Settings) -> Settings:
    """Settings with a broker and a topic's name that nobody has used; the topic is not made yet."""
    return all_servers.model_copy(update={"topic": f"tape-{uuid.uuid4().hex[:12]}"})


@pytest.fixture(scope="session")
def keyspace(all_servers: Settings) -> Settings:
    """Settings with a keyspace whose tables are made once: making and dropping them costs seconds."""
    return made(all_servers)


@pytest.fixture
def cassandra(keyspace: Settings) -> Settings:
    """Settings with a database whose tables are empty."""
    return emptied(keyspace)


@pytest.fixture
def keyspace_of_its_own(all_servers: Settings) -> Settings:
    """Settings with a keyspace that the test may drop; what it leaves goes with the server."""
    return made(all_servers)


@pytest.fixture
def servers(kafka: Settings, cassandra: Settings) -> Settings:
    """Settings with all of them: a topic's name, a keyspace and an S3 endpoint."""
    return cassandra.model_copy(update={"topic": kafka.topic})


def made(settings: Settings) -> Settings:
    """Make a keyspace that nobody has used, with tables, and return the settings that name it."""
    from database.session import init

    settings = settings.model_copy(update={"keyspace": f"test_{uuid.uuid4().hex[:12]}"})
    init(settings)
    return settings


def emptied(settings: Settings) -> Settings:
    """Empty the tables, and return the same settings."""
    from database.session import clear

    clear(settings)
    return settings

"""The cluster form: where its nodes are, and what it promises when one of each kind is killed in mid-run."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from database.session import close
from ingestion.producer import publish_openings
from ingestion.sources import find_sources
from riskcontrol import servers
from riskcontrol.errors import ServerError
from riskcontrol.servers.layout import Layout, secret_file
from riskcontrol.servers.registry import Registry
from riskcontrol.settings import Settings
from tests.core.test_engine import openings
from tests.processes import Running, run, simulated_day, until
from tests.reference import Reference
from tests.spark.test_stream import check_against, drawn, ends, reached, rows

pytestmark = pytest.mark.xdist_group("long")

KILLED = ("kafka-2", "cassandra-2", "spark-2")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    yield folder
    # A session tries for ever to reach nodes that are gone, in threads of this process.
    close()
    servers.stop(folder, purge=True)


def family(home: Path, name: str) -> list[psutil.Process]:
    """A node's process and those that it has started: a worker's executor, and that one's Python."""
    process = psutil.Process(Registry(home).alive()[name].pid)
    return [process, *process.children(recursive=True)]


def kill(home: Path, name: str) -> None:
    processes = family(home, name)
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, 10)


def test_a_cluster_is_where_it_was_and_its_ports_are_different(home: Path) -> None:
    layout = Layout.made(home)
    assert Layout.made(home) == layout
    assert Layout.of(home) == layout
    ports = [port for pair in (*layout.kafka, *layout.spark, layout.cassandra) for port in pair]
    assert len(set(ports)) == len(ports) == 17


def test_only_we_can_read_the_secret(home: Path) -> None:
    text = secret_file(home).read_text()
    assert "spark.authenticate true" in text
    assert secret_file(home).read_text() == text
    assert secret_file(home).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{", '{"kafka": 1}', '{"kafka": [[1]], "spark": [], "cassandra": []}'])
def test_a_damaged_layout_is_said_with_what_to_do(home: Path, text: str) -> None:
    path = home / "cluster" / "layout.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ServerError, match=r"layout\.json is damaged[\s\S]*down --purge"):
        servers.running(home)
    servers.stop(home, purge=True)
    assert servers.running(home) == {}


def test_single_servers_and_a_cluster_do_not_mix(home: Path, tmp_path: Path) -> None:
    Layout.made(home)
    with pytest.raises(ServerError, match=r"up --cluster.*--home.*down --purge"):
        servers.start(home)
    (tmp_path / "single" / "kafka").mkdir(parents=True)
    with pytest.raises(ServerError, match=r"a single kafka.*--home.*down --purge"):
        servers.start_cluster(tmp_path / "single")
    assert servers.running(home) == {}


def test_a_taken_port_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskcontrol.servers.node._LEAVING_SECONDS", 0.1)
    layout = Layout.made(home)
    with socket.create_server(layout.ports("cassandra-2")[0]) as other:
        with pytest.raises(ServerError, match=rf"cassandra-2: its port 127\.0\.0\.2:{other.getsockname()[1]} is taken"):
            layout.check_free("cassandra-2")
        layout.check_free("cassandra-3")


@pytest.mark.servers
@pytest.mark.timeout(900)  # twenty processes start; a machine that is busy with everything else is slow, not broken
def test_of_each_kind_one_may_be_killed_in_mid_run(home: Path, tmp_path: Path) -> None:
    day = simulated_day(tmp_path, tickers=12, trades=10_000)
    (source,) = find_sources(str(day), Settings())
    trades = list(source.batches())
    tickers = sorted({ticker for batch in trades for ticker in batch.column("ticker").dictionary.to_pylist()})
    strategies = drawn(tickers, 120)
    settings = Settings(home=home, shards=3)

    up = run(settings, "up", "--cluster", timeout=300)
    assert up.returncode == 0, up.stderr
    nodes = dict(line.split("\t") for line in up.stdout.splitlines())
    found = servers.resolve(settings)
    assert found.replication == 3
    with Running(settings, "stream", "--batch", "1") as stream:
        publish_openings(found, strategies)
        stream.wait_for("openings 120", 180)
        # A day in a quarter of a minute, so that the kills come in the midst of it.
        with Running(settings, "ingest", str(day), "--speed", "1500", "--from", "09:30") as ingest:
            until(lambda: re.search("fills [1-9]", stream.output), 60, lambda: stream.output)
            before = ends(found)
            for name in KILLED:
                kill(home, name)
            assert ingest.process.wait(120) == 0, ingest.output
        assert sum(ends(found).values()) > sum(before.values())
        until(lambda: reached(found, ends(found)), 120, lambda: stream.output)
        assert stream.interrupt() == 0, stream.output
    reference = Reference().feed([openings(*strategies), *trades])
    assert len(reference.fills) > 500
    check_against(reference, found)
    opened = sorted((each.username, each.ticker, each.name, each.cash) for each in strategies)
    assert rows(found, "strategies", "username, ticker, name, cash") == opened

    status = json.loads(run(settings, "status", "--json").stdout)
    assert sorted(status["ended"]) == sorted(KILLED)
    pids = {each["name"]: each["pid"] for each in status["servers"]}
    again = run(settings, "up", "--cluster", timeout=300)
    assert again.returncode == 0, again.stderr
    assert dict(line.split("\t") for line in again.stdout.splitlines()) == nodes
    entries = Registry(home).alive()
    assert {name for name, entry in entries.items() if entry.pid != pids.get(name)} == set(KILLED)

    processes = [process for name in nodes for process in family(home, name)]
    assert "kafka-2" in run(settings, "down", timeout=120).stderr
    assert not [process for process in processes if process.is_running()]

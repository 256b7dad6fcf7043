"""`up`, `down`, `status` and `jars` as a user runs them."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from riskcontrol import servers
from riskcontrol.claim import noted
from riskcontrol.cli import cli
from riskcontrol.servers.holders import STREAM
from riskcontrol.servers.layout import Layout
from riskcontrol.servers.registry import Registry
from riskcontrol.settings import Settings


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)  # no riskcontrol.toml of somebody's
    folder = tmp_path / "home"
    yield folder
    servers.stop(folder)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, standalone_mode=False)


def test_up_starts_status_shows_and_down_stops(local: Path) -> None:
    up = run("up", "--only", "s3", "--home", str(local))
    assert up.exit_code == 0, up.output
    address = servers.running(local)["s3"]
    assert f"s3\t{address}\n" in up.stdout

    status = json.loads(run("status", "--json", "--home", str(local)).stdout)
    (shown,) = status["servers"]
    assert (shown["name"], shown["address"]) == ("s3", address)
    assert shown["memory_mb"] > 1
    assert Path(shown["log"]).is_file()
    assert (status["topic"], status["batch"]) == (None, None)
    assert address in run("status", "--home", str(local)).stdout

    again = run("up", "--only", "s3", "--home", str(local))
    assert "s3 runs already" in again.stderr

    with noted(local / "state" / "tape" / STREAM):
        told = run("down", "--home", str(local)).stderr.splitlines()
    assert "riskcontrol stream" in told[0]
    assert told[0].endswith("its batches fail, and are tried again until the servers are back.")
    assert told[1] == "Stopped: s3"
    assert servers.running(local) == {}
    assert "None was running" in run("down", "--home", str(local)).stderr


def test_status_of_nothing_says_how_to_start(local: Path) -> None:
    assert "riskcontrol up" in run("status", "--home", str(local)).stdout
    assert not local.exists()


def test_status_says_which_address_does_not_answer(local: Path) -> None:
    nobody = "127.0.0.1:1"
    shown = run("status", "--home", str(local), "--kafka", nobody, "--cassandra", nobody)
    assert shown.exit_code == 0
    assert f"kafka: no answer from {nobody}" in shown.stdout
    assert f"cassandra: no answer at {nobody}" in shown.stdout


@pytest.mark.parametrize("name", ["up", "down", "status", "jars"])
def test_help_has_an_example(name: str) -> None:
    shown = run(name, "--help").stdout
    assert f"Example: riskcontrol {name}" in shown
    assert "\\b" not in shown


@pytest.mark.servers
def test_status_tells_the_offsets_and_the_last_batch(servers: Settings, local: Path) -> None:
    from ingestion.topic import ensure_topic

    ensure_topic(servers)
    where = ("--kafka", servers.kafka, "--topic", servers.topic)
    where += ("--cassandra", servers.cassandra, "--keyspace", servers.keyspace, "--home", str(local))
    status = json.loads(run("status", "--json", *where).stdout)
    assert status["topic"]["end_offsets"] == [0] * servers.shards
    assert status["batch"]["last"] is None
    assert "none today or yesterday" in run("status", *where).stdout


def test_sigterm_is_left_as_it_was(local: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run("up", "--only", "s3", "--home", str(local))
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_cluster_is_started_as_a_whole(local: Path) -> None:
    with pytest.raises(click.UsageError, match="leave --only out"):
        run("up", "--cluster", "--only", "s3", "--home", str(local))
    assert not local.exists()


def test_status_tells_which_nodes_of_a_cluster_have_ended(local: Path) -> None:
    layout = Layout.made(local)
    registry = Registry(local)
    entry = registry.launch("kafka-2", [sys.executable, "-c", "import time; time.sleep(60)"], address="127.0.0.1:1")
    try:
        assert servers.running(local) == {"kafka": layout.addresses()["kafka"]}
        ended = json.loads(run("status", "--json", "--home", str(local)).stdout)["ended"]
        assert len(ended) == 9
        assert "kafka-2" not in ended
        shown = run("status", "--home", str(local)).stdout
        assert "Ended: kafka-1, kafka-3, cassandra-1" in shown
        assert "riskcontrol up --cluster" in shown
    finally:
        assert servers.stop(local) == [entry.name]

"""What holds a claim is found, what held one is not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from riskcontrol.claim import claim, noted
from riskcontrol.cli import cli
from riskcontrol.errors import ServerError
from riskcontrol.servers import require
from riskcontrol.servers.holders import DEMO, STREAM, Holder, alerts_lock, dashboard_lock, holders, producer_lock
from riskcontrol.settings import Settings


def test_the_holders_of_claims_are_found_as_long_as_they_hold_them(tmp_path: Path) -> None:
    paths = (
        alerts_lock(tmp_path, "riskcontrol"),
        dashboard_lock(tmp_path, "http://127.0.0.1:8050/"),
        tmp_path / DEMO,
        producer_lock(tmp_path, "tape.two"),
        tmp_path / "state" / "tape" / STREAM,
    )
    files = [claim(path) for path in paths]
    since = [path.stat().st_mtime for path in paths]
    assert holders(tmp_path) == [
        Holder("alerts run", os.getpid(), since[0], "keyspace riskcontrol"),
        Holder("dashboard", os.getpid(), since[1], "http://127.0.0.1:8050/"),
        Holder("demo", os.getpid(), since[2], str(tmp_path / "demo")),
        Holder("ingest", os.getpid(), since[3], "topic tape.two"),
        Holder("stream", os.getpid(), since[4], str(tmp_path / "state" / "tape")),
    ]
    for file in files:
        assert file is not None
        file.close()
    assert holders(tmp_path) == []


def test_who_is_refused_a_claim_leaves_the_holders_pid_there(tmp_path: Path) -> None:
    with claim(tmp_path / DEMO) or pytest.fail("nobody holds it"):
        assert claim(tmp_path / DEMO) is None
        assert [holder.pid for holder in holders(tmp_path)] == [os.getpid()]


@pytest.mark.parametrize("content", ["", "no number", "0", "99999999"])
def test_a_file_that_names_no_process_is_nobodys(tmp_path: Path, content: str) -> None:
    (tmp_path / DEMO).parent.mkdir()
    (tmp_path / DEMO).write_text(content)
    assert holders(tmp_path) == []


def test_status_lists_what_was_started_by_hand(tmp_path: Path) -> None:
    with claim(tmp_path / DEMO) or pytest.fail("nobody holds it"):
        shown = CliRunner().invoke(cli, ["status", "--home", str(tmp_path)]).stdout
    assert f"riskcontrol demo runs, pid {os.getpid()}, up 0:00:0" in shown
    assert f"(riskcontrol status --home {tmp_path / 'demo'})" in shown


def test_who_has_no_server_is_told_of_the_demonstration_s_where_one_runs(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(ServerError, match=r"none runs here; start one with: riskcontrol up, or .* --kafka"):
        require(settings, "kafka")
    told = f"the demonstration's are found with: --home {tmp_path / 'demo'}, or"
    with claim(tmp_path / DEMO) or pytest.fail("nobody holds it"), pytest.raises(ServerError, match=re.escape(told)):
        require(settings, "kafka")


def test_what_is_noted_is_found_only_while_it_runs(tmp_path: Path) -> None:
    path = producer_lock(tmp_path, "tape")
    with noted(path):
        assert [holder.name for holder in holders(tmp_path)] == ["ingest"]
    assert not path.exists()


def test_what_cannot_be_noted_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "producers").write_text("in the way")
    with noted(producer_lock(tmp_path, "tape")):
        assert holders(tmp_path) == []


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (Path("state/tape") / STREAM, "its state and tape are removed; stop it"),
        (producer_lock(Path(), "tape"), "the same command sends everything again"),
        (alerts_lock(Path(), "riskcontrol"), "it waits for the servers to be back, and sends nothing meanwhile"),
        (dashboard_lock(Path(), "http://127.0.0.1:8050/"), "its pages say what is away until the servers are back"),
    ],
)
def test_a_purge_names_who_runs_on_what_it_removes(tmp_path: Path, lock: Path, said: str) -> None:
    with noted(tmp_path / lock):
        told = CliRunner().invoke(cli, ["down", "--purge", "--home", str(tmp_path)]).stderr
    assert told.startswith("Warning: riskcontrol ")
    assert f"(pid {os.getpid()}, " in told
    assert said in told


def test_down_warns_of_nobody_where_no_server_is_stopped(tmp_path: Path) -> None:
    with noted(tmp_path / "state" / "tape" / STREAM), noted(tmp_path / DEMO):
        assert CliRunner().invoke(cli, ["down", "--home", str(tmp_path)]).stderr == "None was running.\n"

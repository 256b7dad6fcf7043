"""What holds a claim is found, what held one is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from riskcontrol.claim import claim
from riskcontrol.cli import cli
from riskcontrol.servers.holders import DEMO, STREAM, Holder, dashboard_lock, holders


def test_the_holders_of_claims_are_found_as_long_as_they_hold_them(tmp_path: Path) -> None:
    paths = (
        dashboard_lock(tmp_path, "http://127.0.0.1:8050/"),
        tmp_path / DEMO,
        tmp_path / "state" / "tape" / STREAM,
    )
    files = [claim(path) for path in paths]
    since = [path.stat().st_mtime for path in paths]
    assert holders(tmp_path) == [
        Holder("dashboard", os.getpid(), since[0], "http://127.0.0.1:8050/"),
        Holder("demo", os.getpid(), since[1], str(tmp_path / "demo")),
        Holder("stream", os.getpid(), since[2], str(tmp_path / "state" / "tape")),
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

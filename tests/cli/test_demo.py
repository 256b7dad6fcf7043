"""`riskcontrol demo`: down with everything, whenever it is to end; what it shows: browser/test_whole_line.py."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from riskcontrol.cli.dashboard import listen
from riskcontrol.settings import Settings
from tests.processes import RISKCONTROL, Running, environment, run, simulated_day, until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400), pytest.mark.usefixtures("started_once")]


def processes_of(home: Path) -> list[str]:
    """Return the command lines of all processes that have to do with a folder."""
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(home) in line]


@pytest.fixture
def demo(tmp_path: Path) -> tuple[Settings, tuple[str, ...]]:
    """Settings and command of a demonstration on a small day of its own."""
    day = simulated_day(tmp_path / "day", tickers=10, trades=20_000)
    return Settings(home=tmp_path / "home"), ("demo", "--trades", str(day), "--users", "200", "--port", "0")


def test_a_port_that_is_taken_is_told_once_before_anything_starts(demo: tuple[Settings, tuple[str, ...]]) -> None:
    settings, command = demo
    with closing(listen("127.0.0.1", 0)) as taken:
        result = run(settings, *command, "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(r"riskcontrol: error: dashboard: can't listen on .*--port; 0 takes a free one\n", result.stderr)
    assert not (settings.home / "demo").exists()


def test_where_nothing_was_started_nothing_is_said_to_be_stopped(tmp_path: Path) -> None:
    result = run(Settings(home=tmp_path), "demo", "--trades", str(tmp_path / "none.gz"), "--port", "0")
    assert result.returncode == 1
    assert re.fullmatch(r"riskcontrol: error: .*none\.gz: isn't there.*\n", result.stderr)


@pytest.mark.parametrize("server", ["", "CassandraDaemon"])
def test_ctrl_c_during_the_start_leaves_nothing_behind(demo: tuple[Settings, tuple[str, ...]], server: str) -> None:
    settings, command = demo
    with Running(settings, *command) as running:
        if server:
            until(lambda: any(server in line for line in processes_of(settings.home)), 120)
        else:
            time.sleep(0.5)
        assert running.interrupt() in (130, -2), running.output
    assert processes_of(settings.home) == []


LOST = """
import os, signal, sys, time
from riskcontrol.cli import demonstration, main

class Lost(demonstration.Demo):
    def start(self, told):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise ImportError("half of a module is loaded") from None

demonstration.Demo = Lost
sys.argv = ["riskcontrol", "demo", "--port", "0"]
main()
"""


def test_a_ctrl_c_that_broke_off_the_loading_of_a_module_is_no_failure(tmp_path: Path) -> None:
    own = environment(Settings(home=tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", LOST], env=own, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.filterwarnings("ignore:.*forkpty.*:DeprecationWarning")
def test_a_terminal_that_is_closed_leaves_nothing_behind(demo: tuple[Settings, tuple[str, ...]]) -> None:
    settings, command = demo
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(RISKCONTROL[0], [*RISKCONTROL, *command], environment(settings))  # noqa: S606
    shown = b""

    def in_its_midst() -> bool:
        nonlocal shown
        if select.select([terminal], [], [], 0.1)[0]:  # what nobody reads would hold it up
            shown += os.read(terminal, 65_536)
        return any("kafka.Kafka" in line for line in processes_of(settings.home))

    try:
        # It is drawing, anew all the time, and learns that there is nobody left to see it.
        until(in_its_midst, 120)
        assert b"Starting" in shown, shown.decode()
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert processes_of(settings.home) == []

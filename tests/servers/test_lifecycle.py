import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from riskcontrol import servers
from riskcontrol.errors import ServerError
from riskcontrol.servers import starting
from riskcontrol.servers.node import HOST, Node, free_ports
from riskcontrol.servers.registry import Registry


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    yield folder
    servers.stop(folder)


def pid_of(home: Path, name: str = "s3") -> int:
    return Registry(home).alive()[name].pid


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends within so many seconds; a child that nobody has asked for is one that has ended."""
    for _ in range(int(seconds * 20)):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def script(text: str, name: str = "fake") -> Node:
    """A server that runs a line of Python and never answers."""

    def ready() -> None:
        raise ConnectionError("not yet")

    command = (sys.executable, "-c", text)
    return Node(name=name, folder=Path(), command=command, address=f"{HOST}:1", ready=ready)


def test_what_follows_a_server_s_answer_is_done_before_the_next_one_starts(home: Path) -> None:
    told: list[str] = []

    def maker(name: str) -> starting.Maker:
        (port,) = free_ports(1)
        node = script(f"import socket, time; s = socket.create_server(('{HOST}', {port})); time.sleep(600)", name)

        def ready() -> None:
            socket.create_connection((HOST, port), timeout=5).close()
            told.append(f"{name} answers")

        return lambda _home: replace(node, address=f"{HOST}:{port}", ready=ready)

    makers = {name: maker(name) for name in ("first", "second")}
    then = {"first": lambda address: told.append(f"first done at {address}")}
    addresses = starting.Starting(Registry(home), makers, lambda _: None, then).all([["first", "second"]])
    assert told == ["first answers", f"first done at {addresses['first']}", "second answers"]


def test_a_started_server_answers_and_a_stopped_one_leaves_no_process(home: Path) -> None:
    told: list[str] = []
    addresses = servers.start(home, ["s3"], on_event=told.append)
    assert servers.running(home) == addresses
    assert any(addresses["s3"] in text for text in told)
    pid = pid_of(home)
    assert servers.stop(home) == ["s3"]
    assert gone(pid)
    assert servers.running(home) == {}
    assert servers.stop(home) == []


def test_a_running_server_is_left_as_it_is(home: Path) -> None:
    first = servers.start(home, ["s3"])
    pid = pid_of(home)
    assert servers.start(home, ["s3"]) == first
    assert pid_of(home) == pid


def test_a_killed_server_is_noticed_and_comes_back(home: Path) -> None:
    first = servers.start(home, ["s3"])
    pid = pid_of(home)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert servers.running(home) == {}
    assert servers.start(home, ["s3"]) == first, "its clients look for it where it was"
    assert pid_of(home) != pid


def test_the_log_before_the_last_start_is_kept(home: Path) -> None:
    for _ in range(2):
        servers.start(home, ["s3"])
        servers.stop(home)
    assert {path.name for path in (home / "logs").iterdir()} == {"s3.log", "s3.log.1"}


def test_purging_removes_the_data_and_only_that(home: Path) -> None:
    servers.start(home, ["s3"])
    (home / "s3" / "data").write_text("x")
    (home / "mine").write_text("x")
    servers.stop(home, purge=True)
    assert not (home / "s3").exists()
    assert (home / "mine").exists()


@pytest.mark.parametrize("age", [0.0, 3_600.0])
def test_a_stranger_with_the_noted_pid_is_not_killed(home: Path, age: float) -> None:
    servers.start(home, ["s3"])
    servers.stop(home)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        try:
            created = psutil.Process(stranger.pid).create_time() - age if age else 0.0
            noted = {"name": "s3", "pid": stranger.pid, "created": created, "address": "http://x", "log": "x"}
            home.joinpath("servers.json").write_text(json.dumps({"s3": noted}))
            assert servers.running(home) == {}
            assert servers.stop(home, purge=True) == []
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"s3": 1}', '{"s3": {"pid": 1}}', '{"s3": null}', "\x00\xff"])
def test_a_broken_note_of_servers_is_no_server(home: Path, text: str) -> None:
    home.mkdir()
    (home / "servers.json").write_text(text)
    assert servers.running(home) == {}
    assert servers.stop(home) == []


def test_somebody_elses_server_on_the_chosen_port_is_not_taken_for_ours(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    address = servers.start(theirs, ["s3"])["s3"]
    taken = int(address.rpartition(":")[2])
    found = iter([[taken], free_ports(1)])
    monkeypatch.setattr(sys.modules["riskcontrol.servers.s3"], "ports", lambda _folder, _count: next(found))
    try:
        assert servers.start(home, ["s3"])["s3"] != address
        assert pid_of(home) != pid_of(theirs)
    finally:
        servers.stop(theirs)


def test_a_server_that_ends_at_once_is_told_with_the_end_of_its_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = script("import sys; sys.exit('no space left')")
    monkeypatch.setitem(servers.SERVERS, "fake", lambda _home: node)
    with pytest.raises(ServerError, match=r"fake: [\s\S]*fake\.log[\s\S]*no space left"):
        servers.start(home, ["s3", "fake"])
    assert servers.running(home) == {}


class Clock:
    """Time that passes by being looked at."""

    def __init__(self) -> None:
        self.seconds = 0

    def monotonic(self) -> int:
        """Return a second more than the last time."""
        self.seconds += 1
        return self.seconds


def test_one_that_works_is_waited_for_longer_than_one_that_does_nothing_and_that_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_STILL_SECONDS", 9)
    monkeypatch.setattr(starting, "_READY_SECONDS", 30)
    told: list[str] = []
    found = {}
    for name in ("works", "waits"):
        log = home / "logs" / f"{name}.log"

        def ready(log: Path = log) -> None:
            if log.name == "works.log":
                with log.open("a") as file:
                    file.write(".")
            raise ConnectionError("not yet")

        node = replace(script("import time; time.sleep(600)", name), ready=ready)
        monkeypatch.setitem(servers.SERVERS, name, lambda _home, node=node: node)
        monkeypatch.setattr(starting, "time", Clock())
        with pytest.raises(ServerError) as raised:
            servers.start(home, [name], on_event=told.append)
        found[name] = str(raised.value)
        assert servers.running(home) == {}
    assert re.search(r"no answer at \S+ after 3\d s \(not yet\); the end of", found["works"])
    assert re.search(r"no answer at \S+ after 1\d s, and no sign of work for 1\d s \(not yet\)", found["waits"])
    said = r"works doesn't answer yet, after 1\d s; it is waited for up to 30 s while it works \(its log: .*works.log\)"
    assert re.fullmatch(said, told[0])


STARTS = """
import sys
from pathlib import Path
from riskcontrol import servers
from tests.servers.test_lifecycle import script
servers.SERVERS["fake"] = lambda home: script("import time; time.sleep(600)")
told = lambda text: sys.stdout.write(text + "\\n") and sys.stdout.flush()
servers.start(Path(sys.argv[1]), ["s3", "fake"], on_event=told)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_that_is_interrupted_leaves_no_process(home: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTS, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as starting:
        assert starting.stdout is not None
        assert "s3 answers" in starting.stdout.readline()
        pids = [entry.pid for entry in Registry(home).alive().values()]
        assert len(pids) == 2
        starting.send_signal(number)
        assert starting.wait(30) != 0
    assert all(gone(pid) for pid in pids)
    assert servers.running(home) == {}

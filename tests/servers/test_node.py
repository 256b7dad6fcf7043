"""A server finds its ports again."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from riskcontrol.servers.node import HOST, ports


def test_ports_are_kept_as_long_as_they_are_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskcontrol.servers.node._LEAVING_SECONDS", 0.1)
    first = ports(tmp_path, 3)
    assert len(set(first)) == 3
    assert ports(tmp_path, 3) == first
    with socket.socket() as taken:
        taken.bind((HOST, first[1]))
        taken.listen()
        second = ports(tmp_path, 3)
    assert first[1] not in second
    assert ports(tmp_path, 3) == second


def test_the_port_of_a_server_that_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    first = ports(tmp_path, 1)
    with socket.create_server((HOST, *first)) as ending:
        leaves = threading.Timer(0.3, ending.close)
        leaves.start()
        assert ports(tmp_path, 1) == first
        leaves.join()


@pytest.mark.parametrize("text", ["", "20000", "20000 20000", "80 81", "x y", "\x00", "20000 20001 20002"])
def test_a_note_of_ports_that_makes_no_sense_is_not_taken(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports").write_text(text)
    found = ports(tmp_path, 2)
    assert len(set(found)) == 2
    assert ports(tmp_path, 2) == found

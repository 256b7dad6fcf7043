"""Priorities: a process gives way with all of its threads, and never comes to the front."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import psutil
import pytest

from riskcontrol.priority import give_way

THREADS = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); time.sleep(60)"


@pytest.fixture
def other() -> Iterator[psutil.Popen]:
    process = psutil.Popen([sys.executable, "-c", THREADS], start_new_session=True)
    while process.num_threads() < 2:
        pass
    yield process
    if process.poll() is None:
        process.kill()
        process.wait()


def niceness(process: psutil.Popen) -> set[int]:
    return {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in process.threads()}


def test_all_of_a_process_gives_way_and_does_not_come_back(other: psutil.Popen) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    give_way(other.pid, 7)
    assert niceness(other) == {max(7, usual)}
    give_way(other.pid, 3)
    assert niceness(other) == {max(7, usual)}


def test_of_a_process_that_is_gone_nothing_is_said(other: psutil.Popen) -> None:
    other.kill()
    other.wait()
    give_way(other.pid, 7)

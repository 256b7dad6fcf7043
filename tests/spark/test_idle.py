"""An idle stream says so once, and then once a minute; a batch with anything in it has its line at once."""

from __future__ import annotations

import datetime as dt
import logging

import pytest

from spark.idle import Idle

START = dt.datetime(2024, 3, 5, 14, 30, tzinfo=dt.UTC)


def hidden(idle: Idle, seconds: range, *, nothing: bool = True) -> list[bool]:
    return [idle.hides(START + dt.timedelta(seconds=second), idle=nothing) for second in seconds]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "riskcontrol.stream")
    return caplog


def test_two_idle_minutes_are_three_lines(log: pytest.LogCaptureFixture) -> None:
    assert all(hidden(Idle(), range(125)))
    assert log.messages == [
        "2024-03-05 14:30:00Z nothing new on the tape; the next line comes with it, or in a minute",
        "2024-03-05 14:31:00Z nothing new on the tape for 1 min",
        "2024-03-05 14:32:00Z nothing new on the tape for 2 min",
    ]


def test_a_batch_with_something_in_it_is_shown_and_the_next_idle_one_said_anew(log: pytest.LogCaptureFixture) -> None:
    idle = Idle()
    assert all(hidden(idle, range(5)))
    assert hidden(idle, range(5, 8), nothing=False) == [False] * 3
    assert all(hidden(idle, range(8, 12)))
    assert [message[11:20] for message in log.messages] == ["14:30:00Z", "14:30:08Z"]


def test_verbose_shows_every_batch(log: pytest.LogCaptureFixture) -> None:
    log.set_level(logging.DEBUG, "riskcontrol.stream")
    assert not any(hidden(Idle(), range(3)))
    assert log.messages == []

"""Whether the stream runs, is idle or has stopped, as its last batches tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from frontend.pulse import State, pulse
from tests.frontend.fake import BATCHES, OPEN, batch


def frame(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(BATCHES))


def now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")


def test_before_any_batch_there_is_no_pulse() -> None:
    assert pulse(frame(), now()).state is State.NEVER


def test_batches_with_trades_are_a_running_stream() -> None:
    beat = pulse(frame(*(batch(i, trades=500) for i in range(5))), now())
    assert beat.state is State.RUNNING
    assert round(beat.rate) == 500
    assert beat.trouble() is None
    assert "tape at 2013-10-07 09:30:00 New York" in beat.words()


def test_the_rate_is_per_second_whatever_the_interval() -> None:
    assert round(pulse(frame(*(batch(4 * i, trades=500) for i in range(5))), now()).rate) == 125


def test_empty_batches_for_some_seconds_are_an_idle_stream() -> None:
    rows = [batch(i, trades=0) for i in range(10)] + [batch(10 + i) for i in range(10)]
    beat = pulse(frame(*rows), now())
    assert beat.state is State.IDLE
    assert str(beat.trouble()).startswith(
        "No trades come in, last trade at 2013-10-07 09:30:00 New York. The stream runs"
    )
    assert beat.words().startswith("Waiting for trades · batch 0.25 s")


def test_a_stream_that_never_had_a_trade_is_idle_too() -> None:
    beat = pulse(frame(*(batch(i, trades=0, event_time=0) for i in range(10))), now())
    assert str(beat.trouble()).startswith("No trades come in. The stream runs")


def test_no_batch_for_some_seconds_is_a_stopped_stream() -> None:
    beat = pulse(frame(*(batch(30 + i, event_time=OPEN) for i in range(10))), now())
    assert beat.state is State.STOPPED
    assert "riskcontrol stream" in str(beat.trouble())


@pytest.mark.parametrize(
    ("gaps", "seconds", "behind"),
    [([1] * 9, 0.7, False), ([1] * 9, 1.1, True), ([1, 2] * 5, 1.6, True), ([5] * 6, 4.9, True), ([1] * 3, 2.0, False)],
)
def test_batches_that_follow_one_another_without_a_pause_are_behind(
    gaps: list[int], seconds: float, behind: bool
) -> None:
    ages = np.cumsum([0, *gaps])[::-1].tolist()
    beat = pulse(frame(*(batch(age, seconds=seconds) for age in ages)), now())
    assert beat.state is State.RUNNING
    assert beat.behind is behind
    assert beat.words().startswith("Behind: the machine is too busy · ") is behind
    assert beat.trouble() is None


def test_long_intervals_are_given_more_patience() -> None:
    assert pulse(frame(*(batch(15 + 30 * i) for i in range(4))), now()).state is State.RUNNING

"""The replay clock, on a wall clock that the test turns."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.columns import Directory, Rows
from ingestion.replay import MAX_DISORDER, TICK, in_time, paced, sorted_by_time
from riskcontrol.errors import InputError
from riskcontrol.trades import NS_PER_SECOND
from tests.ingestion.made import at, batch

SECOND = NS_PER_SECOND


class Wall:
    """A clock that moves only when somebody pauses."""

    def __init__(self, until: float = float("inf")) -> None:
        self.now, self.until = 0.0, until

    def __call__(self) -> float:
        """Now, seconds."""
        return self.now

    def pause(self, seconds: float) -> bool:
        """Move on; say whether to stop."""
        self.now = round(self.now + seconds, 6)
        return self.now >= self.until


def batches(*groups: list[int], tickers: str = "AB") -> list[Rows]:
    """Rows at these times, one batch per group; tickers by turns."""
    directory = Directory(4)
    made, first = [], 0
    for times in groups:
        names = [tickers[(first + place) % len(tickers)] for place in range(len(times))]
        made.append(directory.rows(batch(names, times, first), first=first))
        first += len(times)
    return made


def replayed(groups: list[Rows], wall: Wall, **options: object) -> list[tuple[float, list[int]]]:
    """Wall seconds after the start, and ordinals, of each slice."""
    slices = paced(groups, clock=wall, pause=wall.pause, **options)  # type: ignore[arg-type]
    return [(wall.now, part.rows.ordinal.tolist()) for part in slices]


def test_rows_come_when_event_time_has_run_speed_times_wall_time() -> None:
    start = at("09:30")
    times = [start + second * SECOND for second in (0, 6, 6, 12, 60)]
    assert replayed(batches(times), Wall(), speed=60.0) == [(0, [0]), (0.1, [1, 2]), (0.2, [3]), (1.0, [4])]


def test_what_is_before_the_start_comes_at_once_and_nothing_is_left_out() -> None:
    times = [at("04:00"), at("09:00"), at("09:29"), at("09:29:06"), at("09:30")]
    assert replayed(batches(times), Wall(), speed=60.0, start=dt.time(9, 29)) == [
        (0, [0, 1, 2]),
        (0.1, [3]),
        (1.0, [4]),
    ]


def test_a_start_before_the_first_row_does_not_wait_for_it() -> None:
    assert replayed(batches([at("09:30")]), Wall(), speed=1.0, start=dt.time(4)) == [(0, [0])]


def test_nights_are_not_waited_for() -> None:
    next_day = dt.date(2024, 3, 6)
    times = [at("16:00"), at("19:59:54"), at("04:00", next_day), at("09:30", next_day), at("09:30:06", next_day)]
    assert replayed(batches(times), Wall(), speed=60.0, start=dt.time(19, 59, 54)) == [
        (0, [0, 1]),
        (0, [2, 3, 4]),
    ]
    assert replayed(batches(times[1:2], times[2:]), Wall(), speed=6e4)[:2] == [(0, [0]), (0, [1])]


def test_a_little_disorder_is_due_at_once_and_keeps_its_order() -> None:
    start = at("09:30")
    times = [start, start + 6 * SECOND, start + 3 * SECOND, start + 9 * SECOND]
    assert replayed(batches(times[:2], times[2:]), Wall(), speed=60.0) == [(0, [0]), (0.1, [1]), (0.1, [2]), (0.2, [3])]


def test_time_going_far_back_is_an_error_with_a_remedy() -> None:
    start = at("09:30")
    with pytest.raises(InputError, match=r"goes back by 61 s.*--speed max"):
        replayed(batches([start + 61 * SECOND], [start]), Wall(), speed=60.0)


def test_stopping_ends_the_replay() -> None:
    start = at("09:30")
    assert replayed(batches([start, start + 3_600 * SECOND]), Wall(until=5.0), speed=1.0) == [(0, [0])]


def test_lateness_is_told() -> None:
    wall = Wall()
    start = at("09:30")
    late = []
    for part in paced(batches([start], [start + 60 * SECOND]), speed=60.0, clock=wall, pause=wall.pause):
        late.append(round(part.behind, 3))
        wall.now += 3.0  # whoever sends is slow
    assert late == [0.0, round(2.0 - TICK, 3)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=60), st.integers(1, 10), st.floats(1, 1_000))
def test_every_row_comes_once_in_order_and_not_before_its_time(milliseconds: list[int], cut: int, speed: float) -> None:
    start = at("10:00")
    times = [start + ms * 1_000_000 for ms in sorted(milliseconds)]
    groups = batches(*[times[first : first + cut] for first in range(0, len(times), cut)])
    sent = replayed(groups, Wall(), speed=speed)
    assert [ordinal for _, ordinals in sent for ordinal in ordinals] == list(range(len(times)))
    for wall, ordinals in sent:
        assert times[ordinals[-1]] - times[0] <= wall * speed * SECOND + speed * 1_000


def test_a_file_in_time_order_is_recognised_within_a_few_rows() -> None:
    order, found = in_time(iter(batches([1, 2, 3], [4, 5], tickers="AB")))
    assert order == "file"
    assert Rows.joined(list(found)).ordinal.tolist() == [0, 1, 2, 3, 4]


def test_a_file_in_ticker_order_is_sorted_by_time_and_counted_anew() -> None:
    directory = Directory(4)
    times = [at("09:30"), at("15:00"), at("09:31"), at("15:00"), at("09:30")]
    parts = [directory.rows(batch(["A", "A", "B", "B", "C"], times), first=0).take(slice(n, n + 1)) for n in range(5)]
    order, found = in_time(iter(parts))
    rows = Rows.joined(list(found))
    assert order == "time"
    assert rows.sequence.tolist() == [1, 5, 3, 2, 4]  # at one time, as in the file
    assert rows.ordinal.tolist() == [0, 1, 2, 3, 4]


def test_a_file_of_one_ticker_is_in_time_order() -> None:
    order, found = in_time(iter(batches([1, 2], [3], tickers="A")))
    assert (order, len(Rows.joined(list(found)))) == ("file", 3)


def test_a_file_too_large_to_sort_is_an_error_with_a_remedy() -> None:
    with pytest.raises(InputError, match="--speed max"):
        in_time(iter(batches([MAX_DISORDER + 9, MAX_DISORDER + 10], [1, 2], tickers="A")), most=3)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=50))
def test_sorting_by_time_is_stable(times: list[int]) -> None:
    rows = sorted_by_time(batches(times))
    assert (rows.sequence - 1).tolist() == np.argsort(times, kind="stable").tolist()

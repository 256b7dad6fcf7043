"""The small lines of the tables."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from frontend.sparkline import HEIGHT, MOST_POINTS, WIDTH, sparkline

values = st.lists(st.integers(-(10**15), 10**15), min_size=2, max_size=300)


@given(values, st.integers(1, 10**15))
def test_every_point_lies_within_the_drawing(series: list[int], start: int) -> None:
    line = sparkline(np.array(series), start)
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line["points"].split()]
    assert len(points) <= MOST_POINTS
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert 0 <= line["zero"] <= HEIGHT
    assert line["gain"] == (series[-1] >= start)


@given(st.lists(st.integers(1, 10**15), min_size=2, max_size=300))
def test_the_lowest_and_the_highest_value_are_drawn(series: list[int]) -> None:
    line = sparkline(np.array(series), series[0])
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line["points"].split()]
    if min(series) < max(series):
        assert (min(heights), max(heights)) == (2, HEIGHT - 2)


def test_what_never_changes_is_a_line_in_the_middle() -> None:
    line = sparkline(np.array([5, 5, 5]), 5)
    assert line is not None
    assert {point.split(",")[1] for point in line["points"].split()} == {"14"}


def test_a_single_point_is_no_line() -> None:
    assert sparkline(np.array([5]), 5) is None
    assert sparkline(np.array([], np.int64), 5) is None

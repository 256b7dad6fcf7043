"""Records: which day a time belongs to, which days count, what is refused; and what the package brings along."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.statistics import Executions, Record, compute
from riskcontrol.statistics.days import trading_days
from tests.statistics.definitions import trading_day

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> int:
    """Return nanoseconds UTC of a New York time."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * 10**9


def record(*points: tuple[str, int], cash: int = 100) -> Record:
    return Record(cash, np.array([at(text) for text, _ in points]), np.array([value for _, value in points]))


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2013-10-07T09:30", "2013-10-07"),
        ("2013-10-08T00:00", "2013-10-07"),  # midnight ends a day
        ("2013-10-08T00:01", "2013-10-08"),
        ("2013-10-12T12:00", "2013-10-11"),  # a Saturday
        ("2013-10-13T23:59", "2013-10-11"),  # a Sunday
        ("2013-10-14T00:00", "2013-10-11"),
        ("2013-03-10T01:59", "2013-03-08"),  # the clocks change
        ("2013-03-10T23:59", "2013-03-08"),
        ("2013-03-11T00:01", "2013-03-11"),
        ("2013-11-04T00:01", "2013-11-04"),
        ("2013-11-03T23:59", "2013-11-01"),
    ],
)
def test_a_time_belongs_to_a_trading_day_of_new_york(time: str, day: str) -> None:
    assert trading_days(np.array([at(time)])).tolist() == [(dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days]


@given(st.lists(st.integers(0, 4_102_444_800 * 10**9 - 1), min_size=1))
def test_every_time_belongs_to_the_day_that_the_wall_clock_says(times: list[int]) -> None:
    days = [(trading_day(time) - dt.date(1970, 1, 1)).days for time in times]
    assert trading_days(np.array(times)).tolist() == days


def test_a_days_equity_is_its_last_value() -> None:
    run = record(
        ("2013-10-07T10:00", 100), ("2013-10-07T16:00", 110), ("2013-10-08T10:00", 50), ("2013-10-08T16:00", 99)
    )
    assert run.daily.values.tolist() == [110, 99]
    assert run.daily.returns == pytest.approx([0.1, -0.1])


def test_a_first_day_of_a_single_point_is_where_the_run_starts() -> None:
    assert record(("2013-10-07T16:00", 100), ("2013-10-08T16:00", 110)).daily.values.tolist() == [110]


def test_a_first_day_that_moved_counts_however_few_points_it_has() -> None:
    assert record(("2013-10-07T16:00", 105), ("2013-10-08T16:00", 110)).daily.values.tolist() == [105, 110]


@pytest.mark.parametrize("value", [0, -5])
def test_equity_at_or_under_zero_leaves_returns_undefined(value: int) -> None:
    run = record(("2013-10-07T16:00", 100), ("2013-10-08T16:00", value), ("2013-10-09T16:00", 100))
    assert run.daily.returns.tolist() == []
    assert compute(run)["sharpe"] is None


def test_holding_over_night_and_weekend_counts_sessions_alone() -> None:
    fills = Executions(
        time=[at("2013-10-11T15:00"), at("2013-10-14T10:30")],
        price=[10, 10],
        shares=[5, -5],
        fee=[0, 0],
        cash=[50, 100],
    )
    times = [at(text) for text in ("2013-10-11T09:30", "2013-10-11T16:00", "2013-10-14T16:00")]
    run = Record(100, np.array(times), np.array([100, 100, 100]), fills)
    assert compute(run)["exposure"] == pytest.approx(2 / 13)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"time": [], "value": []}, "needs an equity point"),
        ({"time": [1, 2], "value": [1]}, "differ in length"),
        ({"time": [1], "value": [1], "closes": [1, 2]}, "differ in length"),
        ({"time": [2, 1], "value": [1, 1]}, "ascend"),
        ({"time": [1], "value": [1], "closes": [0]}, "positive"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(columns: dict[str, list[int]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Record(100, **columns)  # type: ignore[arg-type]


def test_importing_the_package_brings_neither_pandas_nor_scipy() -> None:
    code = "import sys, riskcontrol.verdict; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"pandas", "scipy", "empyrical", "numba"}

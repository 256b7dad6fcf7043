"""New York's days."""

import datetime as dt
import subprocess
import sys

import pytest

from ingestion import sessions
from ingestion.calendar import FIRST_YEAR, LAST_YEAR, by_library, day


@pytest.mark.parametrize("year", [FIRST_YEAR, 1979, 1980, 2000, 2009, 2010, LAST_YEAR])
def test_the_first_and_last_days_of_a_decade_have_their_hours(year: int) -> None:
    for date in (dt.date(year, 1, 1), dt.date(year, 12, 31)):
        assert 0 <= day(date).closes - day(date).opens <= 6.5 * 3600 * 10**9
    assert day(dt.date(year, 1, 1)).closes == 0
    assert day(dt.date(year, 6, 15)).midnights[0] % (3600 * 10**9) == 0


@pytest.mark.parametrize(
    ("date", "hours"),
    [("2013-10-07", 6.5), ("2013-11-29", 3.5), ("2013-07-04", 0), ("2012-10-29", 0), ("2013-10-06", 0)],
)
def test_half_days_holidays_and_storms_are_known(date: str, hours: float) -> None:
    one = day(dt.date.fromisoformat(date))
    assert one.closes - one.opens == hours * 3600 * 10**9


def test_the_table_of_sessions_is_the_exchange_calendars() -> None:
    assert list(sessions.CLOSED) == list(sessions.HALF) == list(range(min(sessions.HALF), max(sessions.HALF) + 1))
    date, last = dt.date(min(sessions.CLOSED), 1, 1), dt.date(max(sessions.CLOSED), 12, 31)
    while date <= last:
        assert (day(date).opens, day(date).closes) == by_library(date), date
        date += dt.timedelta(days=1)


def test_a_day_of_daily_files_needs_no_library() -> None:
    code = (
        "import datetime, sys, ingestion.calendar as c; c.day(datetime.date(2024, 3, 5));"
        "print({'pandas', 'exchange_calendars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

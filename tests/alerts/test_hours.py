"""Quiet hours by the clock of a zone."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.alerts.hours import read_quiet, zones
from riskcontrol.errors import AlertError

MINUTES = st.integers(0, 1439)


@given(MINUTES, MINUTES, MINUTES, st.sampled_from(["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]))
def test_a_minute_is_quiet_if_one_comes_to_it_from_the_beginning_before_the_end(
    begin: int, end: int, minute: int, zone: str
) -> None:
    if begin == end:
        return
    quiet = read_quiet(f"{begin // 60}:{begin % 60:02d}-{end // 60}:{end % 60:02d}", zone)
    assert quiet is not None
    at = dt.datetime(2026, 1, 15, minute // 60, minute % 60, 59, tzinfo=ZoneInfo(zone))
    steps = range((end - begin) % 1440)
    assert quiet.holds(at.timestamp()) == (minute in {(begin + step) % 1440 for step in steps})
    assert read_quiet(quiet.span, zone) == quiet


@pytest.mark.parametrize(
    ("utc", "quiet"),
    [
        # Clocks go from 2:00 to 3:00 in New York: what would be 2:30 is 3:30 already.
        ("2026-03-08T06:59", False),
        ("2026-03-08T07:30", False),
        # And from 2:00 back to 1:00: 1:30 is quiet both times.
        ("2026-11-01T05:30", True),
        ("2026-11-01T06:30", True),
        ("2026-11-01T07:30", True),
        ("2026-11-01T08:00", False),
    ],
)
def test_summer_time_is_followed(utc: str, quiet: bool) -> None:
    hours = read_quiet("01:30-03:00" if "-11-" in utc else "02:00-03:00", "America/New_York")
    assert hours is not None
    assert hours.holds(dt.datetime.fromisoformat(f"{utc}+00:00").timestamp()) is quiet


@pytest.mark.parametrize(
    ("span", "zone", "field"),
    [
        ("22:00", "UTC", "quiet"),
        ("24:00-07:00", "UTC", "quiet"),
        ("22:00-22:00", "UTC", "quiet"),
        ("22:00-07:00\n", "UTC", ""),
        ("२२:00-07:00", "UTC", "quiet"),
        ("22:00-07:00", "Mars/Olympus", "zone"),
        ("22:00-07:00", "../../../etc/passwd", "zone"),
        ("22:00-07:00", "", "zone"),
        ("22:00-07:00", "localtime", "zone"),
    ],
)
def test_what_are_no_hours_or_no_zone_is_refused(span: str, zone: str, field: str) -> None:
    if not field:
        assert read_quiet(span, zone) is not None
        return
    with pytest.raises(AlertError) as caught:
        read_quiet(span, zone)
    assert caught.value.field == field


def test_no_hours_are_no_hours_whatever_the_zone() -> None:
    assert read_quiet(" ", "nowhere") is None
    assert "America/New_York" in zones()

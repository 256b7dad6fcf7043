"""Quiet hours: by the clock on the wall of a time zone, so that they follow its summer time."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass, field
from functools import cache

from riskcontrol.errors import AlertError

USUAL_ZONE = "America/New_York"
_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of each day in which nothing is sent.

    Attributes:
        begin: Minute of the day at which they begin.
        end: The first minute after them; where it is earlier than `begin`, that of the next day.
        zone: Name of the time zone whose clock counts.
    """

    begin: int
    end: int
    zone: str
    _clock: zoneinfo.ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_clock", zoneinfo.ZoneInfo(self.zone))

    def holds(self, now: float) -> bool:
        """Return whether a moment is in them.

        Args:
            now: Seconds since 1970.

        >>> night = read_quiet("22:00-07:00", "Europe/Berlin")
        >>> [night.holds(dt.datetime(2026, 1, 5, hour, tzinfo=dt.UTC).timestamp()) for hour in (20, 21, 5, 6)]
        [False, True, True, False]
        """
        at = dt.datetime.fromtimestamp(now, self._clock)
        minute = at.hour * 60 + at.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end

    @property
    def span(self) -> str:
        """The hours, as `read_quiet` takes them."""
        return f"{self.begin // 60:02d}:{self.begin % 60:02d}-{self.end // 60:02d}:{self.end % 60:02d}"


def read_quiet(span: str, zone: str) -> Quiet | None:
    """Return quiet hours as typed; None for none.

    Args:
        span: ``HH:MM-HH:MM``, or nothing.
        zone: Name of a time zone.

    Raises:
        AlertError: They aren't hours, or there is no such zone.
    """
    if not span.strip():
        return None
    found = _SPAN.fullmatch(span.strip())
    if found is None:
        raise AlertError("must be like 22:00-07:00", field="quiet")
    hours = [int(part) for part in found.groups()]
    begin, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if begin == end:
        raise AlertError("must begin and end at different times", field="quiet")
    if zone not in zones():
        raise AlertError("must be the name of a time zone, like Europe/Berlin", field="zone")
    return Quiet(begin, end, zone)


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones; they are looked up here and never as files of somebody's naming."""
    return frozenset(zoneinfo.available_timezones()) - {"localtime"}

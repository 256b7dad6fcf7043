"""How long to wait before the next attempt: a pure function of those that were made."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """How attempts slow down the next ones.

    Attributes:
        free: So many cost nothing.
        first: Seconds to wait after the next one; twice as many after each further one.
        most: Never wait longer.
        window: Seconds for which an attempt counts.
    """

    free: int
    first: float
    most: float
    window: float

    def wait(self, attempts: Sequence[float], now: float) -> float:
        """Return how many seconds to wait from now on; 0 if another attempt may be made.

        Args:
            attempts: When the earlier ones were made, in any order.
            now: On the same clock.

        >>> limit = Limit(free=2, first=1, most=60, window=3600)
        >>> limit.wait([100, 101], 101), limit.wait([100, 101, 102], 102), limit.wait([100, 101, 102, 103], 104)
        (0.0, 1.0, 1.0)
        """
        counted = [min(at, now) for at in attempts if now - at < self.window]
        over = len(counted) - self.free
        if over <= 0:
            return 0.0
        delay = min(self.most, self.first * 2.0 ** min(over - 1, _MOST_DOUBLINGS))
        return min(delay, max(0.0, max(counted) + delay - now))  # the sum may be rounded up


HERE = Limit(free=5, first=1, most=900, window=86_400)
"""Wrong passwords of one name from one network."""
NAME = Limit(free=20, first=1, most=30, window=3_600)
"""Wrong passwords of one name from anywhere: a short wait, as anybody could make its owner wait."""
NETWORK = Limit(free=30, first=1, most=900, window=3_600)
"""Wrong passwords of any names from one network."""
REGISTER = Limit(free=5, first=30, most=3_600, window=86_400)
"""Registrations from one network, whatever became of them: one of a name that is taken tells that it is."""


def network_of(address: str) -> str:
    """Return what counts as one sender: an IPv4 address, or the /64 that one subscriber of IPv6 has.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1:2:3:4"), network_of("::ffff:192.0.2.7"), network_of("")
    ('192.0.2.7', '2001:db8::', '192.0.2.7', '')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False).network_address)

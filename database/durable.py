"""When a row that a server has acknowledged is on its disk, so that whoever sent it may forget it."""

from __future__ import annotations

import re

from cassandra import InvalidRequest, Unauthorized
from cassandra.cluster import Session

from database.session import answering

UNKNOWN = 20.0
"""Seconds to wait where the server doesn't say how it keeps its commit log: twice the usual period."""

_NAMES = ("commitlog_sync", "commitlog_sync_period", "periodic_commitlog_sync_lag_block")
_SETTINGS = "SELECT name, value FROM system_views.settings WHERE name IN ('{}', '{}', '{}')"
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(rf"([0-9]+)({'|'.join(_UNITS)})")
_LAG = 1.5
"""Periods that a sync may be late before a write has to wait for it, where nothing else is set."""


def settling(session: Session) -> float:
    """Return after how many seconds a write proves that what was acknowledged before is on the disk.

    A server whose commit log is synced in periods (``commitlog_sync: periodic``) holds back a write while its last
    sync began longer ago than one and a half of them. So a write that it acknowledges says that whatever was
    acknowledged so much earlier is on the disk; with the other ways of syncing, each write says it of itself.

    Raises:
        ServerError: The database doesn't answer.
    """
    with answering():
        try:
            rows = session.execute(_SETTINGS.format(*_NAMES))
        except (InvalidRequest, Unauthorized):
            return UNKNOWN
        return seconds({row.name: row.value for row in rows})


def seconds(said: dict[str, str | None]) -> float:
    """Return the same from a server's settings.

    >>> seconds({"commitlog_sync": "periodic", "commitlog_sync_period": "200ms"})
    0.3
    >>> seconds({"commitlog_sync": "batch"})
    0.0
    """
    way, period, lag = (said.get(name) for name in _NAMES)
    if way in ("batch", "group"):
        return 0.0
    if (late := _seconds(lag)) is not None:
        return late
    every = _seconds(period)
    return UNKNOWN if way != "periodic" or every is None else round(_LAG * every, 9)


def lives(session: Session) -> frozenset[tuple[str, int]]:
    """Return every node's address and generation, which is another one each time that it is started.

    A cluster whose nodes don't tell of each other is not asked: each row has other replicas there.

    Raises:
        ServerError: The database doesn't answer.
    """
    with answering():
        try:
            rows = session.execute("SELECT address, generation FROM system_views.gossip_info")
        except (InvalidRequest, Unauthorized):
            if len(session.cluster.metadata.all_hosts()) > 1:
                return frozenset()
            rows = session.execute("SELECT broadcast_address, gossip_generation FROM system.local")
        return frozenset((str(address), int(generation)) for address, generation in rows)


def _seconds(text: str | None) -> float | None:
    found = _DURATION.fullmatch(text or "")
    return int(found[1]) * _UNITS[found[2]] if found else None

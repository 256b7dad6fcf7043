"""Which of our commands run by somebody's hand: those that hold a claim in a home folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

DEMO = "demo/demo.lock"
STREAM = "stream.lock"

_PLACES = {
    "alerts run": "alerts/*.lock",
    "demo": DEMO,
    "ingest": "producers/*.lock",
    "stream": f"state/*/{STREAM}",
    "dashboard": "dashboards/*.lock",
}
"""Where in a home folder a command's claims are."""
_SHARED = {"alerts run": "keyspace", "ingest": "topic"}
"""What several processes of a command may work on, each with a file of its own."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A command that runs.

    Attributes:
        name: Which command, as it is typed.
        pid: Its process.
        since: When it made its claim, seconds since 1970.
        claims: What it has claimed: a demonstration its folder, a stream its state, a dashboard its address; of a
            producer, the topic that it sends to, of a sender of alerts, the keyspace that it follows: others may as
            well.
    """

    name: str
    pid: int
    since: float
    claims: str


def dashboard_lock(home: Path, address: str) -> Path:
    """Return the file that a dashboard claims.

    >>> dashboard_lock(Path("home"), "http://127.0.0.1:8050/").as_posix()
    'home/dashboards/127.0.0.1:8050.lock'
    """
    return home / "dashboards" / f"{address.partition('//')[2].rstrip('/')}.lock"


def producer_lock(home: Path, topic: str) -> Path:
    """Return the file that a producer, this process, claims.

    >>> producer_lock(Path("home"), "tape").match("home/producers/tape.*.lock")
    True
    """
    return home / "producers" / f"{topic}.{os.getpid()}.lock"


def alerts_lock(home: Path, keyspace: str) -> Path:
    """Return the file that a sender of alerts, this process, claims.

    >>> alerts_lock(Path("home"), "riskcontrol").match("home/alerts/riskcontrol.*.lock")
    True
    """
    return home / "alerts" / f"{keyspace}.{os.getpid()}.lock"


def holders(home: Path) -> list[Holder]:
    """Return the commands that hold a claim in a folder, by name."""
    return [found for name, place in sorted(_PLACES.items()) for found in _found(home, name, place)]


def _found(home: Path, name: str, place: str) -> Iterator[Holder]:
    for path in sorted(home.glob(place)):
        try:
            pid, since = int(path.read_text()), path.stat().st_mtime
            files = {file.path for file in psutil.Process(pid).open_files()}
        except (OSError, ValueError, psutil.Error):
            continue  # nobody's, or of a process that has ended
        # Not asked by locking it, which could be in the way of a command that starts at this moment.
        if str(path.resolve()) in files:
            yield Holder(name, pid, since, _claims(name, path))


def _claims(name: str, path: Path) -> str:
    if name == "dashboard":
        return f"http://{path.stem}/"
    if name in _SHARED:
        return f"{_SHARED[name]} {path.stem.rpartition('.')[0]}"
    return str(path.parent.absolute())

"""A server as a value: how it is started, when it is ready."""

from __future__ import annotations

import os
import random
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from riskcontrol.errors import SettingsError

HOST = "127.0.0.1"

_LEAVING_SECONDS = 2.0
"""How long a port may still be held by a server that was killed: it counts as ended while its last threads end."""

_PORTS = range(20_000, 32_000)
"""Where ports are chosen: below those that systems give to outgoing connections, one of which could come between."""


@dataclass(frozen=True, slots=True)
class Node:
    """A server that can be started.

    Args:
        name: What it is called in `servers.json` and in its log's name.
        folder: Its data; belongs to it alone.
        command: What runs it.
        address: Where clients reach it.
        ready: Asks it something real; raises while it can't answer.
        environment: What it needs beside our own environment.
        archive: Where the classes that it has loaded are to be kept (`archive.keep`), if they are not yet.
        nice: How far it lets others go first, from 0 to 19, once it has started.
    """

    name: str
    folder: Path
    command: tuple[str, ...]
    address: str
    ready: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=dict)
    archive: Path | None = None
    nice: int = 0


def free_ports(count: int, hosts: Sequence[str] = (HOST,)) -> list[int]:
    """Return so many different ports that nobody listens on now, at any of these loopback addresses."""
    free = (port for port in random.sample(_PORTS, len(_PORTS)) if all(is_free(port, host) for host in hosts))
    return [next(free) for _ in range(count)]


def ports(folder: Path, count: int) -> list[int]:
    """Return loopback ports for a server: those that it had before, so that its clients find it again.

    Others are chosen where it had none, or somebody listens on one of them now.

    Args:
        folder: The server's; the ports are noted there.
        count: How many.
    """
    note = folder / "ports"
    try:
        known = [int(text) for text in note.read_text().split()]
    except (OSError, ValueError):
        known = []
    if len(set(known)) == count and all(port in _PORTS and soon_free(port) for port in known):
        return known
    chosen = free_ports(count)
    note.write_text(" ".join(map(str, chosen)) + "\n")
    return chosen


def is_free(port: int, host: str = HOST) -> bool:
    """Return whether nobody listens on a port."""
    with socket.socket() as probe:
        # As servers do it: a port that only connections that have ended still hold is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def soon_free(port: int, host: str = HOST) -> bool:
    """Return whether nobody listens on a port, now or once a server that was just killed has gone."""
    deadline = time.monotonic() + _LEAVING_SECONDS
    while not (free := is_free(port, host)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return free


def heap(name: str, default: str) -> str:
    """Return the most memory that a server's JVM may use for its heap: RISKCONTROL_<NAME>_HEAP, or the default.

    Raises:
        SettingsError: It isn't a number of megabytes or gigabytes.

    >>> heap("kafka", "512m")
    '512m'
    """
    variable = f"RISKCONTROL_{name.upper()}_HEAP"
    given = os.environ.get(variable) or default
    if not re.fullmatch(r"[1-9]\d{0,5}[mMgG]", given):
        raise SettingsError(f"{given!r} is no size; write it like 512m or 2g", field=variable)
    return given


def touch(port: int, host: str = HOST) -> None:
    """Open a connection and close it: what is cheaper to ask first than a client of the server's kind.

    Raises:
        OSError: Nobody listens there.
    """
    socket.create_connection((host, port), timeout=1).close()

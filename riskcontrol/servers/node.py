"""A server as a value: how it is started, when it is ready."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"


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
    """

    name: str
    folder: Path
    command: tuple[str, ...]
    address: str
    ready: Callable[[], None]
    environment: Mapping[str, str] = field(default_factory=dict)


def free_ports(count: int) -> list[int]:
    """Return so many different loopback ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def touch(port: int) -> None:
    """Open a connection and close it: what is cheaper to ask first than a client of the server's kind.

    Raises:
        OSError: Nobody listens there.
    """
    socket.create_connection((HOST, port), timeout=1).close()

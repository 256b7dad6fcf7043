"""An application served for real, on a free loopback port, for as long as a test needs it, and who asks it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from riskcontrol.cli.dashboard import address, listen, server_of

PATIENCE_SECONDS = 120.0
"""How long a machine that is busy with other things may take over an answer: some load the compiled indicators."""
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What clients get that call without TLS: to read all authorities' certificates takes each 50 ms."""


def client_of(address: str, **more: Any) -> httpx.Client:
    """Return a client of what is served at an address without TLS; the rest as httpx takes it."""
    return httpx.Client(base_url=address, verify=_NO_TLS, **{"timeout": PATIENCE_SECONDS, **more})


@contextmanager
def served(app: FastAPI, port: int = 0, proxies: Collection[str] = ()) -> Iterator[str]:
    """Serve an application in a thread; gives its address without a slash at the end."""
    listener = listen("127.0.0.1", port)
    server = server_of(app, proxies)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield address(listener).rstrip("/")
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()

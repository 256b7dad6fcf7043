"""An application served for real, on a free loopback port, for as long as a test needs it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from fastapi import FastAPI

from riskcontrol.cli.dashboard import address, listen, server_of


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

"""One producer per source: a lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ingestion.topic import bootstrap
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings


@contextmanager
def only_one(settings: Settings, source: str) -> Iterator[None]:
    """Keep other processes of this machine from sending the same source to the same tape.

    Args:
        settings: Which tape; the lock's file lies in `home`.
        source: The source's name.

    Raises:
        InputError: Another process sends it now.
    """
    folder = settings.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    tape = f"{bootstrap(settings)}\0{settings.topic}\0{source}"
    with (folder / f"ingest-{hashlib.sha256(tape.encode()).hexdigest()[:16]}").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"process {file.read().strip() or '(unknown)'} is sending it to topic {settings.topic} now; "
                "wait for it, stop it, or send it a second time under another name with --as",
                source=source,
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

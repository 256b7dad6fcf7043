"""Fetches the servers' jars and has their archives of classes written, where they aren't there.

`make test` calls it: servers that begin together would each write down the same classes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from jars.fetch import cache
from riskcontrol import servers

SERVERS = ("kafka", "cassandra")


def archive_classes() -> None:
    """Start each server once that has none; it writes one as soon as it answers."""
    missing = [name for name in SERVERS if not list(cache().glob(f"classes/{name}-*"))]
    if missing:
        with tempfile.TemporaryDirectory() as home:
            try:
                servers.start(Path(home), missing)
            finally:
                servers.stop(Path(home))


if __name__ == "__main__":
    archive_classes()

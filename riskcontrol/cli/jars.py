"""`riskcontrol jars`: fetch the pinned JVM parts."""

from __future__ import annotations

import click


@click.command(epilog="Example: riskcontrol jars")
@click.option("--relock", is_flag=True, help="Pin anew what the versions in jars/fetch.py resolve to (for developers).")
def command(relock: bool) -> None:
    """Fetch the pinned JVM parts (Kafka broker, Cassandra server) and check them.

    `riskcontrol up` does so by itself; this is for doing it ahead, for instance before going offline.
    """
    from jars import fetch

    for name, part in fetch.PARTS.items():
        if relock:
            click.echo(f"{name}: {fetch.relock(name)} jars pinned in {part.lock}")
        else:
            click.echo(f"{name}: {fetch.fetch(name, lambda text: click.echo(text, err=True))}")

"""`riskcontrol up`: start the local servers."""

from __future__ import annotations

import click

from riskcontrol.cli.options import with_settings
from riskcontrol.settings import Settings

NAMES = ("kafka", "cassandra", "s3")


@click.command(epilog="Example: riskcontrol up --only kafka --only cassandra --home /data/riskcontrol")
@with_settings("topic", "shards", "keyspace")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Start only this one; may be given again.")
def command(settings: Settings, only: tuple[str, ...]) -> None:
    """Start the local servers (Kafka, Cassandra, S3), make the topic and the tables.

    They run on free loopback ports until `riskcontrol down`; the other commands find them by themselves. What they
    keep is under HOME (default .riskcontrol) and there again after the next start; only the S3 server forgets its
    buckets. Logs are in HOME/logs. The first run fetches about 100 MB of JVM parts.
    """
    from riskcontrol import servers

    names = only or NAMES
    for name in names:
        if name in (found := servers.running(settings.home)):
            click.echo(f"{name} runs already, at {found[name]}", err=True)
    addresses = servers.start(settings.home, names, on_event=lambda text: click.echo(text, err=True))
    resolved = servers.resolve(settings)
    if "kafka" in names:
        from ingestion.topic import ensure_topic

        click.echo(f"topic {resolved.topic}: {ensure_topic(resolved)} partitions", err=True)
    if "cassandra" in names:
        from database.session import init

        init(resolved)
        click.echo(f"keyspace {resolved.keyspace}: tables are there", err=True)
    for name in names:
        click.echo(f"{name}\t{addresses[name]}")

"""`riskcontrol up`: start the local servers."""

from __future__ import annotations

import click

from riskcontrol.cli.options import with_settings
from riskcontrol.settings import Settings

NAMES = ("kafka", "cassandra", "s3")


@click.command(epilog="Example: riskcontrol up --cluster --home /data/riskcontrol")
@with_settings("topic", "shards", "keyspace")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Start only this one; may be given again.")
@click.option("--cluster", is_flag=True, help="Start three brokers, three nodes of Cassandra, and Spark with three "
              "workers; any one of each may end.")  # fmt: skip
def command(settings: Settings, only: tuple[str, ...], *, cluster: bool) -> None:
    """Start the local servers (Kafka, Cassandra, S3), make the topic and the tables.

    They run on free loopback ports until `riskcontrol down`; the other commands find them by themselves. What they
    keep is under HOME (default .riskcontrol) and there again after the next start; only the S3 server forgets its
    buckets. Logs are in HOME/logs. The first run fetches about 100 MB of JVM parts.

    With --cluster everything is kept three times and the stream runs on Spark's workers; it takes 3 GB of memory, and
    2.5 GB more while a stream runs. What has ended is started again by the same command. A home is one or the other.
    """
    from riskcontrol import servers
    from riskcontrol.servers.layout import NODES

    if cluster and only:
        raise click.UsageError("--cluster starts all of them; leave --only out")

    def told(text: str) -> None:
        click.echo(text, err=True)

    def make_tables(address: str) -> None:
        from database.session import init
        from riskcontrol.errors import ServerError

        if not settings.cassandra:
            try:
                init(settings.model_copy(update={"cassandra": address, "replication": NODES}))
            except ServerError as error:
                told(f"no tables yet ({error}); made when all nodes are there")

    running = servers.alive(settings.home)
    if cluster:
        addresses = servers.start_cluster(settings.home, on_event=told, on_database=make_tables)
    else:
        addresses = servers.start(settings.home, only or NAMES, on_event=told)
    for name in addresses:
        if name in running:
            told(f"{name} runs already, at {addresses[name]}")
    resolved = servers.resolve(settings)
    if not only or "kafka" in only:
        from ingestion.topic import ensure_topic

        told(f"topic {resolved.topic}: {ensure_topic(resolved)} partitions")
    if not only or "cassandra" in only:
        from database.session import init

        init(resolved)
        told(f"keyspace {resolved.keyspace}: tables are there")
    for name, address in addresses.items():
        click.echo(f"{name}\t{address}")

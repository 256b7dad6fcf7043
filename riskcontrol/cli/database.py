"""`riskcontrol database`: make the tables, or drop them."""

from __future__ import annotations

import click

from riskcontrol.cli.options import DATABASE, with_settings
from riskcontrol.settings import Settings


@click.group(
    name="database",
    epilog="Example: riskcontrol database init --cassandra node1,node2,node3 --replication 3",
)
def command() -> None:
    """Create the tables in Cassandra, or drop them. `riskcontrol up` creates them by itself."""


@command.command(epilog="Example: riskcontrol database init --cassandra node1,node2,node3 --replication 3")
@with_settings(*DATABASE, "replication")
def init(settings: Settings) -> None:
    """Create the keyspace and the tables; what is there stays as it is.

    Needs Cassandra: riskcontrol up, or --cassandra.
    """
    from database import session
    from riskcontrol import servers

    resolved = servers.require(settings, "cassandra")
    session.init(resolved)
    click.echo(f"The tables are in keyspace {resolved.keyspace} at {resolved.cassandra}.")


@command.command(
    short_help="Drop the keyspace with all that is in it.",
    epilog="Example: riskcontrol database drop --keyspace trial --yes",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_settings(*DATABASE)
def drop(settings: Settings, *, yes: bool) -> None:
    """Drop the keyspace with everything in it: users, strategies, positions, fills, bars.

    Needs Cassandra: riskcontrol up, or --cassandra. The tape stays; a stream that starts anew with another --state
    folder writes all but the users again.
    """
    from database import session
    from riskcontrol import servers

    resolved = servers.require(settings, "cassandra")
    if not yes:
        click.confirm(f"Drop keyspace {resolved.keyspace} at {resolved.cassandra} with everything in it?", abort=True)
    session.drop(resolved)
    click.echo(f"Keyspace {resolved.keyspace} is gone.")

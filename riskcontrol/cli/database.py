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
    """Create the keyspace and the tables; what is there stays, and gets columns that came later.

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
@click.option("--rows", is_flag=True, help="Only what the stream writes; accounts, keys, links and alerts stay.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_settings(*DATABASE)
def drop(settings: Settings, *, rows: bool, yes: bool) -> None:
    """Drop the keyspace with everything in it: accounts, users, strategies, positions, fills, bars.

    Needs Cassandra: riskcontrol up, or --cassandra. The tape stays; a stream that starts anew with another --state
    folder writes again what it has written, which --rows drops alone. Accounts, their keys, links and alerts are on no
    tape.
    """
    from database import session
    from riskcontrol import servers

    resolved = servers.require(settings, "cassandra")
    if not yes:
        what = "what the stream wrote into" if rows else "all accounts and everything else, and with it"
        click.confirm(f"Drop {what} keyspace {resolved.keyspace} at {resolved.cassandra}?", abort=True)
    session.drop(resolved, rows=rows)
    gone = "What the stream wrote into keyspace {} is gone; make its tables again: riskcontrol database init."
    click.echo((gone if rows else "Keyspace {} is gone.").format(resolved.keyspace))

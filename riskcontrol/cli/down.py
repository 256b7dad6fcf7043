"""`riskcontrol down`: stop the local servers."""

from __future__ import annotations

import click

from riskcontrol.cli.options import with_settings
from riskcontrol.settings import Settings


@click.command(epilog="Example: riskcontrol down --purge")
@with_settings()
@click.option("--purge", is_flag=True, help="Remove their data, and the stream's state, as well.")
def command(settings: Settings, purge: bool) -> None:
    """Stop the local servers that `riskcontrol up` started.

    Their data stays, unless --purge says otherwise.
    """
    import shutil

    from riskcontrol import servers

    stopped = servers.stop(settings.home, purge=purge)
    click.echo(f"Stopped: {', '.join(stopped)}" if stopped else "None was running.", err=True)
    if purge:
        # State without its tape is of no use.
        shutil.rmtree(settings.home / "state", ignore_errors=True)
        click.echo("Their data is removed.", err=True)

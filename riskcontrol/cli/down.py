"""`riskcontrol down`: stop the local servers."""

from __future__ import annotations

import click

from riskcontrol.cli.options import with_settings
from riskcontrol.settings import Settings

_FATES = {
    "stream": "its batches fail, and are tried again until the servers are back",
    "ingest": "it ends with an error; the same command goes on where the tape ends",
    "dashboard": "its pages say what is away until the servers are back",
    "alerts run": "it waits for the servers to be back, and sends nothing meanwhile",
}
_PURGED = _FATES | {
    "stream": "its state and tape are removed; stop it, and start it again after riskcontrol up",
    "ingest": "it ends with an error; the same command sends everything again",
}
"""What becomes of commands without the servers, and without the data, that they run on."""


@click.command(epilog="Example: riskcontrol down --purge")
@with_settings()
@click.option("--purge", is_flag=True, help="Remove their data, and the stream's state, as well.")
def command(settings: Settings, purge: bool) -> None:
    """Stop the local servers that `riskcontrol up` started.

    Their data stays, unless --purge says otherwise.
    """
    import shutil

    from riskcontrol import servers

    if purge or servers.running(settings.home):
        _warn(settings, purge=purge)
    stopped = servers.stop(settings.home, purge=purge)
    click.echo(f"Stopped: {', '.join(stopped)}" if stopped else "None was running.", err=True)
    if purge:
        # State without its tape is of no use.
        shutil.rmtree(settings.home / "state", ignore_errors=True)
        click.echo("Their data is removed.", err=True)


def _warn(settings: Settings, *, purge: bool) -> None:
    """Name the commands that run on these servers, and say what becomes of them; those that are stopped too, aside."""
    from riskcontrol.servers.holders import holders
    from riskcontrol.servers.registry import Registry

    stopped = {entry.pid for entry in Registry(settings.home).alive().values()}
    fates = _PURGED if purge else _FATES
    for each in holders(settings.home):
        if each.name in fates and each.pid not in stopped:
            said = f"Warning: riskcontrol {each.name} (pid {each.pid}, {each.claims}) still runs: {fates[each.name]}."
            click.echo(click.style(said, fg="yellow"), err=True)

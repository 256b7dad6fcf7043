"""`riskcontrol snapshots`: what there is to go on from."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from riskcontrol.cli.options import with_settings
from riskcontrol.errors import InputError, SettingsError
from riskcontrol.settings import Settings


@click.command(epilog="Example: riskcontrol snapshots s3://bucket/snapshots")
@with_settings("s3_endpoint", "s3_region")
@click.argument("place", required=False)
def command(settings: Settings, *, place: str | None) -> None:
    """List the complete snapshots in PLACE, a folder or s3://BUCKET/PREFIX, oldest first.

    Without PLACE, those where the setting `snapshots` says. A snapshot that isn't whole is not one, and not listed.
    """
    from riskcontrol.servers import resolve
    from spark.depot import FolderDepot, depot
    from spark.snapshot import complete

    chosen = depot(resolve(settings.model_copy(update={"snapshots": place or settings.snapshots})))
    if chosen is None:
        raise SettingsError("name a folder or s3://BUCKET/PREFIX, or set RISKCONTROL_SNAPSHOTS", field="snapshots")
    if isinstance(chosen, FolderDepot) and not chosen.root.is_dir():
        what = "is a file" if chosen.root.exists() else "isn't there"
        raise InputError(
            f"{what}; name the folder, or s3://BUCKET/PREFIX, that riskcontrol stream --snapshots was given",
            source=str(chosen),
        )
    with tempfile.TemporaryDirectory(prefix="riskcontrol-") as scratch:
        found = complete(chosen, Path(scratch))
    if not found:
        click.echo(f"No complete snapshot in {chosen}.", err=True)
        return
    click.echo(f"{'time UTC':<23}  {'offsets':>14}  {'positions':>12}  {'bytes':>15}  schema  tape")
    for one in found:
        moment = one.moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        click.echo(f"{moment}  {one.offsets:>14,}  {one.positions:>12,}  {one.size:>15,}  {one.schema:>6}  {one.tape}")

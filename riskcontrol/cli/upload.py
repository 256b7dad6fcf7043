"""`riskcontrol upload`: put trade files into a bucket."""

from __future__ import annotations

from pathlib import Path

import click

from riskcontrol.cli.options import S3, with_settings
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings


@click.command(name="upload", epilog="Example: riskcontrol upload EQY_US_ALL_TRADE_20131007.gz s3://tape/2013/")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("url", metavar="s3://BUCKET/PREFIX/")
@click.option("--create-bucket", is_flag=True, help="Make the bucket if it isn't there.")
@click.option("--any", "anything", is_flag=True, help="Take files, too, that aren't trade files.")
@with_settings(*S3)
def command(paths: tuple[Path, ...], url: str, settings: Settings, *, create_bucket: bool, anything: bool) -> None:
    """Put trade files into a bucket, in parts, each with its SHA-256.

    Needs S3: the local server (riskcontrol up), Amazon's, or any other (--s3-endpoint), and keys for it
    (RISKCONTROL_S3_ACCESS_KEY and RISKCONTROL_S3_SECRET_KEY, or boto3's ways). Interrupted, the same command goes on
    with the parts that are missing; a file that is there already with the same checksum and size is not sent again.
    """
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from ingestion import files, s3
    from ingestion.reader import check_head
    from ingestion.upload import destination, make_bucket, upload
    from riskcontrol import servers
    from riskcontrol.progress import on_terminal

    targets = {path: destination(url, path) for path in paths}
    for path in paths:
        if not path.is_file():
            raise InputError("isn't there" if not path.exists() else "is not a file", source=str(path))
    if len({target.key for target in targets.values()}) < len(paths):
        raise InputError("two of the files have the same name, or one is given twice", source=url)
    for path in [] if anything else paths:
        try:
            check_head(files.stream(path), str(path))
        except InputError as error:
            raise InputError(f"{error}; --any uploads it all the same") from error
    client = s3.client(servers.resolve(settings))
    if create_bucket and make_bucket(client, targets[paths[0]], settings.s3_region):
        click.echo(f"Made the bucket {targets[paths[0]].bucket}.")
    with on_terminal(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    ) as progress:
        task = progress.add_task("", total=2 * sum(path.stat().st_size for path in paths))  # checked, then sent
        for path, target in targets.items():
            progress.update(task, description=path.name)
            done = upload(client, path, target, lambda size: progress.advance(task, size))
            if done.skipped:
                what = "is there already, with the same checksum and size"
            elif done.sent < done.size:
                what = f"{done.size:,} bytes, {done.sent:,} of them now; the rest was there from an earlier attempt"
            else:
                what = f"{done.size:,} bytes"
            click.echo(f"{done.address}: {what}")

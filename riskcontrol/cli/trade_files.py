"""What the commands that read trade files share: the tickers they are given, a progress bar, the account at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskcontrol.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.sources import Source


class TickerName(click.ParamType):
    """A ticker; one in lower case is taken in upper case, which is said."""

    name = "TICKER"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the ticker."""
        from riskcontrol.trades import TICKER_PATTERN

        if TICKER_PATTERN.fullmatch(value):
            return value
        upper = value.upper()
        if not TICKER_PATTERN.fullmatch(upper):
            self.fail(f"{value!r} is not a ticker like IBM or BRK.B", param, ctx)
        click.echo(f"{value} is taken as {upper}.", err=True)
        return upper


def local_servers(locations: Iterable[str], settings: Settings) -> Settings:
    """Return the settings with the address of the local S3 server, where locations are on S3 and none is set."""
    from ingestion.files import is_url

    if not any(is_url(location) for location in locations):
        return settings
    from riskcontrol import servers

    return servers.resolve(settings)


def read_all(sources: Sequence[Source], take: Callable[[pa.RecordBatch], None]) -> None:
    """Hand over all batches of trade files, with a progress bar where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    terminal = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal,
        disable=not terminal.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=sum(source.size for source in sources))
        before = 0
        for source in sources:
            progress.update(task, description=source.name)
            for batch in source.batches():
                take(batch)
                progress.update(task, completed=before + source.report.bytes_read)
            before += source.size


def tell_of_rejects(sources: Sequence[Source], kept: Path) -> None:
    """Say on stderr what was left out of trade files, and where the rejected lines are."""
    for source in sources:
        if source.report.rejected or source.report.dropped:
            click.echo(f"{source.name}: {source.report}", err=True)
    if any(source.report.rejected for source in sources):
        click.echo(f"The rejected lines are in {kept}.", err=True)

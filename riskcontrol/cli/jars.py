"""`riskcontrol jars`: fetch the pinned JVM parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_WHAT = "Fetching the JVM parts"
_MEGABYTE = 1_000_000


@click.command(epilog="Example: riskcontrol jars")
@click.option("--relock", is_flag=True, help="Pin anew what the versions in jars/parts.py resolve to (for developers).")
def command(relock: bool) -> None:
    """Fetch the pinned JVM parts (Kafka broker, Cassandra server), about 110 MB, and check them.

    `riskcontrol up` does so by itself; this is for doing it ahead, for instance before going offline. A fetch that is
    broken off goes on where it was. RISKCONTROL_JARS names another folder to keep them in, RISKCONTROL_MAVEN the
    address of a mirror of Maven Central to fetch them from.
    """
    from jars import fetch

    if relock:
        for name, part in fetch.PARTS.items():
            click.echo(f"{name}: resolving {part.title} takes a minute ...", err=True)
            click.echo(f"{name}: {fetch.relock(name)} jars pinned in {part.lock}")
        return
    with showing_progress() as on_progress:
        folders = fetch.fetch_all(on_progress)
    for name, folder in folders.items():
        click.echo(f"{name}: {folder}")


@contextmanager
def showing_progress() -> Iterator[Callable[[int, int], None]]:
    """Give what shows a download's progress on stderr: a bar on a terminal, else a line at each tenth.

    Nothing is shown until it is called.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield _lines()
        return
    with Progress(
        SpinnerColumn(),  # the repository is asked for some seconds before the first byte comes
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=terminal,
        transient=True,
    ) as bar:

        def show(done: int, total: int) -> None:
            if not bar.task_ids:
                # What an earlier fetch left is there at once; the speed is that of this one.
                bar.add_task(_WHAT, total=total, completed=done)
            bar.update(bar.task_ids[0], completed=done)

        yield show


def _lines() -> Callable[[int, int], None]:
    """Return what tells progress as a line at each tenth."""
    told = -1

    def show(done: int, total: int) -> None:
        nonlocal told
        tenth = 10 * done // total
        if tenth > told:
            told = tenth
            click.echo(f"{_WHAT}: {tenth * 10} % of {total / _MEGABYTE:.0f} MB", err=True)

    return show

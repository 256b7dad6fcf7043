"""What the crash test shows: a bar while it runs, a table at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

Told = Callable[..., None]
"""Told what happens, and with `done=True` that a round is done."""


@contextmanager
def progress(rounds: int) -> Iterator[Told]:
    """Show rounds done as a bar where stderr is a terminal; what is told goes to stderr, a line each, in any case.

    Args:
        rounds: How many there will be.
    """
    from rich.console import Console  # noqa: PLC0415  nobody else needs it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn("rounds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=rounds)

        def told(text: str, *, done: bool = False) -> None:
            console.print(text)
            bar.advance(task, int(done))

        yield told


def tell(found: Mapping[str, Any]) -> None:
    """Print the result as a table, a line a kill, and the rows in which a round differs."""
    lines = [("round", "killed", "after s", "offset", "back after s", "round s", "")]
    for one in found["each"]:
        outcome = "equal" if one["equal"] else "FAILED" if one["failure"] else "DIFFERS"
        for i, kill in enumerate(one["kills"] or [{"what": "", "seconds": 0.0, "offset": 0, "back_seconds": 0.0}]):
            last = (f"{one['seconds']:.1f}", outcome) if i == 0 else ("", "")
            number = str(one["round"]) if i == 0 else ""
            moment, back = f"{kill['seconds']:.1f}", f"{kill['back_seconds']:.1f}"
            lines.append((number, kill["what"], moment, f"{kill['offset']:,}", back, *last))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            text.ljust(width) if i in (1, 6) else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
    for one in found["each"]:
        for text in [*one["differences"], *([one["failure"]] if one["failure"] else [])]:
            click.echo(f"round {one['round']}: {text}")
    rows = ", ".join(f"{count:,} {table}" for table, count in found["rows"].items())
    click.echo(
        f"{found['equal']} of {found['rounds']} rounds equal the undisturbed run: {rows}; SHA-256 {found['hash']}"
    )

"""`riskcontrol users`: open strategies of many generated users."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.options import DATABASE, S3, TAPE, with_settings
from riskcontrol.errors import StrategyError
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from database.reads import Reader
    from database.writes import Writer
    from riskcontrol.rows import Openings

Show = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is to do."""

_EXAMPLE = "Example: riskcontrol users generate --count 100000 --seed 1 --tickers EQY_US_ALL_TRADE_20240305.gz"
_MAX = 10_000_000


@click.group(name="users", epilog=_EXAMPLE)
def command() -> None:
    """Open strategies of many generated users."""


@command.command(epilog=_EXAMPLE)
@click.option("--count", type=click.IntRange(1, _MAX), default=10_000, show_default=True, help="How many users.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed gives the same users."
)
@click.option(
    "--tickers",
    metavar="FILE",
    default=None,
    help="How often tickers trade: a CSV file with the header ticker,frequency, or trade files (a file, a folder, "
    "s3://...), whose trades are counted [default: as riskcontrol simulate has them by default].",
)
@click.option("--from-stream", is_flag=True, help="Take the tickers that the stream has seen, by their trades.")
@click.option("--prefix", default="user", show_default=True, help="What usernames begin with.")
@click.option("--start", type=click.IntRange(1, _MAX), default=1, show_default=True, help="Number of the first user.")
@with_settings(*TAPE, *DATABASE, *S3)
def generate(
    settings: Settings,
    *,
    count: int,
    seed: int,
    tickers: str | None,
    from_stream: bool,
    prefix: str,
    start: int,
) -> None:
    """Open a strategy for each of many generated users, from user000001 on.

    Each has one strategy s1 of the first rule: buy 0.10-0.40 dollars below the reference, sell 0.05-0.40 above it,
    with 2,000-400,000 dollars of cash, on a ticker drawn by how often it trades. They are open once the stream has
    read them. Needs the broker and the database: riskcontrol up, or --kafka and --cassandra.

    Sent again, the same users change nothing; more of a seed are had by --start, or by a larger --count.
    """
    if from_stream and tickers is not None:
        raise click.UsageError("--from-stream and --tickers exclude each other")
    from database import frequencies, generator
    from database.reads import Reader
    from database.session import connect
    from database.writes import Writer
    from riskcontrol import servers

    resolved = servers.require(settings, "kafka", "cassandra")
    session = connect(resolved)
    reader, writer = Reader(session), Writer(session)
    with _shown() as show:
        if from_stream:
            shares = frequencies.from_stream(reader)
        elif tickers is not None:
            shares = frequencies.from_location(
                tickers, resolved, on_read=lambda name, read, size: show(f"Counting {name}", read, size)
            )
        else:
            shares = frequencies.simulated()
        try:
            openings = generator.draw(count, seed, shares, prefix=prefix, start=start)
        except StrategyError as error:
            raise click.BadParameter(error.message, param_hint="--prefix") from error
        # Of the ends alone: to ask for every user would take longer than to open them.
        ends = [f"{prefix}{number:06d}" for number in (start, start + count - 1)]
        known = any(map(reader.user_exists, ends))
        began = time.perf_counter()
        generator.register(writer, openings, on_done=lambda done: show("Writing users", done, count))
        offsets = _published(resolved, openings, show)
        seconds = time.perf_counter() - began
        opened = _opened(resolved, reader, writer, offsets, show)
    users = " to ".join(dict.fromkeys(ends))
    tickers_drawn = len(set(openings.ticker.tolist()))
    click.echo(f"Put on the tape in {seconds:.1f} s: {count:,} strategies (users {users}; tickers: {tickers_drawn:,}).")
    if known:
        click.echo("Users of these names were there before: their strategies stay as they are, only new ones open.")
    if opened:
        click.echo(f"All are open after {time.perf_counter() - began:.1f} s.")
    else:
        click.echo("No stream runs: they open when it does (riskcontrol stream).")


def _published(settings: Settings, openings: Openings, show: Show) -> dict[int, int]:
    from database import generator

    sent = 0

    def on_done(done: int) -> None:
        nonlocal sent
        sent = done
        show("Sending strategies", done, len(openings))

    try:
        return generator.publish(settings, openings, on_done=on_done)
    except KeyboardInterrupt:
        click.echo(
            f"{sent:,} of {len(openings):,} strategies are on the tape. The same command sends the rest; "
            "those sent twice change nothing.",
            err=True,
        )
        raise click.Abort from None


def _opened(settings: Settings, reader: Reader, writer: Writer, offsets: dict[int, int], show: Show) -> bool:
    """Wait for the stream, if one runs, and return whether it has opened the strategies."""
    from database import generator
    from ingestion.topic import tape_id

    if not generator.stream_runs(reader):
        return False
    tape = tape_id(settings)
    try:
        return generator.wait_until_open(
            writer,
            tape,
            offsets,
            alive=lambda: generator.stream_runs(reader),
            on_done=lambda done: show("Waiting for the stream", done, sum(offsets.values())),
        )
    except KeyboardInterrupt:
        click.echo("All strategies are on the tape; they open when the stream has got there.", err=True)
        raise click.Abort from None


@contextmanager
def _shown() -> Iterator[Show]:
    """Give what shows progress, on a terminal."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn

    from riskcontrol.progress import on_terminal

    with on_terminal(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()) as bar:
        task = bar.add_task("Drawing users", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show

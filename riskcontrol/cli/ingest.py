"""`riskcontrol ingest`: send trade files to the tape."""

from __future__ import annotations

import datetime
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskcontrol.claim import noted
from riskcontrol.cli.options import S3, TAPE, max_reject_share_option, splits_option, with_settings
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from ingestion.ingest import Progress, Summary

_AGAIN_SECONDS = 0.5
"""A second signal sooner than this is the first one delivered twice, as `timeout` does."""


class Speed(click.ParamType):
    """A number above 0, or `max`, which becomes infinity."""

    name = "FACTOR|max"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the speed."""
        if value == "max":
            return float("inf")
        try:
            speed = float(value)
        except ValueError:
            speed = 0.0
        if not 0 < speed <= 1_000_000:
            self.fail(f"{value!r} is neither a number above 0 (1 is the speed of the day itself) nor max", param, ctx)
        return speed


class ClockTime(click.ParamType):
    """A time of day."""

    name = "HH:MM[:SS]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime.time:
        """Return the time of day."""
        try:
            if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", value):
                raise ValueError
            return datetime.time.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not HH:MM or HH:MM:SS", param, ctx)


@click.command(
    name="ingest",
    epilog="Examples: riskcontrol ingest EQY_US_ALL_TRADE_20240305.gz --speed 60 --from 09:29;  "
    "riskcontrol ingest s3://bucket/2024/ --splits splits.csv",
)
@click.argument("locations", metavar="LOCATION...", nargs=-1, required=True)
@click.option(
    "--speed",
    type=Speed(),
    default="max",
    show_default=True,
    help="How many times as fast as the day itself: 1, 60, ...; max: as fast as can be.",
)
@click.option(
    "--from",
    "start",
    type=ClockTime(),
    default=None,
    help="New York time at which the replay clock starts; earlier trades are sent at once.",
)
@click.option("--as", "name", default=None, help="Another name on the tape, to send again what is there already.")
@splits_option
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE",
    help="File to keep bad lines in [default: rejects.tsv in --home].",
)
@max_reject_share_option
@with_settings(*TAPE, *S3)
def command(
    locations: tuple[str, ...],
    speed: float,
    start: datetime.time | None,
    name: str | None,
    splits_file: Path | None,
    rejects: Path | None,
    max_reject_share: float,
    settings: Settings,
) -> None:
    """Send the trades of files, folders or s3:// addresses to the tape.

    Needs the broker (riskcontrol up, or --kafka). Days go in date order; nights between them are not waited for.
    Stopped or killed, the same command goes on where the tape ends: nothing is sent twice, nothing is left out.
    A split goes out before the first trade of its ticker on or after its ex-date, and counts once however often sent.
    """
    from ingestion.ingest import ingest
    from ingestion.sources import find_all
    from riskcontrol.servers import require
    from riskcontrol.servers.holders import producer_lock
    from riskcontrol.splits import NO_SPLITS, read_splits

    if name is not None and not (0 < len(name) <= 200 and name.isprintable()):
        raise click.BadParameter("a name has 1 to 200 printable characters", param_hint="--as")
    splits = read_splits(splits_file) if splits_file else NO_SPLITS
    settings = require(settings, "kafka")
    sources = find_all(locations, settings, rejects=rejects, max_reject_share=max_reject_share)
    latest: list[Progress] = []
    try:
        with _stopping() as stop, _shown() as show, noted(producer_lock(settings.home, settings.topic)):

            def seen(progress: Progress) -> None:
                latest[:] = [progress]
                if show is not None:
                    show(progress)

            summary = ingest(
                sources,
                settings,
                speed=None if speed == float("inf") else speed,
                start=start,
                name=name,
                splits=splits,
                on_progress=seen,
                stop=stop,
            )
    except InputError:
        # What came before the fault is on the tape, and stays there.
        if latest and latest[0].time:
            click.echo(f"{latest[0].sent:,} trades, up to {_clock(latest[0].time)}, were sent.", err=True)
        raise
    _tell(summary, {source.name: str(source.report) for source in sources})
    if summary.stopped:
        sys.exit(130)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Make the first Ctrl-C (or SIGTERM) end what is under way in good order, the second at once."""
    stop = threading.Event()

    asked_at = 0.0

    def ask(number: int, frame: object) -> None:
        nonlocal asked_at
        if not stop.is_set():
            asked_at = time.monotonic()
            stop.set()
        elif time.monotonic() - asked_at > _AGAIN_SECONDS:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _shown() -> Iterator[Callable[[Progress], None] | None]:
    """Show progress on a terminal; give what takes it, or None where there is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    from ingestion.replay import new_york

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield None
        return
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
        console=terminal,
        transient=True,
    ) as bar:
        task = bar.add_task("reading back the tape", total=None, detail="")
        began, before, rate = bar.get_time(), 0, 0.0

        def show(progress: Progress) -> None:
            nonlocal began, before, rate
            seconds = bar.get_time() - began
            if seconds > 1:
                rate, before, began = (progress.sent - before) / seconds, progress.sent, bar.get_time()
            clock = f"{new_york(progress.time):%H:%M:%S} New York" if progress.time else "skipping what the tape has"
            late = f", {progress.behind:.1f} s late" if progress.behind > 1 else ""
            bar.update(
                task,
                description=progress.source,
                total=progress.size,
                completed=progress.bytes_read,
                detail=f"{progress.sent:,} trades, {rate:,.0f}/s, {clock}{late}",
            )

        yield show


def _clock(time_ns: int) -> str:
    from ingestion.replay import new_york

    return f"{new_york(time_ns):%Y-%m-%d %H:%M:%S} New York"


def _tell(summary: Summary, reports: dict[str, str]) -> None:
    from riskcontrol.splits import say_unmet

    for source in summary.sources:
        if source.complete and not source.sent:
            click.echo(f"{source.name}: already on the tape; nothing sent. To replay it again: --as NAME")
        else:
            known = f", {source.skipped:,} were on the tape already" if source.skipped else ""
            report = f" ({reports[source.name]})" if source.complete and source.name in reports else ""
            click.echo(f"{source.name}: {source.sent:,} trades sent{known}{report}")
    rate = f", {summary.sent / summary.seconds:,.0f} a second" if summary.sent else ""
    click.echo(f"{summary.sent:,} trades sent in {summary.seconds:.1f} s{rate}.")
    if summary.splits:
        click.echo(f"{summary.splits:,} split{'s' * (summary.splits > 1)} sent.")
    if summary.unmet:
        click.echo(say_unmet(summary.unmet, "trades"), err=True)
    if summary.stopped:
        at = f" at {_clock(summary.time)}" if summary.time else ""
        click.echo(f"Stopped{at}. To go on from there, run the same command again.", err=True)

"""`riskcontrol demo`: everything at once."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.dashboard import listen
from riskcontrol.cli.ingest import Speed
from riskcontrol.cli.options import with_settings
from riskcontrol.errors import RiskControlError, ServerError
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ingestion.ingest import Progress
    from riskcontrol.cli.demonstration import Demo, Ready, Told

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_USUAL_PORT = 8050

_LINE_SECONDS = 15
"""How often progress is told where there is no terminal to draw it on."""


@click.command(epilog="Example: riskcontrol demo --trades EQY_US_ALL_TRADE_20131007.gz --users 100000 --speed max")
@click.option("--trades", metavar="FILE|FOLDER|s3://...", default="",
              help="Real trade files (Daily TAQ or WRDS) [default: a simulated day].")  # fmt: skip
@click.option("--users", type=click.IntRange(1, 10_000_000), default=10_000, show_default=True,
              help="How many users' strategies to open.")  # fmt: skip
@click.option("--speed", type=Speed(), default="60", show_default=True,
              help="How many times as fast as the day itself: 1, 60, ...; max: as fast as can be.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65_535), default=_USUAL_PORT, show_default=True,
              help="Port of the pages; 0 takes a free one, and so does a taken 8050.")  # fmt: skip
@with_settings("s3_endpoint")
def command(settings: Settings, trades: str, users: int, speed: float, port: int) -> None:
    """Start everything on this machine and replay a trading day.

    Kafka, Cassandra and an S3 server start on loopback; a day of trades goes from the bucket through Kafka into the
    Spark stream, where every user's strategy trades on it; the pages show what became of them. Each run starts from
    nothing, in HOME/demo, beside whatever `riskcontrol up` runs. Ctrl-C stops it all.
    """
    from riskcontrol.cli.demonstration import Demo, Options

    options = Options(trades, users, None if speed == float("inf") else speed, _free(port))
    demo = Demo(settings, options)
    interrupted = _interrupt_once()
    try:
        with _bar() as bar:
            began = time.monotonic()
            ready = demo.start(_teller(bar, began))
            click.echo(f"Everything runs after {time.monotonic() - began:.0f} s.")
            _welcome(ready, options.users)
            _replayed(demo, ready, bar, interrupted)
            click.echo("The day is over; the pages stay until Ctrl-C.")
            _another_day(ready, trades)
            _watch(demo, interrupted)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        # In the midst of loading a module, Python may lose the interrupt itself, and what is half loaded fails.
        if interrupted:
            sys.exit(130)
        raise
    finally:
        _ignore_interrupts()
        if interrupted and sys.stderr.isatty():
            _say("")  # after the terminal's ^C
        if demo.stop(_say):
            _say("Everything is stopped.")


def _say(line: str) -> None:
    """Tell what becomes of the end; the terminal may be gone, which must not keep anything running."""
    with suppress(OSError):
        click.echo(line, err=True)


def _free(port: int) -> int:
    """Return the port, or 0 where it is the usual one and taken.

    Raises:
        ServerError: It is another one and taken: whoever asked for it is told before anything is started.
    """
    try:
        listen("127.0.0.1", port).close()
    except ServerError:
        if port != _USUAL_PORT:
            raise
        return 0
    return port


@contextmanager
def _bar() -> Iterator[Bar | None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=terminal,
        transient=True,
    ) as bar:
        yield bar


def _teller(bar: Bar | None, began: float) -> Told:
    """Return what shows the steps: a bar each on a terminal, else a line each and now and then how far it is."""
    tasks: dict[str, object] = {}
    lock = threading.Lock()
    last_line = time.monotonic()

    def told(what: str, part: float | None, detail: str = "") -> None:
        nonlocal last_line
        with lock:
            now = time.monotonic()
            if bar is None:
                if what not in tasks:
                    tasks[what] = None
                    click.echo(f"{now - began:5.1f} s  {what} ...", err=True)
                elif detail and now - last_line > _LINE_SECONDS:
                    click.echo(f"{now - began:5.1f} s  {what}: {detail}", err=True)
                else:
                    return
                last_line = now
                return
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=1.0 if part is not None else None, detail="")
            bar.update(tasks[what], completed=part, detail=detail)  # type: ignore[arg-type]

    return told


def _welcome(ready: Ready, users: int) -> None:
    from riskcontrol.cli.demonstration import DEMO_PASSWORD

    click.echo(
        f"\n  RiskControl is at  {ready.url}\n"
        f"  Try the user       {ready.username}   ({ready.url}user/{ready.username})\n"
        f"  Its password       {DEMO_PASSWORD}\n\n"
        "That is the only account, and everybody knows its password: the pages are for this machine alone. Register "
        "another one there.\n"
        f"{users:,} strategies trade on paper while the day is replayed. In the page, open one of your own: it trades "
        "within two seconds, while the tape is in the session (09:30 to 16:00 New York).\n"
        f"Other commands ({_program()} status, say) find all this with --home {_named(ready)}\n"
        "Ctrl-C stops everything.\n"
    )


def _named(ready: Ready) -> str:
    """Return the demonstration's home as a shell takes it, in whatever folder it is."""
    return shlex.quote(str(ready.settings.home.absolute()))


def _program() -> str:
    """Return what another terminal, in whatever folder it is, calls this program by."""
    return "riskcontrol" if shutil.which("riskcontrol") else shlex.quote(str(Path(sys.argv[0]).absolute()))


def _another_day(ready: Ready, trades: str) -> None:
    """Tell how the strategies get another day to trade on, after the simulated one or one's own."""
    from ingestion.simulate import file_name
    from riskcontrol.cli.demonstration import NEXT_DAY

    lines = ["All strategies go on with the next day that is sent, from another terminal:"]
    if not trades:
        lines.append(f"  {_program()} simulate --day {NEXT_DAY}")
    file = "FILE" if trades else file_name(NEXT_DAY)
    lines.append(f"  {_program()} ingest {file} --from 09:30 --speed 60 --home {_named(ready)}")
    click.echo("\n".join(lines))


def _replayed(demo: Demo, ready: Ready, bar: Bar | None, interrupted: list[int]) -> None:
    """Replay the day, showing how far it is, until it is over or a part fails."""
    from ingestion.replay import new_york
    from riskcontrol.cli.background import in_background

    task = None
    if bar is not None:
        for each in list(bar.task_ids):
            bar.remove_task(each)
        task = bar.add_task("Replaying", total=1.0, detail="")
    latest: list[Progress] = []
    stop = threading.Event()
    replay = in_background(lambda: demo.replay(ready, lambda progress: latest.append(progress), stop))
    pipeline = _Pipeline(ready.settings)
    last_line = 0.0
    try:
        while not replay.done():
            _pause(0.5, interrupted)
            demo.check()
            if not latest:
                continue
            progress = latest[-1]
            latest.clear()
            clock = f"{new_york(progress.time):%Y-%m-%d %H:%M:%S} New York"
            detail = f"{clock}, {progress.sent:,} trades sent; {pipeline.told()}"
            if bar is not None and task is not None:
                bar.update(task, completed=progress.bytes_read / max(progress.size, 1), detail=detail)
            elif time.monotonic() - last_line > _LINE_SECONDS:
                last_line = time.monotonic()
                click.echo(detail, err=True)
        replay.result()
    finally:
        stop.set()


class _Pipeline:
    """What the stream says of itself."""

    def __init__(self, settings: Settings) -> None:
        from database.reads import Reader
        from database.session import connect

        self._reader = Reader(connect(settings))

    def told(self) -> str:
        try:
            batches = self._reader.batches(limit=1)
        except RiskControlError as error:
            return str(error)
        if batches.empty:
            return "the stream starts"
        batch = batches.iloc[0]
        return f"last batch: {batch.trades:,} trades, {batch.fills:,} fills, {batch.processing:.2f} s"


def _watch(demo: Demo, interrupted: list[int]) -> None:
    while True:
        _pause(1, interrupted)
        demo.check()


def _pause(seconds: float, interrupted: list[int]) -> None:
    """Wait.

    Raises:
        KeyboardInterrupt: It came, now or at a moment at which Python lost it.
    """
    time.sleep(seconds)
    if interrupted:
        raise KeyboardInterrupt


def _interrupt_once() -> list[int]:
    """Make the first Ctrl-C (or SIGTERM) raise KeyboardInterrupt, those after it nothing: stopping must finish.

    Returns:
        What has come, empty so far.
    """
    # No event of `threading`: its lock may be held where the signal comes.
    interrupted: list[int] = []
    on_terminal = [stream for stream in (1, 2) if os.isatty(stream)]

    def interrupt(number: int, frame: object) -> None:
        _ignore_interrupts()
        interrupted.append(number)
        if number == signal.SIGHUP:
            # The terminal is gone: what is still said to it must fail nowhere.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in on_terminal:
                os.dup2(nowhere, stream)
        raise KeyboardInterrupt

    for each in _INTERRUPTS:
        signal.signal(each, interrupt)
    return interrupted


def _ignore_interrupts() -> None:
    for each in _INTERRUPTS:
        signal.signal(each, signal.SIG_IGN)

"""`riskcontrol stream`: the Spark job."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.compiling import tell_of_compiling
from riskcontrol.cli.options import DATABASE, TAPE, with_settings
from riskcontrol.cli.stream_steps import STREAMING
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from spark.job import Stream


@click.command(epilog="Example: riskcontrol stream --batch 0.5 --kafka broker1:9092 --cassandra node1,node2")
@with_settings(*TAPE, *DATABASE, "snapshots", "s3_endpoint", "s3_region")
@click.option(
    "--batch",
    "interval",
    type=click.FloatRange(0.1, 60),
    default=1.0,
    show_default=True,
    help="Seconds between batches.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of the shards' state; gone on from where it stands [default: HOME/state/TOPIC].",
)
@click.option(
    "--snapshot-every",
    type=click.FloatRange(1, 86_400),
    default=60.0,
    show_default=True,
    help="Seconds between snapshots of the state, with --snapshots.",
)
@click.option(
    "--from-cassandra",
    is_flag=True,
    help="Where state and snapshots are lost and the tape no longer has its beginning: reopen the strategies as the "
    "tables have them. Orders that waited are lost and indicators begin anew; docs/design.md has the rest.",
)
@click.option("--master", default=None, help="Spark's master [default: the local cluster's, or else local[2]].")
@click.option("--memory", default="1g", show_default=True, help="Memory of the driver's JVM.")
@click.option("--wait", "patience", type=click.FloatRange(0, 3_600), default=0.0, show_default=True,
              help="Seconds to wait for Kafka, Cassandra and its tables to be there, while Spark starts.")  # fmt: skip
@click.option("--verbose", "-v", is_flag=True, help="Tell what each shard's part of a batch took.")
def command(
    settings: Settings,
    *,
    interval: float,
    state: Path | None,
    snapshot_every: float,
    from_cassandra: bool,
    master: str | None,
    memory: str,
    patience: float,
    verbose: bool,
) -> None:
    """Run the Spark job that advances every strategy by the tape.

    Each batch reads what the tape has gained, fills paper orders, and writes fills, positions and bars to Cassandra;
    a line a batch tells how much and how long, a line a minute that nothing comes. Ctrl-C (or SIGTERM) finishes the
    batch and stops; started again, it goes on where it stopped.

    With --snapshots, the state is put there every so often. Should the folder of the state be lost or damaged, the
    stream goes on from the newest snapshot, and without one from the tape's beginning: to the same rows.
    """
    from spark.job import run

    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    # What they say of a server that is away, or of a JVM that has ended, is said by ours.
    for client in ("kafka", "cassandra", "py4j"):
        logging.getLogger(client).setLevel(logging.CRITICAL)
    logging.getLogger("riskcontrol").setLevel(logging.DEBUG if verbose else logging.INFO)
    tell_of_compiling()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def ready(stream: Stream) -> None:
        click.echo(f"{STREAMING}{stream.shards} shards of {settings.topic}, a batch every {interval:g} s; "
                   "Ctrl-C stops.", err=True)  # fmt: skip

    run(
        settings,
        state=state or settings.home / "state" / settings.topic,
        interval=interval,
        master=master,
        memory=memory,
        patience=patience,
        snapshot_every=snapshot_every,
        from_cassandra=from_cassandra,
        on_ready=ready,
        stop=stop,
    )
    click.echo("Stopped between two batches; started again, the stream goes on from there.", err=True)

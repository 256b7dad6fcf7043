"""`riskcontrol bench`: measure."""

from __future__ import annotations

import click

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(name="bench")
def command() -> None:
    """Measure parts or the whole line, on servers of the benchmark's own; each benchmark has --json.

    Machines differ and are noisy: compare figures of one machine, best within one run. The recorded ones, with their
    commands, are in bench/README.md.
    """


@command.command(epilog="Example: riskcontrol bench stream --users 100000 --rate 20000 --batch 1 --seconds 60")
@click.option("--users", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Strategies.")
@click.option("--rate", type=click.IntRange(10, 10_000_000), default=20_000, show_default=True, help="Trades a second.")
@click.option("--batch", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds a batch.")
@click.option(
    "--seconds", type=click.FloatRange(1, 86_400), default=60.0, show_default=True, help="How long to measure."
)
@click.option("--warm-up", type=click.FloatRange(0, 3_600), default=15.0, show_default=True,
              help="Seconds of the same load before, unmeasured.")  # fmt: skip
@click.option("--tickers", type=click.IntRange(1, 10_000), default=8_000, show_default=True, help="Companies.")
@click.option("--day-trades", type=click.IntRange(1_000, 10**12), default=68_100_000, show_default=True,
              help="Trades in a day of that market: with fewer, event time and so prices run faster.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of users and market.")
@_JSON
def stream(*, as_json: bool, **load: float) -> None:
    """Measure the stream: processing and scheduling delay of its batches under a steady rate.

    Simulated trades go through Kafka into the Spark job, which writes fills, positions and bars to Cassandra: all on
    this machine, all real. At the end all fills must be in the database. Times in seconds; peak memory is that of the
    job with its JVM and workers.
    """
    from bench.common import tell
    from bench.stream import Load, run

    tell(run(Load(**load)), as_json=as_json)  # type: ignore[arg-type]


@command.command(epilog="Example: riskcontrol bench readers --trades 3000000")
@click.option("--trades", type=click.IntRange(1_000, 100_000_000), default=3_000_000, show_default=True, help="Lines.")
@_JSON
def readers(trades: int, *, as_json: bool) -> None:
    """Measure the simulator (to gzip) and the reader (gzip to blocks), lines a second."""
    from bench.common import tell
    from bench.parts import readers as run

    tell(run(trades), as_json=as_json)


@command.command(epilog="Example: riskcontrol bench producer --trades 5000000")
@click.option("--trades", type=click.IntRange(1_000, 100_000_000), default=5_000_000, show_default=True, help="Trades.")
@_JSON
def producer(trades: int, *, as_json: bool) -> None:
    """Measure the way from a trade file onto the tape at full speed, the broker on the same machine."""
    from bench.common import tell
    from bench.parts import producer as run

    tell(run(trades), as_json=as_json)


@command.command(epilog="Example: riskcontrol bench users --count 100000")
@click.option("--count", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Users.")
@_JSON
def users(count: int, *, as_json: bool) -> None:
    """Measure how long generated users' strategies take until they are open in the running stream."""
    from bench.common import tell
    from bench.parts import users as run

    tell(run(count), as_json=as_json)

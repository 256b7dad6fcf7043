"""`riskcontrol bench`: measure."""

from __future__ import annotations

from pathlib import Path

import click

from riskcontrol.cli.options import S3, with_settings
from riskcontrol.cli.output_file import OutputFile
from riskcontrol.settings import Settings

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
# What benchmarks say of the load alike.
_USERS = click.option(
    "--users", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Strategies."
)
_RATE = click.option(
    "--rate", type=click.IntRange(10, 10_000_000), default=20_000, show_default=True, help="Trades a second."
)
_TICKERS = click.option(
    "--tickers", type=click.IntRange(1, 10_000), default=8_000, show_default=True, help="Companies."
)
_DAY_TRADES = click.option(
    "--day-trades", type=click.IntRange(1_000, 10**12), default=68_100_000, show_default=True,
    help="Trades in a day of that market: with fewer, event time and so prices run faster.",
)  # fmt: skip


@click.group(name="bench", epilog="Example: riskcontrol bench readers --trades 3000000 --json")
def command() -> None:
    """Measure parts or the whole line, on servers of the benchmark's own; each benchmark has --json.

    Machines differ and are noisy: compare figures of one machine, best within one run. The recorded ones, with their
    commands, are in bench/README.md.
    """


@command.command(
    short_help="Measure the stream's delay under a steady rate.",
    epilog="Example: riskcontrol bench stream --users 100000 --rate 20000 --batch 1 --seconds 60",
)
@_USERS
@_RATE
@click.option("--batch", type=click.FloatRange(0.1, 60), default=1.0, show_default=True, help="Seconds a batch.")
@click.option(
    "--seconds", type=click.FloatRange(1, 86_400), default=60.0, show_default=True, help="How long to measure."
)
@click.option("--warm-up", type=click.FloatRange(0, 3_600), default=15.0, show_default=True,
              help="Seconds of the same load before, unmeasured.")  # fmt: skip
@_TICKERS
@_DAY_TRADES
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of users and market.")
@click.option("--burst", is_flag=True, help="Afterwards all tickers jump up and down at once, so that all users act.")
@click.option("--snapshot-every", type=click.FloatRange(0, 3_600), default=0.0, show_default=True,
              help="Seconds between snapshots, 0 for none; at the end the stream starts from the newest.")  # fmt: skip
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


@command.command(
    short_help="Measure a whole day, from its file to the last row.",
    epilog="Example: riskcontrol bench day --trades 68000000 --users 100000",
)
@click.option("--trades", type=click.IntRange(1_000, 1_000_000_000), default=68_000_000, show_default=True,
              help="Trades of the day.")  # fmt: skip
@_USERS
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of users and day.")
@_JSON
def day(*, trades: int, users: int, seed: int, as_json: bool) -> None:
    """Measure a whole day at full speed: from its gzip file to Kafka, Spark and the last row in Cassandra.

    A simulated day of 8,000 tickers (1 GB; needs 10 GB of disk with its tape and rows). The clock runs from the start
    of the producer until all rows of all trades are in the tables. Memory is that of the job with its JVM, workers and
    row writer.
    """
    from bench.common import tell
    from bench.day import run

    tell(run(trades, users, seed), as_json=as_json)


@command.command(
    short_help="Measure simulator and reader.", epilog="Example: riskcontrol bench readers --trades 3000000"
)
@click.option("--trades", type=click.IntRange(1_000, 100_000_000), default=3_000_000, show_default=True, help="Lines.")
@_JSON
def readers(trades: int, *, as_json: bool) -> None:
    """Measure the simulator (to gzip) and the reader (gzip to blocks), lines a second."""
    from bench.common import tell
    from bench.parts import readers as run

    tell(run(trades), as_json=as_json)


@command.command(
    short_help="Measure the way from a file onto the tape.",
    epilog="Example: riskcontrol bench producer --trades 5000000",
)
@click.option("--trades", type=click.IntRange(1_000, 100_000_000), default=5_000_000, show_default=True, help="Trades.")
@_JSON
def producer(trades: int, *, as_json: bool) -> None:
    """Measure the way from a trade file onto the tape at full speed, the broker on the same machine."""
    from bench.common import tell
    from bench.parts import producer as run

    tell(run(trades), as_json=as_json)


@command.command(
    short_help="Measure until users' strategies are open.", epilog="Example: riskcontrol bench users --count 100000"
)
@click.option("--count", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Users.")
@_JSON
def users(count: int, *, as_json: bool) -> None:
    """Measure how long generated users' strategies take until they are open in the running stream."""
    from bench.common import tell
    from bench.parts import users as run

    tell(run(count), as_json=as_json)


@command.command(
    short_help="Measure the engine beside its peers.",
    epilog="Example: riskcontrol bench engine --trades $TRADES --ticker IBM --graph crowd.svg",
)
@click.option("--trades", multiple=True, metavar="FILE",
              help="Trade file or folder, local or on S3; may be repeated [default: simulated trades].")  # fmt: skip
@click.option("--simulated", type=click.IntRange(100, 100_000_000), default=50_000, show_default=True,
              help="How many trades to simulate where no files are given.")  # fmt: skip
@click.option("--ticker", default="IBM", show_default=True, help="Whose trades.")
@click.option("--users", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True,
              help="Users of the first rule.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of users and simulated trades.")
@click.option("--peers/--no-peers", default=True, show_default=True,
              help="Run backtesting.py and vectorbt as well; installed on first use, 0.8 GB.")  # fmt: skip
@click.option("--peer-users", type=click.IntRange(1, 1_000), default=3, show_default=True,
              help="Users that backtesting.py runs.")  # fmt: skip
@click.option("--most-users", type=click.IntRange(10_000, 10_000_000), default=10_000_000, show_default=True,
              help="Largest crowd, of 10,000, 100,000, ...: the largest needs 7 GB.")  # fmt: skip
@click.option("--acting", type=click.IntRange(1, 10_000), default=2_000, show_default=True,
              help="Users of a crowd that act.")  # fmt: skip
@click.option("--block", type=click.IntRange(1, 1_000_000), default=4_096, show_default=True,
              help="Trades in a block of crowd and mixed.")  # fmt: skip
@click.option("--mixed", type=click.IntRange(1, 10_000_000), default=1_000_000, show_default=True,
              help="Users with strategies of all kinds.")  # fmt: skip
@click.option("--repeats", type=click.IntRange(1, 1_000), default=9, show_default=True, help="The best run counts.")
@click.option("--part", "parts", type=click.Choice(["rule", "crosses", "crowd", "mixed"]), multiple=True,
              help="Run this part alone; may be repeated [default: all].")  # fmt: skip
@click.option("--graph", type=OutputFile(), metavar="FILE", default=None,
              help="Draw the crowd's time against its users into this SVG file.")  # fmt: skip
@with_settings(*S3)
@_JSON
def engine(*, most_users: int, graph: Path | None, as_json: bool, settings: Settings, **chosen: object) -> None:
    """Measure the engine beside a plain loop, backtesting.py and vectorbt, in one run, on one core.

    rule: users of the first rule on one ticker's trades. "kernel" is the compiled loop, from opened strategies and
    trades in memory to fills, cash and shares; "advance" the same with minute bars, names and rows, as the stream runs
    it. Opening and compiling are outside. A fill costs seconds / fills; the marginal cost is the slope over runs of the
    same users with levels 1, 2, 4 and 8 times as far away. The plain loop is compiled too, and must give every user the
    same fills, cash and shares; backtesting.py gets each trade as a bar, and must give the same fills. A ratio is their
    time by the kernel's, for as many users.

    crosses: 1,000 pairs of windows; buy when the fast average crosses above the slow one, sell when below, on bars of a
    minute and of a second; decided at a close, filled at the next open. From prices and windows, as in `riskcontrol
    backtest BARS --set fast=... --set slow=...`, to fills and total returns of all (seconds, ratio), compiled before.
    "One by one" makes a strategy of each pair first, and leads them through the engine; every fill must be the same.
    vectorbt must give every variant as many fills and the same return, to the micro-dollar.

    crowd: 10,000 to 10,000,000 users, of whom always the same act, on the same trades in blocks: advance, after
    everybody's first trade. It must not grow with those who don't act.

    mixed: a million users in one process, of every template in turn (`riskcontrol strategy templates`), each with
    numbers and cash of their own, on the same blocks: advance, once.

    Times are processor seconds of one core, which neighbours disturb less than the clock on the wall. A peer that can't
    be installed or run is named with the reason, and has no figures.
    """
    import json

    from bench.engine import PARTS, Options, run
    from bench.engine import graph as drawn
    from bench.tables import tell
    from riskcontrol.errors import InputError

    chosen["parts"] = chosen["parts"] or PARTS
    if graph is not None and "crowd" not in chosen["parts"]:  # type: ignore[operator]
        raise click.UsageError("--graph draws the part crowd; leave --part out, or add --part crowd")
    if graph is not None and not graph.absolute().parent.is_dir():
        raise InputError("no such folder; make it first", source=str(graph.parent))
    crowds = tuple(10**power for power in range(4, 8) if 10**power <= most_users)
    found = run(Options(crowds=crowds, **chosen), settings)  # type: ignore[arg-type]
    if graph is not None:
        try:
            graph.write_text(drawn(found), encoding="utf-8")
        except OSError as error:
            raise InputError(f"can't be written: {error.strerror or error}", source=str(graph)) from error
    if as_json:
        click.echo(json.dumps(found))
    else:
        tell(found)


@command.command(
    short_help="Measure the pages over a full day's tables.",
    epilog="Example: riskcontrol bench pages --users 100000 --rate 50",
)
@click.option("--users", type=click.IntRange(1, 1_000_000), default=100_000, show_default=True, help="Strategies.")
@_TICKERS
@click.option("--fills", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Of each strategy.")
@click.option("--minutes", type=click.IntRange(1, 390), default=390, show_default=True, help="Of the day.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of all rows.")
@click.option("--rate", type=click.FloatRange(1, 10_000), default=50.0, show_default=True, help="Requests a second.")
@click.option(
    "--seconds", type=click.FloatRange(1, 3_600), default=60.0, show_default=True, help="How long to send them."
)
@click.option("--runs", type=click.IntRange(1, 100), default=3, show_default=True,
              help="How often a page is opened; the median counts.")  # fmt: skip
@click.option("--page", "pages", metavar="NAME", multiple=True,
              help="Measure this page alone; may be repeated [default: all].")  # fmt: skip
@_JSON
def pages(*, pages: tuple[str, ...], as_json: bool, **chosen: object) -> None:
    """Measure the pages over the tables of a full day: answers under load, first paint, and bytes.

    A day's strategies, positions, fills, bars and packed rows are written to a Cassandra of the benchmark's own as the
    job writes them; then, as while the stream runs, a batch and new last prices come each second. Each page is opened
    in Chromium with empty caches: the time is until its numbers are visible; bytes are those over the wire until then.
    The requests for data that it sent are then replayed for other users at a steady rate, whatever becomes of those
    before them; times count from when a request was due. Everything runs on this machine.
    """
    import json

    from bench.pages import Options, run, tell
    from bench.pages_browser import PAGES

    if unknown := [page for page in pages if page not in PAGES]:
        raise click.BadParameter(f"{unknown[0]!r} is none of: {', '.join(PAGES)}", param_hint="--page")
    found = run(Options(pages=pages or tuple(PAGES), **chosen))  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(found))
    else:
        tell(found)


@command.command(
    short_help="Measure the stream while people look at the pages.",
    epilog="Example: riskcontrol bench viewers --viewers 200 --requests 50 --minutes 10",
)
@click.option("--viewers", type=click.IntRange(1, 10_000), default=200, show_default=True, help="People at the pages.")
@click.option("--requests", type=click.FloatRange(0.1, 10_000), default=50.0, show_default=True,
              help="Requests of the API a second.")  # fmt: skip
@_USERS
@_RATE
@click.option("--minutes", type=click.FloatRange(0.05, 1_440), default=10.0, show_default=True,
              help="How long to measure.")  # fmt: skip
@click.option("--stay", type=click.FloatRange(1, 3_600), default=30.0, show_default=True,
              help="Seconds for which a viewer looks at a page.")  # fmt: skip
@click.option("--warm-up", type=click.FloatRange(1, 3_600), default=30.0, show_default=True,
              help="Seconds of the same load before, unmeasured.")  # fmt: skip
@_TICKERS
@_DAY_TRADES
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of users, market and viewers.")
@_JSON
def viewers(*, as_json: bool, **load: float) -> None:
    """Measure the stream while people look at the pages and programs ask the API: all on this machine, all real.

    Some of the users get accounts and keys, and sign in. Each looks at a user's overview, a strategy, the leaders, the
    market and a ticker in turn, and asks what a browser asks: the requests of each page are recorded from Chromium once
    and then sent with everybody's own names and versions, a second after the last answer, as the pages' clock does.
    Programs read all that the API has to read, at a steady rate, whatever becomes of requests before. Times count from
    when a request was due. Memory is the dashboard's (PSS); at the end all fills must be in the database.
    """
    import json

    from bench.viewers import Load, run, tell

    found = run(Load(**load))  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(found))
    else:
        tell(found)


@command.command(
    short_help="Kill parts of the line, and compare every row.",
    epilog="Example: riskcontrol bench crash --rounds 20 --seed 1 --json",
)
@click.option("--rounds", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Runs with kills.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True,
              help="Of the tape, the strategies, what is killed and when.")  # fmt: skip
@click.option("--kills", type=click.IntRange(1, 100), default=2, show_default=True, help="Kills in a round.")
@click.option("--kill", "kinds", metavar="WHAT", multiple=True,
              help="Kill only this, as the table names it; may be repeated [default: all in turn].")  # fmt: skip
@click.option("--away", type=click.FloatRange(0, 3_600), default=30.0, show_default=True,
              help="Seconds for which a server is away or paused.")  # fmt: skip
@click.option("--trades", type=click.IntRange(100, 10_000_000), default=40_000, show_default=True,
              help="Trades on the tape, of two days.")  # fmt: skip
@click.option("--strategies", type=click.IntRange(1, 100_000), default=400, show_default=True, help="Strategies.")
@click.option("--day-seconds", type=click.FloatRange(0.5, 23_400), default=8.0, show_default=True,
              help="Seconds in which a trading day is replayed.")  # fmt: skip
@click.option("--shards", type=click.IntRange(1, 64), default=4, show_default=True, help="Partitions of the tape.")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), default=None,
              help="Folder for servers, logs and rows, kept afterwards [default: one that is removed].")  # fmt: skip
@_JSON
def crash(*, home: Path | None, kinds: tuple[str, ...], as_json: bool, **chosen: object) -> None:
    """Kill parts of the line at random moments, and compare every row with an undisturbed run's.

    The same two simulated days, with splits, openings and stops between them, are replayed through Kafka and the Spark
    job into Cassandra, once undisturbed, then in rounds in which parts are killed (kill -9) and brought back: the
    driver with its JVM or one of the two, a worker, the producer, Kafka, Cassandra; or Kafka or Cassandra are away,
    killed or paused, for a while. After each round all rows of strategies, positions, fills and bars must be the same,
    byte for byte; the first that differ are shown, and the exit status is 1. docs/crashes.md tells what is promised.
    """
    import json
    import sys

    from bench.crash import Options, run, tell
    from bench.crash_kills import KINDS
    from riskcontrol.cli.compiling import tell_of_compiling

    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise click.BadParameter(f"{unknown[0]!r} is none of: {', '.join(KINDS)}", param_hint="--kill")
    tell_of_compiling()
    found = run(Options(kinds=kinds or KINDS, **chosen), home=home)  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps(found))
    else:
        tell(found)
    sys.exit(0 if found["equal"] == found["rounds"] else 1)

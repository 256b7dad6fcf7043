"""`riskcontrol strategy open` and `stop`: strategy files in the running stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.options import DATABASE, TAPE, with_settings
from riskcontrol.cli.ticker_name import TickerName
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from database.reads import Reader
    from riskcontrol.strategy import Action, Strategy

_servers = with_settings(*TAPE, *DATABASE)


@click.command(
    name="open",
    short_help="Open a strategy in the stream.",
    epilog="Example: riskcontrol strategy open cross.toml --user ann --ticker LPMP",
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--user", required=True, help="Whose strategy it becomes.")
@click.option(
    "--ticker",
    "tickers",
    type=TickerName(),
    multiple=True,
    help="Trade this instead of the file's ticker; may be repeated.",
)
@click.option("--name", default="", help="Another name than the file's.")
@_servers
def open_(file: Path, user: str, tickers: tuple[str, ...], name: str, settings: Settings) -> None:
    """Open the strategy of a FILE (TOML or JSON) in the stream, for a user.

    It trades from the stream's next batch on; the pages show it under the user's name. One that is open already stays
    as it is. Needs the broker and the database: riskcontrol up, or --kafka and --cassandra.
    """
    from riskcontrol.strategy import Action
    from riskcontrol.strategy_file import load, strategy_of

    definition = load(file)
    with _options_named(name="--name"):
        strategies = [strategy_of(definition, username=user, name=name, ticker=one) for one in tickers or ("",)]
    _send(settings, strategies, Action.OPEN, "open")


@click.command(
    name="stop",
    short_help="Stop a strategy in the stream.",
    epilog="Example: riskcontrol strategy stop sma-cross --user ann --ticker LPMP",
)
@click.argument("name")
@click.option("--user", required=True, help="Whose strategy it is.")
@click.option("--ticker", required=True, type=TickerName(), help="Which ticker it trades.")
@_servers
def stop(name: str, user: str, ticker: str, settings: Settings) -> None:
    """Stop the strategy of this NAME; its cash and shares stay as they are, for good.

    Needs the broker and the database: riskcontrol up, or --kafka and --cassandra.
    """
    from riskcontrol.strategy import FIRST_SHAPE, Action, Strategy

    with _options_named(name="NAME"):
        # A stop says whose strategy, its name and its ticker; nothing else of it counts.
        one = Strategy(user, name, ticker, 1, FIRST_SHAPE, (0.0, 0.0))
    _send(settings, [one], Action.STOP, "stopped")


@contextmanager
def _options_named(name: str) -> Iterator[None]:
    """Name the option or argument, as it was given, where a strategy can't be accepted.

    Args:
        name: Which one the strategy's name is.

    Raises:
        InputError: It can't.
    """
    from riskcontrol.errors import InputError, StrategyError

    try:
        yield
    except StrategyError as error:
        option = {"username": "--user", "ticker": "--ticker", "name": name}.get(error.field, error.field)
        raise InputError(error.message, source=option) from error


def _send(settings: Settings, strategies: list[Strategy], action: Action, done: str) -> None:
    """Put openings or stops on the tape, and wait for the stream where one runs."""
    from database import generator
    from database.reads import Reader
    from database.session import connect
    from database.writes import Writer
    from ingestion.producer import publish_openings
    from ingestion.topic import tape_id
    from riskcontrol import servers
    from riskcontrol.errors import InputError
    from riskcontrol.strategy import Action

    resolved = servers.require(settings, "kafka", "cassandra")
    session = connect(resolved)
    reader = Reader(session)
    if action == Action.OPEN:
        strategies = _without_those_there(reader, strategies)
        if not strategies:
            return
    offsets = publish_openings(resolved, strategies, action=action)
    what = ", ".join(f"{one.name} of {one.username} on {one.ticker}" for one in strategies)
    if not generator.stream_runs(reader):
        click.echo(f"{what}: on the tape; {done} when a stream runs (riskcontrol stream).")
        return
    reached = generator.wait_until_open(
        Writer(session), tape_id(resolved), offsets, alive=lambda: generator.stream_runs(reader), on_done=lambda _: None
    )
    if not reached:
        click.echo(f"{what}: on the tape; the stream has stopped before it got there.")
        return
    there = {(row.name, row.ticker) for row in reader.strategies(strategies[0].username)}
    if not all((one.name, one.ticker) in there for one in strategies):
        raise InputError(f"{what}: there is no such strategy; its user's page lists those there are", source="NAME")
    click.echo(f"{what}: {done}.")


def _without_those_there(reader: Reader, strategies: list[Strategy]) -> list[Strategy]:
    """Return those that the stream doesn't know yet; refuse one that it knows as another.

    Raises:
        InputError: One of this name and ticker has other rules, cash or options.
    """
    from riskcontrol.errors import InputError

    known = {(row.name, row.ticker): row for row in reader.strategies(strategies[0].username)}
    new = []
    for one in strategies:
        row = known.get((one.name, one.ticker))
        what = f"{one.name} of {one.username} on {one.ticker}"
        if row is None:
            new.append(one)
        elif any(getattr(row, name) != getattr(one, name) for name in ("cash", "shape", "parameters", "terms")):
            raise InputError(
                f"{what} is open already, with other rules, cash or options; open this one by another --name",
                source="FILE",
            )
        elif row.stopped is not None:
            raise InputError(f"{what} was stopped, for good; open it anew by another --name", source="FILE")
        else:
            click.echo(f"{what}: open already.")
    return new

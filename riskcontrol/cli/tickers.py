"""`riskcontrol tickers`: which tickers are in trade files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from riskcontrol.aligned import aligned
from riskcontrol.cli.options import S3, max_reject_share_option, with_settings
from riskcontrol.errors import InputError, RiskControlError
from riskcontrol.money import to_dollars
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from riskcontrol.tickers import Ticker

COLUMNS = ("ticker", "trades", "share", "volume", "first", "last")


@click.command(
    name="tickers",
    epilog="Examples: riskcontrol tickers EQY_US_ALL_TRADE_20131007.gz;  "
    "riskcontrol tickers s3://bucket/2013/ --limit 100 --format csv",
)
@click.argument("locations", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--limit", type=click.IntRange(min=1), default=None, help="How many to list [default: 20; with --format, all]."
)
@click.option("--format", "form", type=click.Choice(("csv", "json")), default=None, help="Another form than the table.")
@max_reject_share_option
@with_settings(*S3)
def command(
    locations: tuple[str, ...], limit: int | None, form: str | None, max_reject_share: float, settings: Settings
) -> None:
    """List the tickers of trade files, the most traded first.

    Needs nothing but the files, which are read whole: Daily TAQ or WRDS, plain or gzip; a file, a folder,
    s3://bucket/key or .../prefix/. Share is that of all trades; volume counts the trades that the tape counts; first
    and last are the prices that open and close as in riskcontrol bars, empty where no trade sets one.
    """
    from riskcontrol.tickers import Tickers
    from riskcontrol.trade_tape import TradeTape

    tape = TradeTape(locations, settings, max_reject_share)
    tickers = Tickers()
    failure: RiskControlError | None = None
    try:
        for batch in tape.batches():
            tickers.add(batch)
    except RiskControlError as error:
        # What came before is listed all the same, and the command fails.
        failure = error
    found = tickers.found()
    shown = found[: limit or (20 if form is None else None)]
    if shown:
        {None: _table, "csv": _csv, "json": _json}[form](shown)
    if form is None and len(shown) < len(found):
        click.echo(f"... and {len(found) - len(shown):,} more; --limit shows them.", err=True)
    for note in tape.notes():
        click.echo(note, err=True)
    if failure is not None:
        raise failure
    if not found:
        raise InputError("no trades are there", source=", ".join(locations))


def _price(micros: int | None) -> str:
    return "" if micros is None else str(to_dollars(micros))


def _table(tickers: Sequence[Ticker]) -> None:
    rows = [
        (t.name, f"{t.trades:,}", f"{t.share:.2%}", f"{t.volume:,}", _price(t.first), _price(t.last)) for t in tickers
    ]
    click.echo("\n".join(aligned([COLUMNS, *rows])))


def _csv(tickers: Sequence[Ticker]) -> None:
    click.echo(",".join(COLUMNS))
    for t in tickers:
        click.echo(f"{t.name},{t.trades},{t.share:.9f},{t.volume},{_price(t.first)},{_price(t.last)}")


def _json(tickers: Sequence[Ticker]) -> None:
    rows = [
        (t.name, t.trades, t.share, t.volume, *(None if p is None else float(to_dollars(p)) for p in (t.first, t.last)))
        for t in tickers
    ]
    click.echo(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], indent=1))

"""`riskcontrol bars`: print OHLCV+VWAP bars of trade files."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from riskcontrol.cli.options import S3, max_reject_share_option, with_settings
from riskcontrol.cli.output_file import OutputFile
from riskcontrol.cli.ticker_name import TickerName
from riskcontrol.errors import InputError, RiskControlError
from riskcontrol.money import to_dollars
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("csv", "json", "parquet")
COLUMNS = ("ticker", "time", "open", "high", "low", "close", "volume", "vwap")


class Interval(click.ParamType):
    """A bar's length, which becomes nanoseconds."""

    name = "30s|1m|5m|1h|1d"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return nanoseconds."""
        from riskcontrol.aggregate import parse_interval

        try:
            return parse_interval(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(
    name="bars",
    epilog="Examples: riskcontrol bars EQY_US_ALL_TRADE_20131007.gz --ticker IBM --interval 1d;  "
    "riskcontrol bars s3://bucket/2013/ --interval 1m --output bars.parquet",
)
@click.argument("locations", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--ticker",
    "tickers",
    type=TickerName(),
    multiple=True,
    help="What to look at; may be repeated [default: everything].",
)
@click.option(
    "--interval",
    type=Interval(),
    metavar="LENGTH",
    default="1d",
    show_default=True,
    help="Length of a bar: 30s, 1m, 5m, 1h, ...; at most 1d.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=None,
    help="How to write them [default: as the output's name ends, or else csv].",
)
@click.option("--output", type=OutputFile(), metavar="FILE", default=None, help="File to write [default: print].")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="File to keep bad lines in [default: rejects.tsv in --home].",
)
@max_reject_share_option
@with_settings(*S3)
def command(
    locations: tuple[str, ...],
    tickers: tuple[str, ...],
    interval: int,
    form: str | None,
    output: Path | None,
    rejects: Path | None,
    max_reject_share: float,
    settings: Settings,
) -> None:
    """Print OHLCV+VWAP bars of trade files, local or on S3.

    Needs nothing but the files: Daily TAQ or WRDS, plain or gzip; a file, a folder, s3://bucket/key or .../prefix/.
    Open and close are the first and last trade that set the last price, high and low come from the trades that count
    for them, volume and VWAP from those that count as volume; a bar is named by its start in New York. Prices stay
    empty where no trade of a bar sets one (odd lots alone, before the bell).

    Bars count from New York's midnight: of 30m and what divides it, the session's first begins at 09:30; of 1h at
    09:00, of 7m at 09:27. Where it isn't 09:30, or the day's last bar is cut off at midnight, that is said.
    """
    from riskcontrol.aggregate import Aggregator, alignment
    from riskcontrol.nearest import nearest
    from riskcontrol.trade_tape import TradeTape

    form = form or _form_of(output)
    if form == "parquet" and output is None:
        raise click.BadParameter("Parquet goes to a file; name it with --output", param_hint="--format")
    if said := alignment(interval):
        click.echo(said, err=True)
    tape = TradeTape(locations, settings, max_reject_share, rejects)
    aggregator = Aggregator(interval, tickers or None)
    failure: RiskControlError | None = None
    try:
        for batch in tape.batches():
            aggregator.add(batch)
    except RiskControlError as error:
        # What came before is printed all the same, and the command fails.
        failure = error
    bars = aggregator.bars()
    if bars.num_rows:
        _write(bars, form, output)
    for note in tape.notes():
        click.echo(note, err=True)
    if failure is not None:
        raise failure
    missing = sorted(set(tickers) - set(bars.column("ticker").unique().to_pylist()))
    if missing:
        raise InputError(f"no trades of {', '.join(missing)}; {nearest(missing[0], tape.tickers)}")
    if not bars.num_rows:
        raise InputError("no trades that make a bar", source=", ".join(locations))


def _form_of(output: Path | None) -> str:
    """Return the form that a file's name tells; CSV where it has no ending."""
    ending = output.suffix.removeprefix(".").lower() if output else ""
    if ending and ending not in FORMATS:
        known = ", ".join(f".{form}" for form in FORMATS)
        raise click.BadParameter(f"known endings are {known}; or say the form with --format", param_hint="--output")
    return ending or "csv"


def _write(bars: pa.Table, form: str, output: Path | None) -> None:
    if form == "parquet":
        assert output is not None  # noqa: S101 - the command has seen to it
        _write_parquet(bars, output)
        return
    try:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(output.open("w", encoding="utf-8", newline="")) if output else sys.stdout
            (_write_csv if form == "csv" else _write_json)(bars, file)
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        source = str(output or "standard output")
        raise InputError(f"can't be written: {error.strerror or error}", source=source) from error


def _write_csv(bars: pa.Table, file: IO[str]) -> None:
    file.write(",".join(COLUMNS) + "\n")
    for row in _rows(bars):
        file.write(",".join("" if value is None else str(value) for value in row) + "\n")


def _write_json(bars: pa.Table, file: IO[str]) -> None:
    # Prices are written as they are, to the last digit: a float of fewer than 16 digits keeps them.
    between = "[\n"
    for ticker, time, *prices, volume, vwap in _rows(bars):
        numbers = [None if price is None else float(price) for price in (*prices, vwap)]
        row = (ticker, time, *numbers[:4], volume, numbers[4])
        file.write(between + json.dumps(dict(zip(COLUMNS, row, strict=True))))
        between = ",\n"
    file.write("\n]\n")


def _write_parquet(bars: pa.Table, output: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    price = pa.decimal128(20, 6)
    values = list(_rows(bars))
    columns = [bars.column("ticker"), bars.column("time")]
    columns += [pa.array([row[at] for row in values], price) for at in (2, 3, 4, 5)]
    columns += [bars.column("volume"), pa.array([row[7] for row in values], price)]
    try:
        pq.write_table(pa.table(columns, names=COLUMNS), output)
    except OSError as error:
        raise InputError(f"can't be written: {error.strerror or error}", source=str(output)) from error


def _rows(bars: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the values of each bar under `COLUMNS`: prices as Decimals in dollars, VWAP to the micro-dollar."""
    for batch in bars.to_batches(max_chunksize=65_536):
        time = batch.column("time").cast("int64").to_pylist()
        ticker, *numbers = (batch.column(name).to_pylist() for name in ("ticker", *COLUMNS[2:7], "notional"))
        for name, start, *prices, volume, notional in zip(ticker, time, *numbers, strict=True):
            vwap = None if volume == 0 else (2 * notional + volume) // (2 * volume)
            yield name, _clock(start), *map(_dollars, prices), volume, _dollars(vwap)


@functools.lru_cache(maxsize=65_536)
def _dollars(micros: int | None) -> Any:
    return None if micros is None else to_dollars(micros)


@functools.lru_cache(maxsize=65_536)
def _clock(time: int) -> str:
    from riskcontrol.newyork import NEW_YORK

    return dt.datetime.fromtimestamp(time // 1_000_000_000, NEW_YORK).isoformat()

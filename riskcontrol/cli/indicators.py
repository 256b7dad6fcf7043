"""`riskcontrol indicators`: indicators of a file of bars."""

from __future__ import annotations

import contextlib
import csv
import itertools
import math
import sys
from pathlib import Path
from typing import IO

import click

from riskcontrol.cli.output_file import OutputFile
from riskcontrol.errors import InputError

ROWS = 65_536
"""Rows that are written at a time."""

DIGITS = 12
"""Significant digits of a value: more than any price has, and fewer than where sums of floats begin to differ."""


@click.command(
    name="indicators",
    epilog="Examples: riskcontrol indicators bars.csv --expr 'rsi(14)' --expr 'macd(12,26,9)';  "
    "riskcontrol indicators bars.parquet --ticker IBM --expr 'close / vwap - 1' --out ratio.csv",
)
@click.argument("bars", metavar="BARS.csv", type=click.Path(path_type=Path))
@click.option(
    "--expr",
    "expressions",
    metavar="TEXT",
    multiple=True,
    required=True,
    help="What to compute, as strategies write it; may be repeated.",
)
@click.option("--ticker", default="", help="Which bars to take of a file with a column ticker or symbol.")
@click.option(
    "--out",
    "--output",
    "out",
    type=OutputFile(),
    metavar="FILE",
    default=None,
    help="CSV to write [default: print].",
)
def command(bars: Path, expressions: tuple[str, ...], ticker: str, out: Path | None) -> None:
    """Compute indicators of a file of bars, as CSV.

    BARS.csv (or .parquet) has a header with a column date, time, datetime or timestamp and those of open, high, low,
    close, volume that the expressions read, in any case and order, oldest bar first; vwap or notional where the
    session's VWAP shall be exact. Dates are ISO 8601 or seconds or milliseconds since 1970; a day is New York's where
    dates have an offset from UTC, and otherwise as written.

    Expressions: sma(20), ema(volume, 20), rsi(14), macd(12,26,9), bollinger(20,2), atr(14), highest(20), lowest(20),
    roc(10), stdev(20), vwap, and arithmetic of them with open, high, low, close, volume. An indicator of several values
    gives a column each; bollinger(20,2).upper is one alone. Fields are empty during warm-up.
    """
    from riskcontrol.indicators.barfile import read_bars
    from riskcontrol.indicators.expressions import columns_read, evaluate, parse_columns

    nodes = {name: node for text in expressions for name, node in parse_columns(text, "--expr").items()}
    if out is not None and out.exists() and bars.exists() and out.samefile(bars):
        raise InputError("would be written over; name another file", source=str(out), field="--out")
    read = read_bars(bars, columns_read(nodes.values()), ticker, _opened)
    columns = [evaluate(node, read.columns).tolist() for node in nodes.values()]
    try:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(out.open("w", encoding="utf-8", newline="")) if out else sys.stdout
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([read.date, *nodes])
            rows = zip(read.dates, *columns, strict=True)
            while chunk := list(itertools.islice(rows, ROWS)):
                writer.writerows([date, *map(_text, values)] for date, *values in chunk)
            file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        source = str(out or "standard output")
        raise InputError(f"can't be written: {error.strerror or error}", source=source) from error


def _text(value: float) -> str:
    return "" if math.isnan(value) else repr(float(f"{value:.{DIGITS}g}"))


def _opened(path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Open a file; a terminal sees how far its reading is."""
    from rich import progress
    from rich.console import Console

    terminal = Console(stderr=True)
    return progress.open(
        path, "rb", description=path.name, console=terminal, disable=not terminal.is_terminal, transient=True
    )

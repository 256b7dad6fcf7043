"""`riskcontrol backtest`: strategies on trade files or bars, in one process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from riskcontrol.cli.options import with_settings
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings

if TYPE_CHECKING:
    from riskcontrol.backtest_run import Data, Result
    from riskcontrol.strategy_file import Definition


@click.command(
    name="backtest",
    epilog="Examples: riskcontrol backtest EQY_US_ALL_TRADE_20131007.gz --strategy dip.toml;  "
    "riskcontrol backtest daily.csv --strategy cross.toml --html report.html",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--strategy",
    "strategies",
    metavar="S.toml",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Strategy file, TOML or JSON; may be repeated.",
)
@click.option("--ticker", "tickers", multiple=True, help="Trade this instead of the files' tickers; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: dollars, fractions, seconds.")
@click.option(
    "--fills",
    "fills_file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="CSV to write every fill to; - prints them all.",
)
@click.option(
    "--max-reject-share",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Share of bad lines over which a trade file is refused.",
)
@with_settings("s3_endpoint", "s3_region")
def command(
    files: tuple[str, ...],
    strategies: tuple[Path, ...],
    tickers: tuple[str, ...],
    as_json: bool,
    fills_file: Path | None,
    max_reject_share: float,
    settings: Settings,
) -> None:
    """Run strategies on trade files or on a file of bars, and judge them.

    FILE is Daily TAQ or WRDS trades (plain or gzip; a file, a folder, s3://bucket/key or .../prefix/), or one CSV or
    Parquet file of bars (date, open, high, low, close, volume). On trades, the engine of the stream gives the
    stream's fills. On bars, a strategy decides at a bar's close and fills at the next bar's open; stops, too, are
    looked at at closes alone. docs/backtest.md says more.
    """
    from riskcontrol.cli.backtest_output import print_json, print_text, write_fills
    from riskcontrol.strategy_file import load

    definitions = [load(path) for path in strategies]
    data, results = _run(files, definitions, tickers, settings, max_reject_share)
    if as_json:
        print_json(data, results)
    else:
        print_text(data, results, all_fills=fills_file == Path("-"))
    if fills_file is not None and fills_file != Path("-"):
        write_fills(results, fills_file)


def _run(
    files: tuple[str, ...],
    definitions: list[Definition],
    tickers: tuple[str, ...],
    settings: Settings,
    max_reject_share: float,
) -> tuple[Data, list[Result]]:
    """Run every strategy on every ticker asked for."""
    from riskcontrol.backtest_bars import is_bars
    from riskcontrol.backtest_run import run_on_bars, run_on_trades

    _tell_of_compiling()
    bars = [file for file in files if is_bars(file)]
    if bars:
        if len(files) > 1:
            raise InputError("is a file of bars; give it alone, one backtest to a file", source=bars[0])
        return run_on_bars(Path(bars[0]), definitions, tickers)
    return run_on_trades(files, definitions, tickers, settings, max_reject_share)


def _tell_of_compiling() -> None:
    """Say so on stderr where compiled code isn't in Numba's cache yet."""
    import os

    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    if not any(folder.glob("**/kernel.advance_tickers-*.nbi")):
        click.echo("Compiling for this machine: once, about a minute...", err=True)

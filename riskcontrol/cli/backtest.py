"""`riskcontrol backtest`: strategies on trade files or bars, in one process."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from riskcontrol.cli.compiling import tell_of_compiling
from riskcontrol.cli.options import S3, max_reject_share_option, splits_option, with_settings
from riskcontrol.cli.output_file import OutputFile
from riskcontrol.cli.ticker_name import TickerName
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings


@click.command(
    name="backtest",
    epilog="Examples: riskcontrol backtest EQY_US_ALL_TRADE_20131007.gz --strategy dip.toml;  "
    "riskcontrol backtest daily.csv --strategy cross.toml --html report.html;  "
    "riskcontrol backtest s3://bucket/2020/ --strategy dip.toml --splits splits.csv",
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
@click.option(
    "--ticker",
    "tickers",
    type=TickerName(),
    multiple=True,
    help="Trade this instead of the files' tickers; may be repeated.",
)
@click.option(
    "--set",
    "sets",
    metavar="NAME=FROM:TO:STEP",
    multiple=True,
    help="Try these values of a parameter, or NAME=1,2,5; may be repeated, all combinations run in one pass.",
)
@click.option(
    "--by", default="return", show_default=True, help="With --set: statistic by which the best variant is chosen."
)
@splits_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: dollars, fractions, seconds.")
@click.option(
    "--html",
    type=OutputFile(),
    default=None,
    metavar="FILE",
    help="Write a report: one page with charts, which needs no network.",
)
@click.option(
    "--fills",
    "fills_file",
    metavar="FILE",
    type=OutputFile(allow_dash=True),
    default=None,
    help="CSV to write every fill to; - prints them all.",
)
@max_reject_share_option
@with_settings(*S3)
def command(
    files: tuple[str, ...],
    strategies: tuple[Path, ...],
    tickers: tuple[str, ...],
    sets: tuple[str, ...],
    by: str,
    splits_file: Path | None,
    as_json: bool,
    html: Path | None,
    fills_file: Path | None,
    max_reject_share: float,
    settings: Settings,
) -> None:
    """Run strategies on trade files or on a file of bars, and judge them.

    FILE is Daily TAQ or WRDS trades (plain or gzip; a file, a folder, s3://bucket/key or .../prefix/), or one CSV or
    Parquet file of bars (date, open, high, low, close, volume). On trades, the engine of the stream gives the
    stream's fills. On bars, a strategy decides at a bar's close and fills at the next bar's open; stops, too, are
    looked at at closes alone. Dates of bars without a zone are New York's, and so are all times that are printed.

    --set tries values of a number that the strategy file names in its table [parameters]: all combinations, and the
    best by --by is shown, which is return, end_equity, annualised_return, sharpe, sortino, calmar,
    probabilistic_sharpe, max_drawdown, alpha, win_rate, profit_factor, expectancy, payoff, sqn or kelly.
    docs/backtest.md says more.
    """
    from riskcontrol.strategy_file import load

    definitions = [load(path) for path in strategies]
    if html is not None and len(definitions) * max(1, len(tickers)) > 1:
        raise click.UsageError("a report is of one strategy on one ticker; give one --strategy and one --ticker")
    if as_json and fills_file == Path("-"):
        raise click.UsageError("--json and --fills - both write to stdout; give --fills a file")
    if sets and len(definitions) * max(1, len(tickers)) > 1:
        raise click.UsageError("--set varies one strategy on one ticker; give one --strategy and one --ticker")
    said_by = click.get_current_context().get_parameter_source("by") is ParameterSource.COMMANDLINE
    if said_by and not sets:
        raise click.UsageError("--by chooses among variants, and there is one; vary a parameter with --set")
    from riskcontrol.splits import NO_SPLITS, read_splits

    splits = read_splits(splits_file) if splits_file else NO_SPLITS
    tell_of_compiling()

    from riskcontrol.backtest_run import run, run_sweep
    from riskcontrol.cli import backtest_output as output
    from riskcontrol.sweep import BY
    from riskcontrol.trade_tape import TradeTape

    if by not in BY:
        raise click.BadParameter(f"{by!r} is none to choose by; known are {', '.join(BY)}", param_hint="--by")
    bars = _bars(files)
    tape = bars or TradeTape(files, settings, max_reject_share)
    sweep = None
    if sets:
        data, best, sweep = run_sweep(strategies[0], sets, BY[by], "".join(tickers), tape, splits)
        results = [best]
    else:
        data, results = run(definitions, tickers, tape, splits)
    if as_json:
        output.print_json(data, results, sweep)
    else:
        output.print_text(data, results, sweep, all_fills=fills_file == Path("-"))
    if fills_file is not None and fills_file != Path("-"):
        output.write_fills(results, fills_file)
    if html is not None:
        from riskcontrol.report import write_report

        write_report(html, data, results[0], sweep)
        click.echo(f"The report is {html}.", err=True)


def _bars(files: tuple[str, ...]) -> Path | None:
    """Return the file of bars, None where the files are of trades."""
    from riskcontrol.backtest_bars import is_bars

    found = [file for file in files if is_bars(file)]
    if found and len(files) > 1:
        raise InputError("is a file of bars; give it alone, one backtest to a file", source=found[0])
    return Path(found[0]) if found else None

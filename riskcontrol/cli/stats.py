"""`riskcontrol stats`: the statistics of an equity curve."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(
    name="stats",
    epilog="Examples: riskcontrol stats equity.csv;  riskcontrol stats equity.csv --benchmark IBM.csv --json",
)
@click.argument("equity", metavar="EQUITY.csv", type=click.Path(path_type=Path))
@click.option(
    "--benchmark",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="CSV of what could have been held instead: times and closes, as riskcontrol bars writes them.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON: dollars, fractions (0.1 is 10%), seconds; null where there is no honest number.",
)
def command(equity: Path, benchmark: Path | None, as_json: bool) -> None:
    """Print the statistics of an equity curve.

    EQUITY.csv has a header with a column date, time, datetime or timestamp (ISO 8601) and a column equity, value,
    balance or nav (dollars). Times without a zone are New York's, a date alone is its close, 16:00. Statistics are of
    daily equity and 252 days a year; those that need fills are left out, and those that need days say — for a run of
    fewer than two. docs/statistics.md defines each.
    """
    from riskcontrol.statistics import STATISTICS, compute, format_value, has, plain
    from riskcontrol.statistics.files import EQUITY, as_record, read_closes, read_series
    from riskcontrol.statistics.formats import how_sure, why_none

    curve = read_series(equity, EQUITY)
    other = read_closes(benchmark) if benchmark else None
    record = as_record(curve, other, str(benchmark))
    for path, series in ((equity, curve), (benchmark, other)):
        if series is not None and series.without_zone:
            click.echo(f"{path}: times without a zone are New York's, a date alone is its close, 16:00.", err=True)
    values = {name: value for name, value in compute(record).items() if has(record, STATISTICS[name].needs)}
    if as_json:
        click.echo(json.dumps(plain(values), indent=2))
        return
    width = max(len(STATISTICS[name].title) for name in values)
    written = {name: format_value(STATISTICS[name], value) for name, value in values.items()}
    widest = max(map(len, written.values()))
    for name, text in written.items():
        click.echo(f"{STATISTICS[name].title:<{width}}  {text:>{widest}}")
    if sure := how_sure(values):
        click.echo(sure, err=True)
    if why := why_none(values):
        click.echo(f"{why} docs/statistics.md defines each.", err=True)

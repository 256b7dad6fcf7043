"""`riskcontrol simulate`: write a simulated trading day."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import click

from riskcontrol.errors import InputError


class Day(click.ParamType):
    """A day, YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(
        self, value: str | datetime.date, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.date:
        """Return the day."""
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
                raise ValueError
            return datetime.date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{str(value)!r} is no day; write it as 2024-03-05 (year, month, day)", param, ctx)


@click.command(
    name="simulate",
    epilog="Example: riskcontrol simulate --day 2024-03-05 --tickers 100 --trades 1000000 --seed 1",
)
@click.option(
    "--day",
    type=Day(),
    default="2024-03-05",
    show_default=True,
    help="A day on which the New York Stock Exchange trades, YYYY-MM-DD.",
)
@click.option("--tickers", type=int, default=100, show_default=True, metavar="COUNT", help="How many companies.")
@click.option("--trades", type=int, default=1_000_000, show_default=True, metavar="COUNT", help="How many trades.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="File or folder to write to [default: EQY_US_ALL_TRADE_YYYYMMDD.gz in this folder].",
)
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def command(day: datetime.date, tickers: int, trades: int, seed: int, output: Path | None, *, force: bool) -> None:
    """Write a simulated trading day as a Daily TAQ gzip file.

    Needs nothing. Prices are a diffusion with bid-ask bounce, volume a U over the session; opening and closing prints,
    odd lots, sweeps, cancelled and late trades are in it, so that what reads it right reads real files right.
    """
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from ingestion.simulate import file_name, simulate_day
    from riskcontrol.progress import on_terminal

    path = output or Path()
    if path.is_dir():
        path /= file_name(day)
    if path.exists() and not force:
        raise InputError("is there already; --force overwrites it", source=str(path))
    with on_terminal(
        TextColumn("Simulating"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f} trades"),
        TimeRemainingColumn(),
    ) as bar:
        task = bar.add_task("", total=trades)
        done = simulate_day(
            path,
            day=day,
            tickers=tickers,
            trades=trades,
            seed=seed,
            progress=lambda count: bar.update(task, completed=count),
        )
    click.echo(
        f"{done.path}: {done.trades:,} trades of {tickers:,} tickers, {done.size:,} bytes, in {done.seconds:.1f} s"
    )

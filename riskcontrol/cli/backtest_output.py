"""What `riskcontrol backtest` prints."""

from __future__ import annotations

import datetime as dt
import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from riskcontrol.aligned import aligned
from riskcontrol.backtest_run import Data, Holding, Result
from riskcontrol.cli.backtest_sweep import WIDTH, sweep_json, sweep_lines
from riskcontrol.errors import InputError
from riskcontrol.money import MICROS, to_dollars
from riskcontrol.newyork import NEW_YORK
from riskcontrol.states import Reason
from riskcontrol.statistics import STATISTICS, format_value, plain
from riskcontrol.statistics.formats import how_sure, why_none
from riskcontrol.sweep import Sweep
from riskcontrol.trades import NS_PER_SECOND

SHOWN = 20
"""Fills that are printed where not all are asked for."""

FILL_COLUMNS = ("strategy", "ticker", "number", "time", "reason", "shares", "price", "fee", "cash")


def print_json(data: Data, results: Sequence[Result], sweep: Sweep | None = None) -> None:
    """Print everything but the single fills as one object.

    Args:
        data: What was run on.
        results: What came of it.
        sweep: The sweep whose best variant that is.
    """
    found = {"files": data.files, "kind": data.kind, "notes": data.notes, "results": [json_of(one) for one in results]}
    click.echo(json.dumps(found | ({"sweep": sweep_json(sweep)} if sweep else {}), indent=2))


def json_of(result: Result) -> dict[str, Any]:
    """Return a result as an object for JSON: dollars, fractions, seconds."""
    judged = result.verdict
    return {
        "strategy": result.definition.document() | {"ticker": result.strategy.ticker},
        "period": [clock(int(result.equity.time[at])) for at in (0, -1)],
        result_kind(result): result.backtest.trades[result.strategy.ticker],
        "statistics": plain(result.statistics),
        "verdict": {
            "decision": judged.decision.value,
            "reasons": [
                {"rule": one.rule, "points_to": one.points_to.value, "words": one.words, "value": one.value}
                for one in judged.reasons
            ],
        },
        "holding": _holding_json(result.holding),
        "fills": len(result.fills),
        "fills_hash": result.hash,
    }


def _holding_json(held: Holding | None) -> dict[str, Any] | None:
    if held is None:
        return None
    dollars = {name: getattr(held, name) / MICROS for name in ("entry", "price", "value")}
    return {"shares": held.shares, "bought": held.bought, "time": clock(held.time), **dollars}


def holding_text(held: Holding | None) -> str:
    """Return in words what is still held at the end; nothing where that is nothing.

    >>> holding_text(Holding(200, 100, 1_381_152_600_614_000_000, 10_000_000, 5_500_000))
    'Holds 200 shares at the end (100 before splits), bought 2013-10-07 09:30:00 at 10.00: worth $1,100.00 at 5.50.'
    """
    if held is None:
        return ""
    split = f" ({held.bought:,} before splits)" if held.bought != held.shares else ""
    value = format_value(STATISTICS["end_equity"], held.value)
    return (
        f"Holds {held.shares:,} share{'s' * (held.shares != 1)} at the end{split}, bought {clock(held.time)} "
        f"at {to_dollars(held.entry)}: worth {value} at {to_dollars(held.price)}."
    )


def result_kind(result: Result) -> str:
    """Return what a result's tape has: "trades" or "bars"."""
    return "trades" if result.backtest.prices[result.strategy.ticker].length else "bars"


def print_text(data: Data, results: Sequence[Result], sweep: Sweep | None = None, *, all_fills: bool = False) -> None:
    """Print what was run and what came of it.

    Args:
        data: What was run on.
        results: What came of it.
        sweep: The sweep whose best variant that is.
        all_fills: Whether to print every fill instead of the last.
    """
    for file in data.files:
        click.echo(f"{file}: {data.kind}")
    for note in data.notes:
        click.echo(note, err=True)
    if sweep is not None:
        click.echo("\n" + "\n".join(sweep_lines(sweep)))
    for result in results:
        click.echo("\n" + "\n".join(_text(data, result, all_fills=all_fills)))


def tape_text(data: Data, result: Result) -> str:
    """Return of how many trades or bars a result is, and of how many of all tickers where the files have others."""
    own = result.backtest.trades[result.strategy.ticker]
    others = data.trades is not None and data.trades > own
    return f"{own:,} {result_kind(result)}" + (
        f" of {result.strategy.ticker} (the files have {data.trades:,} of all tickers)" if others else ""
    )


def _text(data: Data, result: Result, *, all_fills: bool) -> list[str]:
    document = result.definition.document()
    curve = result.equity
    lines = [
        click.style(f"{document['name']} on {result.strategy.ticker}", bold=True),
        f"  {clock(int(curve.time[0]))} to {clock(int(curve.time[-1]))} New York, {tape_text(data, result)}",
        f"  buy   {document['buy']}",
        f"  sell  {document.get('sell', 'never by a rule')}",
        "",
        *statistics_lines(result),
        "",
        *verdict_lines(result),
        "",
    ]
    if held := holding_text(result.holding):
        lines += [held, ""]
    fills = result.fills
    first = 0 if all_fills else max(0, len(fills) - SHOWN)
    lines.append(
        click.style(
            f"{len(fills):,} fill{'s' * (len(fills) != 1)}" + (f", the last {SHOWN}" if first else ""), bold=True
        )
    )
    rows = list(fill_rows(result, first))
    if rows:
        header = ("number", "New York", "why", "shares", "price", "fee", "cash")
        lines += aligned([header, *(row[2:] for row in rows)], left=(1, 2), indent="  ")
    return lines


def statistics_lines(result: Result) -> list[str]:
    """Return all statistics, two columns of them side by side, how sure they are, and why some have no number."""
    cells = [
        (STATISTICS[name].title, format_value(STATISTICS[name], value)) for name, value in result.statistics.items()
    ]
    half = -(-len(cells) // 2)
    left, right = cells[:half], [*cells[half:], *[("", "")] * (2 * half - len(cells))]
    widths = [max(len(cell[at]) for cell in side) for side in (left, right) for at in (0, 1)]
    return [
        f"  {a:<{widths[0]}}  {b:>{widths[1]}}     {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip()
        for (a, b), (c, d) in zip(left, right, strict=True)
    ] + [
        line
        for said in (how_sure(result.statistics), why_none(result.statistics))
        for line in textwrap.wrap(said, WIDTH, initial_indent="  ", subsequent_indent="  ")
    ]


def verdict_lines(result: Result) -> list[str]:
    """Return the verdict and its reasons."""
    judged = result.verdict
    colour = {"pull": "red", "keep testing": "yellow", "scale up": "green"}[judged.decision.value]
    lines = [click.style(f"Verdict: {judged.decision.value}", bold=True, fg=colour)]
    for one in judged.reasons:
        mark = {"pull": "-", "keep testing": "~", "scale up": "+"}[one.points_to.value]
        lines += textwrap.wrap(one.words, WIDTH, initial_indent=f"  {mark} ", subsequent_indent="    ")
    return lines


def fill_rows(result: Result, first: int = 0) -> Iterable[tuple[str, ...]]:
    """Yield fills as texts under `FILL_COLUMNS`.

    Args:
        result: Whose.
        first: From which on.
    """
    fills = result.fills.take(slice(first, None))
    columns = (fills.number, fills.time, fills.reason, fills.shares, fills.price, fills.fee, fills.cash)
    for number, time, reason, shares, price, fee, cash in zip(*(one.tolist() for one in columns), strict=True):
        yield (
            result.definition.name,
            result.strategy.ticker,
            str(number),
            clock(time, fine=True),
            Reason(reason).name.lower().replace("_", " "),
            f"{shares:+d}",
            *(str(to_dollars(amount)) for amount in (price, fee, cash)),
        )


def write_fills(results: Sequence[Result], path: Path) -> None:
    """Write all fills of all results as CSV.

    Raises:
        InputError: The file can't be written.
    """
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write(",".join(FILL_COLUMNS) + "\n")
            for result in results:
                file.writelines(",".join(row) + "\n" for row in fill_rows(result))
    except OSError as error:
        raise InputError(f"can't be written: {error.strerror or error}", source=str(path)) from error


def clock(time: int, *, fine: bool = False) -> str:
    """Return a time by New York's clock.

    Args:
        time: Nanoseconds UTC.
        fine: With milliseconds.

    >>> clock(1_381_152_600_614_000_000), clock(1_381_152_600_614_000_000, fine=True)
    ('2013-10-07 09:30:00', '2013-10-07 09:30:00.614')
    """
    at = dt.datetime.fromtimestamp(time // NS_PER_SECOND, NEW_YORK)
    return f"{at:%Y-%m-%d %H:%M:%S}" + (f".{time % NS_PER_SECOND // MICROS:03d}" if fine else "")

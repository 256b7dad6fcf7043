"""The page of a report: what was run, statistics, verdict, charts, tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from riskcontrol.backtest_run import Data, Result
from riskcontrol.cli.backtest_output import clock, holding_text, tape_text
from riskcontrol.cli.backtest_sweep import best_rows, warning
from riskcontrol.errors import InputError
from riskcontrol.money import MICROS, to_dollars
from riskcontrol.report import charts
from riskcontrol.report.style import STYLE
from riskcontrol.states import Reason
from riskcontrol.statistics import STATISTICS, Record, format_value
from riskcontrol.statistics.days import trading_days
from riskcontrol.statistics.formats import how_sure, why_none
from riskcontrol.sweep import Sweep

FILLS = 100
"""Fills that are listed, the last ones."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MARKS = {"pull": "−", "keep testing": "~", "scale up": "+"}


def write_report(path: Path, data: Data, result: Result, sweep: Sweep | None = None) -> None:
    """Write a report to a file.

    Args:
        path: The file.
        data: What was run on.
        result: What came of it.
        sweep: The sweep whose best variant that is.

    Raises:
        InputError: The file can't be written.
    """
    try:
        path.write_text(page(data, result, sweep), encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't be written: {error.strerror or error}", source=str(path)) from error


def page(data: Data, result: Result, sweep: Sweep | None = None) -> str:
    """Return a report as one HTML document, which loads nothing and runs no script.

    Args:
        data: What was run on.
        result: What came of it.
        sweep: The sweep whose best variant that is.
    """
    document = result.definition.document()
    ticker = result.strategy.ticker
    title = f"{document['name']} on {ticker}"
    period = " to ".join(clock(int(result.equity.time[at])) for at in (0, -1))
    about = f"{period} New York · {tape_text(data, result)} · {', '.join(map(_base, data.files))}"
    rules = f"buy: {document['buy']}\nsell: {document.get('sell', 'never by a rule')}"
    sections = [
        _section("Verdict", _verdict(result)),
        _section("Statistics", _statistics(result) + _note(holding_text(result.holding))),
        _section("Equity and drawdown", _equity(result)),
        _section(f"Fills on {ticker}'s price", _price(result)),
    ]
    if sweep is not None:
        sections.insert(1, _section("Sweep", _sweep(sweep)))
    trips = result.record.trips
    if trips is not None and len(trips):
        sections.append(_section("Returns of round trips", charts.histogram(trips.returns, _share_of(trips.returns))))
    sections.append(_section("Monthly returns", _months(result.record)))
    sections.append(_section("Fills", _fills(result)))
    notes = "".join(map(_note, data.notes))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1><p class=note>{escape(about)}</p>{notes}<pre>{escape(rules)}</pre>"
        f"{''.join(sections)}</main></body></html>\n"
    )


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inside}</section>"


def _verdict(result: Result) -> str:
    judged = result.verdict
    name = judged.decision.value.replace(" ", "-")
    reasons = "".join(
        f'<li class="{one.points_to.value.replace(" ", "-")}"><b>{_MARKS[one.points_to.value]}</b> '
        f"{escape(one.words)}</li>"
        for one in judged.reasons
    )
    return f'<p class="decision {name}">{escape(judged.decision.value)}</p><ul class=reasons>{reasons}</ul>'


def _statistics(result: Result) -> str:
    cells = "".join(
        f"<div><dt>{escape(STATISTICS[name].title)}</dt><dd>{escape(format_value(STATISTICS[name], value))}</dd></div>"
        for name, value in result.statistics.items()
    )
    return f"<dl>{cells}</dl>{_note(how_sure(result.statistics))}{_note(why_none(result.statistics))}"


def _note(said: str) -> str:
    return f"<p class=note>{escape(said)}</p>" if said else ""


def _equity(result: Result) -> str:
    value = result.equity.value / MICROS
    peak = np.maximum.accumulate(np.maximum(value, result.strategy.cash / MICROS))
    times = _times(result)
    fall = value / peak - 1
    above = charts.line(value, [], _dollars_of(value), kind="equity")
    return above + charts.line(fall, times, _share_of(fall), kind="drawdown", filled=True)


def _price(result: Result) -> str:
    curve, fills = result.equity, result.fills
    points = result.backtest.points_of(result.number)
    columns = (points, fills.price, fills.shares, fills.time, fills.reason)
    marks = [
        (
            at,
            price / MICROS,
            "buy" if shares > 0 else "sell",
            f"{clock(time)}: {Reason(reason).name.lower().replace('_', ' ')} {abs(shares):,} at {to_dollars(price)}",
        )
        for at, price, shares, time, reason in zip(*(one.tolist() for one in columns), strict=True)
        if reason != Reason.SPLIT
    ]
    legend = '<p class=note><span class="buy">●</span> bought <span class="sell">●</span> sold</p>'
    price = curve.price / MICROS
    return charts.line(price, _times(result), _dollars_of(price), kind="price", marks=marks) + legend


def _times(result: Result) -> list[str]:
    """Return the labels of five points of the equity curve, each of which is as wide as the next."""
    time = result.equity.time
    days = int(time[-1] - time[0]) // (86_400 * 10**9)
    texts = [clock(int(time[int(at)])) for at in np.linspace(0, len(time) - 1, 5)]
    return [text[:10] if days > 5 else text[5:16] for text in texts]


def _sweep(sweep: Sweep) -> str:
    one = STATISTICS[sweep.by]

    def label(value: float) -> str:
        return format_value(one, value)

    first, second = sweep.axes[0], sweep.axes[1] if len(sweep.axes) > 1 else None
    down = list(second.values) if second else [""]
    names = f"{first.name} across" + (f", {second.name} down" if second else "")
    header, *rows = best_rows(sweep)
    said = warning(sweep)
    low, high = float(np.nanmin(sweep.scores)), float(np.nanmax(sweep.scores))
    return (
        charts.heat_map(sweep.heat(), list(first.values), down, label)
        + f"<p class=note>{escape(names)}; {escape(one.title)} from {escape(label(low))} (dark) to "
        + f"{escape(label(high))} (light).</p>"
        + (f"<p class=warning>{escape(said)}</p>" if said else "")
        + _table(header, rows)
    )


def _months(record: Record) -> str:
    day = trading_days(record.time)
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    ends = np.flatnonzero(np.append(month[1:] != month[:-1], True))
    values = record.value[ends]
    before = np.concatenate([[record.cash], values[:-1]])
    returns = {
        int(which): value / start - 1
        for which, value, start in zip(month[ends].tolist(), values.tolist(), before.tolist(), strict=True)
        if start > 0
    }
    years = sorted({1970 + which // 12 for which in returns})
    rows = []
    for year in years:
        cells = [returns.get((year - 1970) * 12 + at) for at in range(12)]
        whole = float(np.prod([1 + cell for cell in cells if cell is not None])) - 1
        rows.append([str(year), *("" if cell is None else _percent(cell) for cell in cells), _percent(whole)])
    return _table(["", *_MONTHS, "Year"], rows)


def _fills(result: Result) -> str:
    fills = result.fills.take(slice(-FILLS, None))
    columns = (fills.number, fills.time, fills.reason, fills.shares, fills.price, fills.fee, fills.cash)
    rows = [
        [
            f"{number:,}",
            clock(time),
            Reason(reason).name.lower().replace("_", " "),
            f"{shares:+,}".replace("-", "−"),
            *(f"{to_dollars(amount):,}" for amount in (price, fee, cash)),
        ]
        for number, time, reason, shares, price, fee, cash in zip(*(one.tolist() for one in columns), strict=True)
    ]
    total = len(result.fills)
    said = f"{total:,} fills" + (f"; the last {FILLS} are listed" if total > FILLS else "")
    listed = _table(["", "New York", "Why", "Shares", "Price", "Fee", "Cash"], rows) if rows else ""
    return f"<p class=note>{said}. Hash of all: {result.hash}</p>{listed}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _percent(share: float) -> str:
    return format_value(STATISTICS["total_return"], share)


def _share_of(values: ArrayLike) -> charts.Label:
    """Return what writes shares on an axis of these values, as finely as they differ."""
    column = 100 * np.asarray(values, np.float64)
    places = charts.decimals(float(column.min()), float(column.max()), 2)

    def write(share: float) -> str:
        text = f"{100 * share:,.{places}f}"
        return (text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")) + "%"

    return write


def _dollars_of(values: ArrayLike) -> charts.Label:
    """Return what writes dollars on an axis of these values, likewise."""
    low, high = float(np.min(values)), float(np.max(values))
    places = charts.decimals(low, high, 2 if high < 1_000 else 0)
    return lambda value: f"${value:,.{places}f}"


def _base(file: str) -> str:
    return file.rstrip("/").rpartition("/")[2]

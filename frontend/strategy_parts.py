"""What a strategy's page shows besides graphs and tables, made from a report: pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dash import html

from frontend.cards import card
from frontend.formats import MINUS, NONE, ZONE, amount, cents, moment, percent, tone
from frontend.grids import named
from frontend.reports import Report
from riskcontrol.equity import Equity
from riskcontrol.statistics import STATISTICS, Statistic, format_value
from riskcontrol.statistics.formats import why_none
from riskcontrol.statistics.reference import parts
from riskcontrol.verdict import Decision, Reason, Verdict

if TYPE_CHECKING:
    from database.reads import PositionRow, StrategyRow

MARKS = {Decision.PULL: (MINUS, "speaks for pulling it"), Decision.KEEP_TESTING: ("~", "speaks for more testing")}
MARKS[Decision.SCALE_UP] = ("+", "speaks for scaling it up")
"""How a reason is marked: a sign, and what it means for those who can't see it."""
_ADVICE = {
    Decision.PULL: "Pull it",
    Decision.KEEP_TESTING: "Keep testing",
    Decision.SCALE_UP: "Scale it up",
}
_GROUPS = {
    "returns": "Return",
    "risk": "Risk",
    "drawdown": "Drawdown",
    "benchmark": "Against buy & hold",
    "activity": "Activity",
    "trips": "Round trips",
}
"""Titles of the statistics' modules, in the order in which they are shown."""


def cards(report: Report, live: Equity, cash: int) -> list[html.Div]:
    """Return the figures that matter most.

    Args:
        report: The report.
        live: The curve's live end.
        cash: What the strategy started with.
    """
    values, profit = report.statistics, int(live.profit[-1])
    made = tone(profit)
    trips = len(report.round_trips)
    return [
        card("Value", cents(int(live.value[-1])), f"started with {cents(cash)}"),
        card("Profit", cents(profit, sign=True), percent(profit, cash), tone=made, below_tone=made),
        card("Buy & hold", _written(values["buy_and_hold_return"], "buy_and_hold_return"), "the ticker's own return"),
        card("Max drawdown", _written(values["max_drawdown"], "max_drawdown"), "from a peak"),
        card("Win rate", _written(values["win_rate"], "win_rate"), f"of {trips:,} round trip{'s' * (trips != 1)}"),
        card(
            "Probabilistic Sharpe",
            _written(values["probabilistic_sharpe"], "probabilistic_sharpe"),
            "chance that it is above 0",
        ),
    ]


def verdict_panel(judged: Verdict, since: int | None) -> list[Any]:
    """Return the verdict with its reasons: those that decided, then the others.

    Args:
        judged: The verdict.
        since: From when on it counts, where older history isn't looked at.
    """
    deciding = [one for one in judged.reasons if one.points_to is judged.decision]
    others = [one for one in judged.reasons if one.points_to is not judged.decision]
    name = judged.decision.value.replace(" ", "-")
    found: list[Any] = [
        html.Div(
            [
                html.H2("Verdict", className="section-title"),
                html.Span(_ADVICE[judged.decision], className=f"strategy-decision strategy-decision-{name}"),
            ],
            className="verdict-head",
        ),
        _reasons(deciding),
    ]
    if others:
        found += [html.H3("What else was looked at", className="strategy-also"), _reasons(others)]
    if since is not None:
        found.append(
            html.P(f"Counted from {moment(since)} {ZONE} on: what came before isn't known here.", className="hint")
        )
    return found


def position_panel(strategy: StrategyRow, position: PositionRow, mark: tuple[int, int] | None) -> list[Any]:
    """Return what the strategy holds now.

    Args:
        strategy: The strategy.
        position: Its position.
        mark: Time and price of its ticker's last trade, where there is one.
    """
    price = mark[1] if mark else position.reference
    rows: list[tuple[str, Any, str]] = [("Cash", f"${amount(position.cash)}", "")]
    if position.shares:
        made = position.shares * (price - position.entry)
        rows = [
            ("Shares", f"{position.shares:,}", ""),
            ("Bought at", f"${amount(position.entry)}", ""),
            ("Bought on", f"{moment(position.entered)} {ZONE}", ""),
            ("Profit so far, before fees", f"{cents(made, sign=True)} ({_share(price, position.entry)})", tone(made)),
            *rows,
        ]
    else:
        rows = [("Shares", "none", ""), *rows]
    rows += [
        ("Reference price", f"${amount(position.reference)}", ""),
        ("Last price", f"${amount(price)}" if mark else NONE, ""),
        ("Last trade", f"{moment(mark[0])} {ZONE}" if mark else NONE, ""),
    ]
    items = [html.Div([html.Dt(label), html.Dd(value, className=kind or None)]) for label, value, kind in rows]
    return [html.H2("Position", className="section-title"), html.Dl(items, className="strategy-facts")]


def statistics_panel(report: Report) -> list[Any]:
    """Return every statistic with its definition, by what it is about."""
    groups: dict[str, list[html.Div]] = {title: [] for title in _GROUPS.values()}
    for name, value in report.statistics.items():
        one = STATISTICS[name]
        groups[_GROUPS[one.function.__module__.rpartition(".")[2]]].append(_statistic(one, format_value(one, value)))
    found: list[Any] = [
        html.Section(
            [html.H3(title, className="section-title"), html.Dl(rows, className="strategy-facts")], className="group"
        )
        for title, rows in groups.items()
    ]
    why = why_none(dict(report.statistics))
    note = [html.P(why, className="hint")] if why else []
    return [html.Div(found, className="strategy-stats"), *note]


@lru_cache(maxsize=256)
def definition(name: str) -> str:
    """Return what a statistic is, in words.

    >>> definition("fees")
    'What all fills cost on top of their prices. Formula: sum of the fees of all fills. No number: fills unknown.'
    """
    said = parts(STATISTICS[name])
    first = said[""].removeprefix("Return ")
    none = "" if said["None"] == "never." else f" No number: {said['None']}"
    return f"{first[0].upper()}{first[1:]} Formula: {said['Formula']}{none}"


def key_of(marks: Iterable[tuple[str, str, str]]) -> html.Span:
    """Return what the marks of a graph mean.

    Args:
        marks: Each one's shape, colour and meaning.
    """
    return html.Span(
        [
            html.Span([html.Span(className=f"swatch swatch-{shape}", style={"background": color}), meaning])
            for shape, color, meaning in marks
        ],
        className="graph-key",
    )


def _statistic(one: Statistic, value: str) -> html.Div:
    tip = f"about-{one.name.replace('_', '-')}"
    described: dict[str, Any] = {"aria-describedby": tip}
    term = html.Button(one.title, type="button", className="stat-term", **described)
    return html.Div(
        [
            html.Dt([term, html.Span(definition(one.name), id=tip, className="stat-tip", role="tooltip")]),
            html.Dd(value),
        ]
    )


def _reasons(reasons: list[Reason]) -> html.Ul:
    items = []
    for one in reasons:
        sign, meaning = MARKS[one.points_to]
        kind = one.points_to.value.replace(" ", "-")
        mark = html.Span(sign, className="reason-mark", role="img", **named(meaning))
        items.append(html.Li([mark, html.Span([html.B(one.rule.capitalize()), f" {one.words}"])], className=kind))
    return html.Ul(items, className="strategy-reasons")


def _share(price: int, entry: int) -> str:
    return percent(price - entry, entry)


def _written(value: float | int | None, name: str) -> str:
    return format_value(STATISTICS[name], value)

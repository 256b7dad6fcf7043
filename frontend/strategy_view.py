"""What changes on a strategy's page, given what it shows already: all of a tab, its live end, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from frontend import figures, graphs, history, performance, strategy_parts, strategy_tables, traded
from frontend.candles import last_line
from frontend.context import Context
from frontend.figures import empty
from frontend.formats import rule
from frontend.history import is_current
from frontend.overlays import Overlay, Overlays
from frontend.periods import within
from frontend.positions import status_of
from frontend.reports import Report
from riskcontrol.equity import Equity

if TYPE_CHECKING:
    import pandas as pd

    from database.reads import PositionRow, StrategyRow

TABS = {
    "overview": "Overview",
    "price": "Price",
    "series": "Graphs",
    "fills": "Fills",
    "trips": "Round trips",
    "statistics": "Statistics",
}
"""The tabs, as the address has them, and their titles."""
GRAPHS = ("overview", "price", "series")
"""Tabs with a graph."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a viewer has chosen to see."""

    tab: str
    """One of `TABS`."""
    period: str
    """One of `frontend.periods.PERIODS`."""
    show: str
    """What the tab of series shows, one of `frontend.figures.SHOWS`."""
    twin: bool
    """Whether the table below the tab's graph is open."""


@dataclass(frozen=True, slots=True)
class View:
    """A strategy as the database has it, and what a viewer wants to see of it."""

    strategy: StrategyRow
    position: PositionRow
    mark: tuple[int, int] | None
    """Time and price of its ticker's last trade, where there is one."""
    look: Look
    resting: bool
    """Whether no more trades come."""

    @property
    def key(self) -> str:
        """The strategy, and what is shown of it: zoom and selection last as long as this stays the same."""
        one, look = self.strategy, self.look
        show = look.show if look.tab == "series" else ""
        return " ".join((one.username, one.ticker, one.name, look.tab, look.period, show)).rstrip()

    def version(self, overlay: Overlay) -> dict[str, Any]:
        """Return what tells whether anything of the view has changed, as the browser keeps it."""
        return {
            "key": self.key,
            "strategy": f"{self.strategy.ticker} {self.strategy.name}",
            "history": f"{history.version(self.position, self.mark)} {self.strategy.stopped}",
            "mark": _text(self.mark),
            "twin": self.look.twin,
            "again": overlay.again,
        }


def view_of(view: View, context: Context, overlays: Overlays, shown: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of the page that change, by the names of its outputs.

    Args:
        view: What is to be seen.
        context: The way to the database, and the reports kept.
        overlays: Computes indicators.
        shown: The version that the page shows; anything at all may be in it.

    Raises:
        ServerError: The database is away.
    """
    strategy, position, mark, tab = view.strategy, view.position, view.mark, view.look.tab
    overlay = overlays.of(strategy, None) if tab == "price" else Overlay()
    version = view.version(overlay)
    until = shown.get("until")  # the last trade up to which the report counts that the page shows
    if shown == {**version, "until": until} and is_current(
        (shown["history"], until), (version["history"], version["mark"]), resting=view.resting
    ):
        return {}
    try:
        report = context.source.read(
            lambda reader: context.reports.of(reader, strategy, position, mark, resting=view.resting)
        )
        live = live_of(report, strategy, position, mark)
    except ArithmeticError as error:
        return _unfit(view, str(error))
    version["until"] = _text(report.mark)
    same = {name for name, value in version.items() if shown.get(name) == value}
    changed: dict[str, Any] = {
        "notice": None,
        "all_hidden": False,
        "cards": strategy_parts.cards(report, live, strategy.cash),
        "position": strategy_parts.position_panel(strategy, position, mark),
        "version": version,
    }
    if not {"strategy", "history", "until"} <= same:
        changed |= described(strategy, status_of(strategy, position))
        changed["verdict"] = strategy_parts.verdict_panel(report.verdict, report.since)
    whole = {"key", "history", "until", "twin", "again"} <= same
    if whole:
        return changed | _live(view, report, live)
    if tab == "price" and not overlay.again:
        overlay = overlays.of(strategy, report.bars)
        version["again"] = overlay.again
    return changed | _tab(view, report, live, overlay, known={"key", "again"} <= same)


def live_of(report: Report, strategy: StrategyRow, position: PositionRow, mark: tuple[int, int] | None) -> Equity:
    """Return the live end of a report's curve: its last point but one, and the newest.

    Raises:
        OverflowError: A value doesn't fit into 64 bits.
    """
    curve = report.curve
    if mark is None:
        return curve.take(np.array([max(0, len(curve) - 2), len(curve) - 1]))
    before = int(curve.time[-2:][0]), int(curve.price[-2:][0])
    return history.live(strategy, position, before, mark)


def described(strategy: StrategyRow, status: str) -> dict[str, Any]:
    """Return what is said of a strategy whether it has seen a trade or not."""
    return {
        "rule": "\n".join(filter(None, rule(strategy.shape, strategy.parameters, strategy.terms))),
        "status": status,
        "status_class": f"strategy-state strategy-state-{status.replace(' ', '-')}",
        "stopped": status not in ("running", "waiting"),
        "actions": "strategy-actions",
    }


def curve_of(report: Report, live: Equity, period: str) -> Equity:
    """Return the curve of a period with its live end."""
    whole = report.curve.joined([report.curve.take(slice(0, -1)), live.take(slice(1, None))])
    return whole.take(within(whole.time, period))


def _tab(view: View, report: Report, live: Equity, overlay: Overlay, *, known: bool) -> dict[str, Any]:
    """Return all of the chosen tab; `known` where its graph is on the page already."""
    tab, period, twin, key = view.look.tab, view.look.period, view.look.twin, view.key
    if tab == "fills":
        rows = strategy_tables.fill_rows(report)
        note = strategy_tables.newest_of(view.position.fills, len(rows), "fill")
        return {"fills_rows": rows, "fills_note": note, "fills_style": strategy_tables.height(len(rows))}
    if tab == "trips":
        rows = strategy_tables.trip_rows(report.round_trips)
        note = strategy_tables.newest_of(len(report.round_trips), len(rows), "round trip")
        return {"trips_rows": rows, "trips_note": note, "trips_style": strategy_tables.height(len(rows))}
    if tab == "statistics":
        return {"statistics": strategy_parts.statistics_panel(report)}
    if tab == "series":
        curve = curve_of(report, live, period)
        drawn = figures.figure(curve, history.marks(_since(report.fills, curve)), view.look.show, key=key)
        size = "strategy-graph strategy-graph-all" if view.look.show == figures.ALL else "strategy-graph"
        rows = strategy_tables.series_rows(curve) if twin else []
        return _graph("series", drawn, "", rows, known=known) | {"series_class": size}
    if tab == "overview":
        shown = performance.performance(report, live, period)
        drawn = performance.figure(shown, key=key)
        return _graph("overview", drawn, shown.words(), performance.rows(shown) if twin else [], known=known)
    interval, bars = _candles(view, report, live)
    if bars.empty:
        return _graph("price", empty("No minute of this period has closed yet"), "", [], known=False)
    drawn = traded.figure(bars, interval, int(live.price[-1]), history.marks(report.fills), overlay.lines, key=key)
    said = [f"{interval} candles. {overlay.note}", strategy_parts.key_of(traded.marks(drawn))]
    return _graph("price", drawn, said, traded.rows(bars) if twin else [], known=known)


def _graph(name: str, drawn: dict[str, Any], note: Any, rows: list[dict[str, Any]], *, known: bool) -> dict[str, Any]:
    figure = graphs.renewed(drawn, "xaxis.rangebreaks") if known and drawn["data"] else drawn
    return {f"{name}_figure": figure, f"{name}_note": note, f"{name}_rows": rows}


def _live(view: View, report: Report, live: Equity) -> dict[str, Any]:
    """Return what a new price changes in the chosen tab's graph."""
    if view.look.tab == "overview":
        shown = performance.performance(report, live, view.look.period)
        return {"overview_figure": graphs.traces(performance.live_end(shown)), "overview_note": shown.words()}
    if view.look.tab == "series":
        return {"series_figure": graphs.traces(figures.live_end(live, view.look.show))}
    if view.look.tab == "price":
        _, bars = _candles(view, report, live)
        if not bars.empty:
            return {"price_figure": graphs.traces({traded.LAST: last_line(bars, int(live.price[-1]))})}
    return {}


def _candles(view: View, report: Report, live: Equity) -> tuple[str, pd.DataFrame]:
    return traded.shown_bars(report.bars, view.look.period, int(live.time[-1]))


def _text(mark: tuple[int, int] | None) -> str:
    """Return a last trade as the browser keeps it: JavaScript's numbers are too short for nanoseconds."""
    return " ".join(map(str, mark or ()))


def _since(fills: pd.DataFrame, curve: Equity) -> pd.DataFrame:
    return fills[fills["time"] >= int(curve.time[0])]


def _unfit(view: View, error: str) -> dict[str, Any]:
    """Return what is shown where a value doesn't fit into 64 bits; it is drawn as soon as it fits."""
    message = {f"{name}_figure": empty(f"There is no graph: {error}") for name in GRAPHS if name == view.look.tab}
    status = status_of(view.strategy, view.position)
    return described(view.strategy, status) | message | {"notice": None, "all_hidden": False, "version": None}

"""The preview of the strategy that is being written."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html

from frontend import graphs, grids
from frontend.access import require_member
from frontend.answers import changed, digest
from frontend.cards import card
from frontend.context import Context, in_thread
from frontend.formats import ZONE, moment, tone
from frontend.pages.new import trial, values_of
from frontend.preview import Job, Preview, Refusal
from frontend.preview_figures import equity_rows, figure, fill_rows
from frontend.shell import alert
from frontend.stored_bars import job, recent
from riskcontrol.errors import ServerError
from riskcontrol.language.text import duration_text
from riskcontrol.statistics import STATISTICS, format_value
from riskcontrol.strategy_file import Definition

_CARDS = {
    "total_return": "Return",
    "buy_and_hold_return": "Buy & hold",
    "max_drawdown": "Drawdown",
    "fills": "Fills",
    "win_rate": "Win rate",
    "fees": "Fees",
}
"""Statistics that are shown, by their labels."""
_SIGNED = ("total_return", "buy_and_hold_return")

_OUTPUTS = {
    "figure": Output("new-graph", "figure"),
    "hidden": Output("new-preview", "hidden"),
    "stale": Output("new-preview", "className"),
    "result": Output("new-result", "children"),
    "note": Output("new-note", "children"),
    "table": Output("new-table", "children"),
    "state": Output("new-preview-state", "data"),
    "axis": Output("new-axis", "data"),
}


def register(app: Dash, context: Context) -> None:
    """Add the callbacks of the preview."""
    app.clientside_callback(
        ClientsideFunction("strategy_form", "again"),
        Output("new-again", "data"),
        Input("clock", "n_intervals"),
        State("new-preview-state", "data"),
    )

    @app.callback(
        output=_OUTPUTS,
        inputs=[
            Input("new-typed", "data"),
            Input("new-again", "data"),
            State("new-preview-state", "data"),
            State("new-axis", "data"),
        ],
        prevent_initial_call=True,
    )
    @in_thread
    def preview(typed: Any, again: Any, shown: Any, axis: Any) -> dict[str, Any]:
        """Try what was typed on the stored bars, where it changed."""
        require_member()  # a link is for its page alone, and the engine is everybody's
        if typed is None:
            return changed(_OUTPUTS)
        values = values_of(typed)
        if not values["ticker"]:
            context.previews.begin()
            return _without("Name a ticker to see what the strategy would have done.", hidden=True)
        reading = trial(values)
        if reading.strategy is None or reading.definition is None:
            return _without("Mend what is marked; the preview follows by itself.")
        strategy = reading.strategy
        try:
            mark = context.market.snapshot().prices.get(strategy.ticker)
            if mark is None:
                message = f"No bars of {strategy.ticker} are stored: it has not traded on this stream yet."
                return _without(message, hidden=True)
            bars = context.source.read(lambda reader: recent(reader, context.past, strategy.ticker, mark))
        except ServerError:
            return _without("The bars can't be read while the database is away.", soon=True)
        wanted = job(strategy, bars)
        if isinstance(wanted, Refusal):
            return _without(wanted.message, hidden=True)
        version = _version(wanted)
        if isinstance(shown, dict) and shown.get("version") == version:
            return changed(_OUTPUTS, note=None, stale="")
        found = context.previews.run(wanted)
        if isinstance(found, Refusal):
            return _without(found.message, hidden=not found.soon, soon=found.soon)
        drawn: Any = figure(found, strategy.ticker)
        time = [strategy.ticker, *drawn["layout"]["xaxis"]["range"]]
        if axis == time:  # its zoom stays
            drawn = graphs.renewed(drawn)
        return {
            "figure": drawn,
            "hidden": False,
            "stale": "",
            "result": _result(found, reading.definition, wanted),
            "note": None,
            "table": _tables(found),
            "state": {"version": version},
            "axis": time,
        }


def _without(message: str, *, hidden: bool = False, soon: bool = False) -> dict[str, Any]:
    """Return what changes where there is no preview: a message, above the last one unless that is hidden.

    Args:
        message: Why there is none.
        hidden: Whether the last one goes.
        soon: Whether to ask again by itself.
    """
    note = dmc.Text(message, c="dimmed", size="sm")
    more = {"hidden": True} if hidden else {"stale": "stale"}
    return changed(_OUTPUTS, note=note, state={"soon": soon}, **more)


def _version(job: Job) -> str:
    """Return what changes with the strategy and with the bars that it is tried on."""
    one, time = job.strategy, job.bars["time"]
    parts = (one.ticker, one.cash, one.shape, one.parameters, one.terms.text(), job.seconds)
    return digest([*parts, int(time[0]), job.bars["close"].tolist()])


def _result(preview: Preview, definition: Definition, job: Job) -> list[Any]:
    """Return the verdict, the figures and what they are of."""
    length = duration_text(job.seconds)
    ticker = job.strategy.ticker
    warm = [
        f"{name} has its first value after {count:,} bars"
        for name, count in definition.warm_up().items()
        if count > preview.bars
    ]
    notes = [alert(f"Too few bars for all of it: {'; '.join(warm)}.", "yellow", "new-warm-up")] if warm else []
    (_, first), *others = preview.why
    return [
        *notes,
        html.Div(
            [
                html.Span(preview.decision, className=f"badge badge-{preview.decision.replace(' ', '-')}"),
                html.Span(first, className="why"),
            ],
            className="verdict",
        ),
        html.Div([_card(name, label, preview) for name, label in _CARDS.items()], className="figures"),
        html.Details(
            [html.Summary("All reasons"), html.Ul([html.Li(words) for _, words in others])], className="reasons"
        ),
        dmc.Text(
            f"On {preview.bars:,} stored bars of {length} of {ticker}, {moment(preview.first)[:16]} to "
            f"{moment(preview.last)[:16]} {ZONE}. On bars, rules are looked at at each close and fill at the next "
            "open. The stream looks at every trade: its fills differ.",
            size="xs",
            c="dimmed",
            className="of-bars",
        ),
    ]


def _card(name: str, label: str, preview: Preview) -> html.Div:
    value = preview.statistics[name]
    made = tone(value or 0) if name in _SIGNED else ""
    written = format_value(STATISTICS[name], value)
    if made == "gain":
        written = f"+{written}"
    return card(label, written, tone=made, about=(STATISTICS[name].function.__doc__ or "").partition("\n")[0])


def _tables(preview: Preview) -> list[Any]:
    """Return the numbers of the graph as tables."""
    equity = (f"Time ({ZONE})", "Equity", "Buy & hold", "Price")
    fills = (f"Time ({ZONE})", "Shares", "Price", "Reason")
    return [
        grids.plain(equity, equity_rows(preview), "Last values of each hour, the newest first"),
        grids.plain(fills, fill_rows(preview), "Fills, the newest first"),
    ]

"""Whether everything runs: batches and their delay, lags, rates, rejects, and the servers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from frontend import graphs, grids, pace
from frontend.answers import changed
from frontend.cards import card
from frontend.context import Context, in_thread, unfolded
from frontend.formats import NONE, ZONE, moment
from frontend.market import Snapshot
from frontend.pulse import State as StreamState
from frontend.recent import Rates, Recent
from frontend.shell import WIDE, alert, titled
from frontend.watch import Answer, Watch
from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from riskcontrol.trades import NS_PER_SECOND

PAGE = {"path": "/health", "title": titled("Health")}

_STATES = {
    StreamState.NEVER: (False, "has not run yet: start it with riskcontrol stream"),
    StreamState.RUNNING: (True, "runs"),
    StreamState.IDLE: (True, "runs and waits for trades"),
    StreamState.STOPPED: (False, "doesn't run: start it with riskcontrol stream"),
}
_FEW = 10
"""Fewer fills a second than these are told with a decimal."""
_OUTPUTS = {
    "cards": Output("health-cards", "children"),
    "servers": Output("health-servers", "children"),
    "figure": Output("pace", "figure"),
    "version": Output("health-version", "data"),
    "notice": Output("health-notice", "children"),
}
"""What the page's callback may change."""


def layout(**query: str) -> dmc.Container:
    """Return the page.

    Args:
        query: What follows the ``?`` of the address; nothing is looked at.
    """
    return dmc.Container(
        [
            dcc.Store(id="health-version"),
            dmc.Title("Health", order=1, size="h2", className="heading"),
            html.Div(dmc.Text("Asking the servers …", c="dimmed"), id="health-notice", role="status"),
            html.Section(id="health-servers", className="health-servers", **grids.named("Servers")),
            html.Div(id="health-cards", className="health-cards"),
            html.Section(
                [
                    html.H2("Batches of the last hour", className="section-title"),
                    html.Div(
                        graphs.graph("pace"),
                        className="pace",
                    ),
                    html.Details(
                        [
                            html.Summary("As a table", id="pace-twin"),
                            html.Div(_table(), className="twin-grid"),
                        ]
                    ),
                ],
                className="panel candles-panel",
            ),
        ],
        **WIDE,
    )


def _table() -> html.Div:
    return grids.grid(
        "pace-rows",
        [
            grids.pinned(grids.moments("time", f"Batch ({ZONE})")),
            grids.number("processing", "Processing, s", 110, "price"),
            grids.number("delay", "Delay, s", 90, "price", "From its time to its start"),
            grids.number("trades", "Trades", 90, "count"),
            grids.number("fills", "Fills", 80, "count"),
            grids.number("bars", "Bars", 80, "count"),
            grids.number("lag", "Lag", 80, "count", "Records that the tape held and it did not take"),
            grids.number("waiting", "Rows waiting", 110, "count", "Not yet in the tables at its end"),
            grids.number("rejected", "Rejects", 80, "count"),
        ],
        label="The newest batches",
        height=320,
        row_height=32,
    )


def register(app: Dash, context: Context, recent: Recent) -> None:
    """Add the page's callbacks.

    Args:
        app: The application.
        context: What callbacks share.
        recent: The stream's last hour.
    """
    kafka = Watch("kafka", lambda: ask_kafka(context.settings))

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={
            "market": Input("market", "data"),
            "n": Input("clock", "n_intervals"),
            "shown": State("health-version", "data"),
        },
    )
    def refresh(market: Any, n: Any, shown: Any) -> dict[str, Any]:
        """Bring the page up to date, where anything in it changed."""
        shown = shown if isinstance(shown, dict) else {}
        broker = kafka.answer()
        try:
            snapshot = context.market.snapshot()
            nodes = context.source.read(lambda reader: reader.nodes())
            version = {"market": snapshot.version, "servers": f"{broker} {nodes}"}
            if all(shown.get(part) == value for part, value in version.items()):
                return changed(_OUTPUTS)
            batches, rates = recent.batches(), recent.rates(snapshot)
        except ServerError as error:
            version = {"market": "away", "servers": f"{broker} {error}"}
            if shown == version:
                return changed(_OUTPUTS)
            database = Answer(False, str(error).removeprefix("cassandra: "))
            servers = [_server("Cassandra", database), _server("Kafka", broker)]
            return changed(_OUTPUTS, servers=servers, version=version, notice=None)
        up, all_ = nodes
        answers = {
            "Cassandra": Answer(up == all_, f"{up} of {all_} nodes answer" if all_ > 1 else "answers"),
            "Kafka": broker,
            "Stream": _stream(snapshot),
        }
        found = pace.pace(batches)
        figure: Any = no_update
        notice = None
        if found is None:
            notice = alert("No batch has been written yet: there is nothing to measure.", "blue")
        else:
            version["drawn"] = "yes"
            if shown.get("market") != snapshot.version:
                drawn = pace.figure(batches)
                figure = graphs.renewed(drawn) if shown.get("drawn") else drawn
        return changed(
            _OUTPUTS,
            cards=_cards(snapshot, rates, found),
            servers=[_server(name, answer) for name, answer in answers.items()],
            figure=figure,
            version=version,
            notice=notice,
        )

    @app.callback(
        Output("pace-rows", "rowData"),
        Input("pace-twin", "n_clicks"),
        Input("health-version", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def twin(clicks: Any, version: Any) -> Any:
        """Fill the table below the graph while it is open."""
        if not unfolded(clicks):
            return no_update
        try:
            return pace.rows(recent.batches())
        except ServerError:
            return no_update


def ask_kafka(settings: Settings) -> str:
    """Return what Kafka says of itself, in words.

    Raises:
        ServerError: It doesn't answer.
    """
    from ingestion.topic import brokers_up  # noqa: PLC0415  the pages start without Kafka's client

    brokers, partitions = brokers_up(settings)
    who = "answers" if brokers == 1 else f"{brokers} brokers answer"
    return f"{who}, topic {settings.topic} has {partitions} partitions" if partitions else f"{who}, no topic yet"


def _stream(snapshot: Snapshot) -> Answer:
    up, words = _STATES[snapshot.pulse.state]
    if snapshot.pulse.state is StreamState.RUNNING and snapshot.pulse.behind:
        words = "runs, but is behind: batches take longer than their interval, as the machine is too busy"
    event = snapshot.pulse.event_time
    stands = snapshot.pulse.state in (StreamState.IDLE, StreamState.STOPPED)
    return Answer(up, f"{words}; last trade at {moment(event)} {ZONE}" if stands and event else words)


def _server(name: str, answer: Answer) -> html.Div:
    state = "unknown" if answer.up is None else "up" if answer.up else "down"
    said = {"unknown": "not known yet", "up": "up", "down": "down"}[state]
    return html.Div(
        [
            html.Span(className=f"lamp lamp-{state}", role="img", **grids.named(said)),
            html.Span(name, className="server-name"),
            html.Span(answer.words, className="muted"),
        ],
        className="server",
    )


def _cards(snapshot: Snapshot, rates: Rates, found: pace.Pace | None) -> list[html.Div]:
    beat = snapshot.pulse
    fills = f"{rates.fills:,.1f}" if rates.fills < _FEW else f"{rates.fills:,.0f}"
    cards = [
        card("Trades/s", f"{rates.trades:,.0f}", "over the last minute"),
        card("Fills/s", fills, "over the last minute"),
    ]
    if found is not None:
        late = "loss" if found.p99 > found.interval else ""
        slow = f"p99 {found.p99:.2f} s of {found.interval:g} s"
        oldest = f"the oldest for {found.behind:.1f} s" if found.waiting else "none"
        cards += [
            card("Last batch", f"{beat.processing:.2f} s", f"delay {beat.delay:.2f} s"),
            card("Processing, last hour", f"{found.median:.2f} s", slow, below_tone=late),
            card("Delay p99, last hour", f"{found.delay_p99:.2f} s", f"{found.batches:,} batches"),
            card("Lag", f"{found.lag:,}", "records of the tape not taken"),
            card("Rows waiting", f"{found.waiting:,}", oldest),
            card("Rejects, last hour", f"{found.rejected:,}", "records that could not be used"),
        ]
    event = moment(beat.event_time) if beat.event_time else ""
    speed = f", {found.speed:,.1f} × the clock" if found is not None and found.speed is not None else ""
    wall = moment(int(datetime.now(UTC).timestamp()) * NS_PER_SECOND)
    return [
        *cards,
        card("Event time", event[11:] or NONE, f"{event[:10]} {ZONE}{speed}" if event else "no trade yet"),
        card("Wall clock", wall[11:], f"{wall[:10]} {ZONE}"),
    ]

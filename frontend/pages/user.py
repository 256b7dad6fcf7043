"""A user's page: all strategies in a table, their totals, and what happened last."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from frontend import grids
from frontend.activity import Fills, Happened, Pair, events
from frontend.answers import changed, digest
from frontend.cards import card
from frontend.context import Context, username_of
from frontend.formats import MINUS, ZONE
from frontend.market import Snapshot
from frontend.openings import pending as pending_of
from frontend.pages import home
from frontend.positions import MOST_ROWS, Totals, key, most_valuable, table
from frontend.shell import TITLE, WIDE, alert, titled
from frontend.summaries import Summaries, Summary
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.newyork import date_of
from riskcontrol.strategy import USERNAME_PATTERN, check_username


def title(username: str = "") -> str:
    """Return the page's title; that of all pages where the address has no username."""
    username = unquote(username)
    return titled(username) if USERNAME_PATTERN.fullmatch(username) else TITLE


PAGE = {"path_template": "/user/<username>", "title": title}

MOST_SUMMARISED = 1_000
"""Most strategies in a table whose statistics are shown: the newest, which stand first."""
FIRST_SECONDS, MORE_SECONDS = 0.04, 0.25
"""How long one answer may make statistics: the first, so that there is something to see, and those after it."""
_MOST_ROWS_IN_VIEW = 12

_OUTPUTS = {
    "rows": Output("table", "rowData"),
    "changes": Output("table", "rowTransaction"),
    "size": Output("table", "style"),
    "totals": Output("totals", "children"),
    "events": Output("events", "children"),
    "asked": Output("asked", "children"),
    "notice": Output("notice", "children"),
    "progress": Output("progress", "children"),
    "hidden": Output("positions", "hidden"),
    "version": Output("table-version", "data"),
    "missing": Output("table-missing", "data"),
    "known": Output("known-user", "data"),
}
"""What the page's callback may change."""


def layout(username: str = "", **query: str) -> dmc.Container:
    """Return the page of the address ``/user/USERNAME``.

    Args:
        username: Whose page, as the address has it.
        query: What follows the ``?``; nothing is looked at.
    """
    try:
        username = check_username(unquote(username))
    except StrategyError as error:
        return home.start(f"No such user: a username {error.message}.")
    return dmc.Container(
        [
            dcc.Store(id="username", data=username),
            dcc.Store(id="table-version"),
            dcc.Store(id="table-missing"),
            dcc.Store(id="table-again"),
            dcc.Store(id="known-user"),
            html.Div(
                [
                    dmc.Title(username, order=1, size="h2"),
                    dmc.Group(
                        [
                            dmc.Anchor("Place among all", href=f"/leaders?user={username}", size="sm"),
                            dmc.Anchor(
                                dmc.Button("New strategy", tabIndex=-1), href=f"/new?user={username}", underline="never"
                            ),
                        ],
                        gap="md",
                    ),
                ],
                className="heading",
            ),
            html.Div(dmc.Text("Loading the positions …", c="dimmed"), id="notice", role="status"),
            html.Div(
                [
                    html.Div(id="totals", className="totals"),
                    html.Section([_grid(), html.P(id="progress", className="hint", role="status")], className="panel"),
                    html.Section(
                        [
                            html.H2("What happened last", className="section-title"),
                            html.P(f"On the tape, by its time ({ZONE}).", className="hint events-of"),
                            html.Ol(id="events", className="events"),
                            html.P(
                                f"Opened and stopped, by the clock of whoever asked for it ({ZONE}).",
                                className="hint events-of",
                            ),
                            html.Ol(id="asked", className="events"),
                        ],
                        className="panel padded",
                    ),
                ],
                id="positions",
                hidden=True,
            ),
        ],
        **WIDE,
    )


def _grid() -> html.Div:
    return grids.grid(
        "table",
        [
            {**grids.linked("strategy", "Strategy", 104), "tooltipField": "rule"},
            grids.wide(grids.number("value", "Value, $", 98, "money", "Cash + shares × last price")),
            grids.wide(grids.signed("today", "Today, $", 84, "gain", "Since midnight of the tape's day, New York")),
            grids.wide(grids.signed("profit", "Profit, $", 84, "gain", "Value less what it started with")),
            grids.wide(grids.signed("gain", "Return", 80, "percent", "Profit by what it started with")),
            grids.wide(grids.number("drawdown", "Drawdown", 94, "percent", "Deepest fall from a peak")),
            grids.wide(grids.number("wins", "Win rate", 80, "level", "Share of round trips with a profit")),
            grids.wide(grids.number("fills", "Fills", 56, "count")),
            {
                **grids.column("verdict", "Verdict", 114, "Pull it, keep testing it, or scale it up"),
                "cellRenderer": "Badge",
                "tooltipField": "reason",
            },
            {
                **grids.wide(
                    grids.column("line", "Trend", 88, "Value over time; the line across is what it started with")
                ),
                "cellRenderer": "Sparkline",
                "cellDataType": False,
                "sortable": False,
            },
            {
                **grids.wide(
                    grids.column(
                        "status", "Status", 96, "waiting: for its first trade; sent: not yet written by the stream"
                    )
                ),
                "cellClass": "status",
                "cellClassRules": {
                    "status-running": "params.value == 'running'",
                    "status-halted": "params.value == 'halted' || params.value == 'not confirmed'",
                },
            },
            grids.narrow({**grids.linked("brief", "Value, profit", 132), "cellClass": "linked number"}),
        ],
        label="Strategies",
        height=120,
    )


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""
    summaries, newest = Summaries(context.reports), Fills()

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={
            "username": Input("username", "data"),
            "market": Input("market", "data"),
            "pending": Input("pending", "data"),
            "again": Input("table-again", "data"),
            "shown": State("table-version", "data"),
        },
    )
    def refresh(username: Any, market: Any, pending: Any, again: Any, shown: Any) -> dict[str, Any]:
        """Bring the page up to date, where anything on it changed."""
        username = username_of(username)
        waiting = pending_of(pending, username, time.time())
        shown = shown if isinstance(shown, dict) else {}
        try:
            strategies = context.source.read(lambda reader: reader.strategies(username))
            positions = context.source.read(lambda reader: reader.positions(strategies))
            known = bool(strategies or waiting) or context.source.read(lambda reader: reader.user_exists(username))
            if not strategies and not waiting:
                return _nothing(username, known, shown)
            snapshot = context.market.snapshot()
            pairs = list(zip(strategies, positions, strict=True))
            seconds = MORE_SECONDS if shown else FIRST_SECONDS
            chosen = most_valuable(strategies, positions, snapshot.prices, _rows_of(shown), MOST_ROWS)
            in_rows = [pair for pair in pairs if key(pair[0].ticker, pair[0].name) in chosen]
            summarised = _summaries(context, summaries, in_rows, snapshot, seconds)
            happened = context.source.read(lambda reader: events(pairs, newest.newest(reader, pairs)))
        except ServerError:
            if shown:  # what is on the page stays, under the frame's message
                return changed(_OUTPUTS)
            message = alert("The positions can't be shown while the database is away.", "gray")
            return changed(_OUTPUTS, notice=message, hidden=True)
        rows, totals = table(strategies, positions, snapshot.prices, waiting, summarised, chosen)
        answer = _shown(rows, totals, len(chosen), happened, summarised, shown)
        return answer | {"known": no_update if shown else username}

    grids.register(app, "table")
    # While statistics are missing, ask again without waiting for the stream to go on.
    app.clientside_callback(ClientsideFunction("riskcontrol", "again"), Input("table-missing", "data"))
    app.clientside_callback(ClientsideFunction("riskcontrol", "remember"), Input("known-user", "data"))


def _summaries(
    context: Context, summaries: Summaries, pairs: Sequence[Pair], snapshot: Snapshot, seconds: float
) -> dict[str, Summary | None]:
    """Return the summaries of the newest strategies that have seen a trade, by `key`; None for those not made yet."""
    seen = [(strategy, position) for strategy, position in pairs if position is not None]
    seen = sorted(seen, key=lambda pair: -pair[0].opened)[:MOST_SUMMARISED]
    day = date_of(snapshot.latest)
    found = context.source.read(
        lambda reader: summaries.of(reader, seen, snapshot.prices, day, seconds=seconds, resting=snapshot.resting)
    )
    return {key(strategy.ticker, strategy.name): one for (strategy, _), one in zip(seen, found, strict=True)}


def _shown(
    rows: list[dict[str, Any]],
    totals: Totals,
    chosen: int,
    happened: Happened,
    summarised: dict[str, Summary | None],
    shown: dict[str, Any],
) -> dict[str, Any]:
    """Return what changes on a page that shows something else; of the table, only the rows that did."""
    before = _rows_of(shown)
    after = {row["id"]: digest(row) for row in rows}
    missing = sum(one is None or one.due for one in summarised.values())
    told, asked = ([event.row() for event in part] for part in (happened.on_tape, happened.asked))
    words = totals.words()
    rest, events = digest([words, missing, chosen]), digest([told, asked])
    ask = [missing, time.time()] if missing else no_update
    if list(after.items()) == list(before.items()) and (shown.get("rest"), shown.get("events")) == (rest, events):
        return changed(_OUTPUTS, missing=ask)
    changes = changed(_OUTPUTS, missing=ask, version={"rows": after, "rest": rest, "events": events})
    if list(after) != list(before):
        changes |= {"rows": rows, "size": {"height": grids.fitting(len(rows), _MOST_ROWS_IN_VIEW)}}
    elif updated := [row for row in rows if before[row["id"]] != after[row["id"]]]:
        changes["changes"] = {"update": updated}
    if shown.get("rest") != rest:
        changes |= {
            "totals": _cards(words),
            "progress": _progress(missing, len(summarised), chosen, totals.strategies),
        }
    if shown.get("events") != events:
        changes |= {
            "events": [_event(event) for event in told] or html.Li("Nothing yet.", className="muted"),
            "asked": [_event(event) for event in asked],
        }
    return changes | {"notice": None, "hidden": False}


def _rows_of(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the rows in the version that a page keeps, by id; anything at all may be in it."""
    kept = shown.get("rows")
    return kept if isinstance(kept, dict) else {}


def _nothing(username: str, known: bool, shown: dict[str, Any]) -> dict[str, Any]:
    """Return what changes on the page of a user without strategies."""
    rest = digest(known)
    if shown.get("rest") == rest:
        return changed(_OUTPUTS)
    message = f"No user {username!r}. Check the spelling, or open a strategy to begin as {username!r}."
    if known:
        message = f"{username} has no strategies yet. Open one: it starts at the ticker's next trade."
    return changed(
        _OUTPUTS,
        notice=alert(message, "blue" if known else "yellow", "no-positions"),
        hidden=True,
        version={"rows": {}, "rest": rest},
        known=username if known else no_update,
    )


def _progress(missing: int, summarised: int, chosen: int, count: int) -> str:
    """Return what is said below the table.

    Args:
        missing: How many statistics are still to come.
        summarised: Of how many strategies there will be some.
        chosen: How many strategies are in the table.
        count: How many there are.
    """
    said = []
    if chosen < count:
        said.append(
            f"{chosen:,} of {count:,} strategies are shown: the most valuable when the page was opened, and what was "
            "sent from it since. The sums are of all."
        )
    if missing:
        said.append(f"Statistics of {missing:,} of {summarised:,} strategies are still being put together …")
    elif summarised == MOST_SUMMARISED:
        said.append(
            f"Statistics and today's profit are those of the {MOST_SUMMARISED:,} newest strategies in the table; each "
            "has its own on its page."
        )
    return " ".join(said)


def _event(event: dict[str, Any]) -> html.Li:
    return html.Li(
        [
            html.Span(event["time"], className="event-time"),
            dmc.Anchor(event["strategy"], href=event["address"], size="sm"),
            html.Span(event["words"], className=f"event event-{event['kind']}"),
        ]
    )


def _cards(words: dict[str, str]) -> list[html.Div]:
    tones = {"+": "gain", MINUS: "loss"}
    return [card(label, figure, tone=tones.get(figure[0], "")) for label, figure in words.items()]

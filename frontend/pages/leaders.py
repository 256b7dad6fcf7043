"""The leaders' page: who leads, how everyone's returns are spread, and one's own place among them."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from frontend import graphs, grids, spread, standings
from frontend.access import require_member, viewer
from frontend.answers import changed, digest
from frontend.calls import NOTHING, Answer
from frontend.context import Context, one_of, text
from frontend.controls import choice
from frontend.formats import ZONE, moment
from frontend.leading import Leading
from frontend.shell import WIDE, alert, titled
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.leaders import LEAST_TRIPS, Leaders
from riskcontrol.strategy import check_username

PAGE = {"path": "/leaders", "title": titled("Leaders")}

_OUTPUTS = {
    "ranking": Output("ranking", "rowData"),
    "about": Output("leaders-about", "children"),
    "notice": Output("leaders-notice", "children"),
    "hidden": Output("leaders-all", "hidden"),
    "spread": Output("spread", "figure"),
    "bars": Output("spread-table", "children"),
    "quantiles": Output("spread-quantiles", "children"),
    "own": Output("own-table", "rowData"),
    "own_size": Output("own-table", "style"),
    "own_hidden": Output("own", "hidden"),
    "place": Output("own-place", "children"),
    "wrong": Output("leaders-user", "error"),
    "version": Output("leaders-version", "data"),
}
"""What the page's callback may change."""
_SPREAD = "spread "
"""Begins a version that shows the spread."""


def layout(by: str = "return", user: str = "", **query: str) -> dmc.Container:
    """Return the page of the address ``/leaders?by=evidence&user=NAME``.

    Args:
        by: What is ranked by at first; one of `standings.RANKINGS`.
        user: Whose place is shown at first.
        query: The rest of what follows the ``?``; nothing is looked at.
    """
    by, user = one_of(by, standings.RANKINGS, "return"), user if isinstance(user, str) else ""
    user = viewer().only or user
    return dmc.Container(
        [
            dcc.Store(id="leaders-version"),
            html.Div(
                [
                    dmc.Title("Leaders", order=1, size="h2"),
                    html.Div(
                        choice("leaders-by", standings.RANKINGS, by, about="Rank by", size="sm"),
                        className="scroll-x",
                    ),
                ],
                className="heading",
            ),
            html.P("Asking who leads …", id="leaders-about", className="about", role="status"),
            html.Div(id="leaders-notice"),
            html.Div(
                [
                    html.Section(
                        [
                            html.H2("The best hundred", className="section-title"),
                            _ranking(),
                            html.P(
                                "Returns are since a strategy was opened, marked to market; ranked are those with a "
                                f"round trip, by probability of skill those with {LEAST_TRIPS}. The probability of "
                                "skill tells how likely it is, by the returns of its round trips, that a strategy "
                                "earns on average and wasn't only lucky. What is held counts as if it were sold now; "
                                "still, who sells only at a gain looks surer than may be, and nothing is taken off for "
                                "being the best of many. The probabilistic Sharpe ratio on a strategy's own page asks "
                                "the same of its days.",
                                className="hint",
                            ),
                        ],
                        className="panel leaders-ranking",
                    ),
                    html.Div([_own(user), _spread()], className="leaders-side"),
                ],
                id="leaders-all",
                className="leaders",
                hidden=True,
            ),
        ],
        **WIDE,
    )


def _ranking() -> dag.AgGrid:
    return grids.grid(
        "ranking",
        [
            grids.number("place", "#", 42, "count", "Place"),
            grids.wide(grids.linked("user", "User", 130)),
            grids.wide(grids.linked("strategy", "Strategy", 96)),
            grids.narrow(grids.linked("who", "User, strategy", 124)),
            grids.signed("gain", "Return", 80, "percent", "Since it was opened, marked to market"),
            grids.number(
                "probability",
                "Skill",
                74,
                "chance",
                f"Probability of skill: that the true mean return of its round trips is above 0; takes {LEAST_TRIPS}",
            ),
            grids.wide(grids.number("trips", "Round trips", 100, "count")),
            grids.wide(grids.number("value", "Value, $", 120, "money", "Cash and shares")),
        ],
        label="The best hundred strategies",
        row_class={"own": "params.data.own"},
        height=640,
    )


def _own(user: str) -> html.Section:
    return html.Section(
        [
            html.H2("Your place", className="section-title"),
            dmc.TextInput(
                id="leaders-user",
                value=user[:64],
                placeholder="Your username",
                readOnly=bool(viewer().only),
                debounce=True,
                className="grow",
                attributes={"input": {"aria-label": "Your username", "autoCapitalize": "none", "spellCheck": "false"}},
            ),
            html.P(id="own-place", className="about", role="status"),
            html.Div(
                grids.grid(
                    "own-table",
                    [
                        grids.linked("strategy", "Strategy", 84),
                        grids.signed("gain", "Return", 84, "percent"),
                        grids.number("better", "Beats", 78, "level", "Share of all strategies with a lower return"),
                        grids.number("place", "Place", 62, "count", "Among the best hundred"),
                    ],
                    label="Your strategies among all",
                    height=230,
                ),
                id="own",
                hidden=True,
            ),
        ],
        className="panel",
    )


def _spread() -> html.Section:
    return html.Section(
        [
            html.H2("Everyone's returns", className="section-title"),
            html.Div(
                graphs.graph("spread"),
                className="spread",
            ),
            html.Div(id="spread-quantiles", className="quantiles"),
            html.Details([html.Summary("As a table"), html.Div(id="spread-table", className="twin")]),
        ],
        className="panel",
    )


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""
    leading = Leading(context.source)

    def at_once(market: Any, by: Any, user: Any, shown: Any) -> Answer | None:
        by = one_of(text(by, "by"), standings.RANKINGS, "return")
        require_member()
        known = leading.at_hand()
        return NOTHING if known and _version(*known, by, *_typed(viewer().only or user)) == shown else None

    @context.calls.callback(
        app,
        output=_OUTPUTS,
        inputs={
            "market": Input("market", "data"),
            "by": Input("leaders-by", "value"),
            "user": Input("leaders-user", "value"),
            "shown": State("leaders-version", "data"),
        },
        at_once=at_once,
    )
    def refresh(market: Any, by: Any, user: Any, shown: Any) -> Answer | dict[str, Any]:
        """Bring the page up to date, where anything on it changed."""
        by = one_of(text(by, "by"), standings.RANKINGS, "return")
        require_member()
        username, wrong = _typed(viewer().only or user)
        try:
            leaders, what = leading.versioned()
            version = _version(leaders, what, by, username, wrong)
            if version == shown:
                return NOTHING
            mine, place = _place(context, leaders, username, by) if leaders else ([], "")
        except ServerError:
            if shown:  # what is on the page stays, under the frame's message
                return changed(_OUTPUTS, wrong=wrong)
            message = alert("The leaders can't be shown while the database is away.", "gray")
            return changed(_OUTPUTS, about="", notice=message, hidden=True, wrong=wrong)
        drawn = _drawn(leaders, by, username, mine)
        if isinstance(shown, str) and shown.startswith(_SPREAD) and version.startswith(_SPREAD):
            drawn["spread"] = graphs.renewed(drawn["spread"], "shapes", "annotations")
        return drawn | {"place": place, "wrong": wrong, "version": version}

    grids.register(app, "ranking", "own-table")
    app.clientside_callback(
        ClientsideFunction("riskcontrol", "ask"),
        Input("leaders-by", "value"),
        Input("leaders-user", "value"),
    )
    app.clientside_callback(
        ClientsideFunction("riskcontrol", "myself"),
        Output("leaders-user", "value"),
        Input("leaders-user", "id"),
        State("visitor", "data"),
        State("leaders-user", "value"),
    )


def _version(leaders: Leaders | None, what: str, by: str, username: str, wrong: str | None) -> str:
    """Return what tells whether anything on the page has changed, as the browser keeps it."""
    return f"{_SPREAD if leaders and leaders.strategies else ''}{digest([what, by, username, wrong])}"


def _typed(value: Any) -> tuple[str, str | None]:
    """Return the username that was typed, empty if none was, and what is wrong with it."""
    typed = text(value, "username").lower()
    if not typed:
        return "", None
    try:
        return check_username(typed), None
    except StrategyError as error:
        return "", f"A username {error.message}"


def _place(context: Context, leaders: Leaders, username: str, by: str) -> tuple[list[dict[str, Any]], str]:
    """Return one's own rows, and one's place in words."""
    if not username:
        return [], "Type your username to see how your strategies stand among all."
    strategies = context.source.read(lambda reader: reader.strategies(username))
    if not strategies:
        return [], f"{username} has no strategies."
    positions = context.source.read(lambda reader: reader.positions(strategies))
    mine = standings.own(strategies, positions, context.market.snapshot().prices, leaders, by)
    return mine, standings.best(mine)


def _drawn(leaders: Leaders | None, by: str, username: str, mine: list[dict[str, Any]]) -> dict[str, Any]:
    if leaders is None or not leaders.strategies:
        message = "No minute of the tape has ended yet: strategies are ranked at the end of each."
        return changed(_OUTPUTS, about="", notice=alert(message, "blue"), hidden=True)
    rank = standings.ranking(leaders, by)
    bars = spread.histogram(leaders)
    marked = [(f"{row['strategy']} · {row['strategy_below']}", row["gain"] / 100) for row in mine]
    about = (
        f"{leaders.strategies:,} strategies at the end of {moment(leaders.time)[:16]} {ZONE}; "
        "the ranking changes with each minute of the tape."
    )
    nobody = {"return": "a round trip", "evidence": f"{LEAST_TRIPS} round trips"}[by]
    return {
        "ranking": standings.rows(rank, username, viewer()),
        "about": about,
        "notice": None if len(rank) else alert(f"Nobody has {nobody} yet.", "blue"),
        "hidden": False,
        "spread": spread.figure(bars, leaders.quantile(0.5), marked, key="spread"),
        "bars": grids.plain(("Return", "Strategies"), spread.table(bars)),
        "quantiles": [
            html.Div([html.Span(share, className="label"), html.Span(gain)])
            for share, gain in spread.quantiles(leaders)
        ],
        "own": mine,
        "own_size": {"height": grids.fitting(len(mine), 5)},
        "own_hidden": not mine,
    }

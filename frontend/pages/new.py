"""Writing a strategy: fields, errors as one types, and what it would have done on the stored bars."""

from __future__ import annotations

import time
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from fastapi import HTTPException

from database.reads import StrategyRow
from frontend import fields, form, tickers
from frontend.access import viewer
from frontend.context import Context, in_thread, text
from frontend.figures import empty
from frontend.form import FIELDS, Problem, element
from frontend.formats import options as options_said
from frontend.formats import rule
from frontend.openings import pending
from frontend.shell import alert, titled
from riskcontrol.errors import InputError, ServerError, StrategyError
from riskcontrol.strategy import NAME_PATTERN, Strategy, check_username
from riskcontrol.templates import names, summary
from riskcontrol.terms import Session
from riskcontrol.trades import TICKER_PATTERN
from riskcontrol.vocabulary import sections

PAGE = {"path": "/new", "title": titled("New strategy")}
MOST_TYPED = 2 * fields.PASTED
"""Longest text of a field that is looked at."""


_GRAPH: dict[str, Any] = {"aria-label": "Equity beside buy & hold, and the price with the fills; as a table below"}
_TABLES: dict[str, Any] = {"aria-label": "The preview's numbers"}
_WORDS: dict[str, Any] = {"aria-label": "Words of the language"}


def layout(user: Any = "", ticker: Any = "", edit: Any = "", **query: Any) -> html.Div:
    """Return the page of the address ``/new?user=NAME&ticker=TICKER&from=TICKER/STRATEGY&edit=1``.

    Args:
        user: Whose strategy it becomes.
        ticker: What it trades.
        edit: "1" for a new version of the strategy it is made from, which is stopped.
        query: `from` names a strategy of the user to begin with; nothing else is looked at.
    """
    wrong = []
    own = viewer().username
    username, ticker = own or _one(user), _one(ticker)
    if username and not _is_username(username):
        wrong.append("no username")
        username = ""
    if ticker and not TICKER_PATTERN.fullmatch(ticker):
        wrong.append("no ticker")
        ticker = ""
    source = None
    if query.get("from"):
        on, _, name = _one(query["from"]).rpartition("/")
        if username and TICKER_PATTERN.fullmatch(on) and NAME_PATTERN.fullmatch(name):
            source = {"username": username, "ticker": on, "name": name, "edit": _one(edit) == "1"}
            ticker = on
        else:
            wrong.append("no strategy of a user (user=NAME&from=TICKER/STRATEGY)")
    values = {**form.first_values(), "username": username, "ticker": ticker}
    trouble = f"The address names {' and '.join(wrong)}; that is left empty here." if wrong else None
    version = bool(source and source["edit"])
    return html.Div(
        [
            dcc.Store(id="new-source", data=source),
            dcc.Store(id="new-load"),
            dcc.Store(id="new-begin"),
            dcc.Store(id="new-typed"),
            dcc.Store(id="new-sent"),
            dcc.Store(id="new-again"),
            dcc.Store(id="new-preview-state"),
            dcc.Store(id="new-axis"),
            alert(trouble, "yellow", "address-error") if trouble else None,
            dmc.Title("New version" if version else "New strategy", order=1, size="h2", className="heading"),
            html.Div(id="new-about", role="status"),
            html.Div(
                [
                    dmc.Paper(_form(values, version), withBorder=True, className="panel new-form"),
                    dmc.Paper(_beside(), withBorder=True, className="panel new-beside"),
                ],
                className="new-columns",
            ),
        ],
        id="new-page",
        className="new-page",
    )


def _form(values: dict[str, str], version: bool) -> html.Div:
    elements = fields.rules(values)
    if viewer().username:  # everybody opens their own
        elements[1].children[0].readOnly = True
    if version:  # of the same user and on the same ticker
        for one in elements[1].children:
            one.readOnly = True
    submit = dmc.Button("Open strategy", id="new-submit", size="md")
    keys = html.Span([dmc.Kbd("Ctrl"), " + ", dmc.Kbd("Enter")], className="keys")
    return html.Div(
        [
            *elements,
            html.Div(id="new-understood", className="understood", role="status"),
            fields.options(values),
            html.Div(id="new-message", role="alert"),
            html.Div([submit, keys], className="send"),
        ],
        className="stack",
    )


def _beside() -> dmc.Tabs:
    preview = [
        html.Div(dmc.Text("Name a ticker to see what the strategy would have done.", c="dimmed"), id="new-note"),
        html.Div(
            [
                html.Div(id="new-result"),
                html.Div(
                    dcc.Graph(
                        id="new-graph",
                        figure=empty(""),
                        config={"displaylogo": False, "responsive": True, "displayModeBar": False},
                        style={"height": "100%"},
                    ),
                    className="new-graph",
                    role="img",
                    **_GRAPH,
                ),
                html.Details(
                    [html.Summary("As a table"), html.Div(id="new-table", tabIndex="0", role="region", **_TABLES)],
                    className="preview-twin",
                ),
            ],
            id="new-preview",
            hidden=True,
        ),
    ]
    return dmc.Tabs(
        [
            dmc.TabsList([dmc.TabsTab("Preview on stored bars", value="preview"), dmc.TabsTab("Words", value="words")]),
            dmc.TabsPanel(preview, value="preview", pt="md"),
            dmc.TabsPanel(_words(), value="words", pt="md"),
        ],
        value="preview",
    )


def _words() -> html.Div:
    """Return what may be written in a rule."""
    parts = []
    for title, words in sections().items():
        if title.startswith("Options"):
            continue
        rows = [part for word, meaning in words.items() for part in (html.Dt(html.Code(word)), html.Dd(meaning))]
        parts += [html.H2(title), html.Dl(rows)]
    return html.Div(parts, className="words", tabIndex="0", role="region", **_WORDS)


def register(app: Dash, context: Context) -> None:
    """Add the page's callbacks."""
    app.clientside_callback(
        ClientsideFunction("strategy_form", "typed"),
        Output("new-load", "data"),  # which it sets by itself; without an output it wouldn't be called at first
        *(Input(element(name), "value") for name in FIELDS),
        State("new-source", "data"),
        State("visitor", "data"),
    )

    @app.callback(
        *(Output(element(name), "value", allow_duplicate=True) for name in FIELDS),
        Input("new-load", "data"),
        prevent_initial_call=True,
    )
    @in_thread
    def load(source: Any) -> tuple[Any, ...]:
        """Fill the fields from a strategy that there is."""
        wanted = source_of(source)
        if wanted is None:
            return (no_update,) * len(FIELDS)
        try:
            row = find(context, wanted)
            if row is None:
                return (no_update,) * len(FIELDS)
            taken = names_of(context, row.username, row.ticker, None)
        except ServerError:
            return (no_update,) * len(FIELDS)  # the page says so above
        filled: dict[str, str | None] = {
            **form.strategy_values(row),
            "template": None,
            "username": row.username,
            "ticker": row.ticker,
            "name": form.version_name(row.name, taken),
        }
        return tuple(filled[name] for name in FIELDS)

    @app.callback(Output("new-about", "children"), Output("new-submit", "children"), Input("new-source", "data"))
    @in_thread
    def about(source: Any) -> tuple[Any, Any]:
        """Say what the strategy is made from, and what becomes of that."""
        wanted = source_of(source)
        if wanted is None:
            return None, "Open strategy"
        name, ticker = wanted["name"], wanted["ticker"]
        try:
            row = find(context, wanted)
        except ServerError:
            return alert(f"{name} on {ticker} can't be read while the database is away.", "gray"), "Open strategy"
        if row is None:
            missing = f"{wanted['username']} has no strategy {name} on {ticker} that the stream knows."
            return alert(missing, "yellow", "new-missing"), "Open strategy"
        if not wanted["edit"]:
            return alert(f"A copy of {name} on {ticker}, which goes on as it is.", "blue", "new-copy"), "Open strategy"
        if row.stopped is not None:
            return alert(f"A new version of {name} on {ticker}, which is stopped already.", "blue"), "Open new version"
        said = (
            f"A strategy never changes once it is on the tape. So this opens a new version under a name of its own, "
            f"with its own cash and no shares, and stops {name}, whose cash, shares and history stay as they are."
        )
        return alert(said, "blue", "new-version"), f"Open new version, stop {name}"

    @app.callback(
        *(Output(element(name), "value", allow_duplicate=True) for name in FIELDS if name in _FROM_TEMPLATE),
        Input("new-begin", "data"),
        prevent_initial_call=True,
    )
    def begin(template: Any) -> tuple[Any, ...]:
        """Fill the fields from a template."""
        try:
            filled = form.template_values(text(template, "template"))
        except InputError as error:
            raise HTTPException(400, str(error)) from None
        return tuple(filled[name] for name in FIELDS if name in _FROM_TEMPLATE)

    @app.callback(
        output={
            "errors": {name: Output(element(name), "error") for name in fields.MARKED},
            "tickers": Output(element("ticker"), "data"),
            "warning": Output("new-ticker-warning", "children"),
            "understood": Output("new-understood", "children"),
            "options": Output("new-options-said", "children"),
            "unfolded": Output("new-options", "value"),
            "size": Output(element("size"), "label"),
            "sizeless": Output(element("size"), "disabled"),
            "template": Output("new-template-about", "children"),
            "message": Output("new-message", "children", allow_duplicate=True),
        },
        inputs=[
            Input("new-typed", "data"),
            State("pending", "data"),
            State("new-source", "data"),
            State("new-message", "children"),
            *(State(element(name), "error") for name in _EMPTY_AT_FIRST),
        ],
        prevent_initial_call=True,
    )
    @in_thread
    def check(typed: Any, kept: Any, source: Any, refused: Any, *marks: Any) -> dict[str, Any]:
        """Say what is wrong with what was typed so far, and how it is understood."""
        values = values_of(typed)
        reading = form.read(values)
        problems = dict(reading.problems)
        unmarked = [name for name in _EMPTY_AT_FIRST if not values[name] and not refused]
        for name in unmarked:  # not wrong yet, only not there, unless it was to be sent so
            problems.pop(name, None)
        try:
            known = context.market.snapshot().prices
            warning = None if "ticker" in problems else tickers.warning(values["ticker"], known)
            suggested = tickers.suggestions(values["ticker"], known)
            if values["name"] and not {"name", "username", "ticker"} & set(reading.problems):
                problems |= taken(context, values, kept)
        except ServerError:  # the frame says already that the database is away
            warning, suggested = None, []
        template = values["template"]
        errors = {name: fields.error(problems.get(name)) for name in fields.MARKED}
        # One that was sent while this was asked is marked by the time of this answer, and stays so.
        errors |= {
            name: no_update for name, mark in zip(_EMPTY_AT_FIRST, marks, strict=True) if name in unmarked and not mark
        }
        return {
            "errors": errors,
            "tickers": suggested,
            "warning": alert(warning, "yellow", "ticker-warning") if warning else None,
            "understood": _understood(values),
            "options": _options(values),
            "unfolded": "options" if set(problems) & set(form.OPTIONS) else no_update,
            "size": fields.SIZE_LABELS[values["sizing"]],
            "sizeless": values["sizing"] == "all",
            "template": summary(template) if template in names() else None,
            "message": None if refused and not problems else no_update,
        }


_EMPTY_AT_FIRST = ("username", "ticker")
_FROM_TEMPLATE = set(FIELDS) - {"template", "username", "ticker", "name"}


def values_of(typed: Any) -> dict[str, str]:
    """Return the fields' texts of a callback's argument.

    Raises:
        HTTPException: They aren't what the page sends.
    """
    if not isinstance(typed, dict):
        raise HTTPException(400, "the fields of a strategy are expected")
    values = {name: text(typed.get(element(name)), name, MOST_TYPED) for name in FIELDS}
    values["sizing"] = values["sizing"] or "all"
    if values["sizing"] not in form.SIZES:
        raise HTTPException(400, f"sizing: one of {', '.join(form.SIZES)} is expected")
    return values


def source_of(source: Any) -> dict[str, Any] | None:
    """Return which strategy a new one is made from, and whether as its next version; None without one.

    Raises:
        HTTPException: It isn't what the page sends.
    """
    if not isinstance(source, dict):
        return None
    return {
        **{name: text(source.get(name), name) for name in ("username", "ticker", "name")},
        "edit": source.get("edit") is True,
    }


def taken(context: Context, values: dict[str, str], kept: Any) -> dict[str, Problem]:
    """Return what is wrong with the name: its user has a strategy of this name on the ticker already.

    Raises:
        ServerError: The database is away.
    """
    username, ticker = values["username"].lower(), values["ticker"]
    ticker = ticker.upper() if ticker.islower() else ticker
    if values["name"] in names_of(context, username, ticker, kept):
        return {"name": Problem(f"{username} has {values['name']!r} on {ticker} already")}
    return {}


def names_of(context: Context, username: str, ticker: str, kept: Any) -> set[str]:
    """Return the names of a user's strategies on a ticker, with those that this browser has just sent.

    Raises:
        ServerError: The database is away.
    """
    rows = context.source.read(lambda reader: reader.strategies(username))
    known: list[Strategy] = [*rows, *pending(kept, username, time.time())]
    return {one.name for one in known if one.ticker == ticker}


def find(context: Context, wanted: dict[str, Any]) -> StrategyRow | None:
    """Return the strategy that a new one is made from, of `source_of`; None if there is none.

    Raises:
        ServerError: The database is away.
    """
    return context.source.read(lambda reader: reader.strategy(wanted["username"], wanted["ticker"], wanted["name"]))


def trial(values: dict[str, str]) -> form.Reading:
    """Return the reading of what was typed, whoever's it is and whatever its name."""
    return form.read({**values, "username": "preview", "name": "preview"})


def _understood(values: dict[str, str]) -> Any:
    """Return the rules as they were understood; nothing where they weren't."""
    strategy = trial({**values, "ticker": "A"}).strategy
    if strategy is None:
        return None
    buy, sell, _ = rule(strategy.shape, strategy.parameters, strategy.terms)
    return [html.Span("Understood as", className="label"), html.Code(f"{buy}\n{sell}")]


def _options(values: dict[str, str]) -> str:
    strategy = trial({**values, "ticker": "A", "buy": "price > 1", "sell": "", "cash": "1"}).strategy
    if strategy is None:
        return "some are wrong"
    said = options_said(strategy.terms)
    if values["session"] == Session.EXTENDED.name.lower():
        said.append("all day")
    return ", ".join(said) or "none"


def _one(value: Any) -> str:
    """Return a part of the address; one that is said twice is no text."""
    return value.strip()[:64] if isinstance(value, str) else ""


def _is_username(value: str) -> bool:
    try:
        check_username(value)
    except StrategyError:
        return False
    return True

"""`/users/{username}/strategies`: open, read, stop and replace; and the positions."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from database.reads import PositionRow, StrategyRow
from frontend.access import require_change
from frontend.api import models
from frontend.api.document import BODY, Posted
from frontend.api.parameters import Limit, Name, NameCursor, Ticker, Username
from frontend.api.problems import ProblemError
from frontend.api.sending import Sent, open_, stop
from frontend.api.server import API, Addresses
from frontend.api.values import iso, moment, money, price, wrong
from frontend.context import Context
from frontend.form import document_of
from frontend.positions import Prices, status_of, worth
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import strategy_of

MANY = "/users/{username}/strategies"
ONE = MANY + "/{ticker:path}/{name}"
_BODIES = (400, 409, 411, 413, 415)
_ACCEPTED = "It is on the tape; the stream follows within two seconds. `Location` has the strategy's address."
_LOCATION = {"Location": {"description": "The strategy's address.", "schema": {"type": "string"}}}


def register(addresses: Addresses, context: Context) -> None:
    """Add the addresses."""
    sent = Sent()

    @addresses.add("GET", MANY, tag="strategies")
    def list_strategies(username: Username, limit: Limit = 100, cursor: NameCursor = "") -> models.Strategies:
        """List a user's strategies, by ticker and name, with their positions."""
        rows, next_ = _page(context, username, limit, cursor)
        found = [_strategy(*row) for row in rows]
        return models.Strategies(strategies=found, next=next_)

    @addresses.add("GET", "/users/{username}/positions", tag="strategies")
    def list_positions(username: Username, limit: Limit = 100, cursor: NameCursor = "") -> models.Positions:
        """List the positions of a user's strategies; those that wait for their first trade have none."""
        rows, next_ = _page(context, username, limit, cursor)
        found = [
            models.NamedPosition(
                ticker=row.ticker, name=row.name, status=_status(row, position), **_position(row, position, prices)
            )
            for row, position, prices in rows
            if position is not None
        ]
        return models.Positions(positions=found, next=next_)

    @addresses.add(
        "POST",
        MANY,
        tag="strategies",
        errors=_BODIES,
        status=202,
        responses={202: {"description": _ACCEPTED, "headers": _LOCATION}},
        openapi_extra=BODY,
    )
    def open_strategy(username: Username, posted: Posted, response: Response) -> models.Strategy:
        """Open a strategy. Its name is yours: sent again, the same does nothing, and another one is refused."""
        strategy = strategy_of(posted, username=username)
        open_(context, sent, strategy)
        return _answer(context, strategy, response)

    @addresses.add("GET", ONE, tag="strategies")
    def read_strategy(username: Username, ticker: Ticker, name: Name) -> models.Strategy:
        """Return a strategy. One that was just sent has the status `sent` until the stream has confirmed it."""
        return _known(context, sent.find(username, ticker, name), username, ticker, name)

    @addresses.add(
        "DELETE",
        ONE,
        tag="strategies",
        status=202,
        responses={202: {"description": _ACCEPTED, "headers": _LOCATION}},
    )
    def stop_strategy(username: Username, ticker: Ticker, name: Name, response: Response) -> models.Strategy:
        """Stop a strategy, for good. Its cash, shares and history stay; one that has stopped stays as it is."""
        require_change(username)
        strategy = _find(context, sent, username, ticker, name)
        stop(context, strategy)
        return _answer(context, strategy, response)

    @addresses.add(
        "POST",
        ONE + "/replacement",
        tag="strategies",
        errors=_BODIES,
        status=202,
        responses={202: {"description": _ACCEPTED, "headers": _LOCATION}},
        openapi_extra=BODY,
    )
    def replace_strategy(
        username: Username, ticker: Ticker, name: Name, posted: Posted, response: Response
    ) -> models.Strategy:
        """Open a new version under a name of its own, then stop this one: strategies never change on the tape.

        Where the second part fails, send it again: what is open already stays so.
        """
        require_change(username)
        old = _find(context, sent, username, ticker, name)
        new = strategy_of(posted, username=username)
        if new.ticker != old.ticker:
            raise wrong("ticker", f"a new version of {name} stays on {old.ticker}")
        if new.name == old.name:
            raise wrong("name", "a new version has a name of its own")
        open_(context, sent, new)
        stop(context, old)
        return _answer(context, new, response)


def found(context: Context, username: str, ticker: str, name: str) -> StrategyRow:
    """Return a strategy that the stream knows.

    Raises:
        Refused: Whoever asks may not see it.
        ProblemError: There is none.
        ServerError: The database is away.
    """
    row = context.source.read(lambda reader: reader.strategy(username, ticker, name))
    if row is None:
        raise ProblemError(404, f"{username} has no strategy {name} on {ticker}")
    return row


def _find(context: Context, sent: Sent, username: str, ticker: str, name: str) -> Strategy:
    """Return a strategy that the stream knows, or that was just sent."""
    try:
        return found(context, username, ticker, name)
    except ProblemError:
        strategy = sent.find(username, ticker, name)
        if strategy is None:
            raise
        return strategy


def _known(context: Context, strategy: Strategy | None, username: str, ticker: str, name: str) -> models.Strategy:
    """Return what is known of a strategy: from the tables, or where they don't have it yet, what was sent."""
    try:
        row = found(context, username, ticker, name)
    except ProblemError:
        if strategy is None:
            raise
        return _strategy(strategy, None, {})
    position = context.source.read(lambda reader: reader.positions([row]))[0]
    return _strategy(row, position, context.market.snapshot().prices)


def _answer(context: Context, strategy: Strategy, response: Response) -> models.Strategy:
    response.headers["location"] = address(strategy)
    return _known(context, strategy, strategy.username, strategy.ticker, strategy.name)


Row = tuple[StrategyRow, PositionRow | None, Prices]


def _page(context: Context, username: str, limit: int, cursor: str) -> tuple[list[Row], str | None]:
    """Return some of a user's strategies with positions and prices, and where to go on."""
    after = cursor.rpartition("/")
    rows = context.source.read(lambda reader: reader.strategies(username))
    rows = sorted(rows, key=lambda row: (row.ticker, row.name))
    left = [row for row in rows if (row.ticker, row.name) > (after[0], after[2])]
    page = left[:limit]
    positions = context.source.read(lambda reader: reader.positions(page)) if page else []
    prices = context.market.snapshot().prices
    last = page[-1] if len(left) > limit else None
    return [(row, position, prices) for row, position in zip(page, positions, strict=True)], (
        f"{last.ticker}/{last.name}" if last else None
    )


def address(strategy: Strategy) -> str:
    """Return where a strategy is in the API.

    >>> from riskcontrol.strategy import first_rule
    >>> address(first_rule("ann", "dip", "BRK/B", 10_000_000_000, 100_000, 200_000))
    '/api/v1/users/ann/strategies/BRK/B/dip'
    """
    return f"{API}{MANY.format(username=strategy.username)}/{strategy.ticker}/{strategy.name}"


def _strategy(strategy: Strategy, position: PositionRow | None, prices: Prices) -> models.Strategy:
    row = strategy if isinstance(strategy, StrategyRow) else None
    return models.Strategy.model_validate(
        {
            "username": strategy.username,
            "ticker": strategy.ticker,
            "name": strategy.name,
            "status": _status(row, position) if row else "sent",
            "opened": iso(row.opened) if row else None,
            "stopped": moment(row.stopped) if row else None,
            "document": {"name": strategy.name, "ticker": strategy.ticker, **document_of(strategy)},
            "position": _position(strategy, position, prices) if position else None,
            "address": address(strategy),
        }
    )


def _status(row: StrategyRow, position: PositionRow | None) -> Any:
    return status_of(row, position)


def _position(strategy: Strategy, position: PositionRow, prices: Prices) -> dict[str, Any]:
    value = worth(strategy, position, prices)
    return {
        "time": iso(position.time),
        "cash": money(position.cash),
        "shares": position.shares,
        "reference": money(position.reference),
        "entry": price(position.entry),
        "entered": moment(position.entered),
        "fills": position.fills,
        "price": price(prices.get(strategy.ticker, (0, 0))[1]),
        "value": money(value),
        "profit": money(value - strategy.cash),
    }

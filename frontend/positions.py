"""The rows of a user's table, from strategies, positions and last prices: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from frontend.formats import NONE, cents, dollars, moment, percent, rule
from riskcontrol.strategy import Strategy

if TYPE_CHECKING:
    from database.reads import PositionRow, StrategyRow

CONFIRM_SECONDS = 10
"""How long a job that runs may take to confirm an opening before the page wonders, seconds."""
FORGET_SECONDS = 60
"""How long a page waits actively for an opening to be confirmed, seconds."""

Prices = Mapping[str, tuple[int, int]]
"""By ticker: time and price of its last driving trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending(Strategy):
    """A strategy that was sent to the tape and isn't in the tables yet."""

    age: float
    """Seconds since it was sent."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a user's strategies, in micro-dollars."""

    cash: int
    """What they started with."""
    value: int
    profit: int
    fills: int
    running: int

    def words(self) -> dict[str, str]:
        """Return each figure as the page shows it, by its label."""
        return {
            "Value": cents(self.value),
            "Profit": cents(self.profit, sign=True),
            "Return": percent(self.profit, self.cash),
            "Fills": f"{self.fills:,}",
            "Running": f"{self.running:,}",
        }


def key(ticker: str, name: str) -> str:
    """Return a strategy's key among its user's; neither part can hold a space.

    >>> key("IBM", "dip")
    'IBM dip'
    """
    return f"{ticker} {name}"


def worth(strategy: Strategy, position: PositionRow | None, prices: Prices) -> int:
    """Return a strategy's value in micro-dollars: cash, and shares at the last price or the last one it acted on."""
    if position is None:
        return strategy.cash
    _, price = prices.get(strategy.ticker, (0, 0))
    return position.cash + position.shares * (price or position.reference)


def table(
    strategies: Sequence[StrategyRow],
    positions: Sequence[PositionRow | None],
    prices: Prices,
    pending: Sequence[Pending] = (),
) -> tuple[list[dict[str, Any]], Totals]:
    """Return the rows of the table, newest opening first, and their sums.

    Args:
        strategies: A user's strategies.
        positions: Their positions in the same order; None before the first trade.
        prices: Last prices.
        pending: Openings sent from this browser; those that the job has written are left out.
    """
    rows: list[dict[str, Any]] = []
    start = value = fills = running = 0
    for strategy, position in sorted(
        zip(strategies, positions, strict=True), key=lambda pair: (-pair[0].opened, pair[0].ticker, pair[0].name)
    ):
        time, price = prices.get(strategy.ticker, (0, 0))
        cash, shares = (position.cash, position.shares) if position else (strategy.cash, 0)
        worth = cash + shares * (price or (position.reference if position else 0))
        status = _status(strategy, position)
        rows.append(
            {
                **_row(strategy, cash, shares, time, price),
                "entry": dollars(position.entry) if shares and position else None,
                "value": dollars(worth),
                "profit": dollars(worth - strategy.cash),
                "fills": position.fills if position else 0,
                "status": status,
            }
        )
        start, value = start + strategy.cash, value + worth
        fills += position.fills if position else 0
        running += status == "running"
    known = {row["id"] for row in rows}
    for opening in pending:
        if key(opening.ticker, opening.name) not in known:
            time, price = prices.get(opening.ticker, (0, 0))
            waits = opening.age < CONFIRM_SECONDS
            rows.insert(
                0,
                {
                    **_row(opening, opening.cash, 0, time, price),
                    "entry": None,
                    "value": dollars(opening.cash),
                    "profit": 0.0,
                    "fills": 0,
                    "status": "sent" if waits else "not confirmed",
                },
            )
    return rows, Totals(start, value, value - start, fills, running)


def _row(strategy: Strategy, cash: int, shares: int, time: int, price: int) -> dict[str, Any]:
    buy, *rest = rule(strategy.shape, strategy.parameters, strategy.terms)
    return {
        "id": key(strategy.ticker, strategy.name),
        "time": moment(time) if time else NONE,
        "ticker": strategy.ticker,
        "name": strategy.name,
        "price": dollars(price) if price else None,
        "cash": dollars(cash),
        "shares": shares,
        "rule": f"{buy}\n{' · '.join(filter(None, rest))}",
    }


def _status(strategy: StrategyRow, position: PositionRow | None) -> str:
    if position is not None and position.status != "running":
        return position.status
    if strategy.stopped is not None:
        return "stopped"
    return "running" if position is not None else "waiting"

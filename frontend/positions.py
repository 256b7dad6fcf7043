"""The rows of a user's table, from strategies, positions and last prices: pure functions."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from frontend.addresses import strategy_address
from frontend.formats import NONE, cents, dollars, percent, rule, tone
from riskcontrol.strategy import Strategy

if TYPE_CHECKING:
    from database.reads import PositionRow, StrategyRow
    from frontend.summaries import Summary

CONFIRM_SECONDS = 10
"""How long a job that runs may take to confirm an opening before the page wonders, seconds."""
FORGET_SECONDS = 60
"""How long a page waits actively for an opening to be confirmed, seconds."""

MOST_ROWS = 5_000
"""Most strategies in a table: a browser that shows them sends back 70 bytes of each, and may send a megabyte."""
SENT, UNCONFIRMED = "sent", "not confirmed"
"""What becomes of an opening until the job has written it."""

Prices = Mapping[str, tuple[int, int]]
"""By ticker: time and price of its last driving trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending(Strategy):
    """A strategy that was sent to the tape and isn't in the tables yet."""

    age: float
    """Seconds since it was sent."""

    @property
    def status(self) -> str:
        """`SENT`, or `UNCONFIRMED` where the job should have written it by now."""
        return SENT if self.age < CONFIRM_SECONDS else UNCONFIRMED


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a user's strategies, in micro-dollars."""

    cash: int
    """What they started with."""
    value: int
    profit: int
    today: int | None
    """Profit of the tape's day; None while that of some strategy isn't known."""
    fills: int
    running: int
    strategies: int

    def words(self) -> dict[str, str]:
        """Return each figure as the page shows it, by its label."""
        return {
            "Value": cents(self.value),
            "Today": NONE if self.today is None else cents(self.today, sign=True),
            "Profit": cents(self.profit, sign=True),
            "Return": percent(self.profit, self.cash),
            "Fills": f"{self.fills:,}",
            "Running": f"{self.running:,} of {self.strategies:,}",
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
    summaries: Mapping[str, Summary | None] | None = None,
    chosen: Collection[str] | None = None,
) -> tuple[list[dict[str, Any]], Totals]:
    """Return the rows of the table, newest opening first, and the sums of all strategies.

    Args:
        strategies: A user's strategies.
        positions: Their positions in the same order; None before the first trade.
        prices: Last prices.
        pending: Openings sent from this browser; those that the job has written are left out.
        summaries: What is known of their histories, by `key`; what isn't is left empty.
        chosen: The `key` of each strategy that gets a row; None for all.
    """
    rows: list[dict[str, Any]] = []
    start = value = fills = running = day = 0
    complete = True
    for strategy, position in sorted(
        zip(strategies, positions, strict=True), key=lambda pair: (-pair[0].opened, pair[0].ticker, pair[0].name)
    ):
        summary = (summaries or {}).get(key(strategy.ticker, strategy.name))
        now, status = worth(strategy, position, prices), status_of(strategy, position)
        before = strategy.cash if position is None else summary.before if summary else None
        today = None if before is None else now - before
        count = position.fills if position else 0
        if chosen is None or key(strategy.ticker, strategy.name) in chosen:
            rows.append(_row(strategy, now, today, count, status, summary))
        start, value, fills = start + strategy.cash, value + now, fills + count
        running += status == "running"
        day += today or 0
        complete = complete and today is not None
    totals = Totals(start, value, value - start, day if complete else None, fills, running, len(strategies))
    known = {key(strategy.ticker, strategy.name) for strategy in strategies}
    sent = [
        _row(opening, opening.cash, 0, 0, opening.status, None)
        for opening in pending
        if key(opening.ticker, opening.name) not in known
    ]
    return [*reversed(sent), *rows], totals


def most_valuable(
    strategies: Sequence[StrategyRow],
    positions: Sequence[PositionRow | None],
    prices: Prices,
    shown: Collection[str],
    most: int,
) -> set[str]:
    """Return the `key` of each strategy that is shown: of all, or of the most valuable ones.

    Which those are stays the same while a page is open. Otherwise some would come and others go with each price, and
    all that are shown be sent anew.

    Args:
        strategies: A user's strategies.
        positions: Their positions in the same order; None before the first trade.
        prices: Last prices.
        shown: The keys of those that the page shows already, with what was sent from it; none at first.
        most: Most strategies to choose.
    """
    values = {
        key(strategy.ticker, strategy.name): worth(strategy, position, prices)
        for strategy, position in zip(strategies, positions, strict=True)
    }
    if len(values) <= most:
        return set(values)
    if len(shown) < most:
        return set(heapq.nlargest(most, values, key=values.__getitem__))
    return values.keys() & set(shown)


def _row(
    strategy: Strategy, value: int, today: int | None, fills: int, status: str, summary: Summary | None
) -> dict[str, Any]:
    address = strategy_address(strategy.username, strategy.ticker, strategy.name)
    profit = value - strategy.cash
    buy, *rest = rule(strategy.shape, strategy.parameters, strategy.terms)
    decision = summary.decision if summary else None
    return {
        "id": key(strategy.ticker, strategy.name),
        "address": address,
        "strategy": strategy.ticker,
        "strategy_address": address,
        "strategy_below": strategy.name,
        "rule": f"{buy}\n{' · '.join(filter(None, rest))}",
        "value": dollars(value),
        "today": None if today is None else dollars(today),
        "profit": dollars(profit),
        "gain": 100 * profit / strategy.cash,
        "brief": cents(value),
        "brief_below": f"{cents(profit, sign=True)} · {percent(profit, strategy.cash)}",
        "brief_tone": tone(profit),
        "drawdown": _percentage(summary.drawdown if summary else None),
        "wins": _percentage(summary.win_rate if summary else None),
        "fills": fills,
        "verdict": decision.value if decision else None,
        "reason": summary.reason if summary else "",
        "line": summary.line if summary else None,
        "status": status,
    }


def _percentage(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 4)


def status_of(strategy: StrategyRow, position: PositionRow | None) -> str:
    """Return what a strategy does: "running", "stopped", "halted", or "waiting" for its first trade."""
    if position is not None and position.status != "running":
        return position.status
    if strategy.stopped is not None:
        return "stopped"
    return "running" if position is not None else "waiting"

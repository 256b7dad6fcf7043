"""Openings that this browser has sent and the job hasn't written yet: kept by the browser, checked here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontend.positions import FORGET_SECONDS, Pending
from riskcontrol.errors import StrategyError
from riskcontrol.strategy import FillMode, Strategy

MOST = 50
"""Most openings that a browser keeps."""


def sent(strategy: Strategy, now: float) -> dict[str, Any]:
    """Return what the browser keeps of an opening sent now (seconds since 1970)."""
    return {
        "username": strategy.username,
        "name": strategy.name,
        "ticker": strategy.ticker,
        "cash": strategy.cash,
        "buy_below": strategy.buy_below,
        "sell_above": strategy.sell_above,
        "fill": strategy.fill.name.lower(),
        "sent": now,
    }


def pending(kept: Any, username: str, now: float) -> list[Pending]:
    """Return a user's openings among those that a browser kept; what isn't one is left out.

    Args:
        kept: What the browser sent; anything at all may be in it.
        username: Whose openings.
        now: Seconds since 1970.
    """
    found = []
    for strategy, at in _strategies(kept):
        if strategy.username == username:
            fill = strategy.fill.name.lower()
            found.append(
                Pending(
                    ticker=strategy.ticker,
                    name=strategy.name,
                    cash=strategy.cash,
                    buy_below=strategy.buy_below,
                    sell_above=strategy.sell_above,
                    fill=fill,
                    age=max(0.0, now - at),
                )
            )
    return found


def waiting(kept: Any, now: float) -> bool:
    """Tell whether one of the openings kept is so young that its confirmation is awaited."""
    return any(now - at < FORGET_SECONDS for _, at in _strategies(kept))


def _strategies(kept: Any) -> Iterator[tuple[Strategy, float]]:
    for item in kept[:MOST] if isinstance(kept, list) else ():
        try:
            fill = FillMode[str(item["fill"]).upper()]
            strategy = Strategy(
                username=str(item["username"]),
                name=str(item["name"]),
                ticker=str(item["ticker"]),
                cash=int(item["cash"]),
                buy_below=int(item["buy_below"]),
                sell_above=int(item["sell_above"]),
                fill=fill,
            )
            yield strategy, float(item["sent"])
        except (StrategyError, TypeError, KeyError, ValueError, OverflowError):
            continue

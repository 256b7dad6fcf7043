"""Openings that this browser has sent and the job hasn't written yet: kept by the browser, checked here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontend.positions import FORGET_SECONDS, Pending
from riskcontrol.errors import StrategyError
from riskcontrol.strategy import Strategy
from riskcontrol.terms import read_terms

MOST = 50
"""Most openings that a browser keeps."""


def sent(strategy: Strategy, now: float) -> dict[str, Any]:
    """Return what the browser keeps of an opening sent now (seconds since 1970)."""
    return {
        "username": strategy.username,
        "name": strategy.name,
        "ticker": strategy.ticker,
        "cash": strategy.cash,
        "shape": strategy.shape,
        "parameters": strategy.parameters,
        "terms": strategy.terms.text(),
        "sent": now,
    }


def pending(kept: Any, username: str, now: float) -> list[Pending]:
    """Return a user's openings among those that a browser kept; what isn't one is left out.

    Args:
        kept: What the browser sent; anything at all may be in it.
        username: Whose openings.
        now: Seconds since 1970.
    """
    return [opening for opening in _openings(kept, now) if opening.username == username]


def waiting(kept: Any, now: float) -> bool:
    """Tell whether one of the openings kept is so young that its confirmation is awaited."""
    return any(opening.age < FORGET_SECONDS for opening in _openings(kept, now))


def maybe_waiting(kept: Any, now: float) -> bool:
    """Tell whether `waiting` may be true, in no time whatever was kept: it looks at nothing but when each was sent."""
    times = [item.get("sent") for item in _items(kept) if isinstance(item, dict)]
    return any(time > now - FORGET_SECONDS for time in times if isinstance(time, int | float))


def _openings(kept: Any, now: float) -> Iterator[Pending]:
    for item in _items(kept):
        try:
            yield Pending(
                username=str(item["username"]),
                name=str(item["name"]),
                ticker=str(item["ticker"]),
                cash=int(item["cash"]),
                shape=str(item["shape"]),
                parameters=tuple(map(float, item["parameters"])),
                terms=read_terms(str(item["terms"])),
                age=max(0.0, now - float(item["sent"])),
            )
        except (StrategyError, TypeError, KeyError, ValueError, OverflowError):
            continue


def _items(kept: Any) -> list[Any]:
    return kept[:MOST] if isinstance(kept, list) else []

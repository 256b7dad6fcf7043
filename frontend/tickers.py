"""The search of a ticker among those that the stream has traded."""

from __future__ import annotations

from collections.abc import Iterable

from riskcontrol.nearest import closest
from riskcontrol.trades import TICKER_PATTERN

MOST = 20
"""Most tickers that are suggested."""


def suggestions(typed: str, tickers: Iterable[str]) -> list[str]:
    """Return the tickers that begin with what was typed, then those that have it elsewhere, at most `MOST`.

    >>> suggestions("b", ["IBM", "BAC", "C", "BRK.B"])
    ['BAC', 'BRK.B', 'IBM']
    """
    wanted = typed.strip().upper()
    found = [ticker for ticker in tickers if wanted in ticker.upper()]
    return sorted(found, key=lambda ticker: (not ticker.upper().startswith(wanted), ticker))[:MOST]


def warning(typed: str, tickers: Iterable[str]) -> str | None:
    """Return a warning about a ticker that the stream has never traded; None if it has, or is no ticker.

    >>> warning("IBN", ["IBM", "BAC"])
    'IBN has not traded on this stream. Close to it: IBM. It can be opened all the same and waits for its first trade.'
    """
    known = set(tickers)
    ticker = typed.upper() if typed.islower() else typed
    if not ticker or ticker in known or not TICKER_PATTERN.fullmatch(ticker):
        return None
    close = closest(ticker, sorted(known))
    matches = f" Close to it: {', '.join(close)}." if close else ""
    return (
        f"{ticker} has not traded on this stream.{matches} It can be opened all the same and waits for its first trade."
    )

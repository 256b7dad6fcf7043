"""Where pages are."""

from __future__ import annotations

from urllib.parse import quote


def user_address(username: str) -> str:
    """Return the address of a user's page.

    >>> user_address("ann")
    '/user/ann'
    """
    return f"/user/{username}"


def strategy_address(username: str, ticker: str, name: str) -> str:
    """Return the address of a strategy's page.

    >>> strategy_address("ann", "BRK/B", "dip")
    '/user/ann/BRK%2FB/dip'
    """
    return f"{user_address(username)}/{quote(ticker, safe='')}/{name}"

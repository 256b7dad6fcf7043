"""Where pages are."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def user_address(username: str) -> str:
    """Return the address of a user's page.

    >>> user_address("ann")
    '/user/ann'
    """
    return f"/user/{username}"


def ticker_address(ticker: str) -> str:
    """Return the address of a ticker's page.

    >>> ticker_address("BRK/B")
    '/market/BRK%2FB'
    """
    return f"/market/{quote(ticker, safe='')}"


def strategy_address(username: str, ticker: str, name: str) -> str:
    """Return the address of a strategy's page.

    >>> strategy_address("ann", "BRK/B", "dip")
    '/user/ann/BRK%2FB/dip'
    """
    return f"{user_address(username)}/{quote(ticker, safe='')}/{name}"


def share_address(ticker: str, name: str) -> str:
    """Return the address at which a strategy of one's own is published.

    >>> share_address("BRK/B", "dip")
    '/share?ticker=BRK%2FB&name=dip'
    """
    return "/share?" + urlencode({"ticker": ticker, "name": name})


def copy_address(username: str, ticker: str, name: str, *, edit: bool = False) -> str:
    """Return the address at which a new strategy is made of another one.

    Args:
        username: Whose.
        ticker: Of which ticker.
        name: Of which strategy.
        edit: Whether the new one takes its place.

    >>> copy_address("ann", "BRK/B", "dip", edit=True)
    '/new?user=ann&from=BRK%2FB%2Fdip&edit=1'
    """
    return "/new?" + urlencode({"user": username, "from": f"{ticker}/{name}"} | ({"edit": "1"} if edit else {}))

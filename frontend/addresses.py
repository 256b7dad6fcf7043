"""Where pages are."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from riskcontrol.errors import StrategyError
from riskcontrol.strategy import NAME_PATTERN, check_username
from riskcontrol.trades import TICKER_PATTERN


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


def checked_names(username: str, ticker: str, name: str) -> tuple[str, str, str]:
    """Return the names of a strategy's address.

    Raises:
        StrategyError: One of them isn't one.
    """
    try:
        check_username(username)
    except StrategyError as error:
        raise StrategyError(f"a username {error.message}", field="username") from None
    if not TICKER_PATTERN.fullmatch(ticker):
        raise StrategyError("the address has no ticker like IBM or BRK.B", field="ticker")
    if not NAME_PATTERN.fullmatch(name):
        raise StrategyError("the address has no strategy's name", field="name")
    return username, ticker, name

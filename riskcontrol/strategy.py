"""What a user asks for: a strategy, checked once at the door."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from riskcontrol.errors import StrategyError
from riskcontrol.money import MAX_CASH, MAX_PRICE
from riskcontrol.trades import TICKER_LENGTH, TICKER_PATTERN

USERNAME_LENGTH = 32
USERNAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
NAME_LENGTH = 24
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,23}")


class FillMode(IntEnum):
    """On which trade a decision fills."""

    NEXT = 0
    """On the ticker's next driving trade after the one that decided: no look-ahead is possible."""
    SAME = 1
    """On the deciding trade itself, for comparison with systems that do so."""


class Action(IntEnum):
    """What a row of a strategies block asks for."""

    OPEN = 1
    STOP = 2


@dataclass(frozen=True, slots=True)
class Strategy:
    """One user's strategy on one ticker, by the first rule: buy below the reference, sell above it.

    It buys with all cash when the price is at or below `reference - buy_below` and sells all shares when
    the price is at or above `reference + sell_above`; the reference is the price of its last fill, at
    first that of the first trade it sees.

    Args:
        username: Whose it is: 1-32 of ``a-z 0-9 . _ -``.
        name: The user's name for it, unique per user and ticker: 1-24 letters, digits, ``_ -``.
        ticker: What it trades.
        cash: What it starts with, micro-dollars.
        buy_below: How far below the reference it buys, micro-dollars.
        sell_above: How far above the reference it sells, micro-dollars.
        fill: On which trade a decision fills.

    Raises:
        StrategyError: A field is out of its range; `.field` names it.

    >>> Strategy("ann", "dip", "IBM", 10_000_000_000, 100_000, 200_000).ticker
    'IBM'
    """

    username: str
    name: str
    ticker: str
    cash: int
    buy_below: int
    sell_above: int
    fill: FillMode = FillMode.NEXT

    def __post_init__(self) -> None:
        check_username(self.username)
        if not NAME_PATTERN.fullmatch(self.name):
            raise StrategyError(
                f"must be 1 to {NAME_LENGTH} letters, digits, '_' or '-', and start with a letter or digit",
                field="name",
            )
        if not TICKER_PATTERN.fullmatch(self.ticker):
            raise StrategyError(
                f"must be a ticker like IBM or BRK.B, at most {TICKER_LENGTH} characters", field="ticker"
            )
        _check_amount("cash", self.cash, MAX_CASH)
        _check_amount("buy_below", self.buy_below, MAX_PRICE)
        _check_amount("sell_above", self.sell_above, MAX_PRICE)


def check_username(username: str) -> str:
    """Return the username if it is one.

    Raises:
        StrategyError: It isn't.

    >>> check_username("user000042")
    'user000042'
    """
    if not USERNAME_PATTERN.fullmatch(username):
        raise StrategyError(
            f"must be 1 to {USERNAME_LENGTH} of a-z, 0-9, '.', '_', '-', and start with a letter or digit",
            field="username",
        )
    return username


def _check_amount(field: str, micros: int, most: int) -> None:
    if not 0 < micros <= most:
        raise StrategyError(f"must be more than 0 and at most {most // 1_000_000:,} dollars", field=field)

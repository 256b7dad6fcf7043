"""What a user asks for: a strategy, checked once at the door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from riskcontrol.errors import StrategyError
from riskcontrol.language.parametrise import number_text
from riskcontrol.money import MAX_CASH, MAX_PRICE, MICROS
from riskcontrol.shape import Shape, read_shape
from riskcontrol.terms import FillMode, Terms
from riskcontrol.trades import TICKER_LENGTH, TICKER_PATTERN

USERNAME_LENGTH = 32
USERNAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
NAME_LENGTH = 24
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,23}")


class Action(IntEnum):
    """What a row of a strategies block asks for."""

    OPEN = 1
    STOP = 2


@dataclass(frozen=True, slots=True)
class Strategy:
    """One user's strategy on one ticker.

    Args:
        username: Whose it is: 1-32 of ``a-z 0-9 . _ -``.
        name: The user's name for it, unique per user and ticker: 1-24 letters, digits, ``_ -``.
        ticker: What it trades.
        cash: What it starts with, micro-dollars.
        shape: Its rules without their numbers, `riskcontrol.shape.shape_text`.
        parameters: The numbers.
        terms: Its options.

    Raises:
        StrategyError: A field is out of its range; `.field` names it.

    >>> first_rule("ann", "dip", "IBM", 10_000_000_000, 100_000, 200_000).parameters
    (0.1, 0.2)
    """

    username: str
    name: str
    ticker: str
    cash: int
    shape: str
    parameters: tuple[float, ...] = ()
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        check_username(self.username)
        check_name(self.name)
        check_ticker(self.ticker)
        _check_amount("cash", self.cash, MAX_CASH)
        check_parameters(read_shape(self.shape), self.parameters)


FIRST_SHAPE = '{"buy":"price <= reference - $0","sell":"price >= reference + $1"}'
"""The shape that most users have."""


def first_rule(
    username: str,
    name: str,
    ticker: str,
    cash: int,
    buy_below: int,
    sell_above: int,
    fill: FillMode = FillMode.NEXT,
) -> Strategy:
    """Return a strategy by the first rule: it buys below the reference and sells above it.

    Args:
        username: Whose it is.
        name: The user's name for it.
        ticker: What it trades.
        cash: What it starts with, micro-dollars.
        buy_below: How far below the reference it buys, micro-dollars.
        sell_above: How far above the reference it sells, micro-dollars.
        fill: On which trade a decision fills.

    Raises:
        StrategyError: A field is out of its range; `.field` names it.
    """
    _check_amount("buy_below", buy_below, MAX_PRICE)
    _check_amount("sell_above", sell_above, MAX_PRICE)
    numbers = (buy_below / MICROS, sell_above / MICROS)
    return Strategy(username, name, ticker, cash, FIRST_SHAPE, numbers, Terms(fill=fill))


def check_parameters(shape: Shape, values: Sequence[float]) -> None:
    """Check that a shape's numbers are as many as it takes, and numbers.

    Raises:
        StrategyError: They aren't.
    """
    if len(values) != shape.parameters:
        raise StrategyError(f"{len(values)} numbers for a shape that takes {shape.parameters}", field="parameters")
    check_numbers(values)


def check_numbers(values: Iterable[float]) -> None:
    """Check that these can be numbers of a rule.

    Raises:
        StrategyError: One can't.
    """
    for value in values:
        try:
            number_text(value)
        except ValueError as error:
            raise StrategyError(str(error), field="parameters") from error


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


def check_name(name: str) -> str:
    """Return the name of a strategy if it is one.

    Raises:
        StrategyError: It isn't.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise StrategyError(
            f"must be 1 to {NAME_LENGTH} letters, digits, '_' or '-', and start with a letter or digit", field="name"
        )
    return name


def check_ticker(ticker: str) -> str:
    """Return the ticker if it is one.

    Raises:
        StrategyError: It isn't.
    """
    if not TICKER_PATTERN.fullmatch(ticker):
        raise StrategyError(f"must be a ticker like IBM or BRK.B, at most {TICKER_LENGTH} characters", field="ticker")
    return ticker


def _check_amount(field: str, micros: int, most: int) -> None:
    if not 0 < micros <= most:
        raise StrategyError(f"must be more than 0 and at most {most // 1_000_000:,} dollars", field=field)

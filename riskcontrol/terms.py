"""What a strategy does besides its rules: how much it buys, what that costs, when it gets out whatever its rules say.

All amounts are integers, so that books are exact: money in micro-dollars, shares of a whole in parts per million.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from functools import lru_cache
from typing import Any, Self

from riskcontrol.errors import StrategyError
from riskcontrol.money import MAX_PRICE

PPM = 1_000_000
"""Parts per million in a whole."""

MAX_SHARES = 1_000_000_000
"""Most shares that a fixed size may name."""


class FillMode(IntEnum):
    """On which trade a decision fills."""

    NEXT = 0
    """On the ticker's next driving trade after the one that decided: no look-ahead is possible."""
    SAME = 1
    """On the deciding trade itself, for comparison with systems that do so."""


class Session(IntEnum):
    """Which trades drive a strategy."""

    REGULAR = 0
    """Those of the regular session, 09:30-16:00 New York."""
    EXTENDED = 1
    """All of the day."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A strategy's options; the defaults are those of a strategy that names none.

    Args:
        stop_loss: Sells at or below entry × (1 − this), ppm; 0: none.
        take_profit: Sells at or above entry × (1 + this), ppm; 0: none.
        trailing_stop: Sells at or below peak × (1 − this), ppm; 0: none.
        fraction: Part of the cash that a buy may spend, fees included, ppm.
        shares: How many shares a buy takes, or as many as cash can pay for; 0: as many as `fraction` allows.
        fee_per_share: Micro-dollars.
        fee_per_order: Micro-dollars.
        fee_minimum: Least fee of a fill, micro-dollars.
        fee_rate: Part of price × shares, ppm (a basis point is 100).
        slippage: Part of the price by which a buy is dearer and a sale cheaper, ppm.
        fill: On which trade a decision fills.

    Raises:
        StrategyError: A value is out of its range; `.field` names it.

    >>> Terms(stop_loss=20_000).canonical()
    {'stop_loss': 20000}
    """

    stop_loss: int = 0
    take_profit: int = 0
    trailing_stop: int = 0
    fraction: int = PPM
    shares: int = 0
    fee_per_share: int = 0
    fee_per_order: int = 0
    fee_minimum: int = 0
    fee_rate: int = 0
    slippage: int = 0
    fill: FillMode = FillMode.NEXT

    def __post_init__(self) -> None:
        for field, (least, most) in _RANGES.items():
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise StrategyError(f"{value!r} is out of range; {least:,} to {most:,} are accepted", field=field)
        object.__setattr__(self, "fill", FillMode(self.fill))

    def canonical(self) -> dict[str, int]:
        """Return the options that differ from their defaults, by name, in the order above."""
        return {f.name: int(getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default}

    def text(self) -> str:
        """Return `canonical` as JSON.

        >>> Terms(stop_loss=20_000).text()
        '{"stop_loss":20000}'
        """
        return json.dumps(self.canonical(), separators=(",", ":"))

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Return the terms that `canonical` gave these options of.

        Raises:
            StrategyError: A name is unknown or a value is out of its range.
        """
        known = {f.name for f in fields(cls)}
        for name in options:
            if name not in known:
                raise StrategyError(f"unknown option; known are {', '.join(sorted(known))}", field=str(name)[:40])
        return cls(**options)

    def as_row(self) -> tuple[int, ...]:
        """Return all values as integers, in the order above."""
        return tuple(int(value) for value in asdict(self).values())


@lru_cache(maxsize=10_000)
def read_terms(text: str) -> Terms:
    """Return the terms that `Terms.text` gave this text of.

    Raises:
        StrategyError: It isn't one.

    >>> read_terms('{"stop_loss":20000}').stop_loss
    20000
    """
    if len(text) > _MOST_CHARACTERS:
        raise StrategyError(f"{len(text):,} characters; at most {_MOST_CHARACTERS:,} are accepted", field="terms")
    try:
        options = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StrategyError(f"no JSON ({error})", field="terms") from error
    if not isinstance(options, dict):
        raise StrategyError("an object is expected", field="terms")
    return Terms.of(options)


_MOST_CHARACTERS = 1_000

_RANGES: dict[str, tuple[int, int]] = {
    "stop_loss": (0, PPM - 1),
    "take_profit": (0, 1000 * PPM),
    "trailing_stop": (0, PPM - 1),
    "fraction": (1, PPM),
    "shares": (0, MAX_SHARES),
    "fee_per_share": (0, MAX_PRICE),
    "fee_per_order": (0, MAX_PRICE),
    "fee_minimum": (0, MAX_PRICE),
    "fee_rate": (0, PPM // 2),
    "slippage": (0, PPM // 2),
    "fill": (0, 1),
}

"""Round trips: a position goes from flat to holding by one purchase and back by one sale of all of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from riskcontrol.rows import Columns, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Executions:
    """One strategy's fills from its start on, in order; money in micro-dollars, each of shape (n,).

    Raises:
        ValueError: Columns differ in length, times go back, a price or a number of shares is out of range, or
            purchases and sales don't take turns, the purchase first.
    """

    time: Ints
    """Nanoseconds UTC, ascending."""
    price: Ints
    """For a share."""
    shares: Ints
    """Positive when bought, negative when sold; a sale sells all that is held."""
    fee: Ints
    """What the fill cost on top."""
    cash: Ints
    """Cash after the fill and its fee."""

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, np.asarray(getattr(self, field.name), np.int64))
        if len({len(getattr(self, field.name)) for field in fields(self)}) != 1:
            raise ValueError("columns of fills differ in length")
        if (np.diff(self.time) < 0).any():
            raise ValueError("times of fills must ascend")
        if (self.price <= 0).any():
            raise ValueError("prices of fills must be positive")
        if (self.shares[::2] <= 0).any() or (self.shares[1::2] >= 0).any():
            raise ValueError("purchases and sales must take turns, from the strategy's first purchase on")

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True, eq=False)
class RoundTrips(Columns):
    """Round trips in order; money in micro-dollars, times in nanoseconds UTC, each of shape (n,)."""

    entry_time: Ints
    exit_time: Ints
    shares: Ints
    """Bought at the entry."""
    entry_price: Ints
    exit_price: Ints
    profit: Ints
    """Cash after the sale less cash before the purchase: after fees, and exact across splits too."""
    fees: Ints
    """Of the purchase and the sale."""
    returns: NDArray[np.float64]
    """Profit as a fraction of what the purchase cost with its fee."""
    duration: Ints
    """Nanoseconds from entry to exit."""


@dataclass(frozen=True, slots=True)
class OpenTrip:
    """A purchase that has no sale yet; it is no round trip."""

    entry_time: int
    shares: int
    entry_price: int
    fee: int


def executions(time: Ints, price: Ints, shares: Ints, fee: Ints, cash: Ints, split: NDArray[np.bool_]) -> Executions:
    """Return the purchases and sales among a strategy's fills from its start on, of which some are splits.

    A split is neither, but where it leaves no share: then all were sold for the cash that it brought.

    Args:
        time: Of the fills, like the four below as in `Executions`, shape (n,).
        price: Of a split, the first after it.
        shares: Of a split, what the position gained or lost by it.
        fee: 0 of a split.
        cash: Of a split, with what was paid for fractions.
        split: Which of them are splits, shape (n,).

    Raises:
        ValueError: As of `Executions`.

    >>> columns = ([0, 1, 2], [100, 25, 30], [5, 15, -20], [0, 0, 0], [500, 500, 1100])
    >>> executions(*map(np.array, columns), split=np.array([False, True, False])).price.tolist()
    [100, 30]
    """
    sold = split & (np.cumsum(shares) == 0)
    paid = np.diff(cash, prepend=0) // np.maximum(1, -shares)
    price = np.where(sold, np.maximum(1, paid), price)
    kept = ~split | sold
    return Executions(*(column[kept] for column in (time, price, shares, fee, cash)))


def round_trips(fills: Executions) -> RoundTrips:
    """Return the round trips of a strategy's fills, without the one that is open.

    >>> hour = 3600 * 10**9
    >>> trips = round_trips(Executions(
    ...     time=[0, hour, 2 * hour], price=[100, 110, 90], shares=[5, -5, 6], fee=[1, 1, 1], cash=[499, 1048, 507],
    ... ))
    >>> trips.profit.tolist(), trips.returns.round(4).tolist(), trips.duration.tolist()
    ([48], [0.0958], [3600000000000])
    """
    done = len(fills) // 2 * 2
    bought, sold = slice(0, done, 2), slice(1, done, 2)
    cost = fills.shares[bought] * fills.price[bought] + fills.fee[bought]
    profit = fills.cash[sold] - (fills.cash[bought] + cost)
    return RoundTrips(
        entry_time=fills.time[bought],
        exit_time=fills.time[sold],
        shares=fills.shares[bought],
        entry_price=fills.price[bought],
        exit_price=fills.price[sold],
        profit=profit,
        fees=fills.fee[bought] + fills.fee[sold],
        returns=profit / cost,
        duration=fills.time[sold] - fills.time[bought],
    )


def open_trip(fills: Executions) -> OpenTrip | None:
    """Return the purchase that is still held at the end, or None.

    >>> open_trip(Executions(time=[0], price=[100], shares=[5], fee=[1], cash=[499]))
    OpenTrip(entry_time=0, shares=5, entry_price=100, fee=1)
    """
    if len(fills) % 2 == 0:
        return None
    return OpenTrip(int(fills.time[-1]), int(fills.shares[-1]), int(fills.price[-1]), int(fills.fee[-1]))

"""Rows as columns: what the engine puts out and the database takes in.

Each class is a struct of arrays, all of one length; text is fixed-width ASCII bytes (NumPy ``S``), money is
int64 micro-dollars, times are int64 nanoseconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Names = NDArray[np.bytes_]


class Columns:
    """Base of the structs of arrays below."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Self:
        """Return the rows that a NumPy index picks."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})  # type: ignore[arg-type]

    def joined(self, parts: Sequence[Self]) -> Self:
        """Return all rows of parts of its own kind, one part after the other."""
        names = [f.name for f in fields(self)]  # type: ignore[arg-type]
        return type(self)(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, slots=True, eq=False)
class Openings(Columns):
    """Strategies to open or to stop, in the order of the tape (`riskcontrol.strategy` has the meanings)."""

    action: NDArray[np.int8]
    username: Names
    name: Names
    ticker: Names
    cash: Ints
    shape: NDArray[np.object_]
    """Text of the rules without their numbers, `riskcontrol.shape`."""
    p0: NDArray[np.float64]
    p1: NDArray[np.float64]
    p2: NDArray[np.float64]
    p3: NDArray[np.float64]
    """The rules' numbers; those that a shape has no use for are 0."""
    terms: NDArray[np.object_]
    """Options as canonical JSON text, `riskcontrol.terms`."""
    time: Ints
    """When it was asked for: wall clock of whoever published it, nanoseconds UTC."""


@dataclass(frozen=True, slots=True, eq=False)
class Accepted(Openings):
    """Openings and stops that came into effect."""

    since: Ints
    """Event time of its ticker's newest trade before, 0 if there was none. On a tape that is replayed the wall clock
    doesn't tell which prices a strategy has lived through."""

    @classmethod
    def of(cls, openings: Openings, since: Ints) -> Accepted:
        """Return openings with their `since`."""
        return cls(**{field.name: getattr(openings, field.name) for field in fields(Openings)}, since=since)


@dataclass(frozen=True, slots=True, eq=False)
class Splits(Columns):
    """Splits of shares: of `denominator` old shares `numerator` new ones are made."""

    ticker: Names
    time: Ints
    """When the ex-date begins: New York's midnight, nanoseconds UTC."""
    numerator: Ints
    denominator: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Fills(Columns):
    """Paper executions: shares are positive when bought, negative when sold; cash is after the fill.

    The price is what was paid: with slippage, without the fee. A split is among them (`Reason.SPLIT`): shares are what
    the position gained or lost by it, the price is the first after it, and what cash grew by was paid for fractions.
    """

    username: Names
    name: Names
    ticker: Names
    number: Ints
    """1 for a strategy's first fill, and so on without a gap."""
    time: Ints
    price: Ints
    shares: Ints
    fee: Ints
    cash: Ints
    sequence: Ints
    """The sequence number of the trade that it filled on; 0 of a split."""
    reason: NDArray[np.int8]
    """`riskcontrol.states.Reason`."""


@dataclass(frozen=True, slots=True, eq=False)
class Positions(Columns):
    """The current state of strategies that changed."""

    username: Names
    name: Names
    ticker: Names
    time: Ints
    """Event time of the change; for a strategy just stopped, the time of the request; a split of a ticker of which it
    has no shares leaves it as it is."""
    cash: Ints
    shares: Ints
    reference: Ints
    """Price of the last action, at first of the first trade seen; 0 before any trade."""
    entry: Ints
    """Price at which the shares were bought, 0 without shares."""
    entered: Ints
    """When they were bought, 0 without shares."""
    fills: Ints
    status: NDArray[np.int8]
    """`riskcontrol.states.Status`."""


@dataclass(frozen=True, slots=True, eq=False)
class Bars(Columns):
    """Bars of one minute that have closed; `time` is the minute's start."""

    ticker: Names
    time: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    notional: Ints
    """Sum of price × size over the trades that count as volume, in dollars × 10⁻⁶; VWAP = notional / volume."""
    trades: Ints

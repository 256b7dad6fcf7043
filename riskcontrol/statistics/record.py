"""What a run leaves behind and every statistic is computed from."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskcontrol.rows import Ints
from riskcontrol.statistics.days import session_time, trading_days
from riskcontrol.statistics.round_trips import Executions, RoundTrips, open_trip, round_trips

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Daily:
    """The run by trading days: what it was worth at the end of each, and what it returned on it.

    Attributes:
        start: What the first day started from, micro-dollars.
        values: Equity at the end of each day, micro-dollars, shape (n,).
        returns: Of each day, as a fraction, shape (n,); empty where equity at or under zero leaves them undefined.
        benchmark: The benchmark's returns of the same days, shape (n,), or None.
    """

    start: int
    values: Ints
    returns: Floats
    benchmark: Floats | None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Record:
    """One run of one strategy: its equity, its fills, and the ticker it could have held instead.

    Args:
        cash: What it started with, micro-dollars.
        time: Times of the equity points, ascending, nanoseconds UTC, shape (n,), n ≥ 1.
        value: Equity at those times (cash + shares × price), micro-dollars, shape (n,).
        fills: All fills from the start; None where they aren't known.
        closes: The ticker's price at the same times, micro-dollars, shape (n,); None where there is no benchmark.

    Raises:
        ValueError: Columns differ in length, times go back, there is no point, or a close isn't positive.
    """

    cash: int
    time: Ints
    value: Ints
    fills: Executions | None = None
    closes: Ints | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "cash", int(self.cash))
        for name in ("time", "value", "closes"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, np.asarray(getattr(self, name), np.int64))
        if not len(self.time):
            raise ValueError("a record needs an equity point")
        if len(self.value) != len(self.time) or (self.closes is not None and len(self.closes) != len(self.time)):
            raise ValueError("columns of equity differ in length")
        if (np.diff(self.time) < 0).any():
            raise ValueError("times of equity must ascend")
        if self.closes is not None and (self.closes <= 0).any():
            raise ValueError("closes of the benchmark must be positive")

    @functools.cached_property
    def daily(self) -> Daily:
        """The run by trading days (`riskcontrol.statistics.days` says which those are).

        A first day that lasts no time, with the starting cash, is where the run starts and not a day of it: so bars
        of a day give one return fewer than there are bars, and bars of a minute give the first day's return too.
        """
        day = trading_days(self.time)
        ends = np.flatnonzero(np.append(day[1:] != day[:-1], True))
        if self.time[ends[0]] == self.time[0] and self.value[ends[0]] == self.cash:
            ends = ends[1:]
        values = self.value[ends]
        before = np.concatenate([[self.cash], values])
        # A value at or under zero has no return after it, and none that compounds before it.
        returns = returns_of(before) if (before > 0).all() else np.zeros(0)
        benchmark = None
        if self.closes is not None:
            prices = np.concatenate([self.closes[:1], self.closes[ends]])
            benchmark = returns_of(prices)
        return Daily(self.cash, values, returns, benchmark)

    @functools.cached_property
    def trips(self) -> RoundTrips | None:
        """The run's round trips; None where its fills aren't known."""
        return None if self.fills is None else round_trips(self.fills)

    @functools.cached_property
    def session(self) -> tuple[int, int]:
        """Nanoseconds of regular session with shares held, and of the whole run.

        Both are counted from the first point to the last, on days that have points (the second alone is known
        where fills aren't: then nothing is held).
        """
        days = np.unique(trading_days(self.time))
        first, last = int(self.time[0]), int(self.time[-1])
        held: list[int] = []
        if self.fills is not None and self.trips is not None:
            still = open_trip(self.fills)
            entries = np.append(self.trips.entry_time, [still.entry_time] if still else [])
            exits = np.append(self.trips.exit_time, [last] if still else [])
            times = np.clip(np.stack([entries, exits]), first, last).astype(np.int64)
            held = (session_time(times[1], days) - session_time(times[0], days)).tolist()
        whole = session_time(np.array([first, last]), days)
        return sum(held), int(whole[1] - whole[0])


def returns_of(values: Ints) -> Floats:
    """Return what each value is above the one before it, as a fraction of that, along the last axis.

    >>> returns_of(np.array([100, 110, 99])).tolist()
    [0.1, -0.1]
    """
    found: Floats = np.diff(values) / values[..., :-1]
    return found

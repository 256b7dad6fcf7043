"""A strategy's history, put together when somebody looks: its fills and the bars of the days it has seen."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from frontend.figures import FillMarks
from frontend.formats import reason
from riskcontrol.equity import Equity, equity_curve, fill_points, worth
from riskcontrol.newyork import NS_PER_DAY, date_of, local_time
from riskcontrol.rows import Ints
from riskcontrol.trades import NS_PER_MINUTE

if TYPE_CHECKING:
    from database.reads import PositionRow, Reader, StrategyRow

MAX_DAYS = 100
"""How many days back a history reaches: enough for the trading days on which a strategy is scaled up."""
KEEP_SECONDS = 60.0
"""How long the bars of a past day count as current; a day's last bar is written with the next day's first trade."""
SETTLED_DAYS = 5
"""Days after which nothing is written to a day any more, unless it is replayed."""
KEEP_SETTLED_SECONDS = 900.0
"""How long those count as current."""
MAX_KEPT = 4_000
"""Most days × tickers kept in memory (a day is about 30 kB)."""
_FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What is known of a strategy's past."""

    curve: Equity
    fills: pd.DataFrame
    """Its newest fills in their order, with the columns of `Reader.fills`."""
    bars: pd.DataFrame
    """The bars of the curve, with the columns of `Reader.bars`."""
    points: Ints
    """Which point of the curve is that of each fill, shape (fills,)."""
    since: int | None
    """When it begins, nanoseconds UTC, where the strategy is older; None where it is whole."""
    mark: tuple[int, int] | None
    """Time and price of its ticker's last trade, up to which it counts, where there was one."""


class PastBars:
    """The bars of past days, which hardly change, kept for all viewers.

    Args:
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, date], tuple[float, pd.DataFrame]] = OrderedDict()

    def bars(self, reader: Reader, ticker: str, days: list[date], today: date) -> pd.DataFrame:
        """Return a ticker's bars of these days, oldest first."""
        frames, missing = {}, []
        with self._lock:
            for day in days:
                at, frame = self._kept.get((ticker, day), (float("-inf"), None))
                keep = KEEP_SETTLED_SECONDS if today - day > timedelta(days=SETTLED_DAYS) else KEEP_SECONDS
                if frame is None or self._clock() - at > keep:
                    missing.append(day)
                else:
                    frames[day] = frame
        if missing:
            read = reader.bars(ticker, missing)
            day_of = local_time(read["time"].to_numpy(np.int64)) // NS_PER_DAY
            for day in missing:
                frames[day] = read[day_of == (day - _FIRST_DAY).days]
            with self._lock:
                for day in missing:
                    if day < today:
                        self._kept[ticker, day] = (self._clock(), frames[day])
                while len(self._kept) > MAX_KEPT:
                    self._kept.popitem(last=False)
        return pd.concat([frames[day] for day in days], ignore_index=True)


def version(position: PositionRow, mark: tuple[int, int] | None) -> str:
    """Return what changes when a fill comes or a minute ends: the history has to be read again.

    Args:
        position: The strategy's position.
        mark: Time and price of its ticker's last trade, where there is one.
    """
    return f"{position.fills} {position.time} {position.status} {(mark[0] if mark else 0) // NS_PER_MINUTE}"


def is_current(kept: tuple[str, object], now: tuple[str, object], *, resting: bool) -> bool:
    """Return whether what was made of a history needn't be made anew.

    A tape that rests may go on, and rest again, many times in a minute: what has counted up to the last trade stays.

    Args:
        kept: The version of which it was made, and the last trade up to which it counts.
        now: The version, and the last trade.
        resting: Whether no more trades come. A minute in which the tape stops, as a day's last one, never ends, so the
            history is that up to its last trade.

    >>> [is_current(("3", 181), ("3", 182), resting=resting) for resting in (False, True)]
    [True, False]
    """
    return kept[0] == now[0] and (not resting or kept[1] == now[1])


def load(
    reader: Reader,
    past: PastBars,
    strategy: StrategyRow,
    position: PositionRow,
    mark: tuple[int, int] | None,
) -> History:
    """Return a strategy's history, up to its ticker's last trade.

    Args:
        reader: The database.
        past: The bars kept of past days.
        strategy: Which strategy.
        position: Its position, which tells that it has seen a trade.
        mark: Time and price of its ticker's last trade, where there is one.

    Raises:
        ServerError: The database doesn't answer.
        OverflowError: A value doesn't fit into 64 bits.
        ValueError: The fills aren't what the job writes.
    """
    fills = _in_order(reader.fills(strategy.username, strategy.ticker, strategy.name))
    last = mark[0] if mark else position.time  # the time of a stopped position is that of its request, by wall clock
    first = int(fills["time"].iloc[0]) if len(fills) else min(position.time, last)
    today = date_of(max(last, *fills["time"].iloc[-1:], first))
    # What was opened before there was a `since` has the wall clock, which a live tape has as well. A replayed day lies
    # before it, and may come after later ones.
    since = strategy.since or strategy.opened
    since = since if since <= first else 0
    cut = bool(len(fills)) and int(fills["number"].iloc[0]) > 1
    if cut:
        since = first  # older fills than these exist, and what the strategy did then isn't known here
    begins, reach = date_of(since or first), today - timedelta(days=MAX_DAYS - 1)
    start = max(begins, reach)
    days = [start + timedelta(days=n) for n in range((today - start).days + 1)]
    bars = past.bars(reader, strategy.ticker, days, today)
    bars = bars[(bars["time"] + NS_PER_MINUTE > since) & (bars["close"] > 0)].reset_index(drop=True)
    curve = equity_curve(
        strategy.cash,
        fill_time=fills["time"],
        fill_price=fills["price"],
        fill_shares=fills["shares"],
        fill_cash=fills["cash"],
        fill_fee=fills["fee"],
        bar_time=bars["time"],
        bar_close=bars["close"],
        mark=mark or (position.time, position.reference),
    )
    points = fill_points(fills["time"], bars["time"] + NS_PER_MINUTE)
    if begins < reach:  # without bars, what it was worth before isn't known
        dropped = sum(date_of(int(time)) < start for time in curve.time[: len(fills)])
        curve, kept = curve.take(slice(dropped, None)), points >= dropped
        fills, points, cut = fills[kept].reset_index(drop=True), points[kept] - dropped, True
    return History(curve, fills, bars, points, int(curve.time[0]) if cut else None, mark)


def marks(fills: pd.DataFrame) -> FillMarks:
    """Return what a graph marks of fills, with the columns of `Reader.fills`."""
    time, price, shares = (fills[name].to_numpy(dtype="int64") for name in ("time", "price", "shares"))
    return FillMarks(time, price, shares, np.array([reason(name) for name in fills["reason"]], np.object_))


def _in_order(fills: pd.DataFrame) -> pd.DataFrame:
    """Return the newest fills without a gap in the order in which they happened, at times that never fall.

    They are read by time, which runs backwards where a day is replayed once more; their numbers never do. So the
    limit of a read may also cut some out of the middle: what comes before such a gap can't be continued. Nor can a
    split at the front, which doesn't tell what was held before it.
    """
    fills = fills.sort_values("number", ignore_index=True)
    gaps = np.flatnonzero(np.diff(fills["number"]) > 1)
    fills = fills.iloc[gaps[-1] + 1 if len(gaps) else 0 :]
    fills = fills[(fills["reason"] != "split").cummax()].reset_index(drop=True)
    return fills.assign(time=np.maximum.accumulate(fills["time"].to_numpy(np.int64)))


def live(strategy: StrategyRow, position: PositionRow, before: tuple[int, int], mark: tuple[int, int]) -> Equity:
    """Return the two points of a curve's live end, while neither a fill came nor a minute ended.

    Args:
        strategy: Which strategy.
        position: Its position.
        before: Time and price of the last point of its history.
        mark: Time and price of its ticker's last trade.

    Raises:
        OverflowError: A value doesn't fit into 64 bits.
    """
    time, price = np.array([before, (max(before[0], mark[0]), mark[1])], np.int64).T
    cash, shares = np.full(2, position.cash), np.full(2, position.shares)
    value = worth(cash, shares, price)
    return Equity(time=time, price=price, cash=cash, shares=shares, value=value, profit=value - strategy.cash)

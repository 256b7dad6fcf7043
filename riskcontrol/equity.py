"""Equity curves, drawn on read: a strategy's fills × the minute bars of its ticker.

The value at the end of a minute is cash + shares × the close of that minute, the value at a fill is
cash + shares × its price, and the last point is at the current mark. All in integers, so the curve's last
value is the position's value to the micro-dollar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from riskcontrol.rows import Columns, Ints
from riskcontrol.trades import NS_PER_MINUTE

_MOST = float(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True, eq=False)
class Equity(Columns):
    """A strategy over time, one row a point; money in micro-dollars, times in nanoseconds UTC."""

    time: Ints
    price: Ints
    cash: Ints
    shares: Ints
    value: Ints
    """cash + shares × price."""
    profit: Ints
    """value − what the strategy started with."""


def equity_curve(
    cash: int,
    *,
    fill_time: ArrayLike,
    fill_price: ArrayLike,
    fill_shares: ArrayLike,
    fill_cash: ArrayLike,
    bar_time: ArrayLike,
    bar_close: ArrayLike,
    fill_fee: ArrayLike | None = None,
    bar_length: int = NS_PER_MINUTE,
    mark: tuple[int, int] | None = None,
) -> Equity:
    """Return a strategy's equity: a point at each bar's end and each fill, and one at the mark.

    A history that was cut off at its front is completed from its first fill: what was held and what lay in
    cash before it follow from its shares, its price and the cash after it (a first sale sold everything).

    Args:
        cash: What the strategy started with, micro-dollars.
        fill_time: Times of its fills, ascending, nanoseconds UTC, shape (n,) like the three below.
        fill_price: Their prices, micro-dollars.
        fill_shares: Shares bought (positive) or sold (negative).
        fill_cash: Cash after each fill, micro-dollars.
        bar_time: Starts of the minute bars, ascending, nanoseconds UTC, shape (m,).
        bar_close: Their closes, micro-dollars, shape (m,); a bar with 0 saw no price and gives no point.
        fill_fee: Fees of the fills, micro-dollars, shape (n,); none if left out.
        bar_length: From a bar's start to its end, nanoseconds.
        mark: Time and price of the ticker's last driving trade; None leaves the last point out.

    Raises:
        ValueError: Times don't ascend, or arrays that belong together differ in length.
        OverflowError: A value doesn't fit into 64 bits.

    >>> minute = 60_000_000_000
    >>> curve = equity_curve(
    ...     1_000, fill_time=[90 * 10**9], fill_price=[90], fill_shares=[11], fill_cash=[10],
    ...     bar_time=[0, minute], bar_close=[100, 95], mark=(3 * minute, 80),
    ... )
    >>> curve.value.tolist(), curve.profit.tolist()
    ([1000, 1000, 1055, 890], [0, 0, 55, -110])
    """
    times, prices = _ints(fill_time), _ints(fill_price)
    bought, cash_after = _ints(fill_shares), _ints(fill_cash)
    bars, closes = _ints(bar_time), _ints(bar_close)
    if not len(times) == len(prices) == len(bought) == len(cash_after) or len(bars) != len(closes):
        raise ValueError("columns that belong together differ in length")
    if (np.diff(times) < 0).any() or (np.diff(bars) <= 0).any():
        raise ValueError("times must ascend")
    priced = closes > 0
    bars, closes = bars[priced], closes[priced]

    held = max(0, -int(bought[0])) if len(bought) else 0
    fee = int(_ints(fill_fee)[0]) if fill_fee is not None and len(bought) else 0
    before = int(cash_after[0] + bought[0] * prices[0]) + fee if len(bought) else cash
    cash_by_fill = np.concatenate([_ints([before]), cash_after])
    shares_by_fill = np.concatenate([_ints([held]), held + np.cumsum(bought)])

    ends = bars + bar_length
    # A fill at the very end of a bar belongs to the next one.
    done = np.concatenate([np.searchsorted(times, ends, side="left"), np.arange(1, len(times) + 1)])
    time = np.concatenate([ends, times])
    price = np.concatenate([closes, prices])
    order = np.lexsort((done, time))
    time, price, done = time[order], price[order], done[order]
    if mark is not None:
        # The last bar may end after the last trade in it.
        last = max(mark[0], int(time[-1])) if len(time) else mark[0]
        time, price = np.append(time, last), np.append(price, mark[1])
        done = np.append(done, len(times))

    in_cash, shares = cash_by_fill[done], shares_by_fill[done]
    value = worth(in_cash, shares, price)
    return Equity(time=time, price=price, cash=in_cash, shares=shares, value=value, profit=value - cash)


def fill_points(fill_time: ArrayLike, bar_end: ArrayLike) -> Ints:
    """Return which point of an equity curve is that of each fill.

    Args:
        fill_time: Times of the fills, ascending, nanoseconds UTC, shape (n,).
        bar_end: Ends of the bars that give a point, ascending, shape (m,).

    >>> fill_points([5, 10], [4, 10, 12]).tolist()
    [1, 3]
    """
    times = _ints(fill_time)
    found: Ints = np.arange(len(times)) + np.searchsorted(_ints(bar_end), times, "right")
    return found


def worth(cash: Ints, shares: Ints, price: Ints) -> Ints:
    """Return cash + shares × price, each of shape (n,), in micro-dollars.

    Raises:
        OverflowError: A value doesn't fit into 64 bits.

    >>> worth(np.array([10]), np.array([11]), np.array([80])).tolist()
    [890]
    """
    if len(price) and np.max(np.abs(cash + shares * price.astype(np.float64))) >= _MOST:
        raise OverflowError("the strategy's value doesn't fit into 64 bits")
    value: Ints = cash + shares * price
    return value


def _ints(values: ArrayLike) -> Ints:
    array = np.asarray(values)
    return array.astype(np.int64) if array.size else np.zeros(0, np.int64)

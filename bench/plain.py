"""The plain way: a compiled loop over users and trades, written from the first rule and from nothing of the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def run(prices: Any, buy_below: Any, sell_above: Any, cash: Any) -> tuple[Any, Any, Any]:
    """Lead every user through every trade: decide on one, fill on the next; whole shares, all the cash.

    Args:
        prices: int64, shape (trades,), micro-dollars.
        buy_below: int64, shape (users,): how far below the reference each buys, micro-dollars.
        sell_above: int64, shape (users,): how far above it each sells, micro-dollars.
        cash: int64, shape (users,): what each begins with, micro-dollars.

    Returns:
        int64 arrays of shape (users,): fills, cash and shares at the end.
    """
    users = len(cash)
    fills, money, held = np.zeros(users, np.int64), np.zeros(users, np.int64), np.zeros(users, np.int64)
    for user in range(users):
        reference, funds, shares, count, ordered = prices[0], cash[user], np.int64(0), np.int64(0), False
        for price in prices:
            if ordered:
                ordered = False
                if shares > 0:
                    funds += shares * price
                    shares = np.int64(0)
                    reference = price
                    count += 1
                elif price <= funds:
                    shares = funds // price
                    funds -= shares * price
                    reference = price
                    count += 1
            if shares > 0:
                ordered = price >= reference + sell_above[user]
            else:
                ordered = price <= reference - buy_below[user] and price <= funds
        fills[user], money[user], held[user] = count, funds, shares
    return fills, money, held

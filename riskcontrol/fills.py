"""The compiled execution of an order."""

from __future__ import annotations

import numpy as np

from riskcontrol import orders
from riskcontrol.compiling import inlined
from riskcontrol.states import Order, Status

FILL = np.dtype(
    [
        *((name, "i8") for name in ("time", "price", "shares", "fee", "cash", "sequence")),
        *((name, "i4") for name in ("slot", "number", "reason", "pad")),
    ]
)
"""A fill, before the names are put to it."""

# Numba freezes these module constants into the compiled code.
_BUY, _HALTED = int(Order.BUY), int(Status.HALTED)


@inlined
def _keep_score(score, brought, shares, entry, own):
    """Add a round trip to a position's score: what its sale brought, less the fee, for shares bought at `entry`.

    After a split, shares and entry are the new ones, and so is what is taken for the purchase's fee.
    """
    # After a split, shares and a price of one micro-dollar at least may have a product over 64 bits.
    spent = np.float64(shares) * np.float64(entry) + np.float64(orders.fee(shares, entry, own))
    gain = np.float64(brought) / spent - 1.0
    square = gain * gain
    score.trips += 1
    score.sum1 += gain
    score.sum2 += square
    score.sum3 += square * gain
    score.sum4 += square * square


@inlined
def execute(fills, n, slot, slots, own, order, reason, rows, row, price, time):
    """Execute an order at a price and, unless it lapses, add the fill; halt what would leave 64 bits.

    Args:
        fills: `FILL`, with room for one more.
        n: How many there are.
        slot, slots: Whose order it is.
        own: Terms of the position.
        order, reason: What is to be done and why.
        rows, row: The trade on which it fills.
        price, time: Of the execution, before slippage.

    Returns:
        How many fills there are now.
    """
    position = slots.positions[slot]
    if order == _BUY:
        paid = orders.buying_price(price, own)
        shares = orders.affordable(position.cash, paid, own)
        if shares == 0:
            return n
        cost = orders.fee(shares, paid, own)
        position.shares = shares
        position.entry = paid
        position.peak = max(price, rows.price[row])
        position.entered = time
    else:
        paid = orders.selling_price(price, own)
        if not orders.sale_fits(position.cash, position.shares, paid):
            position.status = _HALTED
            return n
        shares = -position.shares
        cost = orders.sale_fee(position.cash, position.shares, paid, own)
        _keep_score(slots.scores[slot], position.shares * paid - cost, position.shares, position.entry, own)
        position.shares = 0
        position.entry = position.peak = position.entered = 0
    cash = position.cash - (shares * paid + cost)
    number = position.fills + np.int32(1)
    position.cash, position.reference, position.fills = cash, paid, number
    fill = fills[n]
    fill.time, fill.price, fill.shares, fill.fee, fill.cash = time, paid, shares, cost, cash
    fill.sequence, fill.slot, fill.number, fill.reason, fill.pad = rows.sequence[row], slot, number, reason, 0
    return n + 1

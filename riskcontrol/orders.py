"""The compiled arithmetic of a fill: size, slippage and fees, exact in integers."""

from __future__ import annotations

import numpy as np

from riskcontrol.compiling import bare
from riskcontrol.terms import PPM

_LONGEST = np.iinfo(np.int64).max
_SURELY = 9.2e18
"""Below 2⁶³ by more than floats can err."""

MOST_SPENT = 2**60
"""Micro-dollars that a buy with fees spends at most, over a million million dollars: the sums below fit 64 bits."""

FRACTION, SHARES, PER_SHARE, PER_ORDER, MINIMUM, RATE, SLIPPAGE, FILL = range(3, 11)
"""Places in a row of terms, `riskcontrol.terms.Terms.as_row`; those of the stops come first."""
STOP_LOSS, TAKE_PROFIT, TRAILING_STOP = range(3)


@bare
def part(amount, ppm):
    """Return `amount` × `ppm` / 10⁶ rounded up, without leaving 64 bits; `ppm` is at most 10⁹."""
    if ppm == 0:
        return np.int64(0)
    rest = (amount % PPM) * ppm
    return amount // PPM * ppm + (rest + PPM - 1) // PPM


@bare
def buying_price(price, terms):
    """Return what a share costs when bought: the price and the slippage, rounded up."""
    return price + part(price, terms[SLIPPAGE])


@bare
def selling_price(price, terms):
    """Return what a share brings when sold: the price less the slippage, rounded down, one micro-dollar at least."""
    return max(1, price - part(price, terms[SLIPPAGE]))


@bare
def fee(shares, price, terms):
    """Return the fee of a fill: per order and share and by value, rounded up, and no less than the minimum.

    What would leave 64 bits is the most that fits.
    """
    charged = terms[PER_ORDER] + part(shares * price, terms[RATE])
    if terms[PER_SHARE] > 0:
        if shares > (_LONGEST - charged) // terms[PER_SHARE]:
            return _LONGEST
        charged += terms[PER_SHARE] * shares
    return max(terms[MINIMUM], charged)


@bare
def affordable(cash, price, terms):
    """Return the most shares that a buy can take, fees included; `price` is that of `buying_price`."""
    budget = cash if terms[FRACTION] == PPM else cash - part(cash, PPM - terms[FRACTION])
    # No share costs less than this, nor adds more to the cost than that.
    least = price + terms[PER_SHARE]
    most = least + part(price, terms[RATE]) + 1
    shares = budget // least
    if terms[SHARES] > 0:
        shares = min(shares, terms[SHARES])
    if terms[PER_ORDER] == 0 and terms[MINIMUM] == 0 and terms[RATE] == 0:
        return shares
    budget = min(budget, MOST_SPENT)
    shares = min(shares, budget // least)
    while shares > 0:
        excess = shares * price + fee(shares, price, terms) - budget
        if excess <= 0:
            return shares
        shares -= max(1, excess // most)
    return 0


@bare
def affords(cash, price, terms):
    """Return whether `affordable` is one share at least; mostly without its division."""
    if terms[PER_ORDER] == 0 and terms[MINIMUM] == 0 and terms[RATE] == 0 and terms[FRACTION] == PPM:
        return cash >= price + terms[PER_SHARE]
    return affordable(cash, price, terms) > 0


@bare
def sale_fits(cash, shares, price):
    """Return whether what a sale brings still fits into 64 bits beside the cash."""
    if float(shares) * float(price) + float(cash) < _SURELY:  # saves the division
        return True
    return shares <= (_LONGEST - cash) // price


@bare
def sale_fee(cash, shares, price, terms):
    """Return the fee of a sale; it takes no more than there is."""
    return min(fee(shares, price, terms), cash + shares * price)

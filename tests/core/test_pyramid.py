"""The search for the first trade at or beyond a price, beside one that goes from trade to trade."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW
from riskcontrol.pyramid import first_trade, make_rows

LEVELS = st.one_of(st.integers(-80, 80), st.sampled_from([NEVER_BELOW, NEVER_ABOVE]))


@njit
def find(rows: Any, i: int, end: int, below: int, above: int) -> Any:
    return first_trade(rows, i, end, below, above)


@given(
    count=st.one_of(st.integers(1, 40), st.sampled_from([64, 65, 511, 512, 513, 5_000])),
    seed=st.integers(0, 2**32 - 1),
    asked=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), LEVELS, LEVELS), min_size=20, max_size=20),
)
def test_it_finds_the_first_trade_at_or_beyond_a_level_whatever_the_number_of_trades(
    count: int, seed: int, asked: list[tuple[float, float, int, int]]
) -> None:
    prices = np.cumsum(np.random.default_rng(seed).integers(-2, 3, count))
    rows = make_rows(prices, prices, prices, prices, prices)
    for first, last, below, above in asked:
        i, end = round(first * count), round(last * count)
        hits = np.flatnonzero((prices[i:end] <= below) | (prices[i:end] >= above))
        assert find(rows, i, end, below, above) == (i + hits[0] if len(hits) else end)
        hits = np.flatnonzero((prices[i:] <= below) | (prices[i:] >= above))
        assert find(rows, i, count, below, above) == (i + hits[0] if len(hits) else count)

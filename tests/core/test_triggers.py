"""Levels that are added in whole micro-dollars are those that the floats of the rules give."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from riskcontrol.book import POSITION
from riskcontrol.code import CONDITION, Op
from riskcontrol.triggers import _level, _plain_level, _plain_micros

MOST = 90_000_000 * 10**6
"""Micro-dollars: the highest price, after splits."""

NUMBERS = st.one_of(
    st.integers(-(10**15), 10**15).map(lambda micros: micros / 1e6),
    st.integers(-(10**12), 10**12).map(lambda tenths: tenths / 1e7),
    st.floats(allow_nan=False),
)


@njit
def both(condition: Any, position: Any, parameters: Any, constants: Any) -> Any:
    micros, possible = _plain_micros(condition, position, parameters, constants)
    dollars = _plain_level(condition, position, parameters, constants)
    return micros, possible, _level(dollars) if np.isfinite(dollars) else 0, np.isfinite(dollars)


@given(
    price=st.integers(1, MOST),
    shares=st.integers(0, 1),
    base=st.sampled_from([Op.REFERENCE, Op.ENTRY, Op.PEAK]),
    operation=st.sampled_from([0, Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE]),
    number=NUMBERS,
    own=st.booleans(),
)
@example(price=MOST, shares=0, base=Op.REFERENCE, operation=Op.ADD, number=(2**47 - 1) / 1e6, own=True)
@example(price=1, shares=0, base=Op.REFERENCE, operation=Op.SUBTRACT, number=0.0000005, own=True)
def test_a_level_in_whole_micro_dollars_is_that_of_the_floats(
    price: int, shares: int, base: Op, operation: int, number: float, own: bool
) -> None:
    condition, position = np.zeros(1, CONDITION)[0], np.zeros(1, POSITION)[0]
    condition["base"], condition["operation"], condition["operand"] = base, operation, 0 if own else -1
    position["reference"], position["shares"] = price, shares
    if shares:
        position["entry"], position["peak"] = max(1, price - 1), price
    micros, possible, rounded, finite = both(condition, position, np.array([number]), np.array([number]))
    assert (micros, possible) == (rounded, finite)

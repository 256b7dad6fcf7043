"""Indicators over whole columns of bars, by the same kernel that follows a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcontrol.compiling import entry
from riskcontrol.indicators.kernel import update
from riskcontrol.indicators.registry import COLUMNS, INDICATORS, state_size
from riskcontrol.indicators.windows import Vector


@entry
def run(code: int, parameters: Vector, state: Vector, bars: np.ndarray, source: int, out: np.ndarray) -> None:
    """Take bars one after the other; `update` says what the arguments are.

    Args:
        code: Of the indicator.
        parameters: All of them.
        state: Changed in place; zeros for the first bars of all.
        bars: Float64, shape (bars, 7).
        source: Number of the column.
        out: Gets the values, float64, shape (bars, outputs).
    """
    for i in range(len(bars)):
        update(code, parameters, state, bars[i], source, out[i])


def matrix(bars: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    """Put columns side by side as the kernel wants them; columns that aren't there are NaN.

    Args:
        bars: Columns of one length by their names, of `registry.COLUMNS`; others are left out.

    Returns:
        Float64, shape (bars, 7).

    Raises:
        ValueError: The columns differ in length.
    """
    columns = {name: np.asarray(bars[name], np.float64) for name in COLUMNS if name in bars}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns differ in length: {lengths}")
    table = np.full((max(lengths.values(), default=0), len(COLUMNS)), np.nan)
    for name, column in columns.items():
        table[:, COLUMNS.index(name)] = column
    return table


def compute(
    name: str, parameters: Sequence[float], bars: Mapping[str, ArrayLike], source: str = ""
) -> dict[str, NDArray[np.float64]]:
    """Compute an indicator over whole columns.

    Args:
        name: Of `registry.INDICATORS`.
        parameters: What is given of them; the rest are the defaults.
        bars: Columns of one length by their names, of `registry.COLUMNS`; those that the indicator doesn't read may
            be missing.
        source: The column that it is of; empty for its default.

    Returns:
        Each output's values by its name (empty where there is one), NaN during warm-up.

    Raises:
        ValueError: A parameter, the source or a column is wrong or missing.
    """
    indicator = INDICATORS[name]
    values = np.array(indicator.complete(parameters), np.float64)
    column = indicator.column(source)
    for needed in indicator.columns(source):
        if needed not in bars:
            raise ValueError(f"{name}: needs the column {needed!r}")
    table = matrix(bars)
    out = np.empty((len(table), len(indicator.outputs)))
    run(indicator.code, values, np.zeros(state_size(name, parameters)), table, column, out)
    return {output: out[:, i].copy() for i, output in enumerate(indicator.outputs)}

"""What `riskcontrol backtest` prints of a sweep: the best variants, a heat map, and a warning."""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from riskcontrol.aligned import aligned
from riskcontrol.luck import WANTED, Luck
from riskcontrol.statistics import STATISTICS, format_value, plain
from riskcontrol.sweep import Sweep, colour_of

SHOWN = 10
"""Variants that are listed."""

WIDTH = 100
"""Characters of a line of words."""

_COLUMNS, _ROWS = 60, 24
_SHADES = " .:-=+*%@"


def sweep_json(sweep: Sweep) -> dict[str, Any]:
    """Return a sweep as an object for JSON: its axes, and the best variants."""
    return {
        "parameters": {axis.name: axis.values for axis in sweep.axes},
        "by": sweep.by,
        "variants": len(sweep.scores),
        "expected_best_sharpe": sweep.luck and sweep.luck.expected,
        "deflated_sharpe": sweep.luck and sweep.luck.probability,
        "warning": warning(sweep) or None,
        "best": [
            {
                "parameters": sweep.values_of(number),
                **plain({sweep.by: float(sweep.scores[number])}),
                "fills": int(sweep.fills[number]),
            }
            for number in sweep.best(SHOWN)
        ],
    }


def sweep_lines(sweep: Sweep) -> list[str]:
    """Return the best variants, a heat map of the first two parameters and, where it applies, the warning."""
    one = STATISTICS[sweep.by]
    header, *rows = best_rows(sweep)
    title = f"{len(sweep.scores):,} variants, the best {len(rows)} by {one.title.lower()}"
    lines = [click.style(title, bold=True), *aligned([header, *rows], left=(), indent="  ")]
    if idle := int((sweep.fills == 0).sum()):
        lines.append(f"  {idle:,} of them never trade{'s' * (idle == 1)}; they come last.")
    if sum(len(axis.values) > 1 for axis in sweep.axes[:2]):
        lines += ["", *heat_lines(sweep, colours=sys.stdout.isatty())]
    if said := warning(sweep):
        lines += ["", *(click.style(line, fg="yellow") for line in textwrap.wrap(said, WIDTH))]
    return lines


def best_rows(sweep: Sweep) -> list[list[str]]:
    """Return the best variants as texts, a header first: values of the parameters, the statistic, fills."""
    one = STATISTICS[sweep.by]
    rows = [
        [*sweep.values_of(number).values(), format_value(one, float(sweep.scores[number])), f"{sweep.fills[number]:,}"]
        for number in sweep.best(SHOWN)
    ]
    return [[*(axis.name for axis in sweep.axes), one.title, "Fills"], *rows]


def warning(sweep: Sweep) -> str:
    """Return why the best of many may be luck, nothing where that isn't so (`riskcontrol.luck.Luck.warns`)."""
    luck = sweep.luck
    if luck is None or not luck.warns:
        return ""
    remedy = "Try it on days that it was not chosen on."
    if luck.probability is None:
        return f"Whether the best of {luck.variants:,} is more than luck can't be told: {_untold(luck)}. {remedy}"
    many = f"{luck.rated:,}" + " with a Sharpe ratio" * (luck.rated < luck.variants)
    one, chance = STATISTICS["sharpe"], STATISTICS["probabilistic_sharpe"]
    return (
        f"The best of {many} may be luck: its Sharpe ratio is {format_value(one, luck.sharpe)}, and the "
        f"best of so many without skill is expected to have {format_value(one, luck.expected)}. The probability that "
        f"its true one is above that (deflated Sharpe ratio) is {format_value(chance, luck.probability)}, under "
        f"{format_value(chance, WANTED)}. {remedy}"
    )


def _untold(luck: Luck) -> str:
    """Return why there is no deflated Sharpe ratio."""
    if luck.sharpe is None:
        return "it has no Sharpe ratio; that takes two trading days, and returns that differ"
    if luck.expected is None:
        return f"that takes two variants with a Sharpe ratio, and {luck.rated} has one"
    return "its daily returns leave its Sharpe ratio without an error to reckon with"


def heat_lines(sweep: Sweep, *, colours: bool) -> list[str]:
    """Return a heat map as text: the first parameter from left to right, the second downwards.

    Where there are more values than fit, a cell has the best of its neighbours, and the label of the first of them.

    Args:
        sweep: What to draw.
        colours: Whether cells are coloured; else they are characters from light to dark.
    """
    heat = _fewer(_fewer(sweep.heat(), _COLUMNS, 0), _ROWS, 1)
    low, high = float(np.nanmin(heat)), float(np.nanmax(heat))
    across = sweep.axes[0]
    down = sweep.axes[1] if len(sweep.axes) > 1 else None
    labels = _first_of_each(down.values, _ROWS) if down is not None else [""]
    width = max(len(label) for label in labels)
    lines = [
        f"  {label:>{width}} " + "".join(_cell(value, low, high, colours=colours) for value in row)
        for label, row in zip(labels, heat.T.tolist(), strict=True)
    ]
    lines.append(f"  {' ' * width} " + _axis_line(_first_of_each(across.values, _COLUMNS), 2 if colours else 1))
    edge = f"{across.name} across" + (f", {down.name} down" if down else "")
    one = STATISTICS[sweep.by]
    ends = [_cell(end, low, high, colours=colours) + " " + format_value(one, end) for end in (low, high)]
    return [*lines, f"  {' ' * width} {edge}; {ends[0]} to {ends[1]}"]


def _first_of_each(values: Sequence[str], most: int) -> list[str]:
    """Return the first value of each row or column that `_fewer` makes of them."""
    return [str(part[0]) for part in np.array_split(np.array(values), min(len(values), most))]


def _axis_line(labels: Sequence[str], cell: int) -> str:
    """Return as many labels as there is room for, each beginning under its column; the last one always.

    Args:
        labels: Of all columns.
        cell: How many characters a column has.
    """
    last = (len(labels) - 1) * cell
    line = ""
    for at, label in enumerate(labels[:-1]):
        free = not line or len(line) + 2 <= at * cell
        if free and at * cell + len(label) + 2 <= last:
            line = line.ljust(at * cell) + label
    return line.ljust(last) + labels[-1]


def _cell(value: float, low: float, high: float, *, colours: bool) -> str:
    if math.isnan(value):
        return "  " if colours else " "
    share = (value - low) / (high - low) if high > low else 1.0
    if colours:
        return click.style("  ", bg=colour_of(share))
    return _SHADES[1 + round(share * (len(_SHADES) - 2))]


def _fewer(values: NDArray[np.float64], most: int, axis: int) -> NDArray[np.float64]:
    """Return at most so many rows or columns, each the best of those that it stands for."""
    count = values.shape[axis]
    if count <= most:
        return values
    parts = np.array_split(np.where(np.isnan(values), -np.inf, values), most, axis=axis)
    best = np.stack([part.max(axis=axis) for part in parts], axis=axis)
    return np.where(np.isinf(best), np.nan, best)

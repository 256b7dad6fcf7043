"""Charts as SVG inside HTML, each a pure function of numbers and labels.

The SVG is stretched to its box, and labels are HTML beside it: so text is as large on a phone as on a screen, and
lines, which don't scale, are as thin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcontrol.sweep import colour_of

POINTS = 2_000
"""Most points of a line, and most marks."""

_SIZE = 1_000
Label = Callable[[float], str]


def reduced(values: ArrayLike, most: int = POINTS) -> NDArray[np.int64]:
    """Return which points to draw: all of them, or the lowest and highest of equal stretches, and both ends.

    Args:
        values: Shape (n,).
        most: At most so many, at least 4.

    >>> reduced([1, 5, 2, 0, 3, 3, 9, 4], most=6).tolist()
    [0, 1, 3, 4, 6, 7]
    """
    column = np.asarray(values, np.float64)
    if len(column) <= most:
        return np.arange(len(column))
    edges = np.linspace(0, len(column), (most - 2) // 2 + 1).astype(np.int64)
    kept = {0, len(column) - 1}
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        kept |= {first + int(column[first:end].argmin()), first + int(column[first:end].argmax())}
    return np.array(sorted(kept), np.int64)


def ticks(low: float, high: float, count: int = 4, least: float = 0.0) -> list[float]:
    """Return round numbers from low to high, about as many as asked for.

    Args:
        low: Where they begin.
        high: Where they end.
        count: How many.
        least: The least distance between two.

    >>> ticks(9_843, 10_067), ticks(0, 2, least=1)
    ([9900.0, 10000.0], [0.0, 1.0, 2.0])
    """
    if not high > low:
        return [low]
    rough = max((high - low) / count, least)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(at * step, 12) for at in range(first, last + 1)] or [low]


def decimals(low: float, high: float, least: int) -> int:
    """Return with how many decimal places four labels or more from low to high differ from each other.

    >>> decimals(0, 100, 2), decimals(0.0, 0.0123, 2)
    (2, 3)
    """
    return min(max(least, -math.floor(math.log10((high - low) / 4))), 9) if high > low else least


def line(
    values: ArrayLike,
    x_labels: Sequence[str],
    label: Label,
    *,
    kind: str,
    filled: bool = False,
    marks: Sequence[tuple[int, float, str, str]] = (),
) -> str:
    """Draw a line over the numbers of its points.

    Args:
        values: Shape (n,), n ≥ 1.
        x_labels: From the left edge to the right one, evenly spaced.
        label: Writes a value.
        kind: Class of the chart: equity, drawdown, price.
        filled: Whether the area to the top (of what is at most 0) is filled.
        marks: Point's number, value, class and what it says; at most `POINTS` of them are drawn.
    """
    column = np.asarray(values, np.float64)
    spread = np.concatenate([column, [mark[1] for mark in marks]])
    lowest, highest = float(spread.min()), float(spread.max())
    low, high = _range(lowest, highest)
    lines = ticks(low, high) if highest > lowest else [lowest]
    kept = reduced(column)
    across = _SIZE / max(1, len(column) - 1)

    def at(number: int, value: float) -> str:
        return f"{number * across:.1f} {_down(value, low, high):.1f}"

    path = "M" + "L".join(at(i, v) for i, v in zip(kept.tolist(), column[kept].tolist(), strict=True))
    grid = "".join(f"M0 {_down(value, low, high):.1f}H{_SIZE}" for value in lines)
    parts = [f'<path class="grid" d="{grid}"/>']
    if filled:
        top = _down(0, low, high)
        parts.append(f'<path class="area" d="{path}L{_SIZE} {top:.1f}L0 {top:.1f}Z"/>')
    parts.append(f'<path class="line" d="{path}"/>')
    some = (
        np.unique(np.linspace(0, len(marks) - 1, POINTS).astype(np.int64)) if len(marks) > POINTS else range(len(marks))
    )
    for number, value, name, said in (marks[int(i)] for i in some):
        parts.append(f'<path class="mark {name}" d="M{at(number, value)}h0"><title>{escape(said)}</title></path>')
    return _box(kind, "".join(parts), [(_down(value, low, high) / _SIZE, label(value)) for value in lines], x_labels)


def histogram(values: ArrayLike, label: Label, bins: int = 40) -> str:
    """Draw how often values fall where; those below 0 and those above have colours of their own.

    Args:
        values: Shape (n,), n ≥ 1.
        label: Writes a value.
        bins: At most so many bars.
    """
    column = np.asarray(values, np.float64)
    low, high = float(column.min()), float(column.max())
    if not high > low:
        low, high = low - 0.005, high + 0.005
    # An edge lies on 0, so that no bar has both.
    step = (high - low) / bins
    edges = np.arange(math.floor(low / step), math.ceil(high / step) + 1) * step
    # The product of a rounded step may fall short of what it was made of.
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    counts, edges = np.histogram(column, edges)
    most = float(counts.max())
    wide = _SIZE / len(counts)
    bars = [
        f'<rect class="{"gain" if left >= -step / 2 else "loss"}" x="{i * wide:.1f}" width="{wide * 0.9:.1f}" '
        f'y="{_SIZE * (1 - count / most):.1f}" height="{_SIZE * count / most:.1f}">'
        f"<title>{count:,} from {escape(label(left))}</title></rect>"
        for i, (count, left) in enumerate(zip(counts.tolist(), edges[:-1].tolist(), strict=True))
        if count
    ]
    x_labels = [label(float(edge)) for edge in np.linspace(edges[0], edges[-1], 5)]
    y_labels = [(_down(at, 0, most) / _SIZE, f"{at:,.0f}") for at in ticks(0, most, least=1)]
    return _box("distribution", "".join(bars), y_labels, x_labels)


def heat_map(values: NDArray[np.float64], across: Sequence[str], down: Sequence[str], label: Label) -> str:
    """Draw a value for each pair as a cell's colour.

    Args:
        values: Shape (across, down); NaN where there is none.
        across: Labels from left to right; up to five are written, evenly spaced.
        down: Labels from the top down; up to nine are.
        label: Writes a value.
    """
    columns, rows = _thinned(len(across)), _thinned(len(down))
    shown = values[np.ix_(columns, rows)]
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    wide, tall = _SIZE / len(columns), _SIZE / len(rows)
    cells = []
    for i, column in enumerate(columns):
        for j, row in enumerate(rows):
            value = float(shown[i, j])
            if not math.isnan(value):
                red, green, blue = colour_of((value - low) / (high - low) if high > low else 1.0)
                said = f"{across[column]}, {down[row]}: {label(value)}".removesuffix(", ")
                cells.append(
                    f'<rect x="{i * wide:.1f}" y="{j * tall:.1f}" width="{wide + 0.5:.1f}" height="{tall + 0.5:.1f}" '
                    f'fill="#{red:02x}{green:02x}{blue:02x}"><title>{escape(said)}</title></rect>'
                )
    y_labels = [((at + 0.5) / len(rows), down[rows[at]]) for at in _thinned(len(rows), 9)]
    return _box("heat", "".join(cells), y_labels, [across[columns[at]] for at in _thinned(len(columns), 5)])


def _thinned(count: int, most: int = 50) -> list[int]:
    """Return which of so many rows or columns to draw, or to label: so many at most, both ends among them."""
    return [round(at) for at in np.linspace(0, count - 1, min(count, most))]


def _range(low: float, high: float) -> tuple[float, float]:
    edge = (high - low) * 0.04 or max(abs(high) * 0.01, 1e-9)
    return low - edge, high + edge


def _down(value: float, low: float, high: float) -> float:
    return _SIZE * (high - value) / (high - low)


def _box(kind: str, inside: str, y_labels: Sequence[tuple[float, str]], x_labels: Sequence[str]) -> str:
    y = "".join(f'<span style="top:{share:.2%}">{escape(text)}</span>' for share, text in y_labels)
    x = "".join(f"<span>{escape(text)}</span>" for text in x_labels)
    return (
        f'<div class="chart {kind}"><div class="y">{y}</div>'
        f'<svg viewBox="0 0 {_SIZE} {_SIZE}" preserveAspectRatio="none" role="img" aria-label="{kind}">{inside}</svg>'
        f'<div class="x">{x}</div></div>'
    )

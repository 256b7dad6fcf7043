"""Draws time against users, both on logarithmic axes, as an SVG of its own that is readable on light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 150, 44, 56

_STYLE = """\
svg { background: #ffffff; font: 13px system-ui, sans-serif; fill: #1f2328 }
.grid { stroke: #d9dee3; fill: none } .axis { fill: #57606a }
.title { font-size: 15px; font-weight: 600 }
.line { fill: none; stroke-width: 2 } .s0 { stroke: #0b62c4 } .s1 { stroke: #b3470d; stroke-dasharray: 7 4 }
.dot.s0, .name.s0 { fill: #0b62c4; stroke: none } .dot.s1, .name.s1 { fill: #b3470d; stroke: none }
@media (prefers-color-scheme: dark) {
  svg { background: #12161b; fill: #e6edf3 } .grid { stroke: #2f363d } .axis { fill: #9aa5b1 }
  .s0 { stroke: #6cb0ff } .s1 { stroke: #f0945a }
  .dot.s0, .name.s0 { fill: #6cb0ff } .dot.s1, .name.s1 { fill: #f0945a }
}"""


def log_log(lines: Mapping[str, Sequence[tuple[float, float]]], title: str, x_label: str, y_label: str) -> str:
    """Return the SVG.

    Args:
        lines: By name, points with both numbers above 0; two lines at most.
        title: What it shows.
        x_label: What the numbers across are, with their unit.
        y_label: What the numbers up are, with their unit.
    """
    points = [point for line in lines.values() for point in line]
    across = _axis([x for x, _ in points], _LEFT, WIDTH - _RIGHT)
    up = _axis([y for _, y in points], HEIGHT - _BOTTOM, _TOP)
    parts = [f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>']
    for power, place in across.ticks:
        parts.append(f'<path class="grid" d="M{place:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
        parts.append(
            f'<text class="axis" x="{place:.1f}" y="{HEIGHT - 36}" text-anchor="middle">{_power(power)}</text>'
        )
    for power, place in up.ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {place:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="axis" x="{_LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{_power(power)}</text>')
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text class="axis" x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
    )
    parts.append(
        f'<text class="axis" transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    parts += _lines(lines, across.place, up.place)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE}</style>{"".join(parts)}</svg>\n'
    )


def _lines(
    lines: Mapping[str, Sequence[tuple[float, float]]], x: Callable[[float], float], y: Callable[[float], float]
) -> list[str]:
    parts = []
    ends = sorted((y(line[-1][1]), number) for number, line in enumerate(lines.values()))
    # Names stand at the lines' ends, and apart where those are close.
    heights: dict[int, float] = {}
    least = -math.inf
    for height, number in ends:
        heights[number] = least = max(height, least + 17)
    for number, (name, line) in enumerate(lines.items()):
        path = "M" + "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in line)
        parts.append(f'<path class="line s{number}" d="{path}"/>')
        parts += [
            f'<circle class="dot s{number}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="4">'
            f"<title>{a:,.0f}: {b:,.4g}</title></circle>"
            for a, b in line
        ]
        parts.append(
            f'<text class="name s{number}" x="{WIDTH - _RIGHT + 12}" y="{heights[number] + 4:.1f}">'
            f"{escape(name)}</text>"
        )
    return parts


class _Axis:
    """A logarithmic axis from one power of ten to another."""

    def __init__(self, low: int, high: int, start: float, end: float) -> None:
        self._low, self._span, self._start, self._end = low, high - low, start, end
        self.ticks = [(power, self.place(10.0**power)) for power in range(low, high + 1)]

    def place(self, value: float) -> float:
        """Return where a number is."""
        return self._start + (self._end - self._start) * (math.log10(value) - self._low) / self._span


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return _Axis(low, max(high, low + 1), start, end)


def _power(power: int) -> str:
    if -2 <= power <= 2:
        return f"{10.0**power:g}"
    return f'10<tspan dy="-5" font-size="10">{power}</tspan>'

"""Tables of text: columns aligned under each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,), indent: str = "") -> list[str]:
    """Return rows as lines of aligned columns.

    Args:
        rows: The cells of each, as many in each; the header's first.
        left: Which columns are aligned left; the others are aligned right.
        indent: What each line begins with.

    >>> aligned([("name", "trades"), ("IBM", "12")])
    ['name  trades', 'IBM       12']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = (
            f"{cell:<{width}}" if at in left else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(indent + "  ".join(cells).rstrip())
    return lines

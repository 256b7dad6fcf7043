"""Checksums of tables that follow their rows: a batch that changes a few rows need not read the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskcontrol.compiling import entry

BITS = (1 << 64) - 1
"""Sums are added and subtracted within these."""


def rows_sum(table: NDArray[Any], rows: NDArray[np.int64] | None = None) -> int:
    """Return the sum, modulo 2**64, of the hashes of rows and their places; a row of zeros counts nothing.

    So the sum of a table is that of the parts it is cut into, whatever room it has behind its last row, and a row
    that changes takes its old hash away and adds its new one.

    Args:
        table: Rows, contiguous and writable, of any type without references.
        rows: The place of each; without it they are 0, 1, 2 ...

    >>> table = np.array([7, 8, 0])
    >>> rows_sum(table) == (rows_sum(table[:1]) + rows_sum(table[1:2], np.array([1]))) & BITS
    True
    >>> rows_sum(np.array([8, 7])) == rows_sum(table)
    False
    """
    if not len(table):
        return 0
    data = table.reshape(len(table), -1).view(np.uint8)
    width = data.shape[1]
    word = np.uint64 if width % 8 == 0 else np.uint32 if width % 4 == 0 else np.uint8
    places = np.arange(len(table)) if rows is None else rows.astype(np.int64, copy=False)
    return int(_rows_sum(data.view(word), places))


@entry
def _rows_sum(words: NDArray[np.unsignedinteger], places: NDArray[np.int64]) -> np.uint64:
    """Return `rows_sum` of rows of unsigned words (the constants are those of splitmix64)."""
    total = np.uint64(0)
    for i in range(len(words)):
        h = np.uint64(places[i] + 1) * np.uint64(0x9E3779B97F4A7C15)
        seen = np.uint64(0)
        for j in range(words.shape[1]):
            word = np.uint64(words[i, j])
            seen |= word
            h = (h ^ word) * np.uint64(0xBF58476D1CE4E5B9)
            h ^= h >> np.uint64(31)
        if seen != np.uint64(0):
            h *= np.uint64(0x94D049BB133111EB)
            total += h ^ (h >> np.uint64(31))
    return total

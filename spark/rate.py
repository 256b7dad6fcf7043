"""Rate control: how many records of the tape a batch may take."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FIRST = 64
"""Records a shard may take in the first batch, when nothing has been measured."""
LEAST, MOST = 16, 65_536
_SHARE = 0.7
"""Part of the batch interval that processing should take when there is a backlog."""
_GROWTH = 2.0
"""A bound may at most double, or halve, from batch to batch: one batch proves little."""
_WEIGHT = 0.3
"""Of the newest batch in what a record costs."""
_REMEMBERED = 30
"""Batches looked back at for what a batch costs however little it does."""


@dataclass(slots=True)
class Rate:
    """Bounds a batch by what the last batches took: a fixed cost, and a cost for each record.

    The fixed cost is that of the quickest of the last batches. Where it alone takes the time there is, smaller batches
    would only take longer altogether, so that the bound is left where it is.

    Args:
        interval: Seconds between batches.

    >>> rate = Rate(interval=1.0)
    >>> rate.bound
    64
    >>> rate.record(records=64, seconds=0.1)
    >>> rate.bound
    128
    """

    interval: float
    bound: int = FIRST
    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _each: float | None = None

    def record(self, *, records: int, seconds: float) -> None:
        """Take note of a batch.

        Args:
            records: The most that one shard took; a batch that took none says nothing.
            seconds: How long the batch took.
        """
        if records <= 0:
            return
        self._seconds.append(seconds)
        fixed = min(self._seconds)
        each = (seconds - fixed) / records
        self._each = each if self._each is None else self._each + _WEIGHT * (each - self._each)
        left = self.interval * _SHARE - fixed
        if left <= 0:
            return
        fitting = left / max(self._each, 1e-6)
        if fitting < self.bound:
            self.bound = int(max(fitting, self.bound / _GROWTH, LEAST))
        elif records >= self.bound:
            # Only a batch that used its bound can tell that the bound is too low.
            self.bound = int(min(fitting, self.bound * _GROWTH, MOST))


def plan(next_offsets: dict[int, int], ends: dict[int, int], bound: int) -> dict[int, tuple[int, int]]:
    """Return the range of offsets, start and end, that each shard takes in this batch.

    Args:
        next_offsets: First offset not yet taken, by shard.
        ends: First offset not yet written, by shard.
        bound: Most records a shard may take.

    >>> plan({0: 5, 1: 9}, {0: 5, 1: 400}, bound=100)
    {1: (9, 109)}
    """
    return {
        shard: (start, min(ends[shard], start + bound)) for shard, start in next_offsets.items() if ends[shard] > start
    }

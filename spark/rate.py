"""Rate control: how many records of the tape a batch may take."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 64
"""Records a shard may take in the first batch, when nothing has been measured."""
MOST = 65_536
_SHARE = 0.7
"""Part of the batch interval that processing should take when there is a backlog."""
_GROWTH = 2.0
"""A bound may at most double from batch to batch: one quick batch proves little."""


@dataclass(slots=True)
class Rate:
    """Bounds a batch by what the last batches took.

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

    def record(self, *, records: int, seconds: float) -> None:
        """Take note of a batch.

        Args:
            records: The most that one shard took; a batch that took none says nothing.
            seconds: How long the batch took.
        """
        if records <= 0:
            return
        fitting = records * self.interval * _SHARE / max(seconds, 1e-3)
        if seconds > self.interval * _SHARE:
            # Too long: go down at once, halfway to be safe against one slow batch.
            self.bound = max(1, int(min(self.bound, (self.bound + fitting) / 2)))
        elif records >= self.bound:
            # Only a batch that used its bound can tell that the bound is too low.
            self.bound = max(1, min(MOST, int(min(fitting, self.bound * _GROWTH))))


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

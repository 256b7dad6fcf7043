"""What positions, splits and decisions can be: the numbers of the engine's arrays and of the tables."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """What a position may do."""

    RUNNING = 0
    STOPPED = 1
    """By its owner; cash and shares stay as they were."""
    HALTED = 2
    """By us, because its value would no longer fit into 64 bits."""


class SplitState(IntEnum):
    """What became of a split."""

    PENDING = 0
    """No trade of its ticker has come since its time."""
    APPLIED = 1


class Order(IntEnum):
    """A decision that waits for its fill."""

    NONE = 0
    BUY = 1
    SELL = 2


class Reason(IntEnum):
    """Why a strategy bought or sold."""

    BUY = 1
    """Its rule."""
    SELL = 2
    """Its rule."""
    STOP_LOSS = 3
    TRAILING_STOP = 4
    TAKE_PROFIT = 5
    SPLIT = 6
    """It didn't: the company split its shares."""

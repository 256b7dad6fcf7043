"""The book of a shard: its positions and tickers as flat arrays, without a Python object per user.

Positions live in *slots*. Slots come in *pages* of `PAGE`, and a page belongs to one ticker, so a new
strategy goes into the next free slot of its ticker and nothing is ever moved. Each page, and each ticker
above its pages, knows the outermost prices at which one of its positions would act: a batch whose prices
stay inside rules out a page, or all users of a ticker, with two comparisons.

What the engine scans (`below`, `above`) is apart from what it needs of a position that acts (`positions`,
one record of a cache line) and from what never changes (`names`).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from riskcontrol.rows import Names
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH
from riskcontrol.trades import TICKER_LENGTH

PAGE = 64
"""Slots in a page."""

NEVER_BELOW = np.iinfo(np.int64).min
"""As `below`: no price is low enough."""
NEVER_ABOVE = np.iinfo(np.int64).max
"""As `above`: no price is high enough. As `below`: any price will do."""


class Status(IntEnum):
    """What a position may do."""

    RUNNING = 0
    STOPPED = 1
    """By its owner; cash and shares stay as they were."""
    HALTED = 2
    """By us, because its value would no longer fit into 64 bits."""


class Order(IntEnum):
    """A decision that waits for its fill."""

    NONE = 0
    BUY = 1
    SELL = 2


POSITION = np.dtype(
    [
        ("reference", "i8"),
        ("cash", "i8"),
        ("shares", "i8"),
        ("buy_below", "i8"),
        ("sell_above", "i8"),
        ("time", "i8"),
        ("fills", "i4"),
        ("order", "i1"),
        ("status", "i1"),
        ("fill", "i1"),
        ("pad", "i1"),
    ]
)
"""A position. `reference` is 0 until it has seen a trade; `time` is that of its last fill, first trade or stop."""

PAGE_RECORD = np.dtype(
    [("below", "i8"), ("above", "i8"), ("ticker", "i4"), ("next", "i4"), ("used", "i4"), ("pad", "i4")]
)
"""A page: outermost triggers, its ticker, the ticker's next page (-1: none), slots in use."""

BAR_FIELDS = ("open", "high", "low", "close", "volume", "notional", "trades")

TICKER = np.dtype(
    [
        ("ticker", f"S{TICKER_LENGTH}"),
        ("below", "i8"),
        ("above", "i8"),
        ("price", "i8"),
        ("time", "i8"),
        ("first", "i4"),
        ("last", "i4"),
        ("bar", "i8"),
        *[(field, "i8") for field in BAR_FIELDS],
    ]
)
"""A ticker: outermost triggers, last driving trade, first and last page (-1: none), its open bar of a minute."""

NAME_WORDS = (USERNAME_LENGTH + NAME_LENGTH) // 8
_USERNAME_WORDS = USERNAME_LENGTH // 8

TABLES: dict[str, tuple[np.dtype, tuple[int, ...]]] = {
    "below": (np.dtype("i8"), ()),
    "above": (np.dtype("i8"), ()),
    "positions": (POSITION, ()),
    "names": (np.dtype("u8"), (NAME_WORDS,)),
    "pages": (PAGE_RECORD, ()),
    "tickers": (TICKER, ()),
    "index": (np.dtype("i4"), ()),
}
"""The arrays of a book: their element types and the shape of one element."""

PAGES, TICKERS, STRATEGIES = 0, 1, 2
"""Places in `Book.counts`."""


class Book:
    """The positions and tickers of one shard.

    Attributes:
        below: By slot: the position acts on a driving trade at or below this price (micro-dollars).
        above: By slot: the same, at or above.
        positions: By slot: `POSITION`.
        names: By slot: username and strategy name as NUL-padded words, see `usernames`.
        pages: By page: `PAGE_RECORD`.
        tickers: By ticker number: `TICKER`.
        index: Open-addressed hash table from (username, name, ticker) to slot + 1; 0 is free.
        counts: Pages, tickers and strategies in use.

    >>> book = Book()
    >>> book.reserve(strategies=100, tickers=2)
    >>> len(book.below) >= 100
    True
    """

    below: NDArray[np.int64]
    above: NDArray[np.int64]
    positions: NDArray[np.void]
    names: NDArray[np.uint64]
    pages: NDArray[np.void]
    tickers: NDArray[np.void]
    index: NDArray[np.int32]

    def __init__(self) -> None:
        for name, (dtype, shape) in TABLES.items():
            setattr(self, name, np.zeros((0, *shape), dtype))
        self.counts = np.zeros(3, np.int64)

    @property
    def strategies(self) -> int:
        """How many strategies have been opened in it."""
        return int(self.counts[STRATEGIES])

    def reserve(self, *, strategies: int, tickers: int) -> None:
        """Make room for that many more, so that the engine need not grow anything while it runs."""
        n_tickers = int(self.counts[TICKERS]) + tickers
        # Each new strategy may need a page of its own only if its ticker has none or a full one.
        pages = int(self.counts[PAGES]) + min(strategies, n_tickers + strategies // PAGE)
        # The least of the tables counts: one may have more room than the others (files that a kill left longer).
        slots = min(len(table) for table in (self.below, self.above, self.positions, self.names))
        room = min(len(self.pages), slots // PAGE)
        if pages > room:
            pages = max(pages, room * 2, 16)
            self.resize("pages", pages)
            for name in ("below", "above", "positions", "names"):
                self.resize(name, pages * PAGE)
        if n_tickers > len(self.tickers):
            self.resize("tickers", max(n_tickers, len(self.tickers) * 2, 16))
        if (self.strategies + strategies) * 2 > len(self.index):
            self.reindex(1 << max(10, int((self.strategies + strategies) * 4 - 1).bit_length()))

    def resize(self, name: str, rows: int) -> None:
        """Give a table room for `rows` rows; what is in it stays."""
        old = getattr(self, name)
        new = np.zeros((rows, *old.shape[1:]), old.dtype)
        new[: len(old)] = old
        setattr(self, name, new)

    def reindex(self, size: int) -> None:
        """Rebuild the hash table with `size` places, a power of two."""
        from riskcontrol.opening import index_slots  # noqa: PLC0415  the kernel's types come from this module

        self.index = np.zeros(size, np.int32)
        index_slots(self.index, self.names, self.pages, int(self.counts[PAGES]))

    def usernames(self, slots: NDArray[np.integer]) -> Names:
        """Return the usernames of these slots."""
        return np.ascontiguousarray(self.names[slots, :_USERNAME_WORDS]).view(f"S{USERNAME_LENGTH}").reshape(-1)

    def strategy_names(self, slots: NDArray[np.integer]) -> Names:
        """Return the strategies' names of these slots."""
        return np.ascontiguousarray(self.names[slots, _USERNAME_WORDS:]).view(f"S{NAME_LENGTH}").reshape(-1)

    def slot_tickers(self, slots: NDArray[np.integer]) -> Names:
        """Return the tickers of these slots."""
        return self.tickers["ticker"][self.pages["ticker"][np.asarray(slots) // PAGE]]

    def used_slots(self) -> NDArray[np.int64]:
        """Return the slots in use, ascending."""
        used = self.pages["used"][: self.counts[PAGES]]
        return np.flatnonzero(np.arange(PAGE) < used[:, None]).astype(np.int64)


def name_words(usernames: Names, names: Names) -> NDArray[np.uint64]:
    """Return usernames and strategy names as rows of words, the form that `Book.names` keeps."""
    rows = np.empty((len(usernames), USERNAME_LENGTH + NAME_LENGTH), np.uint8)
    rows[:, :USERNAME_LENGTH] = usernames.astype(f"S{USERNAME_LENGTH}").view(np.uint8).reshape(-1, USERNAME_LENGTH)
    rows[:, USERNAME_LENGTH:] = names.astype(f"S{NAME_LENGTH}").view(np.uint8).reshape(-1, NAME_LENGTH)
    return rows.view(np.uint64)

"""The book of a shard: its positions and what they look at as flat arrays, without a Python object per user.

Positions live in *slots*. Slots come in *pages* of `PAGE`; a page belongs to one *cohort*, the strategies of one
ticker and one shape, so a new strategy goes into the next free slot of its cohort and nothing is ever moved. Up to
`CHAPTER` pages of a cohort are a *chapter*. Each page, chapter and cohort knows the outermost prices at which one of
its positions would act: a batch whose prices stay inside rules out 32 users, 1,024, or all of a shape, with a few
comparisons.

What rules look at is shared: a *clock* makes the bars of one length and session of a ticker, a *series* is an
indicator on a clock, a *signal* a condition of the market on a clock; whoever asks for the same one gets the same one.

What the engine scans (`triggers`) is apart from what it needs of a position that acts (`positions`, one record of a
cache line) and from what never changes (`names`, `parameters`, `terms_of`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from riskcontrol.code import Library
from riskcontrol.machine import COLUMNS, OUTPUTS, Code
from riskcontrol.rows import Names
from riskcontrol.shape import PARAMETERS, read_shape
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH
from riskcontrol.terms import Terms
from riskcontrol.trades import TICKER_LENGTH

PAGE = 32
"""Slots in a page."""

CHAPTER = 32
"""Pages in a chapter. For one who acts, a page and a chapter are looked at, cold when there are many: 64 of both took
twice the time with ten million users (`riskcontrol bench engine --part crowd`), sixteen of both no less."""

NEVER_BELOW = np.iinfo(np.int64).min
"""As `below`: no price is low enough."""
NEVER_ABOVE = np.iinfo(np.int64).max
"""As `above`: no price is high enough. As `below`: any price will do. As `wake`: at no time."""


TRIGGER = np.dtype([(name, "i8") for name in ("below", "above", "gated_below", "gated_above", "wake")])
"""When a position acts: on a driving trade at or below, or at or above, a price; the same of trades on which one of
its rules' market conditions holds; on one at or after a time (nanoseconds UTC)."""

_SUMMARY = [*TRIGGER.descr, ("flat", "i4"), ("holding", "i4")]
"""Of a page or a cohort: outermost triggers, and how many that run hold no shares or some."""

POSITION = np.dtype(
    [
        *((name, "i8") for name in ("reference", "cash", "shares", "entry", "peak", "entered", "time")),
        ("fills", "i4"),
        *((name, "i1") for name in ("order", "status", "reason", "pad")),
    ]
)
"""A position. `reference` is 0 until it has seen a trade; `entry`, `peak` and `entered` are of the shares held;
`time` is that of its last fill, first trade or stop; `reason` belongs to the order."""

SCORE = np.dtype([("cash", "i8"), ("trips", "i8"), *((f"sum{power}", "f8") for power in range(1, 5))])
"""What a position has shown: cash that it was opened with, round trips, and the sums of the first four powers of their
returns."""

PAGE_RECORD = np.dtype([*_SUMMARY, *((name, "i4") for name in ("cohort", "ticker", "next", "used", "chapter", "pad"))])
"""A page: its summary, cohort and ticker, the cohort's next page (-1: none), slots in use, chapter."""

CHAPTER_RECORD = np.dtype([*_SUMMARY, *((name, "i4") for name in ("next", "first", "used", "pad"))])
"""A chapter: its summary, the cohort's next chapter (-1: none), first page and how many of the cohort's pages."""

COHORT = np.dtype(
    [*_SUMMARY, *((name, "i4") for name in ("ticker", "shape", "next", "last", "clock", "bind", "chapter", "pad"))]
)
"""A cohort: its summary; ticker, shape, the ticker's next cohort (-1: none), last page, clock (-1: it looks at no
bars), where in `bindings` its signals and then its series are, and first chapter."""

BAR_FIELDS = ("open", "high", "low", "close", "volume", "notional", "trades")

CLOCK = np.dtype(
    [(name, "i4") for name in ("ticker", "every", "session", "next", "series", "signal", "fresh", "pad")]
    + [(name, "i8") for name in ("start", *BAR_FIELDS)]
)
"""A clock: ticker, seconds of a bar, session, the ticker's next clock, its first series and signal (-1: none),
whether a bar has closed since the last driving trade, and the open bar."""

SERIES = np.dtype([(name, "i4") for name in ("clock", "next", "code", "source", "words", "pad")] + [("state", "i8")])
"""A series: clock, the clock's next series (-1: none), indicator, column, words of state and where they are."""

SIGNAL = np.dtype([(name, "i4") for name in ("clock", "next", "formula", "bind")])
"""A signal: clock, the clock's next signal (-1: none), formula, where in `bindings` its series are."""

TICKER = np.dtype(
    [
        ("ticker", f"S{TICKER_LENGTH}"),
        ("price", "i8"),
        ("time", "i8"),
        ("latest", "i8"),
        ("cohort", "i4"),
        ("clock", "i4"),
        ("bar", "i8"),
        *[(field, "i8") for field in BAR_FIELDS],
    ]
)
"""A ticker: last driving trade, latest time of any trade, first cohort and clock (-1: none), its open bar of a
minute."""

DAY = np.dtype([(name, "i8") for name in ("day", *BAR_FIELDS)])
"""A ticker's day: its New York date (days since 1970), and the bar of its closed minutes (`riskcontrol/days.py`)."""

SPLIT = np.dtype([("time", "i8"), *((name, "i4") for name in ("ticker", "numerator", "denominator", "state"))])
"""A split: when it takes effect, ticker, new shares, for how many old ones, `SplitState`."""

TEXT = np.dtype([("start", "i8"), ("length", "i8")])
"""Where in `texts` a shape's text is."""

NAME_WORDS = (USERNAME_LENGTH + NAME_LENGTH) // 8
_USERNAME_WORDS = USERNAME_LENGTH // 8
TERMS_FIELDS = len(Terms().as_row())

_SLOT, _PAGES = "strategies", "pages"

TABLES: dict[str, tuple[np.dtype, tuple[int, ...], str]] = {
    "triggers": (TRIGGER, (), _SLOT),
    "positions": (POSITION, (), _SLOT),
    "scores": (SCORE, (), _SLOT),
    "names": (np.dtype("u8"), (NAME_WORDS,), _SLOT),
    "parameters": (np.dtype("f8"), (PARAMETERS,), _SLOT),
    "terms_of": (np.dtype("i4"), (), _SLOT),
    "pages": (PAGE_RECORD, (), _PAGES),
    "chapters": (CHAPTER_RECORD, (), "chapters"),
    "tickers": (TICKER, (), "tickers"),
    "days": (DAY, (), "tickers"),
    "cohorts": (COHORT, (), "cohorts"),
    "clocks": (CLOCK, (), "clocks"),
    "clock_bars": (np.dtype("f8"), (2, COLUMNS), "clocks"),
    "series": (SERIES, (), "series"),
    "series_parameters": (np.dtype("f8"), (OUTPUTS,), "series"),
    "series_values": (np.dtype("f8"), (2, OUTPUTS), "series"),
    "states": (np.dtype("f8"), (), "states"),
    "signals": (SIGNAL, (), "signals"),
    "bindings": (np.dtype("i4"), (), "bindings"),
    "terms": (np.dtype("i8"), (TERMS_FIELDS,), "terms"),
    "splits": (SPLIT, (), "splits"),
    "shapes": (TEXT, (), "shapes"),
    "texts": (np.dtype("u1"), (), "texts"),
    "index": (np.dtype("i4"), (), "index"),
}
"""The arrays of a book: element type, shape of an element, and what their rows are."""

COUNTED = (
    "pages", "chapters", "tickers", "strategies", "cohorts", "clocks", "series", "states", "signals", "bindings",
    "terms", "splits", "shapes", "texts",
)  # fmt: skip
"""What `Book.counts` counts, in order."""


class Book:
    """The positions, tickers and indicators of one shard.

    Attributes:
        counts: Rows in use of each of `COUNTED`.
        triggers: By slot: `TRIGGER`.
        positions: By slot: `POSITION`.
        scores: By slot: `SCORE`.
        names: By slot: username and strategy name as NUL-padded words, see `usernames`.
        parameters: By slot: the numbers of the shape.
        terms_of: By slot: row of `terms`.
        pages, chapters, cohorts, clocks, series, signals, tickers: Their records.
        days: By ticker: `DAY`.
        clock_bars: By clock: the bar before the last closed one and the last closed one, NaN without one.
        series_parameters: By series.
        series_values: By series: values before the last closed bar and at it, NaN without one.
        states: The states of all series, one after the other.
        bindings: Numbers of signals and series that cohorts and signals mean.
        terms: Rows of `riskcontrol.terms.Terms.as_row`, each once.
        splits: All that have come in time: a second one of the same ticker and time is known by it.
        shapes, texts: The shapes' texts.
        index: Open-addressed hash table from (username, name, ticker) to slot + 1; 0 is free.

    >>> book = Book()
    >>> book.reserve(strategies=100, tickers=2, cohorts=2)
    >>> len(book.triggers) >= 100
    True
    """

    triggers: NDArray[np.void]
    positions: NDArray[np.void]
    scores: NDArray[np.void]
    names: NDArray[np.uint64]
    parameters: NDArray[np.float64]
    terms_of: NDArray[np.int32]
    pages: NDArray[np.void]
    chapters: NDArray[np.void]
    tickers: NDArray[np.void]
    days: NDArray[np.void]
    cohorts: NDArray[np.void]
    clocks: NDArray[np.void]
    clock_bars: NDArray[np.float64]
    series: NDArray[np.void]
    series_parameters: NDArray[np.float64]
    series_values: NDArray[np.float64]
    states: NDArray[np.float64]
    signals: NDArray[np.void]
    bindings: NDArray[np.int32]
    terms: NDArray[np.int64]
    splits: NDArray[np.void]
    shapes: NDArray[np.void]
    texts: NDArray[np.uint8]
    index: NDArray[np.int32]

    def __init__(self, library: Library | None = None) -> None:
        for name, (dtype, shape, _) in TABLES.items():
            setattr(self, name, np.zeros((0, *shape), dtype))
        self.counts = np.zeros(len(COUNTED), np.int64)
        self._library = Library() if library is None else library

    def count(self, unit: str) -> int:
        """Return how many rows of one of `COUNTED` are in use."""
        return int(self.counts[COUNTED.index(unit)])

    def take(self, unit: str, rows: int = 1) -> int:
        """Take so many rows into use and return the first; call `reserve` before."""
        place = COUNTED.index(unit)
        self.counts[place] += rows
        return int(self.counts[place]) - rows

    @property
    def strategies(self) -> int:
        """How many strategies have been opened in it."""
        return self.count("strategies")

    def reserve(self, **more: int) -> None:
        """Make room for so many more of `COUNTED`, so that the engine need not grow anything while it runs."""
        if new := more.pop("strategies", 0):
            # Each new strategy may need a page of its own only if its cohort has none or a full one.
            cohorts = self.count("cohorts") + more.get("cohorts", 0)
            more["pages"] = min(new, cohorts + new // PAGE)
            more["chapters"] = min(more["pages"], cohorts + more["pages"] // CHAPTER)
        for unit, wanted in more.items():
            needed, has = self.count(unit) + wanted, self._room(unit)
            if needed > has:
                rows = max(needed, has * 2, 16)
                for name in _BY_UNIT[unit]:
                    self.resize(name, rows)
                for name in _BY_UNIT["strategies"] if unit == "pages" else ():
                    self.resize(name, rows * PAGE)
        if (needed := self.strategies + new) * 2 > len(self.index):
            self.reindex(1 << max(10, int(needed * 4 - 1).bit_length()))

    def _room(self, unit: str) -> int:
        """Return how many rows of a unit there is room for."""
        # The least of the tables counts: one may have more room than the others (files that a kill left longer).
        room = min(len(getattr(self, name)) for name in _BY_UNIT[unit])
        return min(room, self._room("strategies") // PAGE) if unit == "pages" else room

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
        index_slots(self.index, self.names, self.pages, self.count("pages"))

    def library(self) -> Library:
        """Return the compiled shapes, up to the last one opened."""
        library = self._library
        for number in range(len(library.texts), self.count("shapes")):
            where = self.shapes[number]
            text = self.texts[where["start"] : where["start"] + where["length"]].tobytes().decode()
            library.add(text, read_shape(text))
        return library

    def shape_number(self, text: str) -> int:
        """Return the number of a shape, taking it in if it is new.

        Raises:
            StrategyError: It isn't the text of a shape.
        """
        library = self.library()
        number = library.numbers.get(text)
        if number is None:
            shape, data = read_shape(text), np.frombuffer(text.encode(), np.uint8)
            self.reserve(shapes=1, texts=len(data))
            start = self.take("texts", len(data))
            self.texts[start : start + len(data)] = data
            self.shapes[self.take("shapes")] = (start, len(data))
            number = library.add(text, shape)
        return number

    def code(self) -> Code:
        """Return the compiled shapes as tables."""
        return Code(*self.library().tables())

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
        used = self.pages["used"][: self.count("pages")]
        return np.flatnonzero(np.arange(PAGE) < used[:, None]).astype(np.int64)


_BY_UNIT: dict[str, list[str]] = {
    unit: [name for name, table in TABLES.items() if table[2] == unit] for unit in COUNTED
}


def name_words(usernames: Names, names: Names) -> NDArray[np.uint64]:
    """Return usernames and strategy names as rows of words, the form that `Book.names` keeps."""
    rows = np.empty((len(usernames), USERNAME_LENGTH + NAME_LENGTH), np.uint8)
    rows[:, :USERNAME_LENGTH] = usernames.astype(f"S{USERNAME_LENGTH}").view(np.uint8).reshape(-1, USERNAME_LENGTH)
    rows[:, USERNAME_LENGTH:] = names.astype(f"S{NAME_LENGTH}").view(np.uint8).reshape(-1, NAME_LENGTH)
    return rows.view(np.uint64)

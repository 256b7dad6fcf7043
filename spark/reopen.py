"""Going on without state, snapshot, or a tape that has its beginning: from what the tables hold.

The tables have every strategy and, at the offset of a shard's watermark, the position of each that has seen a trade.
They lack what no row says: an order that waits for its fill, the states of indicators, the open bar of a minute, a
split still to come. docs/design.md tells what may differ.
"""

from __future__ import annotations

import datetime as dt
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from database.reads import Reader
from database.session import connect
from database.standing import Key, Standing, standing
from database.writes import Writer
from ingestion.topic import partition_of
from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode, openings_batch
from riskcontrol.book import NEVER_ABOVE, NEVER_BELOW, PAGE, POSITION, Book
from riskcontrol.engine import Touched, advance
from riskcontrol.errors import StateError
from riskcontrol.newyork import date_of
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.states import Status
from spark.state import ShardStore
from spark.task import Work, advance_shard

log = logging.getLogger("riskcontrol.stream")

_ASIDE = "reopened"
_BLOCK = 8_192
_NO_TRADE = (NEVER_BELOW, NEVER_ABOVE, NEVER_BELOW, NEVER_ABOVE, NEVER_ABOVE)
_ANY_TRADE = (NEVER_ABOVE, NEVER_ABOVE, NEVER_BELOW, NEVER_ABOVE, NEVER_ABOVE)


def reopen(settings: Settings, state: Path, tape: str, shards: int, begins: dict[int, int]) -> None:
    """Make the state of shards from the tables.

    Args:
        settings: Brokers and database.
        state: Folder of the shards' state.
        tape: Id of the topic.
        shards: How many the tape has.
        begins: Of the shards that are to be made: the first offset that the tape still holds.

    Raises:
        StateError: The tape no longer holds what comes next.
        ServerError: Brokers or database don't answer.
    """
    session = connect(settings)
    marks = Writer(session).watermarks(tape)
    for shard, begin in begins.items():
        if marks.get(shard, 0) < begin:
            raise StateError(
                f"the tables stand at offset {marks.get(shard, 0)}, but the tape begins at {begin}: the trades between "
                "are lost",
                shard=shard,
            )
    aside = state / _ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    reader = Reader(session)
    for shard, found in standing(session, lambda ticker: partition_of(ticker, shards), list(begins)).items():
        reopened = _Shard(settings, ShardStore(aside, shard, tape), shards, marks[shard], found, reader)
        reopened.begin()
        reopened.catch_up()
        # Each is made aside and put in place whole: cut short, it is not there.
        place = ShardStore(state, shard, tape).folder
        shutil.rmtree(place, ignore_errors=True)
        reopened.store.folder.rename(place)
        log.warning("shard %d: %d strategies reopened from the tables at offset %d; orders that waited are lost and "
                    "indicators begin anew", shard, len(found.strategies), marks[shard])  # fmt: skip
    shutil.rmtree(aside, ignore_errors=True)


class _Shard:
    def __init__(
        self, settings: Settings, store: ShardStore, shards: int, mark: int, found: Standing, reader: Reader
    ) -> None:
        self.settings = settings
        self.store = store
        self._shards = shards
        self._mark = mark
        self._reader = reader
        # What the batch that was cut short has opened, the tape opens again.
        self._strategies = {key: row for key, (row, version) in found.strategies.items() if version <= mark}
        self._positions = {key: found.positions[key] for key in self._strategies if key in found.positions}
        self._versions = sorted({version for _, version in self._positions.values() if version > mark})

    def begin(self) -> None:
        """Open all strategies at the watermark; those that the batch cut short has taken further wait for it."""
        rows = list(self._strategies.values())
        with self.store.locked():
            before = self.store.recover()
            book = self.store.book(before)
            outcome = advance(book, [_opening(rows[i : i + _BLOCK]) for i in range(0, len(rows), _BLOCK)])
            last = self._put_marks(book)
            slots = _slots(book)
            keys = list(self._positions)
            records = self._records(keys)
            records["status"][[self._positions[key][1] > self._mark for key in keys]] = Status.HALTED
            put_back(book, np.array([slots[key] for key in keys], np.int64), records)
            after = replace(before, next=self._mark, counts=tuple(book.counts.tolist()), last_time=last)
            self.store.commit(book, outcome.touched, before, after)

    def catch_up(self) -> None:
        """Lead the others to where those stand that the batch cut short has taken further, and let these go on."""
        store = self.store
        at = self._mark
        for version in self._versions:
            work = Work(self.settings, store.folder.parent, store.tape, store.shard, self._shards, at, version)
            at = advance_shard(work).next
            keys = [key for key, (_, reached) in self._positions.items() if reached == version]
            with store.locked():
                meta = store.recover()
                book = store.book(meta)
                slots = _slots(book)
                where = np.array(sorted(slots[key] for key in keys), np.int64)
                by_slot = {slots[key]: key for key in keys}
                put_back(book, where, self._records([by_slot[slot] for slot in where.tolist()]))
                every = {name: np.arange(book.count(name)) for name in ("pages", "chapters", "cohorts")}
                touched = Touched({"positions": where, "triggers": where, **every}, np.empty(0, np.int64))
                store.commit(book, touched, meta, meta)

    def _records(self, keys: Sequence[Key]) -> NDArray[np.void]:
        records = np.zeros(len(keys), POSITION)
        for record, key in zip(records, keys, strict=True):
            row, _ = self._positions[key]
            for name in ("reference", "cash", "shares", "entry", "entered", "time", "fills"):
                record[name] = getattr(row, name)
            record["status"] = Status[row.status.upper()]
        self._put_peaks(keys, records)
        return records

    def _put_peaks(self, keys: Sequence[Key], records: NDArray[np.void]) -> None:
        """Put the highest known price since they were bought to positions whose rules look at it."""
        held: dict[str, list[int]] = {}
        for i, key in enumerate(keys):
            records[i]["peak"] = records[i]["entry"]
            strategy = self._strategies[key]
            if records[i]["shares"] and (strategy.terms.trailing_stop or "peak" in strategy.shape):
                held.setdefault(key[2], []).append(i)
        marks = self._reader.marks()
        for ticker, rows in held.items():
            since = int(records["entered"][rows].min())
            newest, last = marks.get(ticker, (since, 0))
            bars = self._reader.bars(ticker, _days(since, newest))
            times, highs = bars["time"].to_numpy(), bars["high"].to_numpy()
            for i in rows:
                # The minute in which it was bought has prices of before.
                later = highs[times > records[i]["entered"]]
                records[i]["peak"] = max(int(records[i]["entry"]), int(later.max(initial=0)), last)

    def _put_marks(self, book: Book) -> int:
        """Put the tickers' last prices in place and return the newest one's time."""
        marks = self._reader.marks()
        tickers = book.tickers[: book.count("tickers")]
        for number, name in enumerate(tickers["ticker"].tolist()):
            time, price = marks.get(name.decode("ascii"), (0, 0))
            for column, value in (("price", price), ("time", time), ("latest", time)):
                tickers[column][number] = value
        return int(tickers["time"].max(initial=0))


def put_back(book: Book, slots: NDArray[np.int64], records: NDArray[np.void]) -> None:
    """Give positions that are open another state; those that run look at the next trade.

    Args:
        book: Changed in place; the triggers of its pages must be as wide as opening has left them.
        slots: Of the positions.
        records: `riskcontrol.book.POSITION`.
    """
    book.positions[slots] = records
    runs = records["status"] == Status.RUNNING
    book.triggers[slots[runs]] = np.array(_ANY_TRADE, book.triggers.dtype)
    book.triggers[slots[~runs]] = np.array(_NO_TRADE, book.triggers.dtype)
    count = book.count("pages")
    pages, chapters, cohorts = (book.pages[:count], book.chapters[: book.count("chapters")],
                                book.cohorts[: book.count("cohorts")])  # fmt: skip
    used = np.arange(PAGE) < pages["used"][:, None]
    state = book.positions[: count * PAGE].reshape(count, PAGE)
    running = used & (state["status"] == Status.RUNNING)
    pages["holding"] = (running & (state["shares"] > 0)).sum(axis=1)
    pages["flat"] = (running & (state["shares"] == 0)).sum(axis=1)
    for part, of in ((chapters, "chapter"), (cohorts, "cohort")):
        for side in ("holding", "flat"):
            part[side] = np.bincount(pages[of], pages[side], len(part))
    # Wide enough for whoever runs: the next batch makes them as narrow as they may be.
    for part in (pages, chapters, cohorts):
        part["below"], part["above"] = NEVER_ABOVE, NEVER_ABOVE


def _opening(rows: Sequence[object]) -> Openings:
    """Return an opening as it comes off the tape."""
    decoded = decode(encode(openings_batch(rows, time=0)), OPENINGS_HEADERS)  # type: ignore[arg-type]
    assert isinstance(decoded, Openings)  # noqa: S101  narrows the type
    return decoded


def _slots(book: Book) -> dict[Key, int]:
    used = book.used_slots()
    columns = (book.usernames(used), book.strategy_names(used), book.slot_tickers(used))
    names = zip(*(column.astype("U").tolist() for column in columns), strict=True)
    return dict(zip(names, used.tolist(), strict=True))


def _days(first: int, last: int) -> list[dt.date]:
    """Return the New York dates from one time to another, nanoseconds UTC."""
    begin, end = (date_of(time) for time in (first, max(first, last)))
    return [begin + dt.timedelta(days=n) for n in range((end - begin).days + 1)]

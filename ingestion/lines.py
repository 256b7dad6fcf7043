"""What has been learnt of a trade file so far, and by it, the trades of its next block."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion import kernel, verdicts
from ingestion.calendar import EPOCH, day
from ingestion.conditions import Tape, classify
from ingestion.layout import Layout
from riskcontrol.errors import InputError
from riskcontrol.trades import MAX_TIME, NS_PER_SECOND, TICKER_PATTERN, TRADES

MOST_SYMBOLS = 65_536
MOST_CONDITIONS = 4_096
MOST_DAYS = 1_024


class _Names:
    """Distinct short texts of a file, numbered by the kernel in the order it meets them.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int) -> None:
        self.keys = np.zeros((most, 2), np.uint64)
        self.count = np.zeros(1, np.int64)
        # The seed keeps whoever makes up symbols from knowing which of them collide.
        seed = np.uint64(secrets.randbits(64))
        self.table = (self.keys, np.full(4 * most, -1, np.int32), self.count, seed)

    def since(self, number: int) -> list[str]:
        """Return the texts from this number on."""
        new = self.keys[number : self.count[0]].astype("<u8")
        return [key.tobytes().rstrip(b"\0").decode("latin-1") for key in new]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """A block of text, line by line.

    Attributes:
        text: The block.
        facts: What `kernel.cut` read of each line, ``int64[lines, kernel.FACTS]``.
        verdict: What became of each line, ``uint8[lines]``, as `ingestion.verdicts` numbers it.
        trades: Those that stand, schema `TRADES`.
    """

    text: bytes
    facts: NDArray[np.int64]
    verdict: NDArray[np.uint8]
    trades: pa.RecordBatch

    def line(self, number: int) -> bytes:
        """Return the text of a line, counted from 0."""
        return self.text[self.facts[number, kernel.START] : self.facts[number, kernel.STOP]]


class LineReader:
    """Reads the lines of one trade file, once.

    Args:
        layout: How to read its lines.
        today: The day of all its lines, where they don't tell their own.
        source: Name of the file, for errors.
    """

    def __init__(self, layout: Layout, today: dt.date | None, source: str) -> None:
        if today is None and not layout.dated:
            raise InputError("nothing tells its day; name it ..._YYYYMMDD.gz", source=source)
        self.source = source
        self.layout = layout
        self.ended = False
        self._today = -1 if today is None or layout.dated else (today - EPOCH).days
        self._symbols, self._conditions = _Names(MOST_SYMBOLS), _Names(MOST_CONDITIONS)
        self._tickers: list[str] = []
        self._are_tickers = np.zeros(MOST_SYMBOLS, np.bool_)
        self._letters = np.zeros(2 * MOST_CONDITIONS, np.uint8)
        self._classified = 0
        self._slots = np.full(MAX_TIME // (86_400 * NS_PER_SECOND) + 1, -1, np.int16)
        self._midnights = np.zeros((0, 24), np.int64)
        self._sessions = np.zeros((0, 2), np.int64)
        self._led = np.zeros((0, MOST_SYMBOLS), np.bool_)

    def read(self, text: bytes) -> Lines:
        """Read the next block of whole lines.

        Raises:
            InputError: The file has more days than a file may have.
        """
        room = text.count(b"\n") + 1
        facts, verdict = np.empty((room, kernel.FACTS), np.int64), np.empty(room, np.uint8)
        count = kernel.cut(
            np.frombuffer(text, np.uint8),
            self.layout.roles,
            self.layout.delimiter[0],
            self.layout.quoted,
            self._today,
            self._symbols.table,
            self._conditions.table,
            facts,
            verdict,
        )
        facts, verdict = facts[:count], verdict[:count]
        self._end(verdict)
        self._learn(facts, verdict)
        out, flags = np.empty((5, count), np.int64), np.empty(count, np.uint8)
        trades = kernel.assemble(
            facts,
            verdict,
            self._are_tickers,
            self._letters,
            self._slots,
            self._midnights,
            self._sessions,
            self._led,
            out,
            flags,
        )
        return Lines(text, facts, verdict, self._batch(out[:, :trades], flags[:trades]))

    def _end(self, verdict: NDArray[np.uint8]) -> None:
        """Mark what follows the trailer."""
        ends = np.flatnonzero(verdict == verdicts.TRAILER)
        rest = verdict if self.ended else verdict[ends[0] + 1 :] if len(ends) else verdict[:0]
        rest[rest != verdicts.BLANK] = verdicts.AFTER_TRAILER
        self.ended |= len(ends) > 0

    def _learn(self, facts: NDArray[np.int64], verdict: NDArray[np.uint8]) -> None:
        """Judge the symbols, conditions and days that this block is the first to show."""
        for ticker in self._symbols.since(len(self._tickers)):
            self._are_tickers[len(self._tickers)] = TICKER_PATTERN.fullmatch(ticker) is not None
            self._tickers.append(ticker)
        for condition in self._conditions.since(self._classified):
            at = 2 * self._classified
            self._letters[at : at + 2] = [classify(condition, tape) for tape in Tape]
            self._classified += 1
        days = np.array([self._today]) if self._today >= 0 else facts[verdict == verdicts.GOOD, kernel.DAY]
        for number in np.flatnonzero(np.bincount(days, minlength=1)):
            if self._slots[number] < 0:
                self._add_day(int(number))

    def _add_day(self, number: int) -> None:
        slot = len(self._sessions)
        if slot == MOST_DAYS:
            raise InputError(f"more than {MOST_DAYS:,} different days in one file; split it", source=self.source)
        new = day(EPOCH + dt.timedelta(days=number))
        self._slots[number] = slot
        self._midnights = np.vstack([self._midnights, new.midnights])
        self._sessions = np.vstack([self._sessions, [new.opens, new.closes]])
        if slot == len(self._led):
            self._led = np.vstack([self._led, np.zeros((max(1, slot), MOST_SYMBOLS), np.bool_)])

    def _batch(self, out: NDArray[np.int64], flags: NDArray[np.uint8]) -> pa.RecordBatch:
        # A batch carries the names of its own tickers only.
        met = np.zeros(len(self._tickers), np.bool_)
        met[out[0]] = True
        places = np.cumsum(met, dtype=np.int32) - np.int32(1)
        names = pa.array([self._tickers[number] for number in np.flatnonzero(met)], pa.utf8())
        ticker = pa.DictionaryArray.from_arrays(pa.array(places[out[0]]), names)
        _, time, price, size, sequence = (pa.array(column) for column in out)
        return pa.record_batch([ticker, time, price, size, pa.array(flags), sequence], schema=TRADES)

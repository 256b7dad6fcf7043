"""Tables as a day of the stream leaves them: strategies, positions, fills, bars and packed rows that fit together."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.progress import BarColumn, TaskProgressColumn, TextColumn

from database import frequencies, generator
from database.session import connect
from database.writes import Writer
from ingestion.topic import partition_of
from riskcontrol.blocks import encode
from riskcontrol.days import encode_day
from riskcontrol.leaders import BINS, MOST, NOBODY, Leaders, Ranking, encode_leaders
from riskcontrol.newyork import NEW_YORK
from riskcontrol.progress import on_terminal
from riskcontrol.rows import Accepted, Bars, Columns, Fills, Positions
from riskcontrol.settings import Settings
from riskcontrol.standing import bin_of
from riskcontrol.states import Reason
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from spark.task import MARKS

DAY = dt.date(2024, 3, 5)
OPEN = int(dt.datetime.combine(DAY, dt.time(9, 30), NEW_YORK).timestamp()) * NS_PER_SECOND
DAY_TRADES = 68_100_000
"""Trades of all tickers on such a day: how often one trades decides how many of its minutes have a bar."""
MOVE = 0.02
"""A day's standard deviation of a price."""
PIECE = 20_000
"""Rows that are written at a time, as the row writer does."""
BATCHES = 3_600
"""Batches of a second before now."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is.

    Args:
        users: Strategies, one a user, as `riskcontrol users generate` draws them.
        tickers: Companies.
        fills: Of each strategy.
        minutes: Of the day.
        seed: Of all of it.
    """

    users: int = 100_000
    tickers: int = 8_000
    fills: int = 20
    minutes: int = 390
    seed: int = 1


class Day:
    """A day's rows.

    Args:
        size: How much there is.
        shards: Of the tape.

    Attributes:
        openings: The strategies, by ticker.
        prices: Of each ticker at the end of each minute, micro-dollars, shape (tickers, minutes).
    """

    def __init__(self, size: Size, shards: int) -> None:
        self.size = size
        shares = frequencies.simulated(size.tickers, size.seed)
        self.names = sorted(shares)
        self.shards = np.array([partition_of(name, shards) for name in self.names])
        self.openings = generator.draw(size.users, size.seed, shares)
        rng = np.random.default_rng(size.seed)
        share = np.array([shares[name] for name in self.names])
        self._rate = np.maximum(share / share.sum() * DAY_TRADES / 390, 1e-3)
        steps = rng.normal(0, MOVE / np.sqrt(390), (size.tickers, size.minutes)).cumsum(axis=1)
        first = np.exp(rng.normal(3.5, 0.8, (size.tickers, 1)))
        self.prices = np.maximum(np.rint(first * np.exp(steps) * 100), 1).astype(np.int64) * 10_000
        self.ticker = np.searchsorted(np.array(self.names, "S16"), self.openings.ticker)
        self._rng = rng
        self.end = OPEN + size.minutes * NS_PER_MINUTE

    def bars(self) -> Bars:
        """Return the bars of every minute in which a ticker traded, in the order of time."""
        rng = self._rng
        ticker, minute = np.nonzero(rng.random(self.prices.shape) < 1 - np.exp(-self._rate)[:, None])
        order = np.argsort(minute, kind="stable")
        ticker, minute = ticker[order], minute[order]
        close = self.prices[ticker, minute]
        first = self.prices[ticker, np.maximum(minute - 1, 0)]
        trades = np.maximum(rng.poisson(self._rate[ticker]), 1)
        volume = trades * rng.integers(50, 250, len(trades))
        spread = rng.integers(0, 4, (2, len(trades))) * 10_000
        return Bars(
            ticker=np.array(self.names, "S16")[ticker],
            time=OPEN + minute * NS_PER_MINUTE,
            open=first,
            high=np.maximum(first, close) + spread[0],
            low=np.maximum(np.minimum(first, close) - spread[1], 10_000),
            close=close,
            volume=volume,
            notional=volume * close,
            trades=trades,
        )

    def fills(self) -> tuple[Fills, Positions]:
        """Return every strategy's fills, purchases and sales in turn, in the order of time; and what came of them."""
        count, users = self.size.fills, self.size.users
        times = np.sort(self._rng.random((users, count), np.float32), axis=1) * (self.size.minutes * 60)
        seconds = times.astype(np.int64)
        cash, shares = self.openings.cash.copy(), np.zeros(users, np.int64)
        columns: dict[str, list[NDArray[np.int64]]] = {name: [] for name in ("price", "shares", "cash")}
        for number in range(count):
            price = self.prices[self.ticker, seconds[:, number] // 60]
            traded = cash // price if number % 2 == 0 else -shares
            cash, shares = cash - traded * price, shares + traded
            for name, column in (("price", price), ("shares", traded), ("cash", cash)):
                columns[name].append(column)
        at = OPEN + seconds * NS_PER_SECOND
        numbers = np.broadcast_to(np.arange(count), (users, count)).ravel()
        order = np.argsort(at.ravel(), kind="stable")
        user = np.repeat(np.arange(users), count)[order]
        drawn: dict[str, Any] = {name: np.column_stack(parts).ravel()[order] for name, parts in columns.items()}
        fills = Fills(
            **self._named(user),
            number=numbers[order] + 1,
            time=at.ravel()[order],
            fee=np.zeros(len(order), np.int64),
            sequence=np.arange(1, len(order) + 1),
            reason=np.where(drawn["shares"] > 0, Reason.BUY, Reason.SELL).astype(np.int8),
            **drawn,
        )
        last, entry = columns["price"][-1], np.where(shares > 0, columns["price"][-1], 0)
        positions = Positions(
            **self._named(np.arange(users)),
            time=at[:, -1],
            cash=cash,
            shares=shares,
            reference=last,
            entry=entry,
            entered=np.where(shares > 0, at[:, -1], 0),
            fills=np.full(users, count),
            status=np.zeros(users, np.int8),
        )
        return fills, positions

    def leaders(self, positions: Positions, shard: int) -> Leaders:
        """Return who leads in a shard at the day's end."""
        own = np.flatnonzero(self.shards[self.ticker] == shard)
        value = positions.cash[own] + positions.shares[own] * self.prices[self.ticker[own], -1]
        gain = value / self.openings.cash[own] - 1.0
        counts = np.bincount([bin_of(each) for each in gain.tolist()], minlength=BINS)
        best = np.argsort(-gain, kind="stable")[:MOST]
        ranking = Ranking(
            **self._named(own[best]),
            gain=gain[best],
            evidence=np.sort(self._rng.normal(2, 0.5, len(best)))[::-1],
            value=value[best],
            trips=positions.fills[own[best]] // 2,
        )
        return Leaders(self.end - NS_PER_MINUTE, ranking, ranking, counts)

    def marks(self, shard: int, time: int, prices: NDArray[np.int64]) -> bytes:
        """Return a shard's last prices, packed as the job does."""
        own = np.flatnonzero(self.shards == shard)
        names = pa.array([self.names[i] for i in own.tolist()], pa.utf8())
        times = pa.array(np.full(len(own), time))
        return encode(pa.record_batch([names, pa.array(prices[own]), times], schema=MARKS))

    def days(self, bars: Bars, shard: int) -> bytes:
        """Return the day so far of a shard's tickers, packed as the job does."""
        number = np.searchsorted(np.array(self.names, "S16"), bars.ticker)
        rows = bars.take(self.shards[number] == shard)
        rows = rows.take(np.argsort(rows.ticker, kind="stable"))
        starts = np.flatnonzero(np.r_[True, rows.ticker[1:] != rows.ticker[:-1]])
        ends = np.r_[starts[1:], len(rows)] - 1
        sums = {name: np.add.reduceat(getattr(rows, name), starts) for name in ("volume", "notional", "trades")}
        return encode_day(Bars(
            rows.ticker[starts], np.full(len(starts), self.end - NS_PER_MINUTE), rows.open[starts],
            np.maximum.reduceat(rows.high, starts), np.minimum.reduceat(rows.low, starts), rows.close[ends], **sums,
        ))  # fmt: skip

    def _named(self, user: NDArray[np.int64]) -> dict[str, Any]:
        widths = {name: getattr(NOBODY, name).dtype for name in ("username", "name", "ticker")}
        return {name: getattr(self.openings, name)[user].astype(width) for name, width in widths.items()}


def fill(settings: Settings, day: Day) -> dict[str, int]:
    """Write a day's rows as the job writes them, and return how many there are by table.

    Raises:
        ServerError: The database doesn't take them.
    """
    fills, positions = day.fills()
    bars = day.bars()
    users = day.openings
    with Writer(connect(settings)) as writer:
        generator.register(writer, users, on_done=lambda _: None)
        for piece in _pieces(users, "strategies"):
            writer.strategies(Accepted.of(piece, np.zeros(len(piece), np.int64)), version=1)
        for piece in _pieces(bars, "bars"):
            writer.bars(piece)
        for piece in _pieces(fills, "fills"):
            writer.fills(piece)
        for piece in _pieces(positions, "positions"):
            writer.positions(piece, version=2)
        for shard in range(settings.shards):
            writer.leaders(shard, day.end - NS_PER_MINUTE, encode_leaders(day.leaders(positions, shard)))
            writer.day(shard, day.end - NS_PER_MINUTE, day.days(bars, shard), version=2)
            writer.marks(shard, day.marks(shard, day.end - NS_PER_SECOND, day.prices[:, -1]), version=2)
        now = dt.datetime.now(dt.UTC)
        for back in range(BATCHES, 0, -1):
            _batch(writer, now - dt.timedelta(seconds=back), day.end - back * NS_PER_SECOND)
    return {"strategies": len(users), "positions": len(positions), "fills": len(fills), "bars": len(bars)}


@contextmanager
def moving(settings: Settings, day: Day) -> Iterator[None]:
    """Let the tables move as while the stream runs: each second a batch, and new last prices of every ticker."""
    stop = threading.Event()
    writer, rng = Writer(connect(settings)), np.random.default_rng(day.size.seed)

    def run() -> None:
        prices, version, due = day.prices[:, -1].copy(), 3, time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            due += 1.0
            version += 1
            prices = np.maximum(prices + rng.integers(-2, 3, len(prices)) * 10_000, 10_000)
            for shard in range(settings.shards):
                # The day's last minute goes on: a new one would ask for rows that nobody writes.
                writer.marks(shard, day.marks(shard, day.end - NS_PER_SECOND + version, prices), version=version)
            _batch(writer, dt.datetime.now(dt.UTC), day.end - NS_PER_SECOND + version)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def _batch(writer: Writer, at: dt.datetime, event_time: int) -> None:
    counts = {"openings": 0, "fills": 564, "positions": 560, "bars": 935, "rejected": 0, "lag": 0, "waiting": 0}
    writer.batch(
        time=at,
        trades=20_000,
        event_time=event_time,
        processing=0.15 + at.second / 600,
        delay=0.004,
        behind=0.0,
        **counts,
    )


def _pieces(rows: Columns, name: str) -> Iterator[Any]:
    with on_terminal(TextColumn("Writing {task.description}"), BarColumn(), TaskProgressColumn()) as bar:
        for first in bar.track(range(0, len(rows), PIECE), description=name):
            yield rows.take(slice(first, first + PIECE))

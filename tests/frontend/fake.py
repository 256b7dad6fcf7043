"""A reader of tables that lie in memory, for tests of figures and callbacks without a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from database.reads import PositionRow, Reader, StrategyRow
from riskcontrol.errors import ServerError
from riskcontrol.leaders import BINS, EDGES, LEAST_TRIPS, MOST, NOBODY, Leaders, Ranking
from riskcontrol.newyork import date_of
from riskcontrol.strategy import FIRST_SHAPE
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND

OPEN = 1381152600 * NS_PER_SECOND
"""2013-10-07 09:30 New York."""
FILLS = ("time", "number", "price", "shares", "fee", "cash", "sequence", "reason")
FEE = 1_000_000
"""Of some fills, micro-dollars."""
BARS = ("time", "open", "high", "low", "close", "volume", "notional", "trades")
BATCHES = (
    "time",
    "trades",
    "openings",
    "fills",
    "processing",
    "delay",
    "lag",
    "event_time",
    "bars",
    "rejected",
    "waiting",
    "behind",
)


def strategy(username: str = "ann", ticker: str = "IBM", name: str = "dip", **more: Any) -> StrategyRow:
    """A row of `strategies`."""
    row = {
        "cash": 10_000_000_000,
        "shape": FIRST_SHAPE,
        "parameters": (0.1, 0.2),
        "opened": 1_760_000_000 * NS_PER_SECOND,
        "stopped": None,
    }
    return StrategyRow(username=username, ticker=ticker, name=name, **{**row, **more})


def position(username: str = "ann", ticker: str = "IBM", name: str = "dip", **more: Any) -> PositionRow:
    """A row of `positions`."""
    row = {
        "time": OPEN,
        "cash": 10_000_000_000,
        "shares": 0,
        "reference": 181_850_000,
        "entry": 0,
        "entered": 0,
        "fills": 0,
        "status": "running",
    }
    return PositionRow(username=username, ticker=ticker, name=name, **{**row, **more})


@dataclass
class FakeReader(Reader):
    """The interface of `database.reads.Reader` over lists; set `away` to have no database."""

    users: set[str] = field(default_factory=set)
    strategy_rows: list[StrategyRow] = field(default_factory=list)
    position_rows: list[PositionRow] = field(default_factory=list)
    fill_rows: dict[tuple[str, str, str], list[tuple[Any, ...]]] = field(default_factory=dict)
    bar_rows: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)
    prices: dict[str, tuple[int, int]] = field(default_factory=dict)
    batch_rows: list[tuple[Any, ...]] = field(default_factory=list)
    away: bool = False
    asked: list[str] = field(default_factory=list)
    leading: Leaders | None = None
    day_rows: dict[date, pd.DataFrame] = field(default_factory=dict)
    up: tuple[int, int] = (1, 1)

    def _answer(self, question: str) -> None:
        if self.away:
            raise ServerError("no answer", server="cassandra")
        self.asked.append(question)

    def strategies(self, username: str) -> list[StrategyRow]:
        """Return a user's."""
        self._answer("strategies")
        return [row for row in self.strategy_rows if row.username == username]

    def user_exists(self, username: str) -> bool:
        """Look among `users`."""
        self._answer("user_exists")
        return username in self.users

    def positions(self, strategies: Sequence[Any]) -> list[PositionRow | None]:
        """Return them in order."""
        self._answer("positions")
        rows = {(row.username, row.ticker, row.name): row for row in self.position_rows}
        return [rows.get((row.username, row.ticker, row.name)) for row in strategies]

    def fills(self, username: str, ticker: str, name: str, *, limit: int = 10_000, since: Any = None) -> pd.DataFrame:
        """Return the newest, oldest first."""
        self._answer("fills")
        rows = self.fill_rows.get((username, ticker, name), [])
        return pd.DataFrame(rows[-limit:], columns=list(FILLS)).astype(dict.fromkeys(FILLS[:-1], "int64"))

    def fills_between(
        self, username: str, ticker: str, name: str, low: Any, high: Any, *, newest: bool, limit: int
    ) -> pd.DataFrame:
        """Return those between two places."""
        frame = self.fills(username, ticker, name, limit=1 << 30)
        places = list(zip(frame["time"], frame["number"], strict=True))
        frame = frame[np.array([low < place < high for place in places], np.bool_)]
        return frame.sort_values(["time", "number"], ascending=not newest, ignore_index=True).head(limit)

    def bars(self, ticker: str, days: Sequence[date]) -> pd.DataFrame:
        """Return those of these days."""
        self._answer("bars")
        rows = [row for row in self.bar_rows.get(ticker, []) if date_of(row[0]) in days]
        return pd.DataFrame(rows, columns=list(BARS)).astype("int64")

    def marks(self) -> Any:
        """Return `prices`."""
        self._answer("marks")
        return self.prices

    def batches(self, *, limit: int = 60) -> pd.DataFrame:
        """Return the newest."""
        self._answer("batches")
        return pd.DataFrame(self.batch_rows[-limit:], columns=list(BATCHES))

    def newest_fills(self, strategies: Sequence[Any], *, limit: int) -> list[pd.DataFrame]:
        """Return the newest of each."""
        return [self.fills(one.username, one.ticker, one.name, limit=limit) for one in strategies]

    def leaders(self, *, until: int | None = None) -> Leaders | None:
        """Return `leading`."""
        self._answer("leaders")
        return self.leading

    def strategy(self, username: str, ticker: str, name: str) -> StrategyRow | None:
        """Return one of `strategy_rows`."""
        self._answer("strategy")
        found = (row for row in self.strategy_rows if (row.username, row.ticker, row.name) == (username, ticker, name))
        return next(found, None)

    def day(self, day: date) -> pd.DataFrame:
        """Return that of `day_rows`."""
        self._answer("day")
        return self.day_rows.get(day, quotes())

    def nodes(self) -> tuple[int, int]:
        """Return `up`."""
        self._answer("nodes")
        return self.up


def batch(
    seconds_ago: float, *, trades: int = 20_000, event_time: int = OPEN, seconds: float = 0.25, rejected: int = 0
) -> tuple[Any, ...]:
    """A row of `batches`."""
    time = pd.Timestamp(datetime.now(UTC) - timedelta(seconds=seconds_ago))
    return (time, trades, 0, 10, seconds, 0.01, 0, event_time, 5, rejected, 0, 0.0)


def bars(closes: Sequence[int], start: int = OPEN) -> list[tuple[int, ...]]:
    """Rows of `bars`, a minute each."""
    return [(start + i * NS_PER_MINUTE, c, c, c, c, 100, 100 * c, 3) for i, c in enumerate(closes)]


def trader() -> FakeReader:
    """A day of one user: a purchase, a sale by its stop, a purchase, 60 minutes of bars and a running stream."""
    closes = [181_850_000 + (i * 7_919 % 600_000) - 300_000 for i in range(60)]
    first, cash = 181_700_000, 10_000_000_000
    shares = cash // first
    fills = [(OPEN + 5 * NS_PER_MINUTE, 1, first, shares, FEE, cash - shares * first - FEE, 11, "buy")]
    sold = first + 250_000
    left = fills[0][5] + shares * sold - FEE
    fills.append((OPEN + 20 * NS_PER_MINUTE, 2, sold, -shares, FEE, left, 12, "trailing_stop"))
    again = sold - 150_000
    more = left // again
    fills.append((OPEN + 40 * NS_PER_MINUTE, 3, again, more, 0, left - more * again, 13, "buy"))
    now = OPEN + 60 * NS_PER_MINUTE + 5 * NS_PER_SECOND
    return FakeReader(
        users={"ann", "bob"},
        strategy_rows=[strategy()],
        position_rows=[
            position(
                time=fills[2][0],
                cash=fills[2][5],
                shares=more,
                reference=again,
                entry=again,
                entered=fills[2][0],
                fills=3,
            )
        ],
        fill_rows={("ann", "IBM", "dip"): fills},
        bar_rows={"IBM": bars(closes)},
        prices={"IBM": (now, 182_000_000), "BAC": (now, 13_810_000)},
        batch_rows=[batch(i, event_time=now) for i in range(10, -1, -1)],
    )


def leaders(count: int = MOST, time: int = OPEN, seed: int = 1) -> Leaders:
    """Leaders of a minute: `count` strategies with a round trip among ten thousand, the third of them ann's."""
    random = np.random.default_rng(seed)
    gains = np.sort(random.normal(0.002, 0.03, 10_000))[::-1]
    counts = np.bincount(np.clip(np.searchsorted(EDGES, gains, "right") - 1, 0, BINS - 1), minlength=BINS)
    names = [f"user{n:06d}" for n in range(count)]
    if count > 2:
        names[2] = "ann"
    by_gain = Ranking(
        username=np.array(names, NOBODY.username.dtype),
        name=np.array(["dip"] * count, NOBODY.name.dtype),
        ticker=np.array(["IBM"] * count, NOBODY.ticker.dtype),
        gain=gains[:count],
        evidence=np.where(np.arange(count) % 5 == 4, np.nan, random.normal(1, 1, count)),
        value=(10_000_000_000 * (1 + gains[:count])).astype(np.int64),
        trips=np.arange(count) + LEAST_TRIPS,
    )
    proven = by_gain.take(~np.isnan(by_gain.evidence))
    return Leaders(time, by_gain, proven.take(np.argsort(-proven.evidence)), counts)


def quotes(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """A day so far, from (ticker, open, close, shares), a trade each; until the end of the day's first minute."""
    columns = ("ticker", "time", "open", "high", "low", "close", "volume", "notional", "trades")
    found = [
        (ticker, OPEN, first, max(first, last), min(first, last), last, shares, shares * last, 1)
        for ticker, first, last, shares in rows
    ]
    return pd.DataFrame(found, columns=list(columns)).astype(dict.fromkeys(columns[1:], "int64"))

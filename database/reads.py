"""Everything that is read: what the pages and the API need, in one place."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from cassandra.cluster import Session
from cassandra.concurrent import execute_concurrent_with_args

from database.asking import Asking
from database.queries import select
from database.session import answering, prepare
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.leaders import Leaders, decode_leaders, merged
from riskcontrol.newyork import date_of
from riskcontrol.packed import unpacked
from riskcontrol.shape import PARAMETERS, read_shape
from riskcontrol.strategy import USERNAME_PATTERN, Strategy
from riskcontrol.terms import read_terms

if TYPE_CHECKING:
    # Loaded where a frame is made: commands that read rows alone start in half the time without it.
    import pandas as pd

Marks = Mapping[str, tuple[int, int]]
"""By ticker: time (ns UTC) and price (micro-dollars) of its last driving trade."""

Place = tuple[int, int]
"""Where a fill is among those of its strategy: its time (ns UTC) and number."""
BEFORE_ALL: Place = (-(1 << 63), 0)
AFTER_ALL: Place = ((1 << 63) - 1, 0)

MARKS_SECONDS = 0.5
"""How old the marks handed out may be."""

_CONCURRENCY = 64
_FIRST_TIME = -(1 << 63)

_FILL_COLUMNS = ("time", "number", "price", "shares", "fee", "cash", "sequence", "reason")
_BAR_COLUMNS = ("time", "open", "high", "low", "close", "volume", "notional", "trades")
_BATCH_COUNTS = ("trades", "openings", "fills", "positions", "bars", "rejected", "lag", "event_time", "waiting")
_BATCH_SECONDS = ("processing", "delay", "behind")
_BATCH_COLUMNS = ("time", *_BATCH_COUNTS, *_BATCH_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyRow(Strategy):
    """A strategy and when it was opened; times in nanoseconds UTC."""

    opened: int
    stopped: int | None
    """When its stop was asked for; None while it runs."""
    since: int = 0
    """Event time of its ticker's newest trade when it was opened; 0 if there was none."""


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A strategy's current state: money in micro-dollars, `time` (of the last change) in nanoseconds UTC."""

    ticker: str
    username: str
    name: str
    time: int
    cash: int
    shares: int
    reference: int
    """Price of the last action, at first of the first trade seen."""
    entry: int
    """Price at which the shares were bought, 0 without shares."""
    entered: int
    """When they were bought, 0 without shares."""
    fills: int
    status: str
    """"running", "stopped" or "halted"."""


_USER = select("users", ["username"], "username = ?")
STRATEGY_COLUMNS = (
    *("username", "name", "ticker", "cash", "shape", "terms", "opened", "stopped", "since"),
    *(f"p{number}" for number in range(PARAMETERS)),
)
"""What `read_strategy` takes."""

_STRATEGIES = select("strategies", STRATEGY_COLUMNS, "username = ?")
_STRATEGY = select("strategies", STRATEGY_COLUMNS, "username = ? AND ticker = ? AND name = ?")
_POSITION = select(
    "positions", [field.name for field in fields(PositionRow)], "ticker = ? AND username = ? AND name = ?"
)
_FILLS = select("fills", _FILL_COLUMNS, "username = ? AND ticker = ? AND name = ? AND time >= ? LIMIT ?")
_BETWEEN = "username = ? AND ticker = ? AND name = ? AND (time, number) > (?, ?) AND (time, number) < (?, ?)"
_NEWEST = select("fills", _FILL_COLUMNS, f"{_BETWEEN} LIMIT ?")
_OLDEST = select("fills", _FILL_COLUMNS, f"{_BETWEEN} ORDER BY time ASC, number ASC LIMIT ?")
_BARS = select("bars", _BAR_COLUMNS, "ticker = ? AND day = ?")
_TRADES = select("bars", ["sum(trades)"], "ticker = ? AND day = ?")
_MARKS = select("marks", ["shard", "block"])
_LEADERS = select("leaders", ["time", "block"], "day = ? AND shard = ? AND time <= ? LIMIT 1")
_DAYS = select("days", ["shard", "time", "block"], "day = ?")
_BATCHES = select("batches", _BATCH_COLUMNS, "day = ? LIMIT ?")


class Reader(Asking):
    """Reads what the job wrote; many threads may share one.

    Every method raises `ServerError` when the database doesn't answer.

    Args:
        session: A session with the keyspace of the tables.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._marks: dict[str, tuple[int, int]] = {}
        self._marks_at = float("-inf")
        self._blocks: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def strategies(self, username: str) -> list[StrategyRow]:
        """Return a user's strategies by ticker and name; none for a user that isn't known."""
        if not USERNAME_PATTERN.fullmatch(username):
            return []
        return [row for row in map(read_strategy, self._rows(_STRATEGIES, username)) if row is not None]

    def strategy(self, username: str, ticker: str, name: str) -> StrategyRow | None:
        """Return one strategy of a user; None if there is none of this name on the ticker."""
        if not USERNAME_PATTERN.fullmatch(username):
            return None
        rows = self._rows(_STRATEGY, username, ticker, name)
        return read_strategy(rows[0]) if rows else None

    def user_exists(self, username: str) -> bool:
        """Return whether there is such a user: one registered, or one with a strategy."""
        if not USERNAME_PATTERN.fullmatch(username):
            return False
        return bool(self._rows(_USER, username)) or bool(self.strategies(username))

    def positions(self, strategies: Sequence[StrategyRow]) -> list[PositionRow | None]:
        """Return the strategies' states in the same order; None for one that hasn't seen a trade."""
        found = self._many(_POSITION, [(s.ticker, s.username, s.name) for s in strategies])
        return [PositionRow(*rows[0]) if rows else None for rows in found]

    def fills(
        self, username: str, ticker: str, name: str, *, limit: int = 10_000, since: int | None = None
    ) -> pd.DataFrame:
        """Return a strategy's newest fills, oldest first.

        Args:
            username: Whose.
            ticker: Of which ticker.
            name: Of which strategy.
            limit: At most so many.
            since: None before this time, nanoseconds UTC.

        Returns:
            int64 columns time, number, price, shares, fee, cash, sequence; `reason` as text, a name of
            `riskcontrol.states.Reason` in small letters.
        """
        first = _FIRST_TIME if since is None else since
        return _fills(self._rows(_FILLS, username, ticker, name, first, limit))

    def fills_between(
        self, username: str, ticker: str, name: str, low: Place, high: Place, *, newest: bool, limit: int
    ) -> pd.DataFrame:
        """Return some of a strategy's fills, with the columns of `fills`, in the order of their times.

        Args:
            username: Whose.
            ticker: Of which ticker.
            name: Of which strategy.
            low: After this place.
            high: Before this place.
            newest: Whether the newest of these are wanted, the newest first; else the oldest, the oldest first.
            limit: At most so many.
        """
        rows = self._rows(_NEWEST if newest else _OLDEST, username, ticker, name, *low, *high, limit)
        return _fill_frame(rows)

    def newest_fills(self, strategies: Sequence[Strategy], *, limit: int) -> list[pd.DataFrame]:
        """Return the newest fills of each of some strategies, as `fills` does, in the same order.

        Args:
            strategies: Whose fills.
            limit: At most so many of each.
        """
        asked = [(one.username, one.ticker, one.name, _FIRST_TIME, limit) for one in strategies]
        return [_fills(rows) for rows in self._many(_FILLS, asked)]

    def bars(self, ticker: str, days: Sequence[dt.date]) -> pd.DataFrame:
        """Return a ticker's closed bars of a minute, oldest first.

        Args:
            ticker: Which.
            days: New York dates.

        Returns:
            int64 columns time (the minute's start), open, high, low, close, volume, notional, trades.
        """
        parts = self._many(_BARS, [(ticker, day) for day in sorted(set(days))])
        return _frame([row for part in parts for row in part], _BAR_COLUMNS)

    def trade_counts(self, tickers: Sequence[str], day: dt.date) -> dict[str, int]:
        """Return how many trades the closed bars of a day count, for each of the tickers.

        Args:
            tickers: Which.
            day: New York date.
        """
        counts = [rows[0][0] or 0 for rows in self._many(_TRADES, [(ticker, day) for ticker in tickers])]
        return dict(zip(tickers, counts, strict=True))

    def marks(self) -> Marks:
        """Return the last price of every ticker, at most `MARKS_SECONDS` old."""
        with self._lock:  # one asks, the others wait for what it gets
            if time.monotonic() - self._marks_at > MARKS_SECONDS:
                blocks = dict(self._rows(_MARKS))
                if blocks != self._blocks:
                    self._marks, self._blocks = _unpacked(blocks), blocks
                self._marks_at = time.monotonic()
            return self._marks

    def leaders(self, *, until: int | None = None) -> Leaders | None:
        """Return who leads at the end of a minute, merged from what the shards found; None if there is nothing.

        A shard without a trade since counts as it stood last on that day.

        Args:
            until: A time in the minute, nanoseconds UTC; without one, the newest.
        """
        if until is None:
            until = max((time for time, _ in self.marks().values()), default=0)
        keys = [(date_of(until), shard, until) for (shard, _) in self._rows(_MARKS)]
        found = []
        for (_, shard, _), rows in zip(keys, self._many(_LEADERS, keys), strict=True):
            if rows:
                with _packed("leaders", shard):
                    found.append(decode_leaders(*rows[0]))
        return merged(found) if found else None

    def day(self, day: dt.date) -> pd.DataFrame:
        """Return the day so far of every ticker that traded in it, as it stood at the end of its shard's last minute.

        Args:
            day: New York date.

        Returns:
            `ticker` as text; int64 columns time (that minute's start), open, high, low, close, volume, notional,
            trades. Prices of a ticker whose trades set none are 0.
        """
        return _unpacked_day(self._rows(_DAYS, day))

    def nodes(self) -> tuple[int, int]:
        """Return how many of the database's nodes are up, as the driver sees them, and how many there are."""
        hosts = self._session.cluster.metadata.all_hosts()
        return sum(bool(host.is_up) for host in hosts), len(hosts)

    def batches(self, *, limit: int = 60) -> pd.DataFrame:
        """Return the stream's last batches of today and yesterday (UTC), newest first.

        Args:
            limit: At most so many.

        Returns:
            The columns of the table `batches` without `day`: `time` as aware timestamps, `processing` and `delay`
            in seconds, the others int64.
        """
        import pandas as pd  # noqa: PLC0415

        frame = pd.DataFrame(self._newest_batches(limit), columns=list(_BATCH_COLUMNS))
        frame["time"] = pd.to_datetime(frame["time"], utc=True).astype("datetime64[ns, UTC]")
        counts = {name: frame[name].astype("Int64").fillna(0).astype(np.int64) for name in _BATCH_COUNTS}
        seconds = {name: frame[name].astype(np.float64) for name in _BATCH_SECONDS}
        return frame.assign(**counts, **seconds)

    def newest_batch(self) -> dt.datetime | None:
        """Return when the newest batch of today or yesterday was written, aware UTC; None if there is none."""
        for row in self._newest_batches(1):
            moment: dt.datetime = row[0]
            return moment.replace(tzinfo=dt.UTC)  # the driver leaves it out
        return None

    def _newest_batches(self, limit: int) -> list[tuple[Any, ...]]:
        today = dt.datetime.now(dt.UTC).date()
        rows = self._rows(_BATCHES, today, limit)
        if len(rows) < limit:
            rows += self._rows(_BATCHES, today - dt.timedelta(days=1), limit - len(rows))
        return rows

    def _many(self, query: str, values: Sequence[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
        """Ask the same for many keys at a time; the answers come in the keys' order."""
        statement = prepare(self._session, query)
        with answering():
            results = execute_concurrent_with_args(
                self._session, statement, values, concurrency=_CONCURRENCY, execution_profile=self._profile
            )
            return [list(result) for _, result in results]


def read_strategy(row: tuple[Any, ...]) -> StrategyRow | None:
    """Return a row of `STRATEGY_COLUMNS`; None where a stop's opening never came, which leaves a row without cash.

    Raises:
        ServerError: The row isn't what the job writes.
    """
    username, name, ticker, cash, shape, terms, opened, stopped, since, *numbers = row
    if cash is None:
        return None
    try:
        return StrategyRow(
            username=username,
            name=name,
            ticker=ticker,
            cash=cash,
            shape=shape,
            parameters=tuple(number or 0.0 for number in numbers[: read_shape(shape).parameters]),
            terms=read_terms(terms or "{}"),
            opened=opened,
            stopped=stopped,
            since=since or 0,
        )
    except (StrategyError, TypeError) as error:
        raise ServerError(
            f"row {username!r}, {ticker!r}, {name!r} of strategies is damaged ({error})", server="cassandra"
        ) from error


def _fills(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Return rows of `fills`, which come newest first, as a table, oldest first."""
    return _fill_frame(rows[::-1])


def _fill_frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    *numbers, reason = _FILL_COLUMNS
    frame = _frame([row[:-1] for row in rows], numbers)
    return frame.assign(**{reason: pd.Series([row[-1] for row in rows], dtype="str")})


def _frame(rows: list[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    return pd.DataFrame(np.array(rows, np.int64).reshape(-1, len(columns)), columns=list(columns))


@contextmanager
def _packed(table: str, shard: int) -> Iterator[None]:
    """Tell whatever a shard's packed row raises that isn't what the job writes.

    Raises:
        ServerError: It raised something. A row that is cut raises an OSError, as a file would.
    """
    try:
        yield
    except (pa.ArrowException, KeyError, OSError, TypeError, ValueError) as error:
        raise ServerError(f"row {shard} of {table} is damaged ({error})", server="cassandra") from error


def _columns(block: bytes, names: Sequence[str]) -> pa.RecordBatch:
    """Return these columns of a packed row, which is one batch; raises what `_packed` tells."""
    (batch,) = unpacked(block)
    return batch.select(names)


def _unpacked(blocks: Mapping[int, bytes]) -> dict[str, tuple[int, int]]:
    """Return the marks in the packed rows of all shards; of a ticker found twice, the newer.

    Raises:
        ServerError: A row isn't what the job writes.
    """
    marks: dict[str, tuple[int, int]] = {}
    for shard, block in blocks.items():
        with _packed("marks", shard):
            columns = _columns(block, ("ticker", "time", "price")).to_pydict()
            for ticker, moment, price in zip(columns["ticker"], columns["time"], columns["price"], strict=True):
                if moment >= marks.get(ticker, (0, 0))[0]:
                    marks[ticker] = (moment, price)
    return marks


def _unpacked_day(rows: list[tuple[int, int, bytes]]) -> pd.DataFrame:
    """Return the packed rows of a day's shards as one table.

    Raises:
        ServerError: A row isn't what the job writes.
    """
    import pandas as pd  # noqa: PLC0415

    names, parts = ("ticker", *_BAR_COLUMNS[1:]), []
    for shard, time_, block in rows:
        with _packed("days", shard):
            part = _columns(block, names).to_pandas()
        part.insert(1, "time", np.int64(time_))
        parts.append(part)
    columns = ["ticker", *_BAR_COLUMNS]
    empty = pd.DataFrame(columns=columns).astype(dict.fromkeys(_BAR_COLUMNS, "int64"))
    return pd.concat(parts, ignore_index=True)[columns] if parts else empty

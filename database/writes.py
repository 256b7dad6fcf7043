"""Everything that is written: columns in, rows in Cassandra, each of them the same when written twice."""

from __future__ import annotations

import datetime as dt
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cassandra import (
    InvalidRequest,
    OperationTimedOut,
    Unavailable,
    WriteFailure,
    WriteTimeout,
)
from cassandra.cluster import NoHostAvailable, ResponseFuture, Session
from cassandra.protocol import IsBootstrappingErrorMessage, OverloadedErrorMessage
from cassandra.protocol import ServerError as NodeError
from cassandra.query import BoundStatement, PreparedStatement, Statement
from numpy.typing import NDArray

from database.batches import Column, EncodedBatch, EncodedHandler, encode_rows
from database.queries import insert, select
from database.replicas import group_by_replica
from database.session import answering, prepare
from riskcontrol.errors import ServerError, SettingsError, TablesMissing
from riskcontrol.newyork import date_of
from riskcontrol.rows import Accepted, Bars, Fills, Ints, Names, Positions
from riskcontrol.shape import PARAMETERS
from riskcontrol.states import Reason, Status
from riskcontrol.strategy import Action
from riskcontrol.terms import Terms

BATCH_ROWS = 100
BATCH_BYTES = 24 << 10
"""Most rows in a batch, and most bytes of more than one: a server that is set up by others takes 50 KiB, and counts
up to twice the bytes, as it gives every value a timestamp."""
IN_FLIGHT = 24
"""Batches that wait for their answer at a time, of one writer."""
PATIENCE = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds to wait before a failed batch is sent again, and again."""

_PASSING = (
    NoHostAvailable,
    OperationTimedOut,
    Unavailable,
    WriteTimeout,
    WriteFailure,
    OverloadedErrorMessage,
    IsBootstrappingErrorMessage,
    NodeError,
)
"""Failures that may be gone a moment later."""

_NS_PER_HOUR = 3_600_000_000_000
_DATE_ZERO = 1 << 31
"""How Cassandra's date writes 1970-01-01."""

_STATUS_NAMES = np.array([status.name.lower().encode() for status in Status])
_REASON_NAMES = np.array([b"", *(reason.name.lower().encode() for reason in Reason)])

_NUMBERS = tuple(f"p{number}" for number in range(PARAMETERS))
_USUAL_TERMS = Terms().text()
_STOP = "UPDATE {}.strategies SET stopped = ? WHERE username = ? AND ticker = ? AND name = ?"
_POSITION = insert(
    "positions",
    ["ticker", "username", "name", "time", "cash", "shares", "reference", "entry", "entered", "fills", "status"],
)
_FILL = insert(
    "fills",
    ["username", "ticker", "name", "time", "number", "price", "shares", "fee", "cash", "sequence", "reason"],
)
_BAR = insert("bars", ["ticker", "day", "time", "open", "high", "low", "close", "volume", "notional", "trades"])
_MARK = insert("marks", ["shard", "written", "block"]) + " USING TIMESTAMP ?"
_USER = insert("users", ["username", "created", "origin"])
_LEADERS = insert("leaders", ["day", "shard", "time", "block"])
_DAY = insert("days", ["day", "shard", "time", "block"]) + " USING TIMESTAMP ?"
_WATERMARK = insert("watermarks", ["tape", "shard", "next"]) + " USING TIMESTAMP ?"
_FUTURE = 1 << 60
"""Later than any wall clock, microseconds: tables of before have watermarks with its time."""
_WATERMARKS = select("watermarks", ["shard", "next"], "tape = ?")
_BATCH_COLUMNS = (
    "trades",
    "openings",
    "fills",
    "positions",
    "bars",
    "rejected",
    "processing",
    "delay",
    "lag",
    "event_time",
    "waiting",
    "behind",
)
_BATCH = insert("batches", ["day", "time", *_BATCH_COLUMNS])


class Writer:
    """Writes rows, many at a time on their way.

    Rows are sent while a call runs, but they are in only after `flush`, or after `watermark`, which flushes first:
    what a watermark says is always true. Making a writer costs nothing; statements stay with the session.

    Args:
        session: A session with the keyspace of the tables.

    Example::

        with Writer(session) as writer:
            writer.fills(outcome.fills)
            writer.positions(outcome.positions, version=end)
    """

    def __init__(self, session: Session) -> None:
        session.client_protocol_handler = EncodedHandler
        self._session = session
        self._sent: deque[tuple[ResponseFuture, Statement]] = deque()

    def strategies(self, openings: Accepted, *, version: int | None = None) -> None:
        """Write strategies opened and stopped.

        Args:
            openings: Those that the engine accepted; a stop leaves the rest of its row as it is.
            version: The tape's offset after the last record that made them; without it, now.
        """
        opened = openings.take(openings.action == Action.OPEN)
        for columns, index in _said(opened):
            part = opened.take(index)
            values = [part.time if column == "opened" else getattr(part, column) for column in columns]
            self._rows(insert("strategies", columns), *values, timestamp=version)
        stopped = openings.take(openings.action == Action.STOP)
        self._rows(_STOP, stopped.time, stopped.username, stopped.ticker, stopped.name, timestamp=version)

    def positions(self, rows: Positions, *, version: int) -> None:
        """Write the current state of positions; rows of one ticker side by side are the cheapest.

        Args:
            rows: Each position at most once.
            version: The tape's offset after the last record that made them: a state of a lower version never
                covers one of a higher.
        """
        self._rows(
            _POSITION,
            rows.ticker,
            rows.username,
            rows.name,
            rows.time,
            rows.cash,
            rows.shares,
            rows.reference,
            rows.entry,
            rows.entered,
            rows.fills,
            _STATUS_NAMES[rows.status],
            timestamp=version,
        )

    def fills(self, rows: Fills) -> None:
        """Write paper executions."""
        self._rows(
            _FILL,
            rows.username,
            rows.ticker,
            rows.name,
            rows.time,
            rows.number,
            rows.price,
            rows.shares,
            rows.fee,
            rows.cash,
            rows.sequence,
            _REASON_NAMES[rows.reason],
        )

    def bars(self, rows: Bars) -> None:
        """Write closed bars under the New York date of their minute."""
        self._rows(
            _BAR,
            rows.ticker,
            new_york_days(rows.time),
            rows.time,
            rows.open,
            rows.high,
            rows.low,
            rows.close,
            rows.volume,
            rows.notional,
            rows.trades,
        )

    def users(self, usernames: Names, *, created: dt.datetime, origin: str) -> None:
        """Write who there is.

        Args:
            usernames: Their names.
            created: Now, aware.
            origin: Where they come from: "form", "generator" or "api".
        """
        milliseconds = int(created.timestamp() * 1_000)
        self._rows(
            _USER,
            usernames,
            np.full(len(usernames), milliseconds, np.int64),
            np.full(len(usernames), origin.encode("ascii")),
        )

    def marks(self, shard: int, block: bytes, *, version: int) -> None:
        """Write a shard's last prices.

        Args:
            shard: Its number.
            block: An Arrow IPC stream with columns ticker, price (micro-dollars), time (ns UTC).
            version: The tape's offset after them: older ones never cover newer ones.
        """
        self._row(_MARK, (shard, dt.datetime.now(dt.UTC), block, _FUTURE + version))

    def leaders(self, shard: int, time: int, block: bytes) -> None:
        """Write who led in a shard.

        Args:
            shard: Its number.
            time: Start of the minute, nanoseconds UTC.
            block: Of `riskcontrol.leaders.encode_leaders`.
        """
        self._row(_LEADERS, (date_of(time), shard, time, block))

    def day(self, shard: int, time: int, block: bytes, *, version: int) -> None:
        """Write the day so far of a shard's tickers, over what was known of it before.

        Args:
            shard: Its number.
            time: Start of the last minute in it, nanoseconds UTC.
            block: Of `riskcontrol.days.encode_day`.
            version: The tape's offset after it: an older one never covers a newer one.
        """
        self._row(_DAY, (date_of(time), shard, time, block, _FUTURE + version))

    def batch(self, *, time: dt.datetime, **columns: float) -> None:
        """Write what a batch did, and wait until it is in.

        Args:
            time: The batch's nominal time, aware.
            columns: The other columns of `batches`; one left out stays empty.
        """
        unknown = set(columns) - set(_BATCH_COLUMNS)
        if unknown:
            raise TypeError(f"batches has no column {min(unknown)}")
        moment = time.astimezone(dt.UTC)
        self._row(_BATCH, (moment.date(), moment, *(columns.get(name) for name in _BATCH_COLUMNS)))
        self.flush()

    def watermark(self, tape: str, shard: int, next_offset: int) -> None:
        """Flush, then write how far a shard's rows are in, and wait until that is in as well.

        Args:
            tape: Which tape (its id).
            shard: Which shard of it.
            next_offset: The first offset whose rows are not in the tables.
        """
        self.flush()
        # By its timestamp it only grows: what is read again after a loss is in the tables already.
        self._row(_WATERMARK, (tape, shard, next_offset, _FUTURE + next_offset))
        self.flush()

    def watermarks(self, tape: str) -> dict[int, int]:
        """Return how far each shard's rows are in.

        Raises:
            ServerError: The database doesn't answer.
        """
        statement = prepare(self._session, _WATERMARKS)
        with answering():
            return {row.shard: row.next for row in self._session.execute(statement, (tape,))}

    def check_tables(self) -> None:
        """Check that the tables have the columns that are written.

        Raises:
            SettingsError: They are of an older version of this program.
            ServerError: The database doesn't answer; `TablesMissing`.
        """
        for query in (
            insert("strategies", ["username", "ticker", "name", "since"]),
            _POSITION,
            _FILL,
            _BAR,
            _BATCH,
            _LEADERS,
            _DAY,
            _MARK,
            _WATERMARK,
        ):
            try:
                prepare(self._session, query)
            except ServerError as error:
                if isinstance(error, TablesMissing) or not isinstance(error.__cause__, InvalidRequest):
                    raise
                keyspace = self._session.keyspace
                raise SettingsError(
                    f"the tables of {keyspace} are of an older version of this program; the tape has all that is in "
                    f"those of the stream: riskcontrol database drop --rows --keyspace {keyspace}, then riskcontrol "
                    "database init; accounts stay",
                    field="keyspace",
                ) from error

    def tapes(self) -> set[str]:
        """Return the ids of the tapes whose rows the tables hold.

        Raises:
            ServerError: The database doesn't answer.
        """
        statement = prepare(self._session, "SELECT DISTINCT tape FROM {}.watermarks")
        with answering():
            return {row.tape for row in self._session.execute(statement)}

    def flush(self) -> None:
        """Wait until everything that was sent is in.

        Raises:
            ServerError: A row could not be written; what else was sent may be in or not, and can be sent again.
        """
        self._wait(0)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.flush()

    def _rows(self, query: str, *columns: Column, timestamp: int | None = None) -> None:
        """Send rows in batches, on a cluster each batch to a node that keeps its rows."""
        if not len(columns[0]):
            return
        statement = prepare(self._session, query)
        groups = group_by_replica(self._session, statement, columns)
        if groups is None:
            self._batches(statement, columns, timestamp=timestamp)
            return
        for group in groups:
            part = [column[group.index] for column in columns]
            self._batches(statement, part, timestamp=timestamp, routing_key=group.routing_key)

    def _batches(
        self,
        statement: PreparedStatement,
        columns: Sequence[Column],
        *,
        timestamp: int | None,
        routing_key: bytes | None = None,
    ) -> None:
        rows = encode_rows(statement, columns)
        keyspace = self._session.keyspace if routing_key else None
        first = 0
        while first < len(rows):
            fitting = bisect_right(rows.starts, rows.starts[first] + BATCH_BYTES) - 1
            end = max(first + 1, min(first + BATCH_ROWS, fitting))
            self._send(EncodedBatch(rows, first, end, timestamp=timestamp, routing_key=routing_key, keyspace=keyspace))
            first = end

    def _row(self, query: str, values: Sequence[Any]) -> None:
        self._send(BoundStatement(prepare(self._session, query)).bind(values))

    def _send(self, statement: Statement) -> None:
        self._wait(IN_FLIGHT - 1)
        self._sent.append((self._session.execute_async(statement), statement))

    def _wait(self, most: int) -> None:
        """Wait until at most so many requests are on their way."""
        try:
            with answering():
                while len(self._sent) > most:
                    future, statement = self._sent.popleft()
                    if _failure(future) is not None:
                        self._send_again([statement, *(other for late, other in self._sent if _failure(late))])
        except BaseException:
            self._sent.clear()
            raise

    def _send_again(self, failed: list[Statement]) -> None:
        """Send what failed once more, and again, with pauses; nothing else is on its way meanwhile."""
        self._sent.clear()
        for pause in PATIENCE:
            time.sleep(pause)
            sent = [(self._session.execute_async(statement), statement) for statement in failed]
            failures = [(failure, statement) for future, statement in sent if (failure := _failure(future))]
            if not failures:
                return
            error, failed = failures[0][0], [statement for _, statement in failures]
        raise error


def _said(opened: Accepted) -> Iterator[tuple[list[str], NDArray[np.bool_]]]:
    """Yield columns of `strategies` and which rows have something to say in just these.

    A value costs the server about as much as a row's key does, and most users have two numbers and the usual options.
    """
    numbers = np.column_stack([getattr(opened, name) for name in _NUMBERS])
    count = (np.arange(1, PARAMETERS + 1) * (numbers != 0)).max(axis=1, initial=0)
    unusual = opened.terms != _USUAL_TERMS
    kind = 4 * count + 2 * (opened.since > 0) + unusual
    for each in np.unique(kind).tolist():
        since, terms = ["since"] if each & 2 else [], ["terms"] if each & 1 else []
        own = ["username", "ticker", "name", "cash", *_NUMBERS[: each // 4], "opened", *since, "shape", *terms]
        yield own, kind == each


def _failure(future: ResponseFuture) -> Exception | None:
    """Wait for an answer; return a failure that may be gone a moment later, and raise any other."""
    try:
        future.result()
    except _PASSING as error:
        return error
    return None


def new_york_days(times: Ints) -> NDArray[np.uint32]:
    """Return the New York date of each time, as Cassandra writes a date.

    Args:
        times: Nanoseconds since 1970 UTC.

    >>> int(new_york_days(np.array([0]))[0]) - 2**31  # 1969-12-31 19:00
    -1
    """
    # New York's offset is whole hours, and changes on one: a date per hour that occurs is enough.
    hours, place = np.unique(times // _NS_PER_HOUR, return_inverse=True)
    dates = [date_of(hour * _NS_PER_HOUR) for hour in hours.tolist()]
    epoch = dt.date(1970, 1, 1).toordinal()
    return np.array([date.toordinal() - epoch + _DATE_ZERO for date in dates], np.uint32)[place]

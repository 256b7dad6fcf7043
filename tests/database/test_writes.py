from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cassandra import InvalidRequest, OperationTimedOut
from cassandra.cluster import Session
from cassandra.query import PreparedStatement

import database.writes
from database import session as sessions
from database.replicas import Group, grouped, routing_keys
from database.session import connect, drop, prepare
from database.writes import BATCH_BYTES, BATCH_ROWS, IN_FLIGHT, PATIENCE, Writer, new_york_days
from riskcontrol.errors import ServerError, SettingsError, TablesMissing
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action
from tests.database.tables import SHAPES, TERMS, bars, fills, openings, positions


def _ns(moment: str) -> int:
    return int(dt.datetime.fromisoformat(moment).timestamp()) * 1_000_000_000


def _all(session: Session, table: str, columns: str) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in session.execute(f"SELECT {columns} FROM {table}")}  # noqa: S608


def _expected(rows: Any, columns: str) -> set[tuple[Any, ...]]:
    text = [[v.decode() if isinstance(v, bytes) else v for v in getattr(rows, c).tolist()] for c in columns.split(", ")]
    return set(zip(*text, strict=True))


@pytest.mark.servers
def test_fills_come_back_as_they_went_in_also_when_written_twice(session: Session) -> None:
    rows = fills(3 * BATCH_ROWS + 7)
    with Writer(session) as writer:
        writer.fills(rows)
        writer.fills(rows)
    columns = "username, ticker, name, time, number, price, shares, fee, cash, sequence"
    assert _all(session, "fills", columns) == _expected(rows, columns)
    reasons = ("buy", "sell", "stop_loss", "trailing_stop", "take_profit", "split")
    assert _all(session, "fills", "number, reason") == {(i + 1, reasons[i % 6]) for i in range(len(rows))}


@pytest.mark.servers
def test_rows_put_together_for_several_nodes_all_arrive(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def two_nodes(_: Session, statement: PreparedStatement, columns: list[Any]) -> list[Group]:
        keys = routing_keys([columns[i] for i in statement.routing_key_indexes])
        return grouped(keys, ring=range(-(2**63), 2**63, 2**58), owners=[0, 1] * 32)

    monkeypatch.setattr(database.writes, "group_by_replica", two_nodes)
    rows = bars("NODES", [minute * 60_000_000_000 for minute in range(20_000)])  # of 14 days: as many partitions
    with Writer(session) as writer:
        writer.bars(rows)
    found = _all(session, "bars", "ticker, time, open, high, low, close, volume, notional, trades")
    assert {row for row in found if row[0] == "NODES"} == _expected(
        rows, "ticker, time, open, high, low, close, volume, notional, trades"
    )


@pytest.mark.servers
def test_an_older_state_never_covers_a_newer_one(session: Session) -> None:
    new, old = positions(150, cash=1_000), positions(150)
    with Writer(session) as writer:
        writer.positions(new, version=8)
    with Writer(session) as writer:
        writer.positions(old, version=7)
    columns = "ticker, username, name, time, cash, shares, reference, entry, entered, fills"
    assert _all(session, "positions", columns) == _expected(new, columns)
    assert _all(session, "positions", "username, status") == {
        (f"user{i}", ("running", "stopped", "halted")[i % 3]) for i in range(150)
    }


@pytest.mark.servers
def test_a_stop_leaves_the_rest_of_its_strategy(session: Session) -> None:
    with Writer(session) as writer:
        writer.strategies(openings(3))
        writer.strategies(openings(2, Action.STOP, time=99))
        writer.strategies(openings(3))  # the same stretch of the tape, done again
    found = _all(session, "strategies", "username, cash, shape, p0, p1, p2, p3, terms, opened, stopped")
    assert found == {
        ("user0", 1, SHAPES[0], 0.25, 0.1, None, None, None, 11, 99),
        ("user1", 2, SHAPES[1], 1.25, None, None, None, TERMS[1].text(), 11, 99),
        ("user2", 3, SHAPES[0], 2.25, 2.1, None, None, None, 11, None),
    }


@pytest.mark.servers
def test_long_rules_go_in_batches_that_any_server_takes(session: Session) -> None:
    rows = openings(300)
    long = np.array(["x" * (7_000 if i % 3 else 30_000) for i in range(300)], np.object_)
    named = np.array([f"long{i}".encode() for i in range(300)])
    with Writer(session) as writer:
        writer.strategies(dataclasses.replace(rows, username=named, shape=long))
        assert writer._sent
        assert all(
            len(batch._statements_and_parameters.rows) <= BATCH_BYTES or len(batch._statements_and_parameters) == 1
            for _, batch in writer._sent
        )
    found = {row for row in _all(session, "strategies", "username, shape") if row[0].startswith("long")}
    assert found == {(name.decode(), text) for name, text in zip(named.tolist(), long.tolist(), strict=True)}


@pytest.mark.servers
def test_bars_lie_under_their_new_york_date(session: Session) -> None:
    evening, next_day = _ns("2024-03-05T20:59:00-05:00"), _ns("2024-03-06T04:00:00-05:00")
    with Writer(session) as writer:
        writer.bars(bars("IBM", [evening, next_day]))
    found = session.execute("SELECT time, open, trades FROM bars WHERE ticker = 'IBM' AND day = '2024-03-05'")
    assert [tuple(row) for row in found] == [(evening, 0, 6)]


@pytest.mark.servers
def test_a_watermark_is_written_after_everything_before_it(session: Session) -> None:
    writer = Writer(session)
    writer.marks(7, b"packed", version=3)
    writer.watermark("tape-a", 7, 42)
    writer.watermark("tape-a", 7, 41)  # read again after a loss: the rows up to 42 are there
    writer.watermark("tape-a", 8, 5)
    assert session.execute("SELECT block FROM marks WHERE shard = 7").one().block == b"packed"
    assert writer.watermarks("tape-a") == {7: 42, 8: 5}
    assert writer.watermarks("tape-b") == {}


@pytest.mark.servers
def test_users_are_written_with_their_origin(session: Session) -> None:
    now = dt.datetime(2024, 3, 5, 12, tzinfo=dt.UTC)
    with Writer(session) as writer:
        writer.users(np.array([b"ann", b"bob"]), created=now, origin="generator")
    row = session.execute("SELECT created, origin FROM users WHERE username = 'bob'").one()
    assert (row.created.replace(tzinfo=dt.UTC), row.origin) == (now, "generator")


@pytest.mark.servers
def test_writing_nothing_sends_nothing(session: Session) -> None:
    with Writer(session) as writer:
        writer.fills(fills(0))
        writer.positions(positions(0), version=1)
        writer.strategies(openings(0))
        assert not writer._sent


@pytest.mark.servers
def test_a_batch_has_only_the_columns_of_its_table(session: Session) -> None:
    with pytest.raises(TypeError, match="no column speed"):
        Writer(session).batch(time=dt.datetime.now(dt.UTC), speed=1)


@pytest.mark.servers
def test_tables_of_another_version_are_told_with_the_remedy(keyspace_of_its_own: Settings) -> None:
    session = connect(keyspace_of_its_own)
    session.execute("ALTER TABLE strategies DROP shape")
    with pytest.raises(ServerError, match="of another version: name a new keyspace"):
        Writer(session).strategies(openings(1))


@pytest.mark.servers
def test_a_stream_is_told_of_a_table_that_its_keyspace_lacks_and_keeps_the_others(
    keyspace_of_its_own: Settings,
) -> None:
    session = connect(keyspace_of_its_own)
    Writer(session).strategies(openings(1))
    session.execute("DROP TABLE days")
    sessions._statements.pop(session, None)  # as a stream that starts has none
    with pytest.raises(TablesMissing, match=r"days.*; create the tables with: riskcontrol database init$"):
        Writer(session).check_tables()
    sessions.init(keyspace_of_its_own)
    Writer(session).check_tables()
    assert len(list(session.execute("SELECT username FROM strategies"))) == 1


@pytest.mark.servers
def test_a_server_that_refuses_is_told_at_once(keyspace_of_its_own: Settings) -> None:
    writer = Writer(connect(keyspace_of_its_own))
    with writer:
        writer.fills(fills(1))
    drop(keyspace_of_its_own)
    writer.fills(fills(1))
    with pytest.raises(ServerError, match="riskcontrol database init"):
        writer.flush()
    assert not writer._sent


class _Future:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def result(self) -> None:
        if self.error is not None:
            raise self.error


class _Flaky:
    """A session whose requests fail as told, one after the other, and then succeed."""

    keyspace = "k"
    client_protocol_handler: Any = None

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.sent: list[Any] = []

    def execute_async(self, statement: Any) -> _Future:
        self.sent.append(statement)
        return _Future(self.errors.pop(0) if self.errors else None)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, none of which is waited for."""
    made: list[float] = []
    # In that module only: the driver's threads sleep as well.
    monkeypatch.setattr(database.writes, "time", SimpleNamespace(sleep=made.append))
    return made


def test_what_fails_for_a_moment_is_sent_again_and_nothing_else_is(pauses: list[float]) -> None:
    lost = OperationTimedOut()
    session = _Flaky(None, lost, None, lost, lost)
    writer = Writer(session)
    for request in "abcd":
        writer._send(request)
    writer.flush()
    assert session.sent == [*"abcd", *"bd", "b"]
    assert pauses == list(PATIENCE[:2])


def test_what_goes_on_failing_is_told_after_the_last_pause(pauses: list[float]) -> None:
    writer = Writer(_Flaky(*[OperationTimedOut()] * 100))
    writer._send("a")
    with pytest.raises(ServerError, match="cassandra"):
        writer.flush()
    assert pauses == list(PATIENCE)
    writer.flush()  # it has been told; nothing is left behind


def test_what_can_never_succeed_is_not_sent_again(pauses: list[float]) -> None:
    session = _Flaky(InvalidRequest("no such column"))
    writer = Writer(session)
    writer._send("a")
    with pytest.raises(ServerError, match="no such column"):
        writer.flush()
    assert (session.sent, pauses) == (["a"], [])


def test_only_so_many_requests_are_on_their_way() -> None:
    writer = Writer(_Flaky())
    for _ in range(3 * IN_FLIGHT):
        writer._send("a")
        assert len(writer._sent) <= IN_FLIGHT


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2024-01-02T04:59:59+00:00", "2024-01-01"),
        ("2024-01-02T05:00:00+00:00", "2024-01-02"),
        ("2024-07-02T03:59:59+00:00", "2024-07-01"),
        ("2024-07-02T04:00:00+00:00", "2024-07-02"),
        ("2024-03-10T06:59:59+00:00", "2024-03-10"),
        ("2024-11-03T06:30:00+00:00", "2024-11-03"),
    ],
)
def test_a_time_s_day_is_new_york_s(moment: str, day: str) -> None:
    days = (dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days
    assert new_york_days(np.array([_ns(moment)])).tolist() == [days + 2**31]


@pytest.mark.servers
def test_a_query_is_prepared_once_a_session(session: Session) -> None:
    query = "SELECT origin FROM {}.users WHERE username = ?"
    assert prepare(session, query) is prepare(session, query)


@pytest.mark.servers
def test_tables_of_an_older_version_are_told_with_what_to_do(session: Session) -> None:
    Writer(session).check_tables()
    session.execute("ALTER TABLE batches DROP waiting")
    sessions._statements.pop(session)  # as a stream that starts has none
    try:
        with pytest.raises(SettingsError, match=r"older version.*database drop"):
            Writer(session).check_tables()
    finally:
        session.execute("ALTER TABLE batches ADD waiting bigint")

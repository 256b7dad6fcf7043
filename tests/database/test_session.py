from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from cassandra.cluster import Session

from database.session import close, connect, contact_points, drop, init, prepare, schema
from database.writes import Writer
from riskcontrol.errors import ServerError, SettingsError
from riskcontrol.settings import Settings


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("localhost", [("localhost", 9042)]),
        ("10.0.0.1:9142, node-2", [("10.0.0.1", 9142), ("node-2", 9042)]),
        ("[fe80::1]:9142", [("fe80::1", 9142)]),
    ],
)
def test_contact_points_are_read(text: str, points: list[tuple[str, int]]) -> None:
    assert contact_points(text) == points


@pytest.mark.parametrize("text", ["host:", "host:0", "host:65536", "a,,b", "fe80::1", "a b", "host:port"])
def test_what_is_no_list_of_contact_points_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"cassandra: .*HOST"):
        contact_points(text)


def test_the_schema_s_comments_hide_no_statement() -> None:
    statements = schema("k")
    assert len(statements) == (Path(__file__).parents[2] / "database/schema.cql").read_text().count("CREATE TABLE")
    assert all(s.startswith("CREATE TABLE IF NOT EXISTS k.") and "--" not in s for s in statements)


def test_without_an_address_the_way_to_start_a_server_is_told() -> None:
    with pytest.raises(ServerError, match="riskcontrol up"):
        connect(Settings(cassandra=""))


def test_where_nobody_listens_the_address_and_the_remedy_are_told() -> None:
    with pytest.raises(ServerError, match=r"no answer at 127\.0\.0\.1:1 .*riskcontrol up"):
        connect(Settings(cassandra="127.0.0.1:1"))


def test_a_host_that_has_no_address_is_told() -> None:
    with pytest.raises(ServerError, match=r"nowhere\.invalid:9042: .*--cassandra"):
        connect(Settings(cassandra="nowhere.invalid"))


@pytest.mark.servers
def test_making_the_tables_again_keeps_what_is_in_them(session: Session, tables: Settings) -> None:
    session.execute("INSERT INTO users (username) VALUES ('kept')")
    init(tables)
    assert session.execute("SELECT username FROM users WHERE username = 'kept'").one() is not None


@pytest.mark.servers
def test_tables_of_an_earlier_version_get_the_columns_that_came_later(keyspace_of_its_own: Settings) -> None:
    session = connect(keyspace_of_its_own)
    keyspace = keyspace_of_its_own.keyspace
    session.execute(f"ALTER TABLE {keyspace}.strategies DROP since")
    with pytest.raises(ServerError, match="run riskcontrol database init, which adds what is missing and keeps all"):
        Writer(session).check_tables()
    init(keyspace_of_its_own)
    Writer(session).check_tables()
    init(keyspace_of_its_own)
    assert session.execute(prepare(session, "SELECT since FROM {}.strategies")).one() is None


@pytest.mark.servers
def test_a_keyspace_that_is_not_there_is_told_with_the_remedy(tables: Settings) -> None:
    with pytest.raises(ServerError, match="riskcontrol database init"):
        connect(tables.model_copy(update={"keyspace": "nowhere"}))


@pytest.mark.servers
def test_dropping_the_streams_rows_leaves_people_and_what_is_theirs(keyspace_of_its_own: Settings) -> None:
    session = connect(keyspace_of_its_own)
    session.execute(prepare(session, "INSERT INTO {}.users (username) VALUES (?)"), ("ann",))
    session.execute(prepare(session, "INSERT INTO {}.accounts (username) VALUES (?)"), ("ann",))
    session.execute(
        prepare(session, "INSERT INTO {}.positions (ticker, username, name) VALUES (?, ?, ?)"), ("IBM", "ann", "dip")
    )
    drop(keyspace_of_its_own, rows=True)
    drop(keyspace_of_its_own, rows=True)
    init(keyspace_of_its_own)
    assert session.execute(prepare(session, "SELECT username FROM {}.users")).one() is not None
    assert session.execute(prepare(session, "SELECT username FROM {}.accounts")).one() is not None
    assert session.execute(prepare(session, "SELECT username FROM {}.positions")).one() is None


@pytest.mark.servers
def test_dropping_takes_the_tables_and_can_be_repeated(keyspace_of_its_own: Settings) -> None:
    session = connect(keyspace_of_its_own)
    drop(keyspace_of_its_own)
    drop(keyspace_of_its_own)
    with pytest.raises(ServerError, match="riskcontrol database init"):
        prepare(session, "SELECT username FROM {}.users")


@pytest.mark.servers
def test_a_process_has_one_session_a_keyspace(session: Session, tables: Settings) -> None:
    assert connect(tables) is session
    assert connect(tables, keyspace=False) is not session


@pytest.mark.servers
def test_after_closing_a_new_session_is_made(session: Session, tables: Settings) -> None:
    close()
    assert session.is_shutdown
    assert connect(tables).execute("SELECT username FROM users WHERE username = 'nobody'").one() is None


def _ask(settings: Settings, parent: int) -> None:
    session = connect(settings)
    assert id(session) != parent
    assert session.execute("SELECT username FROM users WHERE username = 'forked'").one() is not None
    close()


@pytest.mark.servers
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_gets_a_session_of_its_own_and_leaves_its_parent_s_alone(
    session: Session, tables: Settings
) -> None:
    session.execute("INSERT INTO users (username) VALUES ('forked')")
    child = multiprocessing.get_context("fork").Process(target=_ask, args=(tables, id(session)))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert session.execute("SELECT username FROM users WHERE username = 'forked'").one() is not None


def test_a_read_that_timed_out_is_asked_again_three_times() -> None:
    from cassandra import ConsistencyLevel
    from cassandra.policies import RetryPolicy

    from database.session import _ReadAgain

    quorum = ConsistencyLevel.LOCAL_QUORUM
    decided = [_ReadAgain().on_read_timeout("SELECT", quorum, 2, 1, False, tried) for tried in range(4)]
    assert decided == [(RetryPolicy.RETRY, quorum)] * 3 + [(RetryPolicy.RETHROW, None)]

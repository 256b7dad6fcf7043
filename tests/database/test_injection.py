"""Texts that would be CQL if they were put into a query, rather than beside it."""

from __future__ import annotations

import datetime as dt

import pytest
from cassandra.cluster import Session
from pydantic import ValidationError

from database import accounts
from database import session as sessions
from database.accounts import AccountTables
from database.reads import STRATEGY_COLUMNS, Reader, read_strategy
from database.writes import Writer
from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.links import Published
from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from tests.database.tables import openings
from tests.hostile import HOSTILE

CREATED = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.mark.servers
@pytest.mark.parametrize("text", HOSTILE)
def test_what_looks_like_cql_is_a_value_like_others(session: Session, text: str) -> None:
    Writer(session).strategies(openings(1))
    kept, reader = AccountTables(session), Reader(session)
    assert not kept.used(text)
    assert kept.account(text) is None
    assert not kept.change_password(text, text, before=0, after=1)
    assert not kept.set_role(text, Role.ADMIN)
    assert kept.add(account := Account(text, text, Role.USER, 1, CREATED))
    assert kept.accounts() == [account]
    kept.publish(page := Published(text, text, text, text, CREATED))
    assert kept.published(text) == [page]
    assert kept.opens(text) == page
    attempt = kept.attempt({text: 600}, 1.0)
    assert kept.attempts(text) == {attempt: 1.0}
    kept.end_session(text, 600)
    assert kept.session_ended(text)
    assert (reader.strategies(text), reader.strategy(text, text, text)) == ([], None)
    assert reader.fills(text, text, text).empty
    assert reader.bars(text, [CREATED.date()]).empty
    kept.take_back(text, text, text)
    kept.withdraw(text)
    assert kept.remove(text)
    assert kept.accounts() == []
    assert reader.user_exists("user0")  # what else there is stays
    found = session.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", [session.keyspace])
    assert {f"{session.keyspace}.{row.table_name}" for row in found} == set(sessions.tables(session.keyspace))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_damaged_row_is_told_in_a_line_that_a_terminal_only_shows(text: str) -> None:
    rows = {
        accounts._account: (text, "x", "emperor", 1, None),
        read_strategy: tuple({"cash": 1, "shape": "x"}.get(name, text) for name in STRATEGY_COLUMNS),
    }
    for read, row in rows.items():
        with pytest.raises(ServerError, match="is damaged") as caught:
            read(row)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_the_one_name_that_stands_in_queries_is_a_plain_one(text: str) -> None:
    with pytest.raises(ValidationError):
        Settings(keyspace=text)

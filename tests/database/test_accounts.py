"""Accounts, attempts and links on the real Cassandra."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from cassandra.cluster import Session

from database.accounts import AccountTables
from database.session import connect, init
from database.writes import Writer
from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.keys import Key, Scope
from riskcontrol.accounts.links import Published
from riskcontrol.accounts.passwords import Passwords
from riskcontrol.accounts.service import Accounts
from riskcontrol.errors import AccountError, ServerError, TablesMissing
from riskcontrol.settings import Settings
from tests.accounts.fake import CHEAP, PASSWORD, SECRET
from tests.database.tables import openings

pytestmark = pytest.mark.servers
CREATED = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture
def kept(session: Session) -> AccountTables:
    return AccountTables(session)


def account(username: str, **more: object) -> Account:
    return replace(Account(username, "hash", Role.USER, 7, CREATED), **more)  # type: ignore[arg-type]


def test_an_account_comes_back_as_it_was_and_changes_under_its_generation(kept: AccountTables) -> None:
    assert kept.account("ann") is None
    assert kept.add(account("ann"))
    assert kept.account("ann") == account("ann")
    assert not kept.add(account("ann", password="another"))
    assert not kept.change_password("ann", "new", before=6, after=8)
    assert kept.change_password("ann", "new", before=7, after=8)
    assert kept.set_role("ann", Role.ADMIN)
    assert kept.account("ann") == account("ann", password="new", generation=8, role=Role.ADMIN)
    assert kept.used("ann")
    assert kept.accounts() == [account("ann", password="new", generation=8, role=Role.ADMIN)]
    assert kept.remove("ann")
    assert kept.account("ann") is None
    assert kept.used("ann")  # nobody else gets the name
    assert not kept.remove("ann")
    assert not kept.set_role("ann", Role.USER)
    assert not kept.change_password("ann", "new", before=8, after=9)


def test_of_many_who_want_a_name_at_once_one_gets_it(kept: AccountTables) -> None:
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda n: kept.add(account("wanted", password=f"hash {n}")), range(16)))
    assert got.count(True) == 1
    found = kept.account("wanted")
    assert found is not None
    assert found.password == f"hash {got.index(True)}"


def test_of_two_who_change_a_password_at_once_one_does(kept: AccountTables) -> None:
    kept.add(account("twice"))
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda n: kept.change_password("twice", f"hash {n}", before=7, after=8), range(16)))
    assert got.count(True) == 1


def test_names_of_generated_users_and_of_strategies_are_in_use(kept: AccountTables, session: Session) -> None:
    with Writer(session) as writer:
        writer.users(np.array([b"robot1"]), created=CREATED, origin="generator")
        writer.strategies(openings(1))
    assert kept.used("robot1")
    assert kept.used("user0")
    assert not kept.used("robot2")
    accounts = Accounts(kept, SECRET, Passwords(CHEAP))
    with pytest.raises(AccountError, match="is taken"):
        accounts.register("robot1", PASSWORD, address="", now=1.0)
    accounts.set_password("robot1", PASSWORD, now=1.0)
    assert accounts.sign_in("robot1", PASSWORD, address="", now=1.0).username == "robot1"


def test_attempts_are_kept_for_their_time_and_forgotten(kept: AccountTables) -> None:
    first = kept.attempt({"name": 3_600, "network": 3_600, "gone": 1}, 1.25)
    second = kept.attempt({"name": 3_600}, 2.5)
    assert kept.attempts("name") == {first: 1.25, second: 2.5}
    kept.withdraw("name", first)
    assert kept.attempts("name") == {second: 2.5}
    kept.withdraw("name")
    assert kept.attempts("name") == {}
    assert kept.attempts("network") == {first: 1.25}


def test_a_session_that_ended_is_known(kept: AccountTables) -> None:
    assert not kept.session_ended("one")
    kept.end_session("one", 600)
    assert kept.session_ended("one")
    assert not kept.session_ended("another")


def test_a_link_opens_what_its_strategy_has_now(kept: AccountTables, session: Session) -> None:
    page = Published("ann", "BRK/B", "dip", "digest 1", CREATED)
    kept.publish(page)
    kept.publish(replace(page, ticker="IBM", digest="digest 2"))
    assert kept.opens("digest 1") == page
    assert kept.published("ann") == [page, replace(page, ticker="IBM", digest="digest 2")]
    again = replace(page, digest="digest 3")
    kept.publish(again)
    assert kept.opens("digest 1") is None
    assert kept.opens("digest 3") == again
    kept.take_back("ann", "BRK/B", "dip")
    assert kept.opens("digest 3") is None
    # A link whose strategy has another one by now opens nothing, even if its row is still there.
    session.execute("INSERT INTO links (digest, username, ticker, name) VALUES ('old', 'ann', 'IBM', 'dip')")
    assert kept.opens("old") is None
    kept.add(account("ann"))
    kept.remove("ann")
    assert kept.opens("digest 2") is None
    assert kept.published("ann") == []


def test_a_key_comes_back_as_it_was_and_is_forgotten_with_its_account(kept: AccountTables) -> None:
    key = Key("keeper", "0123456789abcdef", Scope.WRITE, "digest", CREATED)
    other = replace(key, number="fedcba9876543210", scope=Scope.READ)
    kept.add_key(key)
    kept.add_key(other)
    assert kept.key(key.number) == key
    assert kept.keys("keeper") == [key, other]
    kept.key_used(key, CREATED.date())
    assert kept.key(key.number) == replace(key, used=CREATED.date())
    kept.revoke_key(key, CREATED, 600)
    assert kept.key(key.number) is None
    assert kept.keys("keeper") == [replace(key, revoked=CREATED), other]
    kept.key_used(other, CREATED.date())
    kept.add(account("keeper"))
    kept.remove("keeper")
    assert kept.key(other.number) is None
    assert kept.keys("keeper") == []


def test_a_use_that_is_noted_as_its_key_goes_makes_none(kept: AccountTables) -> None:
    key = Key("user", "00000000000000aa", Scope.READ, "digest", CREATED)
    kept.key_used(key, CREATED.date())
    assert kept.keys("user") == []


def test_a_keyspace_of_before_there_were_accounts_gets_their_tables_and_keeps_the_others(
    keyspace_of_its_own: Settings,
) -> None:
    session = connect(keyspace_of_its_own)
    for table in ("accounts", "ended_sessions", "sign_in_attempts", "published", "links"):
        session.execute(f"DROP TABLE {table}")
    session.execute("INSERT INTO users (username) VALUES ('kept')")
    accounts = Accounts(AccountTables(session), SECRET, Passwords(CHEAP))
    ways = [
        lambda: accounts.register("ann", PASSWORD, address="", now=1.0),
        lambda: accounts.sign_in("ann", PASSWORD, address="", now=1.0),
        lambda: accounts.set_password("ann", PASSWORD, now=1.0),
        lambda: accounts.opens("A" * 43),
        accounts.store.accounts,
    ]
    for way in ways:
        with pytest.raises(TablesMissing, match=r"; create the tables with: riskcontrol database init$"):
            way()
    Writer(session).check_tables()  # the stream needs none of them
    init(keyspace_of_its_own)  # as `riskcontrol up` does
    assert accounts.register("ann", PASSWORD, address="", now=1.0).username == "ann"
    assert accounts.store.used("kept")


def test_a_damaged_account_is_told(kept: AccountTables, session: Session) -> None:
    session.execute("INSERT INTO accounts (username, role) VALUES ('broken', 'emperor')")
    with pytest.raises(ServerError, match="row 'broken' of accounts is damaged"):
        kept.account("broken")
    session.execute("DELETE FROM accounts WHERE username = 'broken'")

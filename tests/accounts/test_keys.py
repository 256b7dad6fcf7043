"""Keys for programs: what makes one worth something, and what ends it."""

from __future__ import annotations

import datetime as dt

import pytest

from riskcontrol.accounts.keys import MOST_KEYS, PATTERN, Keys, Scope
from riskcontrol.accounts.service import Accounts
from riskcontrol.errors import AccountError
from tests.accounts.fake import PASSWORD, FakeStore, made

NOW = 1_760_000_000.0
TODAY = dt.date(2025, 10, 9)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def accounts(store: FakeStore) -> Accounts:
    _, kept = made(store)
    for name in ("ann", "bob"):
        kept.set_password(name, PASSWORD, now=NOW)
    return kept


@pytest.fixture
def keys(accounts: Accounts) -> Keys:
    return accounts.keys


def test_a_key_is_its_owner_s_and_its_secret_is_kept_nowhere(keys: Keys, store: FakeStore) -> None:
    token, key = keys.create("ann", Scope.READ, now=NOW)
    assert PATTERN.fullmatch(token)
    holder = keys.whose(token, now=NOW)
    assert holder is not None
    assert (holder.account.username, holder.key.scope, holder.key.number) == ("ann", Scope.READ, key.number)
    assert token.rpartition("_")[2] not in str(store.held)
    assert keys.create("ann", Scope.READ, now=NOW)[0] != token


def test_the_day_of_its_last_use_is_noted_once_a_day(keys: Keys, store: FakeStore) -> None:
    token, key = keys.create("ann", Scope.WRITE, now=NOW)
    assert store.held[key.number].used is None
    keys.whose(token, now=NOW)
    assert store.held[key.number].used == TODAY
    asked = store.asked
    keys.whose(token, now=NOW + 60)
    assert store.asked == asked + 2  # the key and the account are read, nothing is written
    keys.whose(token, now=NOW + 86_400)
    assert store.held[key.number].used == TODAY + dt.timedelta(days=1)


@pytest.mark.parametrize("place", [0, 3, 10, 20, -1])
def test_a_key_that_is_not_quite_right_is_none(keys: Keys, place: int) -> None:
    token, _ = keys.create("ann", Scope.WRITE, now=NOW)
    at = place % len(token)
    other = "b" if token[at] != "b" else "c"
    assert keys.whose(token[:at] + other + token[at + 1 :], now=NOW) is None
    assert keys.whose(token[:-1], now=NOW) is None
    assert keys.whose(f"{token}=", now=NOW) is None
    assert keys.whose("", now=NOW) is None


def test_a_number_of_one_key_with_the_secret_of_another_is_none(keys: Keys) -> None:
    (one, _), (other, _) = keys.create("ann", Scope.READ, now=NOW), keys.create("ann", Scope.WRITE, now=NOW)
    head = len("rc_") + 16
    assert keys.whose(one[:head] + other[head:], now=NOW) is None


def test_a_revoked_key_is_worth_nothing_and_is_listed(keys: Keys, store: FakeStore) -> None:
    token, key = keys.create("ann", Scope.WRITE, now=NOW)
    keys.revoke("ann", key.number, now=NOW + 1)
    assert keys.whose(token, now=NOW + 1) is None
    (listed,) = keys.of("ann")
    assert listed.revoked == dt.datetime.fromtimestamp(NOW + 1, dt.UTC)
    keys.revoke("ann", key.number, now=NOW + 9)  # once more changes nothing
    assert keys.of("ann") == [listed]


def test_nobody_revokes_another_s_key(keys: Keys) -> None:
    token, key = keys.create("ann", Scope.WRITE, now=NOW)
    for number in (key.number, "0" * 16, ""):
        with pytest.raises(AccountError, match="no such key"):
            keys.revoke("bob", number, now=NOW)
    assert keys.whose(token, now=NOW) is not None


def test_so_many_keys_can_be_had_at_a_time(keys: Keys) -> None:
    made_ = [keys.create("ann", Scope.READ, now=NOW + at)[1] for at in range(MOST_KEYS)]
    assert [key.number for key in keys.of("ann")] == [key.number for key in reversed(made_)]
    with pytest.raises(AccountError, match="revoke one first"):
        keys.create("ann", Scope.READ, now=NOW)
    keys.revoke("ann", made_[3].number, now=NOW)
    keys.create("ann", Scope.READ, now=NOW)


def test_an_account_that_is_removed_takes_its_keys_along(accounts: Accounts, store: FakeStore) -> None:
    token, _ = accounts.keys.create("ann", Scope.WRITE, now=NOW)
    kept, _ = accounts.keys.create("bob", Scope.WRITE, now=NOW)
    store.remove("ann")
    accounts.set_password("ann", PASSWORD, now=NOW)
    assert accounts.keys.whose(token, now=NOW) is None
    assert accounts.keys.whose(kept, now=NOW) is not None


def test_a_new_password_ends_sessions_and_no_keys(accounts: Accounts) -> None:
    token, _ = accounts.keys.create("ann", Scope.WRITE, now=NOW)
    accounts.set_password("ann", "nine blue herons", now=NOW)
    assert accounts.keys.whose(token, now=NOW) is not None


def test_signing_out_everywhere_revokes_the_keys_of_the_account_alone(accounts: Accounts, store: FakeStore) -> None:
    tokens = [accounts.keys.create("ann", scope, now=NOW)[0] for scope in Scope]
    kept, _ = accounts.keys.create("bob", Scope.WRITE, now=NOW)
    accounts.sign_out_everywhere(store.kept["ann"], now=NOW)
    assert [accounts.keys.whose(token, now=NOW) for token in tokens] == [None, None]
    assert all(key.revoked is not None for key in accounts.keys.of("ann"))
    assert accounts.keys.whose(kept, now=NOW) is not None

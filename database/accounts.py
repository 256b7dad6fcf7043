"""Accounts, attempts, links and keys in the tables: reads and writes of `riskcontrol.accounts.store.Store`."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import replace
from typing import Any

from database.asking import Asking
from database.queries import insert, select
from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.keys import Key, Scope
from riskcontrol.accounts.links import Published
from riskcontrol.accounts.passwords import Cost, Passwords
from riskcontrol.accounts.service import Accounts
from riskcontrol.accounts.store import Store
from riskcontrol.errors import ServerError
from riskcontrol.secret import secret_of
from riskcontrol.settings import Settings

_ACCOUNT_COLUMNS = ("username", "password", "role", "generation", "created")
_ACCOUNT = select("accounts", _ACCOUNT_COLUMNS, "username = ?")
_ACCOUNTS = select("accounts", _ACCOUNT_COLUMNS)
_ADD = insert("accounts", _ACCOUNT_COLUMNS) + " IF NOT EXISTS"
_PASSWORD = "UPDATE {}.accounts SET password = ?, generation = ? WHERE username = ? IF generation = ?"  # noqa: S105
_ROLE = "UPDATE {}.accounts SET role = ? WHERE username = ? IF EXISTS"
_REMOVE = "DELETE FROM {}.accounts WHERE username = ? IF EXISTS"

_USER = select("users", ["username"], "username = ?")
_STRATEGY = select("strategies", ["username"], "username = ? LIMIT 1")
_ADD_USER = insert("users", ["username", "created", "origin"])

_END = insert("ended_sessions", ["number"]) + " USING TTL ?"
_ENDED = select("ended_sessions", ["number"], "number = ?")

_ATTEMPT = insert("sign_in_attempts", ["subject", "attempt", "at"]) + " USING TTL ?"
_ATTEMPTS = select("sign_in_attempts", ["attempt", "at"], "subject = ?")
_WITHDRAW = "DELETE FROM {}.sign_in_attempts WHERE subject = ? AND attempt = ?"
_WITHDRAW_ALL = "DELETE FROM {}.sign_in_attempts WHERE subject = ?"

_PUBLISHED_COLUMNS = ("username", "ticker", "name", "digest", "created")
_PUBLISH = insert("published", _PUBLISHED_COLUMNS)
_PUBLISHED = select("published", _PUBLISHED_COLUMNS, "username = ?")
_ONE_PUBLISHED = f"{_PUBLISHED} AND ticker = ? AND name = ?"
_LINK = insert("links", ["digest", "username", "ticker", "name"])
_OPENS = select("links", ["username", "ticker", "name"], "digest = ?")
_TAKE_BACK = "DELETE FROM {}.published WHERE username = ? AND ticker = ? AND name = ?"
_TAKE_ALL_BACK = "DELETE FROM {}.published WHERE username = ?"
_FORGET_RULES = "DELETE FROM {}.alert_rules WHERE username = ?"
_FORGET_CONTACT = "DELETE FROM {}.alert_contacts WHERE username = ?"
_FORGET_LINK = "DELETE FROM {}.links WHERE digest = ?"

_KEY_COLUMNS = ("username", "number", "scope", "digest", "created", "used", "revoked")
_ADD_KEY = insert("api_keys", _KEY_COLUMNS)
_KEYS = select("api_keys", _KEY_COLUMNS, "username = ?")
_KEY = f"{_KEYS} AND number = ?"
_KEY_USED = "UPDATE {}.api_keys SET used = ? WHERE username = ? AND number = ?"
_REVOKE = f"{_ADD_KEY} USING TTL ?"
_OWNER = insert("key_owners", ["number", "username"])
_OWNER_OF = select("key_owners", ["username"], "number = ?")
_FORGET_OWNER = "DELETE FROM {}.key_owners WHERE number = ?"
_FORGET_KEYS = "DELETE FROM {}.api_keys WHERE username = ?"


class AccountTables(Asking):
    """Keeps accounts in Cassandra; many threads may share one.

    Every method raises `ServerError` when the database doesn't answer.

    Args:
        session: A session with the keyspace of the tables.
    """

    def account(self, username: str) -> Account | None:
        """Return an account, or None."""
        rows = self._rows(_ACCOUNT, username)
        return _account(rows[0]) if rows else None

    def accounts(self) -> list[Account]:
        """Return all of them, by name."""
        return sorted(map(_account, self._rows(_ACCOUNTS)), key=lambda account: account.username)

    def used(self, username: str) -> bool:
        """Return whether there is a user or a strategy of this name, with or without an account."""
        return bool(self._rows(_USER, username) or self._rows(_STRATEGY, username))

    def add(self, account: Account) -> bool:
        """Add an account unless there is one of its name; of two at the same time, one gets it."""
        row = (account.username, account.password, account.role.value, account.generation, account.created)
        if not self._agreed(_ADD, *row) and self._password(account.username) != account.password:
            return False
        self._rows(_ADD_USER, account.username, account.created, "form")
        return True

    def change_password(self, username: str, password: str, *, before: int, after: int) -> bool:
        """Replace a password's hash and the generation, if the generation still is `before`."""
        return self._agreed(_PASSWORD, password, after, username, before) or self._password(username) == password

    def set_role(self, username: str, role: Role) -> bool:
        """Replace an account's role, if there is such an account."""
        return self._agreed(_ROLE, role.value, username)

    def remove(self, username: str) -> bool:
        """Remove an account, its links, keys and alerts' rules, if there is one; its strategies stay."""
        for key in self.keys(username):
            self._rows(_FORGET_OWNER, key.number)
        self._rows(_FORGET_KEYS, username)
        for query in (_FORGET_RULES, _FORGET_CONTACT):
            self._rows(query, username)
        for page in self.published(username):
            self._rows(_FORGET_LINK, page.digest)
        self._rows(_TAKE_ALL_BACK, username)
        return self._agreed(_REMOVE, username)

    def end_session(self, number: str, seconds: int) -> None:
        """Note for so long that a session has ended."""
        self._rows(_END, number, seconds)

    def session_ended(self, number: str) -> bool:
        """Return whether that was noted."""
        return bool(self._rows(_ENDED, number))

    def attempt(self, subjects: dict[str, int], at: float) -> str:
        """Note an attempt on each of some subjects, each for so many seconds; returns what `withdraw` takes."""
        attempt = secrets.token_hex(8)
        for subject, seconds in subjects.items():
            self._rows(_ATTEMPT, subject, attempt, at, seconds)
        return attempt

    def attempts(self, subject: str) -> dict[str, float]:
        """Return when the attempts on a subject were made, by what `attempt` returned."""
        return dict(self._rows(_ATTEMPTS, subject))

    def withdraw(self, subject: str, attempt: str | None = None) -> None:
        """Forget one attempt on a subject, or all of them."""
        if attempt is None:
            self._rows(_WITHDRAW_ALL, subject)
        else:
            self._rows(_WITHDRAW, subject, attempt)

    def publish(self, page: Published) -> None:
        """Note a link in the place of the one that the strategy had."""
        which = (page.username, page.ticker, page.name)
        before = self._rows(_ONE_PUBLISHED, *which)
        # In this order: at no moment does anything open more than before and after.
        self._rows(_LINK, page.digest, *which)
        self._rows(_PUBLISH, *which, page.digest, page.created)
        for row in before:
            self._rows(_FORGET_LINK, row[3])

    def published(self, username: str) -> list[Published]:
        """Return the links of a user, by ticker and name."""
        return [_published(row) for row in self._rows(_PUBLISHED, username)]

    def opens(self, digest: str) -> Published | None:
        """Return what a link opens now, by its hash."""
        for which in self._rows(_OPENS, digest):
            for row in self._rows(_ONE_PUBLISHED, *which):
                page = _published(row)
                return page if page.digest == digest else None
        return None

    def take_back(self, username: str, ticker: str, name: str) -> None:
        """Forget the link of a strategy."""
        before = self._rows(_ONE_PUBLISHED, username, ticker, name)
        self._rows(_TAKE_BACK, username, ticker, name)
        for row in before:
            self._rows(_FORGET_LINK, row[3])

    def add_key(self, key: Key) -> None:
        """Note a key."""
        self._rows(_ADD_KEY, *_key_row(key))
        self._rows(_OWNER, key.number, key.username)

    def keys(self, username: str) -> list[Key]:
        """Return the keys of a user, in any order, with those revoked that are still noted."""
        return [key for row in self._rows(_KEYS, username) if (key := _key(row)) is not None]

    def key(self, number: str) -> Key | None:
        """Return a key by its number."""
        for (username,) in self._rows(_OWNER_OF, number):
            for row in self._rows(_KEY, username, number):
                return _key(row)
        return None

    def key_used(self, key: Key, day: dt.date) -> None:
        """Note on which day a key was used last."""
        self._rows(_KEY_USED, day, key.username, key.number)

    def revoke_key(self, key: Key, at: dt.datetime, seconds: int) -> None:
        """Note that a key is revoked, and forget it after so many seconds."""
        self._rows(_FORGET_OWNER, key.number)
        self._rows(_REVOKE, *_key_row(replace(key, revoked=at)), seconds)

    def _password(self, username: str) -> str | None:
        """Return a password's hash as the last transaction left it; two never have the same, so it tells whose won."""
        row = self._settled(_ACCOUNT, username)
        return row[1] if row else None


def accounts_over(store: Store, settings: Settings) -> Accounts:
    """Return what can be done with the accounts that a store keeps.

    Args:
        store: Keeps them.
        settings: The installation's secret, and what a password's hash costs.

    Raises:
        SettingsError: The secret can't be used.
    """
    cost = Cost(memory=settings.password_memory, rounds=settings.password_rounds)
    return Accounts(store, secret_of(settings), Passwords(cost))


def _account(row: tuple[Any, ...]) -> Account:
    """Return an account from its row.

    Raises:
        ServerError: The row is damaged.
    """
    username, password, role, generation, created = row
    try:
        return Account(username, str(password), Role(role), int(generation), created.replace(tzinfo=dt.UTC))
    except (ValueError, TypeError, AttributeError) as error:
        raise ServerError(f"row {username!r} of accounts is damaged ({error})", server="cassandra") from error


def _published(row: tuple[Any, ...]) -> Published:
    username, ticker, name, digest, created = row
    return Published(username, ticker, name, digest, created.replace(tzinfo=dt.UTC))


def _key_row(key: Key) -> tuple[Any, ...]:
    return (key.username, key.number, key.scope.value, key.digest, key.created, key.used, key.revoked)


def _key(row: tuple[Any, ...]) -> Key | None:
    """Return a key from its row; None for what is left where one was used at the moment in which it was forgotten."""
    username, number, scope, digest, created, used, revoked = row
    if scope is None or digest is None or created is None:
        return None
    return Key(
        username=username,
        number=number,
        scope=Scope(scope),
        digest=digest,
        created=created.replace(tzinfo=dt.UTC),
        used=used.date() if used else None,
        revoked=revoked.replace(tzinfo=dt.UTC) if revoked else None,
    )

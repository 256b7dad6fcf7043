"""Accounts, attempts, links and keys in memory, for tests without a database."""

# ruff: noqa: D102  what its methods do stands in `Store`

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field, replace

from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.keys import Key
from riskcontrol.accounts.links import Published
from riskcontrol.accounts.passwords import Cost, Passwords
from riskcontrol.accounts.service import Accounts
from riskcontrol.errors import ServerError

CHEAP = Cost(memory=8, rounds=1)
"""A hash that takes no time."""
SECRET = b"a secret of tests, which nobody else has"
PASSWORD = "seven red kites"


@dataclass
class FakeStore:
    """The interface of `riskcontrol.accounts.store.Store` over dictionaries; set `away` to have no database."""

    kept: dict[str, Account] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Of users and strategies without an account."""
    ended: set[str] = field(default_factory=set)
    noted: dict[str, dict[str, float]] = field(default_factory=dict)
    pages: dict[tuple[str, str, str], Published] = field(default_factory=dict)
    held: dict[str, Key] = field(default_factory=dict)
    """Keys by their numbers."""
    away: bool = False
    asked: int = 0

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise ServerError("no answer", server="cassandra")

    def account(self, username: str) -> Account | None:
        self._answer()
        return self.kept.get(username)

    def accounts(self) -> list[Account]:
        self._answer()
        return [self.kept[name] for name in sorted(self.kept)]

    def used(self, username: str) -> bool:
        self._answer()
        return username in self.names

    def add(self, account: Account) -> bool:
        self._answer()
        self.names.add(account.username)
        return self.kept.setdefault(account.username, account) is account

    def change_password(self, username: str, password: str, *, before: int, after: int) -> bool:
        self._answer()
        account = self.kept.get(username)
        if account is None or account.generation != before:
            return False
        self.kept[username] = replace(account, password=password, generation=after)
        return True

    def set_role(self, username: str, role: Role) -> bool:
        self._answer()
        if username in self.kept:
            self.kept[username] = replace(self.kept[username], role=role)
        return username in self.kept

    def remove(self, username: str) -> bool:
        self._answer()
        self.pages = {key: page for key, page in self.pages.items() if page.username != username}
        self.held = {number: key for number, key in self.held.items() if key.username != username}
        return self.kept.pop(username, None) is not None

    def end_session(self, number: str, seconds: int) -> None:
        self._answer()
        self.ended.add(number)

    def session_ended(self, number: str) -> bool:
        self._answer()
        return number in self.ended

    def attempt(self, subjects: dict[str, int], at: float) -> str:
        self._answer()
        attempt = secrets.token_hex(8)
        for subject in subjects:
            self.noted.setdefault(subject, {})[attempt] = at
        return attempt

    def attempts(self, subject: str) -> dict[str, float]:
        self._answer()
        return dict(self.noted.get(subject, {}))

    def withdraw(self, subject: str, attempt: str | None = None) -> None:
        self._answer()
        if attempt is None:
            self.noted.pop(subject, None)
        else:
            self.noted.get(subject, {}).pop(attempt, None)

    def publish(self, page: Published) -> None:
        self._answer()
        self.pages[page.username, page.ticker, page.name] = page

    def published(self, username: str) -> list[Published]:
        self._answer()
        return [page for _, page in sorted(self.pages.items()) if page.username == username]

    def opens(self, digest: str) -> Published | None:
        self._answer()
        return next((page for page in self.pages.values() if page.digest == digest), None)

    def take_back(self, username: str, ticker: str, name: str) -> None:
        self._answer()
        self.pages.pop((username, ticker, name), None)

    def add_key(self, key: Key) -> None:
        self._answer()
        self.held[key.number] = key

    def keys(self, username: str) -> list[Key]:
        self._answer()
        return [key for key in self.held.values() if key.username == username]

    def key(self, number: str) -> Key | None:
        self._answer()
        return self.held.get(number)

    def key_used(self, key: Key, day: dt.date) -> None:
        self._answer()
        self.held[key.number] = replace(self.held[key.number], used=day)

    def revoke_key(self, key: Key, at: dt.datetime, seconds: int) -> None:
        self._answer()
        self.held[key.number] = replace(self.held[key.number], revoked=at)


def made(store: FakeStore | None = None) -> tuple[FakeStore, Accounts]:
    """Return accounts with hashes that cost nothing, and where they are kept."""
    store = store or FakeStore()
    return store, Accounts(store, SECRET, Passwords(CHEAP))

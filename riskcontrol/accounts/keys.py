"""Keys with which programs use the API in somebody's name: shown once, kept as hashes, narrower than a session."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import Enum

from riskcontrol.accounts.account import Account
from riskcontrol.accounts.store import Store
from riskcontrol.errors import AccountError

PREFIX = "rc_"
"""What every key begins with, so that one that was published by mistake is found by those who look for such."""
PATTERN = re.compile(rf"{PREFIX}([0-9a-f]{{16}})_([A-Za-z0-9_-]{{43}})")
MOST_KEYS = 20
"""Most keys of a user that can be used."""
REVOKED_SECONDS = 30 * 86_400
"""How long a revoked key is listed."""


class Scope(Enum):
    """What a key may do in its owner's name."""

    READ = "read"
    """See what the owner sees."""
    WRITE = "write"
    """Open and stop the owner's strategies as well."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key.

    Attributes:
        username: Whose.
        number: Tells it from others; no secret.
        scope: What it may do.
        digest: SHA-256 of its secret. That has 256 random bits, so a plain hash can't be turned back.
        created: When it was made, aware.
        used: The last day (UTC) on which it was used; None before.
        revoked: Since when it is worth nothing, aware; None while it is.
    """

    username: str
    number: str
    scope: Scope
    digest: str
    created: dt.datetime
    used: dt.date | None = None
    revoked: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has shown a key, and what it may do."""

    account: Account
    key: Key


class Keys:
    """Makes keys, knows whose they are, and revokes them.

    Args:
        store: Keeps them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, username: str, scope: Scope, *, now: float) -> tuple[str, Key]:
        """Make a key; returns it, for the only time, and what is kept of it.

        Args:
            username: Of an account.
            scope: What it may do.
            now: Seconds since 1970.

        Raises:
            AccountError: The user has too many.
        """
        if sum(key.revoked is None for key in self.of(username)) >= MOST_KEYS:
            raise AccountError(f"at most {MOST_KEYS} keys can be had at a time; revoke one first", field="")
        number, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        key = Key(username, number, scope, _digest(secret), _time(now))
        self._store.add_key(key)
        return f"{PREFIX}{number}_{secret}", key

    def of(self, username: str) -> list[Key]:
        """Return a user's keys, the newest first, with those that were revoked lately."""
        return sorted(self._store.keys(username), key=lambda key: (key.created, key.number), reverse=True)

    def whose(self, token: str, *, now: float) -> Holder | None:
        """Return who may use a key, and note the day; None for one that is none, is revoked, or has no account.

        Args:
            token: As it was sent.
            now: Seconds since 1970.
        """
        parts = PATTERN.fullmatch(token)
        key = self._store.key(parts[1]) if parts else None
        if parts is None or key is None or not hmac.compare_digest(key.digest, _digest(parts[2])):
            return None
        account = self._store.account(key.username) if key.revoked is None else None
        if account is None:
            return None
        today = _time(now).date()
        if key.used is None or key.used < today:
            self._store.key_used(key, today)
        return Holder(account, key)

    def revoke(self, username: str, number: str, *, now: float) -> Key:
        """Make a key worth nothing; returns it.

        Args:
            username: Whose.
            number: Of the key.
            now: Seconds since 1970.

        Raises:
            AccountError: The user has no such key.
        """
        key = next((one for one in self._store.keys(username) if one.number == number), None)
        if key is None:
            raise AccountError("there is no such key of this account", field=number[:24])
        if key.revoked is None:
            self._store.revoke_key(key, _time(now), REVOKED_SECONDS)
        return key

    def revoke_all(self, username: str, *, now: float) -> None:
        """Make all keys of a user worth nothing.

        Args:
            username: Whose.
            now: Seconds since 1970.
        """
        for key in self._store.keys(username):
            if key.revoked is None:
                self._store.revoke_key(key, _time(now), REVOKED_SECONDS)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _time(now: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(now), dt.UTC)

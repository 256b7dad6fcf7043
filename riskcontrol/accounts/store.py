"""What accounts need of whoever keeps them; `database.accounts` does, and a fake in the tests."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol

from riskcontrol.accounts.account import Account, Role
from riskcontrol.accounts.links import Published

if TYPE_CHECKING:
    from riskcontrol.accounts.keys import Key


class Store(Protocol):
    """Keeps accounts, attempts and links. Every method raises `ServerError` when it doesn't answer."""

    def account(self, username: str) -> Account | None:
        """Return an account, or None."""

    def accounts(self) -> list[Account]:
        """Return all of them, by name."""

    def used(self, username: str) -> bool:
        """Return whether there is a user or a strategy of this name, with or without an account."""

    def add(self, account: Account) -> bool:
        """Add an account unless there is one of its name; of two at the same time, one gets it."""

    def change_password(self, username: str, password: str, *, before: int, after: int) -> bool:
        """Replace a password's hash and the generation, if the generation still is `before`."""

    def set_role(self, username: str, role: Role) -> bool:
        """Replace an account's role, if there is such an account."""

    def remove(self, username: str) -> bool:
        """Remove an account, its links, keys and alerts' rules, if there is one; its strategies stay."""

    def end_session(self, number: str, seconds: int) -> None:
        """Note for so long that a session has ended."""

    def session_ended(self, number: str) -> bool:
        """Return whether that was noted."""

    def attempt(self, subjects: dict[str, int], at: float) -> str:
        """Note an attempt on each of some subjects, each for so many seconds; returns what `withdraw` takes."""

    def attempts(self, subject: str) -> dict[str, float]:
        """Return when the attempts on a subject were made, by what `attempt` returned."""

    def withdraw(self, subject: str, attempt: str | None = None) -> None:
        """Forget one attempt on a subject, or all of them."""

    def publish(self, page: Published) -> None:
        """Note a link in the place of the one that the strategy had."""

    def published(self, username: str) -> list[Published]:
        """Return the links of a user, by ticker and name."""

    def opens(self, digest: str) -> Published | None:
        """Return what a link opens now, by its hash."""

    def take_back(self, username: str, ticker: str, name: str) -> None:
        """Forget the link of a strategy."""

    def add_key(self, key: Key) -> None:
        """Note a key."""

    def keys(self, username: str) -> list[Key]:
        """Return the keys of a user, in any order, with those revoked that are still noted."""

    def key(self, number: str) -> Key | None:
        """Return a key by its number."""

    def key_used(self, key: Key, day: dt.date) -> None:
        """Note on which day a key was used last."""

    def revoke_key(self, key: Key, at: dt.datetime, seconds: int) -> None:
        """Note that a key is revoked, and forget it after so many seconds."""

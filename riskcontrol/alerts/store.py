"""What alerts need of whoever keeps them; `database.alerts` does, and a fake in the tests."""

from __future__ import annotations

from typing import Protocol

from riskcontrol.alerts.box import Alert, Box, Change
from riskcontrol.alerts.rules import Contact, Rule


class AlertStore(Protocol):
    """Keeps rules, contacts and alerts. Every method raises `ServerError` when it doesn't answer.

    A row that can't be read raises `RowDamaged` where it alone is asked for; among many, it is left out.
    """

    def rules(self, username: str | None = None) -> list[Rule]:
        """Return a user's rules by ticker and name, or everybody's."""

    def rule(self, username: str, ticker: str, name: str) -> Rule | None:
        """Return the rule of a strategy, or None."""

    def set_rule(self, rule: Rule) -> None:
        """Keep a rule in the place of the one that its strategy had."""

    def remove_rule(self, username: str, ticker: str, name: str) -> None:
        """Forget the rule of a strategy; what was noted of it stays."""

    def contacts(self) -> list[Contact]:
        """Return where everybody is told."""

    def contact(self, username: str) -> Contact | None:
        """Return where a user is told, or None."""

    def set_contact(self, contact: Contact) -> None:
        """Keep where a user is told in the place of what was there."""

    def box(self, username: str) -> tuple[int, Box]:
        """Return a user's box and its version, as the last change left them."""

    def change(self, username: str, version: int, change: Change) -> bool:
        """Write a change, all of it, if the box's version still is this; returns whether it was."""

    def waiting(self, username: str, after: int, limit: int) -> list[Alert]:
        """Return a user's alerts with a higher number, the oldest first, at most so many."""

    def newest(self, username: str, limit: int) -> list[Alert]:
        """Return a user's newest alerts, the newest first."""

    def unseen(self, username: str) -> tuple[int, int]:
        """Return the number of a user's newest alert, and that of the newest one looked at."""

    def look(self, username: str, number: int) -> None:
        """Note which is the newest alert that a user has looked at."""

    def hold(self, name: str, holder: str, seconds: int) -> bool:
        """Take a lease for so long, or longer if it is held already; returns whether it is the holder's."""

    def let_go(self, name: str, holder: str) -> None:
        """Give a lease back, if it is the holder's."""

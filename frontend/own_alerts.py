"""The alerts of whoever asks, and nobody else's: an admin sees strategies, not where their owners want to be told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from frontend.access import require_change
from riskcontrol.alerts.box import Alert
from riskcontrol.alerts.rules import MOST_RULES, Contact, Rule, asked, new_salt
from riskcontrol.alerts.signing import Keys
from riskcontrol.alerts.store import AlertStore
from riskcontrol.errors import AlertError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an owner has typed.

    Attributes:
        rule: What to tell of a strategy, but for the two below.
        fills: Whether each fill.
        verdict: Whether changes of the verdict.
        contact: Where; its salt and whether it is confirmed are not the owner's to say.
        code: What confirms the e-mail address, if it was typed.
    """

    rule: Rule
    fills: bool
    verdict: bool
    contact: Contact
    code: str = ""


class OwnAlerts:
    """Reads and sets alerts, each for their owner alone.

    Args:
        store: Keeps them.
        keys: Gives the installation's keys.
        now: Seconds since 1970.
    """

    def __init__(self, store: AlertStore, keys: Callable[[], Keys], now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._keys = keys
        self._now = now

    def rule(self, username: str, ticker: str, name: str) -> Rule | None:
        """Return what is told of a strategy, or None."""
        require_change(username)
        return self._store.rule(username, ticker, name)

    def contact(self, username: str) -> Contact:
        """Return where a user is told."""
        require_change(username)
        return self._store.contact(username) or Contact(username)

    def unseen(self, username: str) -> tuple[int, int]:
        """Return the number of a user's newest alert, and that of the newest one looked at."""
        require_change(username)
        return self._store.unseen(username)

    def newest(self, username: str, limit: int) -> list[Alert]:
        """Return a user's newest alerts, the newest first."""
        require_change(username)
        return self._store.newest(username, limit)

    def look(self, username: str, number: int) -> None:
        """Note which is the newest alert that a user has looked at."""
        require_change(username)
        self._store.look(username, number)

    def set(self, wanted: Wanted, count: int) -> tuple[Contact, str]:
        """Set what is told of a strategy, and where; returns that, and the webhook's secret where it is a new one.

        Args:
            wanted: What was typed.
            count: How many fills the strategy has.

        Raises:
            AlertError: There are too many, or the code isn't that of the address.
        """
        username = wanted.rule.username
        require_change(username)
        before = self.contact(username)
        after = self._contact(wanted, before)
        known = {rule.key: rule for rule in self._store.rules(username)}
        rule = asked(
            wanted.rule,
            known.get(wanted.rule.key),
            fills=wanted.fills,
            verdict=wanted.verdict,
            count=count,
            now=self._now(),
        )
        if rule.key not in known and len(known) >= MOST_RULES:
            raise AlertError(f"{MOST_RULES} strategies have alerts, which is the most; remove some", field="rule")
        if after != before:
            self._store.set_contact(after)
        if not rule.empty:
            self._store.set_rule(rule)
        elif rule.key in known:
            self._store.remove_rule(*rule.key)
        return after, self._keys().webhook(after) if after.url and after.salt != before.salt else ""

    def _contact(self, wanted: Wanted, before: Contact) -> Contact:
        """Return where a user wants to be told, with what isn't the user's to say."""
        given = wanted.contact
        confirmed = bool(given.email) and given.email == before.email and before.confirmed
        if wanted.code and given.email and not confirmed:
            if not self._keys().confirms(given.username, given.email, wanted.code):
                raise AlertError(f"is not the code that was sent to {given.email}", field="code")
            confirmed = True
        salt = before.salt if given.url == before.url else new_salt() if given.url else ""
        return replace(given, confirmed=confirmed, salt=salt)

"""Rules, contacts and alerts in the tables: reads and writes of `riskcontrol.alerts.store.AlertStore`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, TypeVar

from cassandra.cluster import Session
from cassandra.query import BatchStatement, BatchType

from database.asking import Asking
from database.queries import insert, select
from database.session import answering, prepare
from riskcontrol.alerts.box import CHANNELS, Alert, Box, Change, read_box
from riskcontrol.alerts.hours import read_quiet
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.errors import AlertError, RowDamaged, StrategyError

log = logging.getLogger("riskcontrol.alerts")

Row = TypeVar("Row")

KEEP_SECONDS = 90 * 86_400
"""How long an alert stays in the list."""

_RULE_COLUMNS = [field.name for field in fields(Rule)]
_RULES = select("alert_rules", _RULE_COLUMNS)
_USERS_RULES = select("alert_rules", _RULE_COLUMNS, "username = ?")
_RULE = f"{_USERS_RULES} AND ticker = ? AND name = ?"
_SET_RULE = insert("alert_rules", _RULE_COLUMNS)
_REMOVE_RULE = "DELETE FROM {}.alert_rules WHERE username = ? AND ticker = ? AND name = ?"

_CONTACT_COLUMNS = ("username", "url", "salt", "email", "confirmed", "quiet", "zone", "cap")
_CONTACTS = select("alert_contacts", _CONTACT_COLUMNS)
_CONTACT = select("alert_contacts", _CONTACT_COLUMNS, "username = ?")
_SET_CONTACT = insert("alert_contacts", _CONTACT_COLUMNS)

_ALERT_COLUMNS = [field.name for field in fields(Alert)]
_ID, _NUMBER = map(_ALERT_COLUMNS.index, ("id", "number"))
_BOX = select("alerts", ["version", "box"], "username = ? LIMIT 1")
_CHANGE = "UPDATE {}.alerts SET version = ?, box = ?, last = ? WHERE username = ? IF version = ?"
_ADD = insert("alerts", _ALERT_COLUMNS) + f" USING TTL {KEEP_SECONDS}"
_MARKS = {
    channel: f"UPDATE {{}}.alerts USING TTL {KEEP_SECONDS} SET {channel} = ? WHERE username = ? AND number = ?"  # noqa: S608
    for channel in CHANNELS
}
_NEWEST = select("alerts", _ALERT_COLUMNS, "username = ? LIMIT ?")
_WAITING = select("alerts", _ALERT_COLUMNS, "username = ? AND number > ? ORDER BY number ASC LIMIT ?")
_UNSEEN = select("alerts", ["last", "seen"], "username = ? LIMIT 1")
_LOOK = "UPDATE {}.alerts SET seen = ? WHERE username = ?"

_TAKE = insert("leases", ["name", "holder"]) + " IF NOT EXISTS USING TTL ?"
_KEEP = "UPDATE {}.leases USING TTL ? SET holder = ? WHERE name = ? IF holder = ?"
_LET_GO = "DELETE FROM {}.leases WHERE name = ? IF holder = ?"


class AlertTables(Asking):
    """Keeps alerts in Cassandra; many threads may share one.

    Every method raises `ServerError` when the database doesn't answer. Of many rows, those that are damaged are left
    out and logged, each once; where a single one is asked for, that raises `RowDamaged`.

    Args:
        session: A session with the keyspace of the tables.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._logged: set[str] = set()

    def _sound(self, read: Callable[[tuple[Any, ...]], Row], rows: Iterable[tuple[Any, ...]]) -> list[Row]:
        found = []
        for row in rows:
            try:
                found.append(read(row))
            except RowDamaged as error:
                if str(error) not in self._logged:
                    self._logged.add(str(error))
                    log.warning("%s; it is left out", error)
        return found

    def rules(self, username: str | None = None) -> list[Rule]:
        """Return a user's rules by ticker and name, or everybody's."""
        rows = self._rows(_RULES) if username is None else self._rows(_USERS_RULES, username)
        return self._sound(_rule, rows)

    def rule(self, username: str, ticker: str, name: str) -> Rule | None:
        """Return the rule of a strategy, or None."""
        rows = self._rows(_RULE, username, ticker, name)
        return _rule(rows[0]) if rows else None

    def set_rule(self, rule: Rule) -> None:
        """Keep a rule in the place of the one that its strategy had."""
        self._rows(_SET_RULE, *(getattr(rule, name) for name in _RULE_COLUMNS))

    def remove_rule(self, username: str, ticker: str, name: str) -> None:
        """Forget the rule of a strategy; what was noted of it stays."""
        self._rows(_REMOVE_RULE, username, ticker, name)

    def contacts(self) -> list[Contact]:
        """Return where everybody is told."""
        return self._sound(_contact, self._rows(_CONTACTS))

    def contact(self, username: str) -> Contact | None:
        """Return where a user is told, or None."""
        rows = self._rows(_CONTACT, username)
        return _contact(rows[0]) if rows else None

    def set_contact(self, contact: Contact) -> None:
        """Keep where a user is told in the place of what was there."""
        quiet = contact.quiet
        hours = (quiet.span, quiet.zone) if quiet else (None, None)
        places = (contact.url or None, contact.salt or None, contact.email or None, contact.confirmed)
        self._rows(_SET_CONTACT, contact.username, *places, *hours, contact.cap)

    def box(self, username: str) -> tuple[int, Box]:
        """Return a user's box and its version, as the last change left them."""
        version, text = self._settled(_BOX, username) or (None, None)
        try:
            return version or 0, read_box(text)
        except ValueError as error:
            raise _damaged("alerts", error, username) from error

    def change(self, username: str, version: int, change: Change) -> bool:
        """Write a change, all of it, if the box's version still is this; returns whether it was."""
        batch = BatchStatement(BatchType.UNLOGGED)  # of one partition, so it is all or nothing
        box = change.box
        batch.add(prepare(self._session, _CHANGE), (version + 1, box.text(), box.last, username, version or None))
        for alert in change.alerts:
            facts = json.dumps(dict(alert.facts))
            values = [facts if name == "facts" else getattr(alert, name) for name in _ALERT_COLUMNS]
            batch.add(prepare(self._session, _ADD), values)
        for number, channel, state in change.marks:
            batch.add(prepare(self._session, _MARKS[channel]), (state, username, number))
        batch.is_idempotent = False  # done twice, the second finds what the first did
        with answering():
            return bool(self._session.execute(batch, execution_profile=self._profile).one()[0])

    def waiting(self, username: str, after: int, limit: int) -> list[Alert]:
        """Return a user's alerts with a higher number, the oldest first, at most so many."""
        while True:
            rows = self._rows(_WAITING, username, after, limit)
            if (found := self._alerts(rows)) or len(rows) < limit:
                return found
            after = rows[-1][_NUMBER]  # all of them are left out; none found would mean that none is behind them

    def newest(self, username: str, limit: int) -> list[Alert]:
        """Return a user's newest alerts, the newest first."""
        return self._alerts(self._rows(_NEWEST, username, limit))

    def _alerts(self, rows: list[tuple[Any, ...]]) -> list[Alert]:
        """Return alerts; not a box without any, nor a mark that has outlived its alert."""
        return self._sound(_alert, (row for row in rows if row[_ID] is not None))

    def unseen(self, username: str) -> tuple[int, int]:
        """Return the number of a user's newest alert, and that of the newest one looked at."""
        rows = self._rows(_UNSEEN, username)
        last, seen = rows[0] if rows else (None, None)
        return last or 0, seen or 0

    def look(self, username: str, number: int) -> None:
        """Note which is the newest alert that a user has looked at."""
        self._rows(_LOOK, number, username)

    def hold(self, name: str, holder: str, seconds: int) -> bool:
        """Take a lease for so long, or longer if it is held already; returns whether it is the holder's."""
        return self._agreed(_KEEP, seconds, holder, name, holder) or self._agreed(_TAKE, name, holder, seconds)

    def let_go(self, name: str, holder: str) -> None:
        """Give a lease back, if it is the holder's."""
        self._agreed(_LET_GO, name, holder)


def _rule(row: tuple[Any, ...]) -> Rule:
    username, ticker, name, fills, verdict, drawdown, webhook, email = row
    try:
        return Rule(username, ticker, name, fills, verdict, drawdown, bool(webhook), bool(email))
    except (AlertError, StrategyError, TypeError) as error:
        raise _damaged("alert_rules", error, username, ticker, name) from error


def _contact(row: tuple[Any, ...]) -> Contact:
    username, url, salt, email, confirmed, quiet, zone, cap = row
    try:
        hours = read_quiet(quiet or "", zone or "")
        return Contact(username, url or "", salt or "", email or "", bool(confirmed), hours, cap)
    except (AlertError, StrategyError, TypeError) as error:
        raise _damaged("alert_contacts", error, username) from error


def _alert(row: tuple[Any, ...]) -> Alert:
    given = dict(zip(_ALERT_COLUMNS, row, strict=True))
    try:
        if lacking := [name for name, value in given.items() if value is None and name not in CHANNELS]:
            raise ValueError(f"{lacking[0]}: is missing")
        if not isinstance(facts := json.loads(given["facts"]), dict):
            raise ValueError("facts: are no JSON object")
        return Alert(**{**given, "facts": facts})
    except (TypeError, ValueError) as error:
        raise _damaged("alerts", error, given["username"], str(given["number"])) from error


def _damaged(table: str, error: Exception, *row: str) -> RowDamaged:
    return RowDamaged(f"row {' '.join(row)!r} of {table} is damaged ({error})", server="cassandra")

"""Alerts on the real Cassandra: boxes that two want to change, the lease, processes killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cassandra.cluster import Session

from database.accounts import AccountTables
from database.alerts import AlertTables
from database.writes import Writer
from riskcontrol.alerts import box as boxes
from riskcontrol.alerts.box import Alert, Box, Change
from riskcontrol.alerts.events import FILL, Event
from riskcontrol.alerts.hours import read_quiet
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.errors import RowDamaged
from riskcontrol.settings import Settings
from tests.alerts.fake import KEYS, NOW, receiving
from tests.database.tables import fills, openings, positions
from tests.processes import environment, until

pytestmark = pytest.mark.servers


@pytest.fixture
def kept(session: Session) -> AlertTables:
    return AlertTables(session)


def noted(username: str, count: int, box: Box) -> Change:
    rule = Rule(username, "IBM", "dip", fills=0, webhook=True)
    contact = Contact(username, url="https://example.com/")
    first = box.last + 1
    events = [Event(FILL, n, n, f"bought {n}", {"price": "1.000000", "shares": n}) for n in range(first, first + count)]
    return boxes.note(box, rule, contact, (events, box.cursor(rule).after(first + count - 1)), KEYS, NOW)


def test_rules_and_contacts_come_back_as_they_were(kept: AlertTables) -> None:
    rule = Rule("ann", "BRK/B", "dip", fills=7, verdict=5, drawdown=125_000, webhook=True)
    kept.set_rule(rule)
    kept.set_rule(replace(rule, ticker="IBM", fills=None, webhook=False, email=True))
    assert kept.rule("ann", "BRK/B", "dip") == rule
    assert kept.rules("ann") == [rule, replace(rule, ticker="IBM", fills=None, webhook=False, email=True)]
    assert len(kept.rules()) == 2
    kept.remove_rule("ann", "BRK/B", "dip")
    assert kept.rule("ann", "BRK/B", "dip") is None
    contact = Contact("ann", "https://example.com/", "ab", "ann@example.com", True, read_quiet("22:00-07:00", "UTC"), 5)
    for one in (contact, Contact("ann")):
        kept.set_contact(one)
        assert kept.contact("ann") == one
        assert kept.contacts() == [one]
    assert kept.contact("bob") is None
    AccountTables(kept._session).remove("ann")
    assert kept.rules() == []
    assert kept.contacts() == []


def test_a_box_is_written_with_its_alerts_or_not_at_all(kept: AlertTables) -> None:
    assert kept.box("box") == (0, Box())
    assert kept.newest("box", 9) == []
    assert kept.unseen("box") == (0, 0)
    kept.look("box", 0)  # before there is a box
    assert kept.newest("box", 9) == []
    change = noted("box", 3, Box())
    assert kept.change("box", 0, change)
    assert kept.box("box") == (1, change.box)
    assert not kept.change("box", 0, noted("box", 9, Box()))
    assert kept.newest("box", 2) == list(change.alerts[:0:-1])
    assert kept.waiting("box", 1, 9) == list(change.alerts[1:])
    marks = [(2, "webhook", "sent"), (3, "webhook", "failed")]
    assert kept.change("box", 1, Change(change.box, marks=marks))
    assert [alert.webhook for alert in kept.newest("box", 9)] == ["failed", "sent", "pending"]
    kept.look("box", 2)
    assert kept.unseen("box") == (3, 2)
    assert kept.box("box") == (2, change.box)


def test_of_many_who_change_a_box_at_once_one_does(kept: AlertTables) -> None:
    for turn in range(3):
        version, box = kept.box("crowd")
        change = partial(kept.change, "crowd", version)
        with ThreadPoolExecutor(8) as threads:
            got = list(threads.map(change, [noted("crowd", 2, box)] * 8))
        assert got.count(True) == 1, turn
    assert [alert.number for alert in kept.newest("crowd", 99)] == [6, 5, 4, 3, 2, 1]
    assert len({alert.id for alert in kept.newest("crowd", 99)}) == 6


def test_a_lease_is_one_holder_s_until_it_is_let_go_or_ends(kept: AlertTables) -> None:
    assert kept.hold("work", "one", 60)
    assert kept.hold("work", "one", 60)
    assert not kept.hold("work", "two", 60)
    kept.let_go("work", "two")
    assert not kept.hold("work", "two", 60)
    kept.let_go("work", "one")
    assert kept.hold("work", "two", 1)
    until(lambda: kept.hold("work", "three", 60), 30)


def test_what_is_damaged_is_told(kept: AlertTables, session: Session, caplog: pytest.LogCaptureFixture) -> None:
    session.execute("INSERT INTO alerts (username, version, box) VALUES ('broken', 1, '[]')")
    with pytest.raises(RowDamaged, match="row 'broken' of alerts is damaged"):
        kept.box("broken")
    change = noted("some", 3, Box())
    assert kept.change("some", 0, change)
    session.execute("UPDATE alerts SET facts = '[]' WHERE username = 'some' AND number = 2")
    rule, contact = Rule("some", "IBM", "dip", fills=0), Contact("some")
    kept.set_rule(rule)
    kept.set_contact(contact)
    session.execute("INSERT INTO alert_contacts (username, cap) VALUES ('broken', -1)")
    session.execute("INSERT INTO alert_rules (username, ticker, name, drawdown) VALUES ('broken', 'IBM', 'dip', -1)")
    with pytest.raises(RowDamaged, match="row 'broken IBM dip' of alert_rules is damaged"):
        kept.rule("broken", "IBM", "dip")
    for _ in range(2):
        assert kept.rules() == [rule]
        assert kept.contacts() == [contact]
        assert [alert.number for alert in kept.newest("some", 9)] == [3, 1]
        assert [alert.number for alert in kept.waiting("some", 0, 9)] == [1, 3]
        assert [alert.number for alert in kept.waiting("some", 1, 1)] == [3]
    assert [record.getMessage().partition(" is damaged")[0] for record in caplog.records] == [
        "cassandra: row 'broken IBM dip' of alert_rules",
        "cassandra: row 'broken' of alert_contacts",
        "cassandra: row 'some 2' of alerts",
    ]
    for table in ("alert_rules", "alert_contacts"):
        for username in ("broken", "some"):
            session.execute(f"DELETE FROM {table} WHERE username = '{username}'")  # noqa: S608


def started(settings: Settings, url: str, *more: str) -> subprocess.Popen[bytes]:
    """Start what follows and sends, to a receiver on loopback."""
    command = [sys.executable, "-m", "tests.alerts.following", url, *more]
    return subprocess.Popen(command, env=environment(settings), cwd=Path(__file__).parents[2], start_new_session=True)


def listed(kept: AlertTables) -> Sequence[Alert]:
    return kept.newest("user0", 99)[::-1]


def test_killed_at_the_worst_moments_each_fill_is_listed_once_and_arrives_by_one_id(
    tables: Settings, session: Session, kept: AlertTables
) -> None:
    count = 4
    with Writer(session) as writer:
        writer.strategies(openings(1))
        one = fills(1)
        for number in range(1, count + 1):
            writer.fills(replace(one, number=np.array([number]), time=np.array([number * 1_000]), price=np.array([9])))
        writer.positions(replace(positions(1), fills=np.array([count])), version=1)
    strategy = openings(1)
    key = tuple(str(names[0].decode()) for names in (strategy.username, strategy.ticker, strategy.name))
    kept.set_rule(Rule(*key, fills=0, webhook=True))  # type: ignore[arg-type]
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        """Kill whoever has sent this, before it is told that it came."""
        if len(receiver.got) == 1:
            os.killpg(running[-1].pid, signal.SIGKILL)
            running[-1].wait(30)

    try:
        with receiving() as receiver:
            receiver.during = kill
            # Once after it wrote and before it sends, once after it sent and before it notes that.
            running.append(started(tables, receiver.url, "--die-before-sending"))
            assert running[-1].wait(120) == -signal.SIGKILL
            assert [alert.event for alert in listed(kept)] == [1, 2, 3, 4]
            assert receiver.got == []
            running.append(started(tables, receiver.url))
            until(lambda: running[-1].poll() is not None, 120)
            running.append(started(tables, receiver.url))
            until(lambda: {alert.webhook for alert in listed(kept)} == {"sent"}, 120, lambda: str(listed(kept)))
            running[-1].send_signal(signal.SIGINT)
            running[-1].wait(60)
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
    wanted = [KEYS.event(key, FILL, number) for number in range(1, count + 1)]  # type: ignore[arg-type]
    assert [alert.id for alert in listed(kept)] == wanted
    assert receiver.ids == [wanted[0], *wanted]
    assert receiver.got[0].body == receiver.got[1].body

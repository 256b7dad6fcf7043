"""From rows to alerts to receivers: each event once, also when the process is killed between any two steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from database.reads import PositionRow
from frontend import follower as following
from frontend.deliveries import Deliveries
from frontend.follower import Follower
from riskcontrol.alerts.box import FAILED, PENDING, SENT, Change
from riskcontrol.alerts.events import DRAWDOWN, FILL, FILLS, MOST_LISTED, VERDICT
from riskcontrol.alerts.hours import read_quiet
from riskcontrol.alerts.message import Message
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.alerts.webhook import Webhooks
from riskcontrol.errors import DeliveryError, ServerError
from riskcontrol.trades import NS_PER_MINUTE
from tests.alerts.fake import KEYS, Clock, FakeAlerts, receiving
from tests.frontend.fake import OPEN, FakeReader, bars, position, strategy, trader
from tests.processes import until

RULE = Rule("ann", "IBM", "dip", fills=0, webhook=True)


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Sender:
    """Keeps what it is given; `fail` says how it fails."""

    got: list[tuple[str, Message]] = field(default_factory=list)
    fail: BaseException | None = None

    def send(self, contact: Contact, message: Message) -> None:
        """Keep it, or fail."""
        if self.fail is not None:
            raise self.fail
        self.got.append((contact.username, message))


@dataclass
class World:
    """Tables, a clock and senders that outlive the processes that use them."""

    tables: FakeReader = field(default_factory=trader)
    store: FakeAlerts = field(default_factory=FakeAlerts)
    clock: Clock = field(default_factory=Clock)
    webhook: Sender = field(default_factory=Sender)
    email: Sender = field(default_factory=Sender)
    told: list[str] = field(default_factory=list)
    running: list[Follower] = field(default_factory=list)

    def process(self, **senders: Any) -> Follower:
        """Return a process that has just started."""
        kinds = {"webhook": self.webhook, "email": self.email, **senders}
        clock = self.clock
        started = Follower(self.tables, self.store, kinds, KEYS, clock=clock, steady=clock, told=self.told.append)
        self.running.append(started)
        return started

    def look(self, follower: Follower, seconds: float = 11.0) -> None:
        """Let some time pass, look once, and wait for what is on its way."""
        self.clock.now += seconds
        follower.look()
        until(lambda: follower.deliveries.idle, 30)

    def fill(self, number: int, **more: Any) -> None:
        """Write a fill and its position."""
        rows = self.tables.fill_rows[RULE.key]
        rows.append((OPEN + (60 + number) * NS_PER_MINUTE, number, 182_000_000, 1, 0, 1, 20 + number, "buy"))
        self.tables.position_rows[0] = replace(self.tables.position_rows[0], fills=number, **more)

    def events(self, username: str = "ann") -> list[tuple[str, int]]:
        """Return kinds and numbers in a user's list, the oldest first."""
        return [(alert.kind, alert.event) for alert in reversed(self.store.newest(username, 10_000))]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.store.set_contact(Contact("ann", url="https://example.com/", salt="0" * 32, cap=100))
    made.store.set_rule(RULE)
    yield made
    for each in made.running:
        each.close()


def ids(world: World) -> list[str]:
    return [message.id for _, message in world.webhook.got]


def test_each_fill_is_listed_and_sent_once(world: World) -> None:
    process = world.process()
    for _ in range(3):
        world.look(process)
    assert world.events() == [(FILL, 1), (FILL, 2), (FILL, 3)]
    assert ids(world) == [KEYS.event(RULE.key, FILL, number) for number in (1, 2, 3)]
    assert [alert.webhook for alert in world.store.newest("ann", 9)] == [SENT] * 3
    world.fill(4)
    world.look(process)
    world.look(world.process())
    assert world.events()[3:] == [(FILL, 4)]
    assert len(ids(world)) == 4


def test_a_fill_whose_row_comes_later_waits_and_is_not_passed(world: World) -> None:
    process = world.process()
    world.look(process)
    world.tables.position_rows[0] = replace(world.tables.position_rows[0], fills=5)
    world.look(process)
    world.fill(5)
    world.look(process)
    assert world.events()[3:] == []
    world.fill(4)
    world.tables.position_rows[0] = replace(world.tables.position_rows[0], fills=5)
    world.look(process)
    assert world.events()[3:] == [(FILL, 4), (FILL, 5)]


def test_only_strategies_with_a_rule_are_looked_at(world: World) -> None:
    world.tables.strategy_rows += [strategy(username=f"user{n:06d}") for n in range(500)]
    world.tables.position_rows += [position(username=f"user{n:06d}", fills=9) for n in range(500)]
    seen: list[int] = []
    positions = world.tables.positions

    def counted(strategies: Any) -> list[PositionRow | None]:
        seen.append(len(strategies))
        return positions(strategies)

    world.tables.positions = counted  # type: ignore[method-assign]
    world.look(world.process())
    assert seen == [1]
    assert set(world.store.asked) <= {"ann"}
    world.store.remove_rule(*RULE.key)
    world.look(world.process())
    assert seen == [1]


def test_many_fills_come_a_part_at_a_time_and_too_many_as_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MOST_NOTED", 2)
    for number in range(4, 8):
        world.fill(number)
    process = world.process()
    world.look(process)
    assert world.events() == [(FILL, number) for number in range(1, 8)]
    world.fill(8 + MOST_LISTED)
    world.look(process)
    assert world.events()[7:] == [(FILLS, 8 + MOST_LISTED)]


def test_the_verdict_and_the_drawdown_of_the_page_are_told(world: World) -> None:
    world.store.set_rule(replace(RULE, fills=None, verdict=1, drawdown=20_000))
    process = world.process()
    world.look(process)
    assert world.events() == []  # the verdict of now is where it begins
    closes = [181_850_000 - 60_000_000 * (i > 50) for i in range(60)]
    world.tables.bar_rows["IBM"] = bars(closes)
    world.tables.prices["IBM"] = (OPEN + 61 * NS_PER_MINUTE, 120_000_000)
    for _ in range(3):
        world.look(process)
    assert world.events() == [(DRAWDOWN, 20_000), (VERDICT, 1)]
    drawdown, verdict = reversed(world.store.newest("ann", 9))
    assert "past your limit of 2%" in drawdown.words
    assert verdict.words.startswith("keep testing became pull. Fell ")
    world.look(world.process())
    assert len(world.events()) == 2


def test_a_damaged_box_is_told_once_and_the_others_go_on(world: World) -> None:
    broken = replace(RULE, username="bob")
    world.store.set_rule(broken)
    world.store.boxes["bob"] = 3, "[]"
    world.tables.strategy_rows.append(strategy(username="bob"))
    world.tables.position_rows.append(position(username="bob", fills=3))
    world.tables.fill_rows[broken.key] = world.tables.fill_rows[RULE.key]
    process = world.process()
    for _ in range(3):
        world.look(process)
    assert world.events() == [(FILL, 1), (FILL, 2), (FILL, 3)]
    assert len(ids(world)) == 3
    assert len(world.told) == 1
    assert world.told[0].startswith("cassandra: row 'bob' of alerts is damaged")
    assert world.told[0].endswith("bob is told nothing until it is mended")
    del world.store.boxes["bob"]
    world.look(process)
    assert world.events("bob") == [(FILL, 1), (FILL, 2), (FILL, 3)]


def test_a_fall_in_the_last_minute_of_a_tape_is_told(world: World) -> None:
    world.store.set_rule(replace(RULE, fills=None, drawdown=200_000))
    process = world.process()
    world.look(process)
    time, price = world.tables.prices["IBM"]
    world.tables.prices["IBM"] = (time + 1, price // 2)
    world.look(process)
    assert world.events() == []  # the minute may go on
    world.look(process)
    assert world.events() == [(DRAWDOWN, 200_000)]


@pytest.mark.parametrize("killed", ["while it writes", "after it wrote", "while it sends", "after it sent"])
def test_killed_between_any_two_steps_each_event_is_listed_once_and_arrives_with_its_id(
    world: World, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deliveries, "_work", _working(Deliveries._work))
    change, steps = world.store.change, iter(range(100))

    def write(username: str, version: int, made: Change) -> bool:
        step = next(steps)
        if killed == "while it writes" and step == 0:
            raise KilledError
        written = change(username, version, made)
        if (killed == "after it wrote" and step == 0) or (killed == "after it sent" and step == 2):
            raise KilledError
        return written

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "change", write)
        if killed == "while it sends":
            world.webhook.fail = KilledError()
        first = world.process()
        world.clock.now += 11
        with suppress(KilledError):
            first.look()
        until(lambda: first.deliveries.idle, 30)
        if killed == "after it sent":  # it was written, but this process never heard so
            assert len(ids(world)) == 1
    world.webhook.fail = None
    second = world.process()
    for _ in range(6):
        world.look(second, 31)
    assert world.events() == [(FILL, 1), (FILL, 2), (FILL, 3)]
    wanted = [KEYS.event(RULE.key, FILL, number) for number in (1, 2, 3)]
    assert ids(world) == wanted
    assert [alert.webhook for alert in world.store.newest("ann", 9)] == [SENT] * 3


def _working(work: Any) -> Any:
    def quietly(*given: Any) -> None:
        with suppress(KilledError):
            work(*given)

    return quietly


def test_killed_between_sending_and_noting_it_the_same_message_comes_again(world: World) -> None:
    with receiving() as receiver:
        world.store.set_contact(replace(world.store.places["ann"], cap=1))
        object.__setattr__(world.store.places["ann"], "url", receiver.url)
        sender = Webhooks(KEYS, local=True, clock=world.clock)
        change = world.store.change

        def lost(username: str, version: int, made: Change) -> bool:
            if receiver.got:
                raise ServerError("no answer", server="cassandra")
            return change(username, version, made)

        world.store.change = lost  # type: ignore[method-assign]
        first = world.process(webhook=sender)
        world.look(first)
        assert len(receiver.got) == 1
        world.store.change = change  # type: ignore[method-assign]
        world.fill(4)  # what comes meanwhile doesn't get into it
        second = world.process(webhook=sender)
        world.look(second, 1)
        assert len(receiver.got) == 1  # for as long as the first one may still be sending
        world.look(second, 31)
        once, twice = receiver.got
        assert once.headers["webhook-id"] == twice.headers["webhook-id"]
        assert once.body == twice.body
        assert once.headers["webhook-signature"] != twice.headers["webhook-signature"]
        world.look(second, 3_700)
        told = {event["id"]: event["number"] for got in receiver.got for event in got.events}
        assert sorted(told.values()) == [1, 2, 3, 4]
        assert world.events() == [(FILL, number) for number in (1, 2, 3, 4)]


def test_of_two_processes_that_both_believe_in_their_lease_one_notes_and_sends(world: World) -> None:
    first, second = world.process(), world.process()
    for number in range(4, 10):
        world.look(first, 3)
        world.look(second, 0)
        world.fill(number)
    for _ in range(3):
        world.look(second, 31)
        world.look(first, 0)
    assert world.events() == [(FILL, number) for number in range(1, 10)]
    assert sorted(ids(world)) == sorted(KEYS.event(RULE.key, FILL, number) for number in range(1, 10))


def test_what_is_held_back_is_told_together_and_the_list_has_it_at_once(world: World) -> None:
    quiet = read_quiet("08:00-10:00", "UTC")
    world.store.set_contact(replace(world.store.places["ann"], quiet=quiet))
    process = world.process()
    world.look(process)
    assert world.events() == [(FILL, 1), (FILL, 2), (FILL, 3)]
    assert ids(world) == []
    assert {alert.webhook for alert in world.store.newest("ann", 9)} == {PENDING}
    world.look(process, 3 * 3_600)
    ((_, message),) = world.webhook.got
    assert message.subject == "RiskControl: 3 alerts"
    assert {alert.webhook for alert in world.store.newest("ann", 9)} == {SENT}


def test_a_place_that_fails_is_tried_again_and_given_up_after_a_day(world: World) -> None:
    world.webhook.fail = DeliveryError("answered with status 500")
    process = world.process()
    world.look(process)
    world.look(process, 5)
    assert world.told == ["ann by webhook: answered with status 500"]
    world.look(process, 31)
    assert len(world.told) == 2
    world.look(process, 86_400)
    world.webhook.fail = None
    world.look(process, 31)
    states = [alert.webhook for alert in reversed(world.store.newest("ann", 9))]
    assert states == [FAILED] * 3
    assert world.events() == [(FILL, 1), (FILL, 2), (FILL, 3)]


def test_without_an_address_or_a_mail_server_alerts_are_listed_and_marked(world: World) -> None:
    world.store.set_rule(replace(RULE, email=True))
    places = Contact("ann", url="https://example.com/", email="ann@example.com", confirmed=True)
    world.store.set_contact(places)
    process = world.process()
    del process.deliveries._senders["email"]  # type: ignore[attr-defined]
    world.look(process)
    world.look(process)
    assert {(alert.webhook, alert.email) for alert in world.store.newest("ann", 9)} == {(SENT, FAILED)}
    world.store.set_contact(Contact("ann"))
    world.fill(4)
    world.look(process)
    assert world.store.newest("ann", 1)[0].webhook is None


def test_an_address_gets_its_code_and_nothing_else_before_it_is_confirmed(world: World) -> None:
    world.store.set_rule(replace(RULE, webhook=False, email=True))
    world.store.set_contact(Contact("ann", email="ann@example.com"))
    process = world.process()
    for _ in range(3):
        world.look(process, 31)
    ((_, message),) = world.email.got
    assert KEYS.code("ann", "ann@example.com") in message.text
    assert [alert.email for alert in world.store.newest("ann", 9)] == [None] * 3
    world.store.set_contact(Contact("ann", email="ann@example.com", confirmed=True))
    world.fill(4)
    world.look(process, 31)
    assert [message.subject for _, message in world.email.got[1:]] == ["RiskControl: dip on IBM bought 1 at $182.00"]


def test_while_the_database_is_away_nothing_is_lost_or_doubled(world: World) -> None:
    process = world.process()
    world.look(process)
    world.store.away = True
    world.fill(4)
    with pytest.raises(ServerError):
        world.look(process)
    world.store.away = False
    world.look(process, 31)
    assert world.events() == [(FILL, number) for number in (1, 2, 3, 4)]
    assert len(ids(world)) == 4


def test_a_damaged_alert_does_not_stop_those_after_it(world: World) -> None:
    world.tables.fill_rows[RULE.key] = world.tables.fill_rows[RULE.key][:1]
    world.tables.position_rows[0] = replace(world.tables.position_rows[0], fills=1)
    process = world.process()
    world.webhook.fail = DeliveryError("503")
    world.look(process)
    assert world.store.box("ann")[1].outboxes["webhook"].upto == 1
    del world.store.lists["ann"][1]  # as the tables leave it out
    world.webhook.fail = None
    world.fill(2)
    for _ in range(2):
        world.look(process, 40)
    assert ids(world) == [KEYS.event(RULE.key, FILL, 2)]
    assert world.store.lists["ann"][2].webhook == SENT
    outbox = world.store.box("ann")[1].outboxes["webhook"]
    assert (outbox.done, outbox.upto, outbox.attempts) == (2, 0, 0)


def test_one_place_that_hangs_does_not_hold_up_another(world: World) -> None:
    free, entered = threading.Event(), threading.Event()

    @dataclass
    class Hanging:
        """Hangs for bob alone."""

        def send(self, contact: Contact, message: Message) -> None:
            """Hang, or keep it."""
            if contact.username == "bob":
                entered.set()
                free.wait(30)
            else:
                world.webhook.send(contact, message)

    world.tables.strategy_rows.append(strategy(username="bob"))
    world.tables.position_rows.append(replace(world.tables.position_rows[0], username="bob"))
    world.tables.fill_rows["bob", "IBM", "dip"] = list(world.tables.fill_rows[RULE.key])
    world.store.set_rule(replace(RULE, username="bob"))
    world.store.set_contact(Contact("bob", url="https://example.com/"))
    process = world.process(webhook=Hanging())
    process.look()
    assert entered.wait(30)
    until(lambda: len(world.webhook.got) == 3, 30)
    free.set()
    until(lambda: process.deliveries.idle, 30)

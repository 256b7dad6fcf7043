"""What waits is sent in order, in spite of quiet hours, caps, failures and kills; a repeat is the same message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.alerts import box as boxes
from riskcontrol.alerts.box import FAILED, HOUR, PENDING, Alert, Asked, Box, Outbox, read_box
from riskcontrol.alerts.events import FILL, Cursor, Event
from riskcontrol.alerts.hours import read_quiet
from riskcontrol.alerts.rules import Contact, Rule
from tests.alerts.fake import KEYS, NOW

RULE = Rule("ann", "IBM", "dip", fills=0, webhook=True, email=True)
CONTACT = Contact("ann", url="https://example.com/", email="ann@example.com", confirmed=True, cap=3)


def events(count: int, first: int = 1) -> list[Event]:
    return [Event(FILL, number, number, f"bought {number}") for number in range(first, first + count)]


def noted(count: int, box: Box | None = None, *, rule: Rule = RULE, at: float = NOW) -> tuple[Box, Sequence[Alert]]:
    box = box or Box()
    first = box.cursor(rule).fills + 1
    cursor = box.cursor(rule).after(first + count - 1)
    change = boxes.note(box, rule, CONTACT, (events(count, first), cursor), KEYS, at)
    return change.box, change.alerts


def test_alerts_are_numbered_without_a_gap_whatever_strategy_they_are_of() -> None:
    box, first = noted(2)
    box, second = noted(3, box, rule=replace(RULE, name="other"))
    assert [alert.number for alert in (*first, *second)] == [1, 2, 3, 4, 5]
    assert len({alert.id for alert in (*first, *second)}) == 5
    assert box.cursor(RULE).fills == 2
    assert read_box(box.text()) == box


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"last": "x"}', '{"last":1,"cursors":{"a":{"b":1}}}'])
def test_what_is_no_box_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_box(text)


def test_what_nobody_wants_sent_is_passed_without_being_read() -> None:
    box, alerts = noted(2, rule=replace(RULE, email=False))
    assert [alert.state("webhook") for alert in alerts] == [PENDING, PENDING]
    assert [alert.state("email") for alert in alerts] == [None, None]
    assert (box.outboxes["webhook"].done, box.outboxes["email"].done) == (0, 2)
    box, _ = noted(1, box)
    assert box.outboxes["email"].done == 2


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[float, int, str]]:
    """Steps: seconds that pass, events that come, what becomes of a message if one is sent."""
    step = st.tuples(
        st.sampled_from([1.0, 20.0, 40.0, 600.0, 3_700.0]),
        st.integers(0, 6),
        st.sampled_from(["sent", "sent", "refused", "killed before", "killed after"]),
    )
    return draw(st.lists(step, min_size=1, max_size=20))


@given(runs(), st.booleans())
def test_everything_arrives_in_order_and_never_more_than_the_cap(
    steps: list[tuple[float, int, str]], quietly: bool
) -> None:
    quiet = read_quiet("09:00-11:00", "UTC") if quietly else None
    contact = replace(CONTACT, quiet=quiet)
    box, kept, now = Box(), list[Alert](), NOW
    sent = list[tuple[float, tuple[str, ...]]]()  # what came, also what came twice
    known, arrived = dict[int, tuple[str, ...]](), list[str]()
    calm = [(HOUR + 1, 0, "sent")] * 12
    for seconds, count, fate in [*steps, *calm]:
        now += seconds
        box, new = noted(count, box, at=now)
        kept += new
        outbox = box.outboxes["webhook"]
        message = boxes.due(outbox, [one for one in kept if one.number > outbox.done], "webhook", contact, now)
        if not message:
            continue
        assert quiet is None or not quiet.holds(now)
        ids = tuple(one.id for one in message)
        assert known.setdefault(message[0].number, ids) == ids  # a repeat is the same message
        claim = boxes.claimed(outbox, message, now)
        box = box.with_outbox("webhook", claim)
        if fate in ("sent", "killed after"):
            sent.append((now, ids))
        box = read_box(box.text())  # as a process finds it that is started again
        if fate == "sent":
            arrived += ids
            box = box.with_outbox("webhook", boxes.accepted(claim, now))
        elif fate == "refused":
            after, given_up = boxes.refused(claim, message, "status 500", now)
            assert not given_up
            box = box.with_outbox("webhook", after)
    assert arrived == [alert.id for alert in kept]
    first = dict[tuple[str, ...], float]()
    for at, ids in sent:
        first.setdefault(ids, at)
    for at in first.values():
        assert sum(at - HOUR < other <= at for other in first.values()) <= CONTACT.cap + 1


def test_what_fits_goes_one_by_one_and_what_does_not_in_one() -> None:
    _, alerts = noted(3)
    assert boxes.due(Outbox(), alerts, "webhook", CONTACT, NOW) == list(alerts[:1])
    _, alerts = noted(4)
    assert boxes.due(Outbox(), alerts, "webhook", CONTACT, NOW) == list(alerts)
    full = Outbox(sent=(NOW - 10, NOW - 5, NOW - 1))
    assert boxes.due(full, alerts, "webhook", CONTACT, NOW) == []
    assert boxes.due(full, alerts, "webhook", CONTACT, NOW + HOUR - 10) == list(alerts)


def test_what_came_in_quiet_hours_is_told_together_after_them() -> None:
    contact = replace(CONTACT, quiet=read_quiet("08:00-09:00", "UTC"))
    _, alerts = noted(2)  # 08:53
    assert boxes.due(Outbox(), alerts, "webhook", contact, NOW) == []
    assert boxes.due(Outbox(), alerts, "webhook", contact, NOW + 500) == list(alerts)


def test_waits_double_up_to_an_hour_and_end_after_a_day() -> None:
    _, alerts = noted(1)
    outbox, now, waits = Outbox(), NOW, list[float]()
    while True:
        message = boxes.due(outbox, alerts, "webhook", CONTACT, now)
        claim = boxes.claimed(outbox, message, now)
        assert boxes.due(claim, alerts, "webhook", CONTACT, now) == []
        outbox, given_up = boxes.refused(claim, message, "status 500", now)
        assert outbox.trouble == "status 500"
        if given_up:
            break
        waits.append(outbox.next - now)
        now = outbox.next
    assert waits[:8] == [30, 60, 120, 240, 480, 960, 1_920, 3_600]
    assert 86_400 <= now - NOW < 86_400 + HOUR
    assert (outbox.done, outbox.upto, outbox.attempts) == (1, 0, 0)


def test_alerts_for_the_other_channel_are_passed() -> None:
    _, alerts = noted(2)
    only = [replace(alert, webhook=None) for alert in alerts]
    assert boxes.passed(Outbox(), only, 2).done == 2
    assert boxes.passed(Outbox(done=5), [], 9).done == 9
    failed = [replace(alert, webhook=FAILED) for alert in alerts]
    assert boxes.due(Outbox(), failed, "webhook", CONTACT, NOW) == []


def test_codes_go_to_unconfirmed_addresses_at_most_three_times_a_day() -> None:
    asked, now, sent = Asked(), NOW, list[str]()
    for turn in range(20):
        contact = replace(CONTACT, confirmed=False, email=f"a{turn % 7}@example.com")
        for _ in range(2):
            if boxes.code_due(asked, contact, now):
                asked = replace(boxes.code_claimed(asked, contact, now), sent=True)
                sent.append(contact.email)
        now += 60
    assert sent == ["a0@example.com", "a1@example.com", "a2@example.com"]
    assert boxes.code_due(asked, replace(CONTACT, confirmed=False, email="b@example.com"), now + 86_400)
    assert not boxes.code_due(Asked(), CONTACT, now)
    assert not boxes.code_due(Asked(), Contact("ann"), now)
    failed = boxes.code_claimed(Asked(), replace(CONTACT, confirmed=False), now)
    assert not boxes.code_due(failed, replace(CONTACT, confirmed=False), now + 29)
    assert boxes.code_due(failed, replace(CONTACT, confirmed=False), now + 30)


def test_a_cursor_without_events_is_noted_alone() -> None:
    change = boxes.note(Box(last=4), RULE, None, ((), Cursor(verdict="pull")), KEYS, NOW)
    assert change.alerts == []
    assert change.box.cursor(RULE) == Cursor(verdict="pull")
    assert change.box.last == 4

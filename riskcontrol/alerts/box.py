"""A user's box: which events were noted, and how far each channel has got. Pure: times come from whoever calls.

A box is changed as a whole, together with the alerts that belong to the change, and only if it is still what was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from riskcontrol.alerts.events import Cursor, Event
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.alerts.signing import Keys

CHANNELS = ("webhook", "email")
PENDING, SENT, FAILED = "pending", "sent", "failed"
HOUR = 3_600.0
FIRST_WAIT, LONGEST_WAIT = 30.0, HOUR
"""Seconds after which a message is tried again if nothing was heard: longer than any attempt takes, then doubling."""
GIVE_UP = 86_400.0
"""Seconds after which it isn't tried any more."""
MOST_CODES = 3
"""Most codes that are sent to confirm addresses of a user, in a day."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An event in a user's list.

    Attributes:
        username: Whose.
        number: 1, 2, 3 … in the user's list.
        id: The event's.
        ticker: Of the strategy.
        name: Of the strategy.
        kind: What happened, as `riskcontrol.alerts.events` has it.
        event: Its number among those of its kind.
        time: Of the tape, nanoseconds.
        noticed: When it was noted, seconds since 1970.
        words: What happened.
        facts: The same for programs.
        webhook: `PENDING`, `SENT` or `FAILED`; None where it isn't asked for.
        email: Likewise.
    """

    username: str
    number: int
    id: str
    ticker: str
    name: str
    kind: str
    event: int
    time: int
    noticed: float
    words: str
    facts: Mapping[str, str | int]
    webhook: str | None = None
    email: str | None = None

    def state(self, channel: str) -> str | None:
        """Return how far a channel is with it."""
        return self.webhook if channel == "webhook" else self.email

    @property
    def said(self) -> str:
        """What happened, and to which strategy."""
        return f"{self.name} on {self.ticker} {self.words}"


@dataclass(frozen=True, slots=True)
class Outbox:
    """How far a channel is.

    Attributes:
        done: Number of the alert up to which there is nothing more to do.
        upto: The last alert of the message that is on its way; 0: none is.
        attempts: How many times that was tried.
        next: Not before this is it tried again, seconds since 1970.
        sent: When messages of the last hour went out, likewise.
        trouble: Why the last attempt failed.
    """

    done: int = 0
    upto: int = 0
    attempts: int = 0
    next: float = 0.0
    sent: tuple[float, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """How far the confirmation of an e-mail address is.

    Attributes:
        email: Which address.
        sent: Whether its code was sent.
        times: When that was tried, for whatever address, within a day.
    """

    email: str = ""
    sent: bool = False
    times: tuple[float, ...] = ()


Part = TypeVar("Part", Cursor, Outbox, Asked)


@dataclass(frozen=True, slots=True)
class Box:
    """What is known of a user's alerts beside themselves.

    Attributes:
        last: Number of the newest alert.
        cursors: By ticker and name of a strategy, with a space between.
        outboxes: By channel.
        asked: About the e-mail address.
    """

    last: int = 0
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    outboxes: Mapping[str, Outbox] = field(default_factory=lambda: {channel: Outbox() for channel in CHANNELS})
    asked: Asked = Asked()

    def cursor(self, rule: Rule) -> Cursor:
        """Return which events of a strategy were noted."""
        return self.cursors.get(_place(rule), Cursor())

    def with_outbox(self, channel: str, outbox: Outbox) -> Box:
        """Return it with another state of a channel."""
        return replace(self, outboxes={**self.outboxes, channel: outbox})

    def text(self) -> str:
        """Return it as `read_box` reads it."""
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Change:
    """What is written together.

    Attributes:
        box: As it becomes.
        alerts: New ones.
        marks: New states of older ones: number, channel, state.
    """

    box: Box
    alerts: Sequence[Alert] = ()
    marks: Sequence[tuple[int, str, str]] = ()


def read_box(text: str | None) -> Box:
    """Return a box from its text; an empty one where there is none.

    Raises:
        ValueError: It isn't one.

    >>> read_box(Box(last=3).text()) == Box(last=3)
    True
    """
    if text is None:
        return Box()
    try:
        given: dict[str, Any] = json.loads(text)
        asked = given["asked"]
        return Box(
            last=int(given["last"]),
            cursors={place: _checked(Cursor(**cursor)) for place, cursor in given["cursors"].items()},
            outboxes={
                channel: _checked(
                    Outbox(**{**given["outboxes"][channel], "sent": tuple(given["outboxes"][channel]["sent"])})
                )
                for channel in CHANNELS
            },
            asked=_checked(Asked(**{**asked, "times": tuple(asked["times"])})),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no box of alerts: {error!r}") from error


def _checked(part: Part) -> Part:
    """Return a part of a box whose values are of the kinds that its usual ones have.

    Raises:
        TypeError: One isn't.
    """
    for one in fields(part):
        value = getattr(part, one.name)
        wanted = float if isinstance(one.default, tuple) else type(one.default)
        for each in value if isinstance(value, tuple) else (value,):
            # A whole number of seconds is written without its point by others than us.
            if type(each) is not wanted and (wanted, type(each)) != (float, int):
                raise TypeError(f"{one.name}: {each!r}")
    return part


def note(
    box: Box, rule: Rule, contact: Contact | None, found: tuple[Sequence[Event], Cursor], keys: Keys, now: float
) -> Change:
    """Return a box with more events noted, together with their alerts.

    Args:
        box: As it is.
        rule: Of the strategy that they are of.
        contact: Where to tell the user, if anywhere.
        found: The events, and the strategy's cursor after them.
        keys: Make ids.
        now: Seconds since 1970.
    """
    events, cursor = found
    asked = {"webhook": rule.webhook, "email": rule.email}
    wanted = [one for one in CHANNELS if asked[one] and contact is not None and contact.reaches(one)]
    alerts = [
        Alert(
            username=rule.username,
            number=box.last + 1 + place,
            id=keys.event(rule.key, event.kind, event.number),
            ticker=rule.ticker,
            name=rule.name,
            kind=event.kind,
            event=event.number,
            time=event.time,
            noticed=now,
            words=event.words,
            facts=event.facts,
            **dict.fromkeys(wanted, PENDING),
        )
        for place, event in enumerate(events)
    ]
    after = replace(box, last=box.last + len(alerts), cursors={**box.cursors, _place(rule): cursor})
    for channel, outbox in box.outboxes.items():
        if channel not in wanted and outbox.done == box.last:
            after = after.with_outbox(channel, replace(outbox, done=after.last))
    return Change(after, alerts)


def due(outbox: Outbox, waiting: Sequence[Alert], channel: str, contact: Contact, now: float) -> list[Alert]:
    """Return the alerts of the message that may be sent to a place now; none if nothing may be.

    Args:
        outbox: How far the channel is.
        waiting: The alerts after `outbox.done`, the oldest first.
        channel: Which.
        contact: Where to, and when not.
        now: Seconds since 1970.
    """
    pending = [alert for alert in waiting if alert.state(channel) == PENDING]
    if now < outbox.next or (contact.quiet is not None and contact.quiet.holds(now)):
        return []
    # What a message says was settled when it was first tried. If none of that can be read any more, the next one goes.
    if settled := [alert for alert in pending if alert.number <= outbox.upto]:
        return settled
    room = contact.cap - len(_recent(outbox, now))
    if not pending or room <= 0:
        return []
    held = contact.quiet is not None and any(contact.quiet.holds(alert.noticed) for alert in pending)
    return pending if held or len(pending) > room else pending[:1]


def claimed(outbox: Outbox, message: Sequence[Alert], now: float) -> Outbox:
    """Return how far a channel is once a message is about to be sent: should nothing be heard, it is tried again."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(outbox.attempts, 20))
    upto = message[-1].number
    return replace(outbox, upto=upto, attempts=outbox.attempts + 1, next=now + wait)


def accepted(outbox: Outbox, now: float) -> Outbox:
    """Return how far a channel is once its message was accepted."""
    return Outbox(done=outbox.upto, sent=(*_recent(outbox, now), now))


def refused(outbox: Outbox, message: Sequence[Alert], trouble: str, now: float) -> tuple[Outbox, bool]:
    """Return how far a channel is once its message was refused, and whether that was given up."""
    if now - message[0].noticed < GIVE_UP:
        return replace(outbox, trouble=trouble), False
    return Outbox(done=outbox.upto, sent=_recent(outbox, now), trouble=trouble), True


def passed(outbox: Outbox, waiting: Sequence[Alert], last: int) -> Outbox:
    """Return how far a channel is where none of the alerts that wait is for it.

    Args:
        outbox: How far it was.
        waiting: The alerts after `outbox.done`, the oldest first, as many as were read.
        last: Number of the newest alert, before they were read.
    """
    return replace(outbox, done=waiting[-1].number if waiting else last, upto=0, attempts=0, next=0.0)


def code_due(asked: Asked, contact: Contact, now: float) -> bool:
    """Return whether the code that confirms a user's e-mail address is to be sent."""
    if not contact.email or contact.confirmed or (asked.email == contact.email and asked.sent):
        return False
    times = _of_today(asked, now)
    return len(times) < MOST_CODES and (not times or now - times[-1] >= FIRST_WAIT)


def code_claimed(asked: Asked, contact: Contact, now: float) -> Asked:
    """Return how far that is once the code is about to be sent."""
    return Asked(contact.email, False, (*_of_today(asked, now), now))


def _of_today(asked: Asked, now: float) -> tuple[float, ...]:
    return tuple(at for at in asked.times if now - at < GIVE_UP)


def _recent(outbox: Outbox, now: float) -> tuple[float, ...]:
    return tuple(at for at in outbox.sent if now - at < HOUR)


def _place(rule: Rule) -> str:
    return f"{rule.ticker} {rule.name}"

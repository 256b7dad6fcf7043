"""Sends alerts: what a message says is settled and written before it goes out, so that a repeat is the same message."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from frontend.boxes import Boxes
from riskcontrol.alerts import box as boxes_of
from riskcontrol.alerts.box import FAILED, PENDING, SENT, Alert, Box, Change, Outbox
from riskcontrol.alerts.message import Message, confirmation, message_of
from riskcontrol.alerts.rules import Contact
from riskcontrol.alerts.signing import Keys
from riskcontrol.alerts.store import AlertStore
from riskcontrol.errors import DeliveryError, ServerError

MOST_WAITING = 1_000
"""Most alerts in a message."""
REST_SECONDS = 10.0
"""How long a place is left alone after there was nothing to send, though alerts wait: quiet hours, or the cap."""
HEALTHY, TROUBLED = 16, 8
"""Threads for places that took the last message, and for those that didn't: these hold up nobody else."""

Place = tuple[str, str]
"""A username and a channel."""
Told = Callable[[str], None]


class Sender(Protocol):
    """Sends by one channel."""

    def send(self, contact: Contact, message: Message) -> None:
        """Send a message and wait until it is accepted; raises `DeliveryError`."""


class Deliveries:
    """Sends what waits, each place in a thread, one message at a time.

    Args:
        store: Where alerts are.
        boxes: How far each user's are.
        senders: By channel; a channel may have none.
        keys: Make ids and codes.
        clock: Seconds since 1970.
        told: Told what goes wrong.
    """

    def __init__(
        self,
        store: AlertStore,
        boxes: Boxes,
        senders: Mapping[str, Sender],
        keys: Keys,
        clock: Callable[[], float],
        told: Told,
    ) -> None:
        self._store = store
        self._boxes = boxes
        self._senders = senders
        self._keys = keys
        self._clock = clock
        self._told = told
        self._lock = threading.Lock()
        self._busy: set[Place] = set()
        self._rest: dict[Place, float] = {}
        self._pools = {
            failing: ThreadPoolExecutor(threads, thread_name_prefix="alerts")
            for failing, threads in ((False, HEALTHY), (True, TROUBLED))
        }

    def begin(self, contacts: Collection[Contact]) -> None:
        """Start to send to all of these places that may have something to come.

        Args:
            contacts: Where everybody is told.

        Raises:
            ServerError: The database doesn't answer.
        """
        now = self._clock()
        for contact in contacts:
            box = self._boxes.of(contact.username)
            for channel, outbox in box.outboxes.items():
                place = contact.username, channel
                waits = box.last > outbox.done or (channel == "email" and boxes_of.code_due(box.asked, contact, now))
                with self._lock:
                    if not waits or place in self._busy or now < self._rest.get(place, 0.0):
                        continue
                    self._busy.add(place)
                self._pools[outbox.attempts > 0].submit(self._work, contact, channel)

    def close(self) -> None:
        """Wait for what is on its way; nothing more is begun."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        with self._lock:
            return not self._busy

    def _work(self, contact: Contact, channel: str) -> None:
        place = contact.username, channel
        try:
            if channel == "email":
                self._send_code(contact)
            while self._send_next(contact, channel):
                pass
        except ServerError as error:
            self._told(str(error))
        except Exception as error:  # a fault of ours: it must not end silently, nor end what others are sent
            self._told(f"{contact.username} by {channel}: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._rest[place] = self._clock() + REST_SECONDS if self._waits(place) else 0.0
                self._busy.discard(place)

    def _waits(self, place: Place) -> bool:
        try:
            box = self._boxes.of(place[0])
        except ServerError:
            return True
        return box.last > box.outboxes[place[1]].done

    def _send_next(self, contact: Contact, channel: str) -> bool:
        """Send the next message to a place; returns whether there may be another one at once."""
        username = contact.username
        before = self._boxes.of(username)
        outbox = before.outboxes[channel]
        if before.last <= outbox.done:
            return False
        waiting = self._store.waiting(username, outbox.done, MOST_WAITING)
        if not any(alert.state(channel) == PENDING for alert in waiting):
            after = boxes_of.passed(outbox, waiting, before.last)
            return self._settle(username, channel, outbox, after)
        if not contact.reaches(channel) or channel not in self._senders:
            return self._give_up(username, channel, outbox, waiting)
        message = boxes_of.due(outbox, waiting, channel, contact, self._clock())
        if not message:
            return False
        claim = boxes_of.claimed(outbox, message, self._clock())
        if not self._settle(username, channel, outbox, claim):
            return False  # another process sends it
        try:
            self._senders[channel].send(contact, message_of(message, self._keys.message([one.id for one in message])))
        except DeliveryError as error:
            after, given_up = boxes_of.refused(claim, message, str(error), self._clock())
            self._told(f"{username} by {channel}: {error}")
            failed = message if given_up else ()
            return self._settle(username, channel, claim, after, failed, FAILED) and given_up
        return self._settle(username, channel, claim, boxes_of.accepted(claim, self._clock()), message, SENT)

    def _give_up(self, username: str, channel: str, outbox: Outbox, waiting: Sequence[Alert]) -> bool:
        """Mark what waits as failed: there is nowhere to send it any more."""
        pending = [alert for alert in waiting if alert.state(channel) == PENDING]
        after = replace(boxes_of.passed(outbox, waiting, 0), trouble="there is no address, or no server")
        return self._settle(username, channel, outbox, after, pending, FAILED)

    def _settle(
        self,
        username: str,
        channel: str,
        before: Outbox,
        after: Outbox,
        marked: Sequence[Alert] = (),
        state: str = "",
    ) -> bool:
        """Write how far a channel is, if that is still what it was, and the state of these alerts."""
        marks = [(alert.number, channel, state) for alert in marked]

        def change(box: Box) -> Change | None:
            return Change(box.with_outbox(channel, after), marks=marks) if box.outboxes[channel] == before else None

        return self._boxes.change(username, change)

    def _send_code(self, contact: Contact) -> None:
        """Send the code that confirms an e-mail address, if it is to be sent."""
        sender = self._senders.get("email")
        now = self._clock()
        if sender is None or not boxes_of.code_due(self._boxes.of(contact.username).asked, contact, now):
            return

        def claim(box: Box) -> Change | None:
            if not boxes_of.code_due(box.asked, contact, now):
                return None
            return Change(replace(box, asked=boxes_of.code_claimed(box.asked, contact, now)))

        if not self._boxes.change(contact.username, claim):
            return
        code = self._keys.code(contact.username, contact.email)
        number = self._keys.event((contact.username, contact.email, ""), "code", int(now))
        try:
            sender.send(contact, confirmation(contact.username, code, number))
        except DeliveryError as error:
            self._told(f"{contact.username} by email: {error}")
            return
        self._boxes.change(contact.username, lambda box: Change(replace(box, asked=replace(box.asked, sent=True))))

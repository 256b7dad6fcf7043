"""`riskcontrol alerts run` for tests: it sends to loopback, waits for less, and dies when it is told to.

No setting of the product leads to loopback, so a test has a program of its own that gives the sender that argument.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from database.alerts import AlertTables
from database.reads import Reader
from database.session import connect
from frontend import deliveries
from frontend.follower import Follower
from riskcontrol.alerts import box
from riskcontrol.alerts.message import Message
from riskcontrol.alerts.rules import Contact
from riskcontrol.alerts.webhook import Webhooks
from riskcontrol.cli import alerts
from riskcontrol.settings import load
from tests.alerts.fake import KEYS


class Suicide(Webhooks):
    """Kills its own process instead of sending."""

    def send(self, contact: Contact, message: Message) -> None:
        """Die."""
        os.killpg(os.getpid(), signal.SIGKILL)


def main(url: str, *flags: str) -> None:
    """Follow and send to an address on loopback, until Ctrl-C."""
    box.FIRST_WAIT = 1.0
    alerts.LEASE_SECONDS = 2
    deliveries.REST_SECONDS = 0.5
    session = connect(load())
    store = AlertTables(session)
    places = store.contacts

    def contacts() -> list[Contact]:
        found = [*places(), Contact("user0", url="https://example.com/", salt="0" * 32)]
        for one in found:
            object.__setattr__(one, "url", url)
        return found

    store.contacts = contacts  # type: ignore[method-assign]
    kind: Any = Suicide if "--die-before-sending" in flags else Webhooks
    follower = Follower(Reader(session), store, {"webhook": kind(KEYS, local=True)}, KEYS, told=print)
    alerts.follow(follower, store, print)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)

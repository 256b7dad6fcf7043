"""Keys of alerts, and the signature of a webhook, by the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from riskcontrol.accounts.sessions import derived, keyed
from riskcontrol.alerts.rules import Contact

PREFIX = "whsec_"
_CODE_BYTES = 5


@dataclass(frozen=True, slots=True)
class Keys:
    """What is made from the installation's secret for alerts, so that no table has it.

    Args:
        events: Makes ids of events.
        webhooks: Makes webhooks' keys.
        codes: Makes the codes that confirm e-mail addresses.
    """

    events: bytes
    webhooks: bytes
    codes: bytes

    @classmethod
    def of(cls, secret: bytes) -> Keys:
        """Return those of an installation."""
        return cls(*(derived(secret, f"alerts {purpose}") for purpose in ("events", "webhooks", "codes")))

    def event(self, which: tuple[str, str, str], kind: str, number: int) -> str:
        """Return the id of an event: the same one whenever it is computed.

        Args:
            which: Username, ticker and name of its strategy.
            kind: What happened.
            number: Which one of its kind.
        """
        return keyed(self.events, *which, kind, str(number))

    def message(self, events: list[str]) -> str:
        """Return the id of a message with these events, by their ids; that of the event where there is one alone."""
        return events[0] if len(events) == 1 else keyed(self.events, *events)

    def webhook(self, contact: Contact) -> str:
        """Return the secret that a user's webhooks are signed with, as its receiver is given it."""
        key = hmac.new(self.webhooks, f"{contact.username} {contact.salt}".encode(), hashlib.sha256).digest()
        return PREFIX + base64.b64encode(key).decode()

    def code(self, username: str, email: str) -> str:
        """Return what confirms that a user reads what is sent to an address."""
        text = f"{username} {email}".encode()
        return base64.b32encode(hmac.new(self.codes, text, hashlib.sha256).digest()[:_CODE_BYTES]).decode()

    def confirms(self, username: str, email: str, typed: str) -> bool:
        """Return whether a typed code is that of a user and an address."""
        plain = typed.strip().upper().encode("utf-8", "replace")
        return hmac.compare_digest(self.code(username, email).encode(), plain)


def headers(secret: str, message: str, body: bytes, now: int) -> dict[str, str]:
    """Return the headers that sign a webhook.

    Args:
        secret: As `Keys.webhook` gives it.
        message: The message's id.
        body: What is sent.
        now: Seconds since 1970.

    The specification's own example:

    >>> secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    >>> made = headers(secret, message, b'{"test": 2432232314}', 1614265330)
    >>> made["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b".".join((message.encode(), str(now).encode(), body))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message, "webhook-timestamp": str(now), "webhook-signature": f"v1,{signature}"}

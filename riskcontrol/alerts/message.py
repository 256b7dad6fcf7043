"""What a message says: JSON for programs, plain text for people; the same whenever it is made."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from riskcontrol.alerts.box import Alert
from riskcontrol.trades import NS_PER_SECOND

MOST_LISTED = 100
"""Most events that a message lists; of the others it says how many there are."""
_LONGEST_SUBJECT = 150
_UNWANTED = "These are paper trades: no order was sent anywhere. What you are told, and where, is set on the pages."


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be sent.

    Attributes:
        id: The same whenever it is sent; whoever knows it can drop it.
        subject: What it is about, in a line.
        text: All of it, for people.
        body: All of it, JSON.
    """

    id: str
    subject: str
    text: str
    body: bytes


def message_of(alerts: Sequence[Alert], message: str) -> Message:
    """Return the message that tells of some alerts.

    Args:
        alerts: At least one; the oldest first.
        message: Its id.
    """
    listed = alerts[:MOST_LISTED]
    omitted = len(alerts) - len(listed)
    summary = len(alerts) > 1
    body = {
        "type": "summary" if summary else "alert",
        "count": len(alerts),
        "omitted": omitted,
        "events": [_event(alert) for alert in listed],
    }
    lines = [f"{_moment(alert.time)}  {alert.said}" for alert in listed]
    if summary:
        kinds = ", ".join(f"{count:,} × {kind}" for kind, count in Counter(alert.kind for alert in alerts).items())
        lines = [f"{len(alerts):,} alerts, held back and told together: {kinds}.", "", *lines]
    if omitted:
        lines.append(f"… and {omitted:,} more, which are in the list on the pages.")
    subject = f"RiskControl: {len(alerts):,} alerts" if summary else f"RiskControl: {alerts[0].said}"
    text = "\n".join([*lines, "", "Times are those of the tape, UTC.", _UNWANTED, ""])
    return Message(message, subject[:_LONGEST_SUBJECT], text, json.dumps(body, ensure_ascii=True).encode())


def trial(username: str, message: str) -> Message:
    """Return a message that tells only that messages arrive.

    Args:
        username: Whose alerts arrive there.
        message: Its id.
    """
    words = f"Alerts of {username} arrive here."
    body = json.dumps({"type": "test", "count": 0, "omitted": 0, "events": [], "words": words})
    return Message(message, "RiskControl: a test", f"{words}\n\n{_UNWANTED}\n", body.encode())


def confirmation(username: str, code: str, message: str) -> Message:
    """Return the message with the code that confirms an e-mail address.

    Args:
        username: Who wants alerts there.
        code: The code.
        message: Its id.
    """
    text = (
        f"{username} asked RiskControl to send alerts of paper trades to this address.\n\n"
        f"If that was you, type this code under Alerts, on the page of one of your strategies: {code}\n\n"
        "If it wasn't, do nothing: without the code, nothing more comes.\n"
    )
    return Message(message, "RiskControl: your code", text, b"{}")


def mail(message: Message, sender: str, recipient: str, now: dt.datetime) -> EmailMessage:
    """Return a message as e-mail.

    Args:
        message: What it says.
        sender: Address.
        recipient: Address.
        now: When it is sent, aware.

    Raises:
        ValueError: An address or the subject has a line end in it.
    """
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = recipient
    made["Subject"] = message.subject
    made["Date"] = now
    made["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(message.text)
    return made


def _event(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "number": alert.event,
        "username": alert.username,
        "ticker": alert.ticker,
        "strategy": alert.name,
        "time": _moment(alert.time),
        "words": alert.words,
        **alert.facts,
    }


def _moment(time: int) -> str:
    seconds, rest = divmod(time, NS_PER_SECOND)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"

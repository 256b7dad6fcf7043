"""E-mail by a real mail server, over TLS and without."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from riskcontrol.alerts.mail import Mails
from riskcontrol.alerts.message import trial
from riskcontrol.alerts.rules import Contact
from riskcontrol.errors import DeliveryError, SettingsError
from riskcontrol.settings import Settings
from tests.alerts.fake import Clock, MailServer, certificate, mailing

CONTACT = Contact("ann", email="ann@example.com", confirmed=True)
MESSAGE = trial("ann", "5f0c")


def mails(server: MailServer, **more: Any) -> Mails:
    settings = Settings(smtp=f"127.0.0.1:{server.port}", smtp_tls="none", smtp_from="alerts@example.com")
    tls = more.pop("tls", None)
    return Mails(settings.model_copy(update=more), clock=Clock(), tls=tls, seconds=10)


def test_a_message_arrives_at_its_one_recipient() -> None:
    with mailing() as server:
        mails(server).send(CONTACT, MESSAGE)
    ((sender, recipients, body),) = server.got
    assert (sender, recipients) == ("alerts@example.com", ["ann@example.com"])
    read = message_from_bytes(body, policy=default)
    assert read["Subject"] == "RiskControl: a test"
    assert read["Date"] == "Thu, 09 Oct 2025 08:53:20 +0000"


def test_starttls_checks_the_certificate_before_anything_is_said(tmp_path: Path) -> None:
    own, trusting = certificate(tmp_path)
    with mailing(own) as server:
        mails(server, smtp_tls="starttls", tls=trusting).send(CONTACT, MESSAGE)
        assert len(server.got) == 1
        before = len(server.said)
        with pytest.raises(DeliveryError, match="can't be used"):
            mails(server, smtp_tls="starttls").send(CONTACT, MESSAGE)
        assert len(server.got) == 1
        assert not any(line.startswith("MAIL") for line in server.said[before:])


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for() -> None:
    with mailing() as server, pytest.raises(DeliveryError, match="can't be used"):
        mails(server, smtp_tls="starttls").send(CONTACT, MESSAGE)
    assert server.got == []


def test_refusals_are_told_without_what_the_server_says() -> None:
    with mailing() as server:
        server.refuse = "550 no such user <script>"
        with pytest.raises(DeliveryError, match=r"^the mail server refuses the address$"):
            mails(server).send(CONTACT, MESSAGE)
    with pytest.raises(DeliveryError, match="can't be used"):
        mails(server).send(CONTACT, MESSAGE)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"smtp": "mail.example.com", "smtp_from": "a@example.com", "smtp_tls": "none"}, "smtp_tls: 'none' is for"),
        ({"smtp": "mail.example.com:x", "smtp_from": "a@example.com"}, "smtp: 'mail.example.com:x' is not HOST"),
        ({"smtp": "mail.example.com:70000", "smtp_from": "a@example.com"}, "smtp: .* is not HOST"),
        ({"smtp": ":25", "smtp_from": "a@example.com"}, "smtp: ':25' is not HOST"),
        ({"smtp": "mail.example.com"}, "smtp_from: '': must be an address"),
        ({"smtp": "mail.example.com", "smtp_from": "a@example.com\nBcc: b@example.com"}, "smtp_from: .*must be"),
    ],
)
def test_settings_that_can_not_be_used_are_told(settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Mails(Settings(**settings))


def test_settings_of_usual_servers_are_taken() -> None:
    for host in ("mail.example.com", "mail.example.com:2525", "[2001:db8::1]:587", "[2001:db8::1]"):
        Mails(Settings(smtp=host, smtp_from="alerts@example.com"))

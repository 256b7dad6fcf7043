"""What messages say, and what can't be put into their headers."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.alerts.message import MOST_LISTED, confirmation, mail, message_of, trial
from riskcontrol.alerts.rules import Contact
from riskcontrol.alerts.signing import Keys, headers
from tests.alerts.fake import KEYS
from tests.alerts.test_box import noted

AT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
CONTACT = Contact("ann", url="https://example.com/", salt="0" * 32)


def test_an_alert_is_told_with_its_facts() -> None:
    _, (alert,) = noted(1)
    message = message_of([replace(alert, time=1_381_152_600_000_000_007, facts={"price": "1.500000"})], "id")
    told = json.loads(message.body)
    assert (told["type"], told["count"], told["omitted"]) == ("alert", 1, 0)
    assert told["events"] == [
        {
            "id": alert.id, "kind": "fill", "number": 1, "username": "ann", "ticker": "IBM", "strategy": "dip",
            "time": "2013-10-07T13:30:00.000000007Z", "words": "bought 1", "price": "1.500000",
        }
    ]  # fmt: skip
    assert message.subject == "RiskControl: dip on IBM bought 1"
    assert "dip on IBM bought 1" in message.text


def test_a_summary_counts_all_and_lists_a_hundred() -> None:
    _, alerts = noted(MOST_LISTED + 20)
    message = message_of(alerts, "id")
    told = json.loads(message.body)
    assert (told["type"], told["count"], told["omitted"], len(told["events"])) == ("summary", 120, 20, 100)
    assert message.subject == "RiskControl: 120 alerts"
    assert "120 alerts, held back and told together: 120 × fill." in message.text
    assert "and 20 more" in message.text
    assert len(message.body) < 64_000
    assert message_of(alerts, "id") == message


def test_e_mail_is_plain_text_that_says_who_sent_it_and_what_it_is() -> None:
    _, (alert,) = noted(1)
    words = "<b>bought</b> 5 µ"
    made = mail(message_of([replace(alert, words=words)], "5f0c"), "alerts@example.com", "ann@example.com", AT)
    read = message_from_bytes(made.as_bytes(), policy=default)
    assert read.get_content_type() == "text/plain"
    assert words in read.get_content()
    assert read["Message-ID"] == "<5f0c@example.com>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert [read["From"], read["To"]] == ["alerts@example.com", "ann@example.com"]


@pytest.mark.parametrize("bad", ["ann@example.com\nBcc: bob@example.com", "ann@example.com\r\n\r\nHello"])
def test_no_line_end_gets_into_a_header(bad: str) -> None:
    message = trial("ann", "id")
    for wrong in ((message, bad, "ann@example.com"), (message, "ann@example.com", bad)):
        with pytest.raises(ValueError, match=r".+"):
            mail(*wrong, AT)
    with pytest.raises(ValueError, match=r".+"):
        mail(replace(message, subject=f"x\n{bad}"), "ann@example.com", "ann@example.com", AT)


def test_the_code_of_an_address_is_told_there_and_confirms_nothing_else() -> None:
    code = KEYS.code("ann", "ann@example.com")
    assert code in confirmation("ann", code, "id").text
    assert code not in confirmation("ann", code, "id").body.decode()
    assert KEYS.confirms("ann", "ann@example.com", f" {code.lower()} ")
    assert not KEYS.confirms("bob", "ann@example.com", code)
    assert not KEYS.confirms("ann", "bob@example.com", code)
    assert not Keys.of(b"another").confirms("ann", "ann@example.com", code)
    for typed in ("", code[:-1], f"{code}A", "ÄÖÜ", "\ud800"):
        assert not KEYS.confirms("ann", "ann@example.com", typed)


@given(st.binary(max_size=200), st.integers(0, 2**40))
def test_whoever_has_the_secret_can_check_a_signature(body: bytes, now: int) -> None:
    secret = KEYS.webhook(CONTACT)
    made = headers(secret, "id", body, now)
    signed = b"id." + str(now).encode() + b"." + body
    expected = hmac.new(b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert made["webhook-signature"] == f"v1,{b64encode(expected).decode()}"
    assert headers(secret, "id", body, now + 1)["webhook-signature"] != made["webhook-signature"]


def test_secrets_differ_by_user_salt_and_installation() -> None:
    others = [replace(CONTACT, username="bob"), replace(CONTACT, salt="1" * 32)]
    secrets = {KEYS.webhook(CONTACT), *map(KEYS.webhook, others), Keys.of(b"another").webhook(CONTACT)}
    assert len(secrets) == 4
    assert all(len(b64decode(secret.removeprefix("whsec_"))) == 32 for secret in secrets)

"""Webhooks against real receivers, and against people who want us to reach what is ours."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from riskcontrol.alerts import webhook
from riskcontrol.alerts.message import trial
from riskcontrol.alerts.rules import Contact
from riskcontrol.alerts.webhook import Found, Webhooks
from riskcontrol.errors import DeliveryError
from riskcontrol.settings import Settings
from tests.alerts.fake import KEYS, NOW, Clock, Receiver, certificate, receiving

MESSAGE = trial("ann", "5f0c")


def contact(url: str) -> Contact:
    """Return a contact as the tables have it, whatever the address is."""
    made = Contact("ann", salt="0" * 32)
    object.__setattr__(made, "url", url)
    return made


def local(**more: Any) -> Webhooks:
    return Webhooks(KEYS, local=True, clock=Clock(), **more)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@contextmanager
def raw(answer: bytes, *, every: float = 0.0) -> Iterator[str]:
    """Run a server that says something, a byte at a time if asked, and gives its address."""
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            try:
                for byte in [bytes([one]) for one in answer] if every else [answer]:
                    connection.sendall(byte)
                    if done.wait(every):
                        return
                done.wait(5)
            except OSError:
                pass  # the other end has had enough

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        done.set()
        thread.join(10)


def test_a_message_arrives_signed(receiver: Receiver) -> None:
    local().send(contact(receiver.url), MESSAGE)
    (got,) = receiver.got
    assert got.path == "/hook?for=ann"
    assert got.body == MESSAGE.body
    assert json.loads(got.body)["type"] == "test"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == receiver.url.split("/")[2]
    assert got.headers["webhook-id"] == "5f0c"
    assert got.headers["webhook-timestamp"] == str(int(NOW))
    key = b64decode(KEYS.webhook(contact(receiver.url)).removeprefix("whsec_"))
    signed = f"5f0c.{int(NOW)}.".encode() + got.body
    expected = b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 500 Oops\r\n\r\n", "status 500"),
        (b"HTTP/1.0 404\r\n\r\n", "status 404"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "status 100"),
        (b"HTTP/1.1 999 What\r\n\r\n", "isn't HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", "isn't HTTP"),
        (b"HTTP/1.1 2000 x\r\n", "isn't HTTP"),
        (b"", "isn't HTTP"),
        (b"x" * 100_000, "isn't HTTP"),
    ],
)
def test_anything_but_acceptance_is_a_failure(receiver: Receiver, answer: bytes, said: str) -> None:
    receiver.answer = answer
    with pytest.raises(DeliveryError, match=said):
        local().send(contact(receiver.url), MESSAGE)


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    with receiving() as other:
        for status in (301, 302, 303, 307, 308):
            receiver.answer = f"HTTP/1.1 {status} There\r\nLocation: {other.url}\r\n\r\n".encode()
            with pytest.raises(DeliveryError, match=f"status {status}; redirects are not followed"):
                local().send(contact(receiver.url), MESSAGE)
        assert other.got == []


def test_an_answer_that_drips_or_never_comes_takes_no_longer_than_it_may() -> None:
    for answer, every in ((b"HTTP/1.1 200 OK", 0.05), (b"", 1.0)):
        with raw(answer, every=every) as url:
            begun = time.monotonic()
            with pytest.raises(DeliveryError, match="took too long"):
                local(seconds=0.3).send(contact(url), MESSAGE)
            assert time.monotonic() - begun < 4  # not the five seconds for which that server would go on


def test_of_an_endless_answer_the_first_line_is_read() -> None:
    with raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000) as url:
        local().send(contact(url), MESSAGE)


def test_a_look_up_that_hangs_takes_no_longer_than_it_may() -> None:
    free = threading.Event()

    def hang(host: str, port: int) -> list[Found]:
        free.wait(30)
        return []

    with pytest.raises(DeliveryError, match="took too long"):
        local(look_up=hang, seconds=0.2).send(contact("http://example.com/"), MESSAGE)
    free.set()


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://0.0.0.0:{port}/", "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/", "https://2130706433:{port}/", "https://0x7f000001:{port}/",
        "https://127.1:{port}/", "https://0177.0.0.1:{port}/", "https://[::]:{port}/", "https://10.0.0.1:{port}/",
        "https://169.254.169.254:{port}/latest/meta-data/", "https://[fe80::1]:{port}/",
    ],
)  # fmt: skip
def test_nothing_reaches_this_machine_or_its_network_however_it_is_written(receiver: Receiver, url: str) -> None:
    typed = url.format(port=receiver.url.split(":")[2].partition("/")[0])
    with pytest.raises(DeliveryError, match=r"address that isn't public|isn't found"):
        Webhooks(KEYS, seconds=5).send(contact(typed), MESSAGE)
    assert receiver.got == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "https://ann@127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/", "https://a:22/"]
)
def test_an_address_that_was_put_into_the_table_is_checked_again(receiver: Receiver, url: str) -> None:
    with pytest.raises(DeliveryError, match=r"^url: must"):
        Webhooks(KEYS).send(contact(url.format(port=receiver.url.split(":")[2].partition("/")[0])), MESSAGE)
    assert receiver.got == []


def test_a_name_that_leads_to_both_sides_is_refused(receiver: Receiver) -> None:
    port = int(receiver.url.split(":")[2].partition("/")[0])
    found: list[Found] = [(socket.AF_INET, ("93.184.216.34", port)), (socket.AF_INET, ("127.0.0.1", port))]
    for answer in (found, found[::-1]):
        with pytest.raises(DeliveryError, match="isn't public"):
            Webhooks(KEYS, look_up=lambda host, port, answer=answer: answer).send(
                contact(f"https://hooks.example:{port}/"), MESSAGE
            )
    assert receiver.got == []


def test_a_name_is_looked_up_once_so_it_can_not_lead_elsewhere_later(receiver: Receiver) -> None:
    port, asked = int(receiver.url.split(":")[2].partition("/")[0]), list[str]()

    def rebinding(host: str, port: int) -> list[Found]:
        asked.append(host)
        return [(socket.AF_INET, ("127.0.0.1" if len(asked) == 1 else "10.0.0.1", port))]

    local(look_up=rebinding).send(contact(f"http://hooks.example:{port}/"), MESSAGE)
    assert asked == ["hooks.example"]
    assert receiver.got[0].headers["host"] == f"hooks.example:{port}"


def test_who_is_at_the_other_end_is_looked_at_before_anything_is_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(receiver.url.split(":")[2].partition("/")[0])

    class Misled(socket.socket):
        """Connects to loopback, whatever it is told: as a router might."""

        def connect(self, at: Any) -> None:
            super().connect(("127.0.0.1", port))

    monkeypatch.setattr(webhook.socket, "socket", Misled)
    sender = Webhooks(KEYS, look_up=lambda host, port: [(socket.AF_INET, ("93.184.216.34", port))])
    with pytest.raises(DeliveryError, match="isn't public"):
        sender.send(contact(f"https://hooks.example:{port}/"), MESSAGE)
    assert receiver.got == []


def test_loopback_is_allowed_by_an_argument_and_by_no_setting() -> None:
    assert inspect.signature(Webhooks).parameters["local"].default is False
    assert not [name for name in Settings.model_fields if "local" in name or "loopback" in name]


def test_certificates_are_checked_for_the_name_that_was_typed(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    with receiving(server) as receiver:
        at = int(receiver.url.split(":")[2].partition("/")[0])
        local(tls=trusting).send(contact(receiver.url), MESSAGE)
        with pytest.raises(DeliveryError, match="TLS failed"):
            local().send(contact(receiver.url), MESSAGE)
        named = local(tls=trusting, look_up=lambda host, port: [(socket.AF_INET, ("127.0.0.1", port))])
        named.send(contact(f"https://hooks.example:{at}/"), MESSAGE)
        with pytest.raises(DeliveryError, match="TLS failed"):
            named.send(contact(f"https://other.example:{at}/"), MESSAGE)
    assert len(receiver.got) == 2


def test_nobody_there_and_no_such_name_are_failures_that_tell_nothing_of_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    with pytest.raises(DeliveryError, match=r"^can't be reached$"):
        local().send(contact(f"http://127.0.0.1:{free}/"), MESSAGE)
    long = "https://" + "a" * 70 + ".example/"
    with pytest.raises(DeliveryError, match=r"isn't found|can't be reached"):
        local().send(contact(long), MESSAGE)


def test_of_several_addresses_the_next_is_tried(receiver: Receiver) -> None:
    port = int(receiver.url.split(":")[2].partition("/")[0])
    found: list[Found] = [(socket.AF_INET, ("127.0.0.2", 1)), (socket.AF_INET, ("127.0.0.1", port))]
    local(look_up=lambda host, port: found).send(contact("http://hooks.example/"), MESSAGE)
    assert len(receiver.got) == 1

"""Rules, contacts and alerts in memory, and people's webhook receivers and mail servers on loopback."""

# ruff: noqa: D102  what the store's methods do stands in `AlertStore`

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from riskcontrol.alerts.box import Alert, Box, Change, read_box
from riskcontrol.alerts.rules import Contact, Rule
from riskcontrol.alerts.signing import Keys
from riskcontrol.errors import RowDamaged, ServerError

KEYS = Keys.of(b"a secret of tests, which nobody else has")
NOW = 1_760_000_000.0
"""2025-10-09 08:53:20 UTC."""


@dataclass
class Clock:
    """Seconds since 1970 that a test sets."""

    now: float = NOW

    def __call__(self) -> float:
        """Return them."""
        return self.now


@dataclass
class FakeAlerts:
    """The interface of `riskcontrol.alerts.store.AlertStore` over dictionaries; set `away` to have no database."""

    kept: dict[tuple[str, str, str], Rule] = field(default_factory=dict)
    places: dict[str, Contact] = field(default_factory=dict)
    boxes: dict[str, tuple[int, str]] = field(default_factory=dict)
    lists: dict[str, dict[int, Alert]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    holder: str = ""
    away: bool = False
    changes: int = 0
    asked: set[str] = field(default_factory=set)
    """Whose alerts were asked for."""
    before_change: Callable[[], None] | None = None

    def _answer(self, username: str = "") -> None:
        if username:
            self.asked.add(username)
        if self.away:
            raise ServerError("no answer", server="cassandra")

    def rules(self, username: str | None = None) -> list[Rule]:
        self._answer(username or "")
        return [rule for key, rule in sorted(self.kept.items()) if username in (None, key[0])]

    def rule(self, username: str, ticker: str, name: str) -> Rule | None:
        self._answer(username)
        return self.kept.get((username, ticker, name))

    def set_rule(self, rule: Rule) -> None:
        self._answer(rule.username)
        self.kept[rule.key] = rule

    def remove_rule(self, username: str, ticker: str, name: str) -> None:
        self._answer(username)
        self.kept.pop((username, ticker, name), None)

    def contacts(self) -> list[Contact]:
        self._answer()
        return list(self.places.values())

    def contact(self, username: str) -> Contact | None:
        self._answer(username)
        return self.places.get(username)

    def set_contact(self, contact: Contact) -> None:
        self._answer(contact.username)
        self.places[contact.username] = contact

    def box(self, username: str) -> tuple[int, Box]:
        self._answer(username)
        version, text = self.boxes.get(username, (0, None))
        try:
            return version, read_box(text)
        except ValueError as error:
            raise RowDamaged(f"row {username!r} of alerts is damaged ({error})", server="cassandra") from error

    def change(self, username: str, version: int, change: Change) -> bool:
        self._answer(username)
        if self.before_change is not None:
            self.before_change()
        if self.boxes.get(username, (0, ""))[0] != version:
            return False
        self.boxes[username] = version + 1, change.box.text()
        alerts = self.lists.setdefault(username, {})
        alerts |= {alert.number: alert for alert in change.alerts}
        for number, channel, state in change.marks:
            alerts[number] = replace(alerts[number], **{channel: state})
        self.changes += 1
        return True

    def waiting(self, username: str, after: int, limit: int) -> list[Alert]:
        self._answer(username)
        return [alert for number, alert in sorted(self.lists.get(username, {}).items()) if number > after][:limit]

    def newest(self, username: str, limit: int) -> list[Alert]:
        self._answer(username)
        return [alert for _, alert in sorted(self.lists.get(username, {}).items(), reverse=True)][:limit]

    def unseen(self, username: str) -> tuple[int, int]:
        self._answer(username)
        return self.box(username)[1].last, self.seen.get(username, 0)

    def look(self, username: str, number: int) -> None:
        self._answer(username)
        self.seen[username] = number

    def hold(self, name: str, holder: str, seconds: int) -> bool:
        self._answer()
        self.holder = self.holder or holder
        return self.holder == holder

    def let_go(self, name: str, holder: str) -> None:
        self._answer()
        self.holder = "" if self.holder == holder else self.holder


@dataclass
class Received:
    """A request that came to a webhook's receiver."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it tells."""
        found: list[dict[str, Any]] = json.loads(self.body)["events"]
        return found


@dataclass
class Receiver:
    """A webhook's receiver; `answer` says how it answers, `during` is called before it does."""

    url: str = ""
    answer: bytes = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    during: Callable[[], None] | None = None
    got: list[Received] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of the messages that came, in their order."""
        return [one.headers["webhook-id"] for one in self.got]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a webhook's receiver on loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Received(self.path, headers, body))
            if receiver.during is not None:
                receiver.during()
            self.wfile.write(receiver.answer)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that goes away in the middle of the answer

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}/hook?for=ann"
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class MailServer:
    """A mail server that keeps what it gets; `refuse` is a reply to recipients instead."""

    port: int = 0
    got: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refuse: str = ""


@contextmanager
def mailing(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Run a mail server on loopback, which asks for STARTTLS where it has a certificate."""
    kept = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def reply(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def finish(self) -> None:
            super().finish()
            self.request.close()  # over TLS it is another one than was accepted

        def handle(self) -> None:
            sender, recipients, secure = "", list[str](), tls is None
            self.reply("220 tests")
            while line := self.rfile.readline().decode().rstrip("\r\n"):
                kept.said.append(line)
                verb = line.split()[0].upper()
                if verb == "EHLO":
                    self.reply("250 tests" if secure else "250-tests\r\n250 STARTTLS")
                elif verb == "STARTTLS" and tls is not None:
                    self.reply("220 go on")
                    self.request = tls.wrap_socket(self.request, server_side=True)
                    self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                    secure = True
                elif verb == "MAIL":
                    sender = line.partition("<")[2].partition(">")[0]
                    self.reply("250 ok" if secure else "530 STARTTLS first")
                elif verb == "RCPT":
                    recipients.append(line.partition("<")[2].partition(">")[0])
                    self.reply(kept.refuse or "250 ok")
                elif verb == "DATA":
                    self.reply("354 go on")
                    lines = list(iter(self.rfile.readline, b".\r\n"))
                    kept.got.append((sender, recipients, b"".join(lines)))
                    self.reply("250 ok")
                elif verb == "QUIT":
                    self.reply("221 bye")
                    return
                else:
                    self.reply("250 ok")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    kept.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server on 127.0.0.1 shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("hooks.example")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(plain + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=str(path))

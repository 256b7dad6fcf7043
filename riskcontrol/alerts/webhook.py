"""Sending a webhook: to the public address that was checked; no redirect, little time, one line of answer."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLateError

from riskcontrol.alerts.addresses import Target, check_url, is_public
from riskcontrol.alerts.message import Message
from riskcontrol.alerts.rules import Contact
from riskcontrol.alerts.signing import Keys, headers
from riskcontrol.errors import AlertError, DeliveryError

SECONDS = 10.0
"""How long all of it may take, from the look-up of the name to the answer's first line."""
MOST_READ = 1_024
"""Bytes of the answer that are looked at."""
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r?\n")

Found = tuple[int, tuple[str, int]]
"""A family of addresses, and an address with a port."""
LookUp = Callable[[str, int], list[Found]]


def look_up(host: str, port: int) -> list[Found]:
    """Return the addresses of a name, as the system finds them.

    Raises:
        OSError: It finds none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, (str(at[0]), int(at[1]))) for family, _, _, _, at in found]


class Webhooks:
    """Sends messages to the addresses of webhooks.

    Args:
        keys: Make the keys that sign.
        local: Whether loopback, any port and plain HTTP are allowed: for tests. No setting leads here.
        tls: How certificates are checked; without it, by those that the system trusts.
        look_up: Finds the addresses of a name; another one in tests.
        clock: Seconds since 1970.
        seconds: How long one may take.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        local: bool = False,
        tls: ssl.SSLContext | None = None,
        look_up: LookUp = look_up,
        clock: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self._keys = keys
        self._local = local
        self._tls = tls or ssl.create_default_context()
        self._look_up = look_up
        self._clock = clock
        self._seconds = seconds

    def send(self, contact: Contact, message: Message) -> None:
        """Send a message, and wait until it is accepted.

        Args:
            contact: Whom.
            message: What.

        Raises:
            DeliveryError: It wasn't accepted.
        """
        deadline = time.monotonic() + self._seconds
        try:
            target = check_url(contact.url, local=self._local)
            with self._connected(target, deadline) as connection:
                connection.settimeout(_left(deadline))
                connection.sendall(self._request(target, contact, message))
                status = _status(connection, deadline)
        except (AlertError, DeliveryError) as error:
            raise DeliveryError(str(error)) from error
        except (OSError, ValueError, TooLateError) as error:  # a name may be one that no encoding takes
            raise DeliveryError(_meaning(error)) from error
        if not 200 <= status < 300:
            more = "; redirects are not followed" if 300 <= status < 400 else ""
            raise DeliveryError(f"answered with status {status}{more}")

    def _connected(self, target: Target, deadline: float) -> socket.socket:
        """Return a connection to an address that was checked, over TLS where that is asked for."""
        found = self._addresses(target, deadline)
        failure: Exception = DeliveryError("has no address")
        for family, at in found:
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(_left(deadline))
                connection.connect(at)
                self._check_end(connection)
                if not target.tls:
                    return connection
                connection.settimeout(_left(deadline))
                return self._tls.wrap_socket(connection, server_hostname=target.host)
            except (OSError, ValueError) as error:
                connection.close()
                failure = error
            except BaseException:
                connection.close()
                raise
        raise failure

    def _addresses(self, target: Target, deadline: float) -> list[Found]:
        """Return the addresses of a name, looked up once; one that isn't public spoils all of them.

        Raises:
            DeliveryError: One isn't public.
        """
        found: Future[list[Found]] = Future()

        def ask() -> None:
            try:
                found.set_result(self._look_up(target.host, target.port))
            except Exception as error:
                found.set_exception(error)

        # The system's resolver knows no deadline, so it is left behind when ours has come.
        threading.Thread(target=ask, daemon=True, name="look up").start()
        addresses = found.result(_left(deadline))
        if not all(is_public(at[0], local=self._local) for _, at in addresses):
            raise DeliveryError("leads to an address that isn't public")
        return addresses

    def _check_end(self, connection: socket.socket) -> None:
        """Look at who is at the other end, before anything is sent.

        Raises:
            DeliveryError: It isn't a public address, or it is this machine.
        """
        there, here = connection.getpeername()[0], connection.getsockname()[0]
        if not is_public(there, local=self._local) or (there == here and not self._local):
            raise DeliveryError("leads to an address that isn't public")

    def _request(self, target: Target, contact: Contact, message: Message) -> bytes:
        signed = headers(self._keys.webhook(contact), message.id, message.body, int(self._clock()))
        lines = {
            "Host": target.authority,
            "User-Agent": "RiskControl",
            "Content-Type": "application/json",
            "Content-Length": str(len(message.body)),
            "Connection": "close",
            **signed,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + message.body


def _status(connection: socket.socket, deadline: float) -> int:
    """Return the status of an answer; nothing behind its first line is read.

    Raises:
        DeliveryError: It isn't an answer of HTTP.
    """
    read = b""
    while b"\n" not in read and len(read) < MOST_READ:
        connection.settimeout(_left(deadline))
        part = connection.recv(MOST_READ - len(read))
        if not part:
            break
        read += part
    found = _STATUS.match(read)
    if found is None:
        raise DeliveryError("gave an answer that isn't HTTP")
    return int(found[1])


def _left(deadline: float) -> float:
    """Return how many seconds are left.

    Raises:
        TimeoutError: None are.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _meaning(error: Exception) -> str:
    """Return what went wrong, without what the system says of names within our network."""
    if isinstance(error, TimeoutError | TooLateError):
        return "took too long"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'no answer'})"
    if isinstance(error, socket.gaierror):
        return "its name isn't found"
    return "can't be reached"

"""Sending e-mail by the server that the settings name."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
import time
from collections.abc import Callable

from riskcontrol.alerts.message import Message, mail
from riskcontrol.alerts.rules import Contact, check_email
from riskcontrol.errors import AlertError, DeliveryError, SettingsError
from riskcontrol.settings import Settings

SECONDS = 10.0
"""How long each step may take."""
TLS, STARTTLS, NONE = "tls", "starttls", "none"
_PORTS = {TLS: 465, STARTTLS: 587, NONE: 25}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Mails:
    """Sends messages to e-mail addresses.

    Args:
        settings: The server, and how to get in.
        tls: How its certificate is checked; without it, by those that the system trusts.
        clock: Seconds since 1970.
        seconds: How long a step may take.

    Raises:
        SettingsError: A setting can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self._settings = settings
        self._host, self._port = _server(settings)
        self._tls = tls or ssl.create_default_context()
        self._clock = clock
        self._seconds = seconds

    def send(self, contact: Contact, message: Message) -> None:
        """Send a message, and wait until the server has taken it.

        Args:
            contact: Whom.
            message: What.

        Raises:
            DeliveryError: It wasn't taken.
        """
        settings = self._settings
        made = mail(message, settings.smtp_from, contact.email, dt.datetime.fromtimestamp(self._clock(), dt.UTC))
        try:
            with self._connected() as server:
                if settings.smtp_tls == STARTTLS:
                    server.starttls(context=self._tls)
                if settings.smtp_username:
                    server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
                server.send_message(made)
        except smtplib.SMTPRecipientsRefused as error:
            raise DeliveryError("the mail server refuses the address") from error
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"the mail server answered {error.smtp_code}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"the mail server can't be used ({type(error).__name__})") from error

    def _connected(self) -> smtplib.SMTP:
        if self._settings.smtp_tls == TLS:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._seconds, context=self._tls)
        return smtplib.SMTP(self._host, self._port, timeout=self._seconds)


def _server(settings: Settings) -> tuple[str, int]:
    """Return host and port of the mail server.

    Raises:
        SettingsError: They, the sender or the way to get in can't be used.
    """
    host, colon, port = settings.smtp.rpartition(":") if not settings.smtp.endswith("]") else (settings.smtp, "", "")
    if not colon:
        host, port = settings.smtp, str(_PORTS[settings.smtp_tls])
    host = host.strip("[]")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise SettingsError(f"{settings.smtp!r} is not HOST[:PORT]", field="smtp")
    try:
        check_email(settings.smtp_from)
    except AlertError as error:
        raise SettingsError(f"{settings.smtp_from!r}: {error.message}", field="smtp_from") from error
    if settings.smtp_tls == NONE and host not in _LOOPBACK:
        raise SettingsError("'none' is for loopback alone; write 'starttls' or 'tls'", field="smtp_tls")
    return host, int(port)

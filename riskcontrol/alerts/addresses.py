"""Where a webhook may go: what is typed, and the address that its name leads to.

Everything here is hostile: whoever types an address may want us to reach what only this machine can reach.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from riskcontrol.errors import AlertError

LONGEST_URL = 500
HTTPS_PORT, HTTP_PORT = 443, 80
_FIRST_FREE_PORT = 1024
_URL = re.compile(r"[!-~]+", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)

_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is handed out to be reached by everybody."""
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as networks write them that have IPv6 alone (NAT64)."""
_TUNNELS = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))
"""Teredo and 6to4: IPv4 addresses in disguise, which nobody needs any more."""
_SPECIAL_4 = (ipaddress.IPv4Network("192.88.99.0/24"), ipaddress.IPv4Network("192.0.0.0/24"))
"""Relays of 6to4, and what protocols use among themselves."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        tls: Whether over TLS.
        host: The name or address, without brackets.
        port: The port.
        path: What is asked for, with the part behind ``?``.
    """

    tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the header ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (HTTPS_PORT if self.tls else HTTP_PORT) else f"{host}:{self.port}"


def check_url(url: str, *, local: bool = False) -> Target:
    """Return where a webhook's address leads, if it is one that may be asked for at all.

    Args:
        url: As typed.
        local: Whether it may be without TLS, and on any port: for tests.

    Raises:
        AlertError: It isn't.

    >>> check_url("https://example.com/hook?for=ann")
    Target(tls=True, host='example.com', port=443, path='/hook?for=ann')
    """
    if len(url) > LONGEST_URL or not _URL.fullmatch(url) or "\\" in url:
        raise _unfit(f"must be an address like https://example.com/hook, at most {LONGEST_URL} characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _unfit("must be an address like https://example.com/hook, with a port from 1 to 65535") from error
    secure = parts.scheme == "https"
    if not secure and not (local and parts.scheme == "http"):
        raise _unfit("must begin with https://")
    if "@" in parts.netloc:
        raise _unfit("must not have a name or password before an '@'")
    if parts.fragment or "#" in url:
        raise _unfit("must not have a '#'")
    port = port or (HTTPS_PORT if secure else HTTP_PORT)
    if not local and port != HTTPS_PORT and port < _FIRST_FREE_PORT:
        raise _unfit(f"must be on port {HTTPS_PORT}, or on one from {_FIRST_FREE_PORT} on")
    host = re.sub(r":\d*$", "", parts.netloc)
    if not _HOST.fullmatch(host):
        raise _unfit("must have a host's name in plain letters; write others as xn--...")
    return Target(secure, host.strip("[]"), port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def is_public(address: str, *, local: bool = False) -> bool:
    """Return whether an IP address is one that everybody on the internet means the same machine by.

    Args:
        address: As the system's resolver or a connected socket gives it.
        local: Whether loopback counts too: for tests.

    >>> is_public("93.184.216.34"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("100.64.0.1")
    (True, False, False, False)
    """
    try:
        found = _plain(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if local and found.is_loopback:
        return True
    if found.is_multicast or not found.is_global:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in network for network in _SPECIAL_4)
    return found in _GLOBAL_6 and not any(found in tunnel for tunnel in _TUNNELS)


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _unfit(message: str) -> AlertError:
    return AlertError(message, field="url")

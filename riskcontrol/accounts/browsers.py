"""Browsers in which somebody has signed in before: wrong passwords from elsewhere don't make those wait."""

from __future__ import annotations

import hmac
import secrets

from riskcontrol.accounts.sessions import derived, keyed

LIFETIME_SECONDS = 180 * 86_400
"""How long a browser keeps its token."""
_LONGEST = 128


class Browsers:
    """Gives tokens to browsers, and knows them again. A token opens nothing: who has one still needs the password.

    Args:
        secret: The installation's.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = derived(secret, "browser")

    def issue(self, username: str) -> str:
        """Return the token of a browser in which a user has just signed in; it doesn't tell who."""
        number = secrets.token_urlsafe(16)
        return f"{number}.{keyed(self._key, username, number)}"

    def number(self, token: str, username: str) -> str:
        """Return the number in a token that was issued to this user; empty if it wasn't.

        >>> browsers = Browsers(b"s")
        >>> bool(browsers.number(browsers.issue("ann"), "ann")), browsers.number(browsers.issue("ann"), "bob")
        (True, '')
        """
        number, _, proof = token.partition(".")
        if len(token) > _LONGEST or not number or not username:
            return ""
        right = keyed(self._key, username, number)
        return number if hmac.compare_digest(right.encode(), proof.encode("utf-8", "replace")) else ""

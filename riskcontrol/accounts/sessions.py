"""Sessions: a signed token in a cookie says who signed in, when, and in which generation of the account."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import BadData, URLSafeSerializer

from riskcontrol.accounts.account import Account
from riskcontrol.strategy import USERNAME_PATTERN

LIFETIME_SECONDS = 7 * 86_400
"""How long a session lasts, however much it is used."""
_LONGEST = 512
_TOKEN = re.compile(r"\.?[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}")
"""What the decoder of Base64 would pass over is refused."""
_MOST_KEPT = 4_096
"""Most tokens whose signature isn't checked again, about 1 kB each."""
_SKEW_SECONDS = 60
"""How far the clocks of two servers may lie apart."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in.

    Attributes:
        username: Who.
        generation: Of the account, at that time.
        number: Its own, unguessable; a session that was signed out is known by it.
        issued: When, seconds since 1970.
    """

    username: str
    generation: int
    number: str
    issued: int


class Sessions:
    """Issues tokens and reads them.

    Args:
        secret: The installation's; whoever knows it can sign in as anybody.
    """

    def __init__(self, secret: bytes) -> None:
        self._serializer = URLSafeSerializer(
            derived(secret, "session"), signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        # A page sends its token with every request.
        self._session = lru_cache(_MOST_KEPT)(self._signed)

    def issue(self, account: Account, now: float) -> str:
        """Return the token of a new session."""
        payload = [account.username, account.generation, secrets.token_urlsafe(16), int(now)]
        token = self._serializer.dumps(payload)
        return token if isinstance(token, str) else token.decode()

    def read(self, token: str, now: float) -> Session | None:
        """Return the session of a token; None if it isn't one of ours, or has expired."""
        if len(token) > _LONGEST or not _TOKEN.fullmatch(token):
            return None
        session = self._session(token)
        return session if session is not None and -_SKEW_SECONDS <= now - session.issued < LIFETIME_SECONDS else None

    def _signed(self, token: str) -> Session | None:
        """Return the session of a token that we have signed, whenever that was."""
        try:
            username, generation, number, issued = self._serializer.loads(token)
        except (BadData, ValueError, TypeError):
            return None
        right = isinstance(username, str) and USERNAME_PATTERN.fullmatch(username) and isinstance(generation, int)
        if not right or not isinstance(number, str) or not isinstance(issued, int):
            return None
        return Session(username, generation, number, issued)


def derived(secret: bytes, purpose: str) -> bytes:
    """Return a key of its own for a purpose, so that what is signed for one is worth nothing for another.

    >>> derived(b"s", "a") == derived(b"s", "b")
    False
    """
    return hmac.new(secret, f"riskcontrol {purpose}".encode(), hashlib.sha256).digest()


def keyed(key: bytes, *parts: str) -> str:
    """Return what stands for some texts where they themselves need not be known: a keyed hash, 40 hex digits.

    >>> keyed(b"k", "a", "bc") == keyed(b"k", "ab", "c")
    False
    """
    message = b"".join(len(part := text.encode("utf-8", "replace")).to_bytes(4, "big") + part for text in parts)
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:40]


def pseudonym(key: bytes, username: str) -> str:
    """Return the name under which others meet a user: always the same one, and no way back.

    >>> pseudonym(b"k", "ann")
    'trader-1daf8f0a'
    """
    return f"trader-{keyed(key, username)[:8]}"

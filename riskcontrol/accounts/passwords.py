"""Passwords: which ones are good enough, and their hashes (argon2id, RFC 9106)."""

from __future__ import annotations

import threading
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from riskcontrol.errors import AccountError, TooBusy

SHORTEST, LONGEST = 12, 200
"""Characters of a password. Length is what counts; kinds of characters are not asked for (NIST SP 800-63B)."""
FEWEST_DIFFERENT = 5
"""So many different characters a password has at least."""
_COMMON_TEXT = """
password passwort passw0rd p@ssword qwerty qwertyuiop qwertyuiopasdf asdfghjkl azerty letmein welcome
iloveyou administrator admin trustno football baseball superman princess sunshine whatever changeme
correcthorse secret correcthorsebatterystaple riskcontrol abcdef abcdefgh abcdefghijkl
"""
_COMMON = frozenset(_COMMON_TEXT.split())
"""What people write and then pad with digits and signs."""

MOST_AT_A_TIME = 2
"""Hashes made at a time: each takes memory and a core, and pages wait for both."""
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a hash costs whoever tries passwords, and us.

    Attributes:
        memory: KiB.
        rounds: Passes over the memory.
    """

    memory: int = 65_536
    rounds: int = 3


def check_password(password: str, username: str) -> None:
    """Check that a new password is good enough.

    Args:
        password: As it was typed.
        username: Whose it becomes.

    Raises:
        AccountError: It isn't.
    """
    normal = _normal(password)
    if not SHORTEST <= len(normal) <= LONGEST:
        raise _unfit(f"must have {SHORTEST} to {LONGEST} characters; a sentence is easy to keep in mind")
    plain = normal.casefold()
    if len(set(plain)) < FEWEST_DIFFERENT:
        raise _unfit(f"must have at least {FEWEST_DIFFERENT} different characters")
    steps = {ord(after) - ord(before) for before, after in pairwise(plain)}
    if len(steps) == 1:
        raise _unfit("must not be a row of characters, one after the other")
    letters = "".join(letter for letter in plain if letter.isalpha())
    name = "".join(letter for letter in username if letter.isalpha())
    if plain.strip("0123456789!?.-_ ") in _COMMON or letters in _COMMON or (name and letters == name):
        raise _unfit("must not be a common word, or the username, with signs around it")


class Passwords:
    """Makes and checks hashes.

    Args:
        cost: What one costs. Hashes of another cost are still checked.
    """

    def __init__(self, cost: Cost | None = None) -> None:
        cost = cost or Cost()
        self._hasher = PasswordHasher(time_cost=cost.rounds, memory_cost=cost.memory, parallelism=1, type=Type.ID)
        self._turn = threading.BoundedSemaphore(MOST_AT_A_TIME)
        self._nobodys = self._hasher.hash("nobody's")

    def hash(self, password: str) -> str:
        """Return a new hash, with its salt and cost in it.

        Raises:
            TooBusy: Too many others are being made.
        """
        with _Turn(self._turn):
            return self._hasher.hash(_normal(password))

    def fits(self, known: str | None, password: str) -> bool:
        """Return whether a password is the one that was hashed.

        Args:
            known: The hash; None where there is no account. That takes as long: its time must not tell.
            password: As it was typed.

        Raises:
            TooBusy: Too many others are being checked.
        """
        with _Turn(self._turn):
            try:
                right = self._hasher.verify(known or self._nobodys, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
            return right and known is not None

    def outdated(self, known: str) -> bool:
        """Return whether a hash has another cost than new ones."""
        return self._hasher.check_needs_rehash(known)


class _Turn:
    """Waits for one's turn, for a while."""

    def __init__(self, turn: threading.BoundedSemaphore) -> None:
        self._turn = turn

    def __enter__(self) -> None:
        if not self._turn.acquire(timeout=PATIENCE_SECONDS):
            raise TooBusy

    def __exit__(self, *error: object) -> None:
        self._turn.release()


def _normal(password: str) -> str:
    """Return a password as any keyboard would have it: the same letters can be typed as different characters."""
    return unicodedata.normalize("NFKC", password)


def _unfit(message: str) -> AccountError:
    return AccountError(message, field="password")

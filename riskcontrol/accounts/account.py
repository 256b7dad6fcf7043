"""An account and its role."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import Enum

from riskcontrol.errors import AccountError, StrategyError
from riskcontrol.strategy import check_username

RESERVED = re.compile(r"admin(istrator)?|root|support|riskcontrol|user\d{6,}")
"""Names that nobody can register: those that mislead, and those that `riskcontrol users generate` gives."""


class Role(Enum):
    """What an account may do beyond its own strategies."""

    USER = "user"
    """Nothing."""
    ADMIN = "admin"
    """See those of everybody."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who can sign in.

    Attributes:
        username: The name, which is that of the account's strategies.
        password: The password's hash.
        role: What it may do.
        generation: Sessions of another generation have ended; it grows with each change of the password.
        created: When it was made, aware.
    """

    username: str
    password: str = field(repr=False)
    role: Role
    generation: int
    created: dt.datetime


def normal_username(typed: str) -> str:
    """Return a username as it was meant: without spaces around it, in small letters.

    Raises:
        AccountError: It isn't one.

    >>> normal_username(" Ann ")
    'ann'
    """
    try:
        return check_username(typed.strip().lower())
    except StrategyError as error:
        raise AccountError(error.message, field="username") from error

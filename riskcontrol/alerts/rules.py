"""What somebody wants to be told, and where: checked once at the door."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from decimal import Decimal

from riskcontrol.alerts.addresses import check_url
from riskcontrol.alerts.hours import Quiet
from riskcontrol.errors import AlertError
from riskcontrol.strategy import check_name, check_ticker, check_username

MOST_RULES = 100
"""Most strategies of a user with alerts."""
USUAL_CAP, MOST_CAP = 20, 100
"""Messages in an hour, to each place."""
LONGEST_EMAIL = 254
_WHOLE = 1_000_000
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@([A-Za-z0-9-]{{1,63}}\.)+[A-Za-z]{{2,63}}")
"""Addresses as people have them: nothing in quotes, no comments, no line ends."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an owner wants to be told of a strategy.

    Attributes:
        username: Whose strategy.
        ticker: Of which ticker.
        name: Of which name.
        fills: Fills with a higher number than this; None: none.
        verdict: Changes of the verdict since then, nanoseconds; None: none.
        drawdown: That its deepest fall from a peak is deeper than this, millionths; None: not.
        webhook: Whether also by webhook.
        email: Whether also by e-mail.

    Raises:
        StrategyError: A name isn't one.
        AlertError: A number is out of its range.
    """

    username: str
    ticker: str
    name: str
    fills: int | None = None
    verdict: int | None = None
    drawdown: int | None = None
    webhook: bool = False
    email: bool = False

    def __post_init__(self) -> None:
        check_username(self.username)
        check_ticker(self.ticker)
        check_name(self.name)
        if self.drawdown is not None and not 0 < self.drawdown < _WHOLE:
            raise AlertError("must be more than 0 and less than 100 %", field="drawdown")

    @property
    def key(self) -> tuple[str, str, str]:
        """Which strategy."""
        return self.username, self.ticker, self.name

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing."""
        return self.fills is None and self.verdict is None and self.drawdown is None


@dataclass(frozen=True, slots=True)
class Contact:
    """Where to tell a user, and when not to.

    Attributes:
        username: Whom.
        url: Where webhooks go; empty: nowhere.
        salt: What the webhook's key is made from, beside the installation's secret.
        email: Where e-mail goes; empty: nowhere.
        confirmed: Whether that is known to be the user's.
        quiet: When nothing is sent; None: never.
        cap: Most messages in an hour, to each place.

    Raises:
        StrategyError: The name isn't one.
        AlertError: An address or a number can't be accepted.
    """

    username: str
    url: str = ""
    salt: str = ""
    email: str = ""
    confirmed: bool = False
    quiet: Quiet | None = None
    cap: int = USUAL_CAP

    def __post_init__(self) -> None:
        check_username(self.username)
        if self.url:
            check_url(self.url)
        if self.email:
            check_email(self.email)
        if not 1 <= self.cap <= MOST_CAP:
            raise AlertError(f"must be a whole number from 1 to {MOST_CAP}", field="cap")

    def reaches(self, channel: str) -> bool:
        """Return whether there is somewhere to send to."""
        return bool(self.url) if channel == "webhook" else bool(self.email) and self.confirmed


def asked(wanted: Rule, before: Rule | None, *, fills: bool, verdict: bool, count: int, now: float) -> Rule:
    """Return a rule with what is asked for from now on; what was asked for before goes on from where it was.

    Args:
        wanted: The rest of it.
        before: What was set, if anything.
        fills: Whether fills are to be told.
        verdict: Whether changes of the verdict are.
        count: How many fills there are.
        now: Seconds since 1970.
    """
    known = before or Rule(*wanted.key)
    return replace(
        wanted,
        fills=(count if known.fills is None else known.fills) if fills else None,
        verdict=(int(now * 1e9) if known.verdict is None else known.verdict) if verdict else None,
    )


def new_salt() -> str:
    """Return the random part of a webhook's key."""
    return secrets.token_hex(16)


def check_email(address: str) -> str:
    """Return an e-mail address if it is one that we write to.

    Raises:
        AlertError: It isn't.
    """
    if len(address) > LONGEST_EMAIL or not _EMAIL.fullmatch(address) or len(address.partition("@")[0]) > 64:
        raise AlertError("must be an address like ann@example.com", field="email")
    return address


def read_drawdown(text: str) -> int:
    """Return a limit, millionths, from percent as typed.

    Raises:
        AlertError: It isn't a number, or out of its range.

    >>> read_drawdown("12.5 %")
    125000
    """
    try:
        value = Decimal(text.strip().removesuffix("%").strip()) * 10_000
        whole = int(value) if value.is_finite() and value.adjusted() < 12 and value == value.to_integral_value() else 0
    except ArithmeticError:  # not a number, or one with millions of digits
        whole = 0
    if not 0 < whole < _WHOLE:
        raise AlertError(
            "must be more than 0 and less than 100 percent, with at most four decimals, like 12.5", field="drawdown"
        )
    return whole


def read_cap(text: str) -> int:
    """Return how many messages an hour may have, from what was typed; nothing is the usual.

    Raises:
        AlertError: It isn't a number, or out of its range.

    >>> read_cap(" 5 "), read_cap("")
    (5, 20)
    """
    typed = text.strip()
    if not typed:
        return USUAL_CAP
    number = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 6 else 0
    if not 1 <= number <= MOST_CAP:
        raise AlertError(f"must be a whole number from 1 to {MOST_CAP}", field="cap")
    return number


def percent_text(millionths: int) -> str:
    """Write a limit as it is typed.

    >>> percent_text(125_000), percent_text(100_000)
    ('12.5', '10')
    """
    whole, rest = divmod(millionths, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0") if rest else str(whole)

"""Money as integer micro-dollars: exact from the file to the page."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MICROS = 1_000_000
"""Micro-dollars in a dollar."""

MAX_PRICE = 10_000_000 * MICROS
"""Highest price accepted from outside: 10 million dollars (the dearest share ever traded below 1 million)."""

MAX_CASH = 1_000_000_000 * MICROS
"""Most cash a strategy may start with: a thousand million dollars."""


def to_micros(amount: str | int | Decimal) -> int:
    """Turn an amount in dollars into micro-dollars, exactly.

    Args:
        amount: Dollars as text, integer or Decimal, with at most six decimal places.

    Raises:
        ValueError: It isn't a finite number, or has more than six decimal places.

    >>> to_micros("181.85")
    181850000
    >>> to_micros("0.1234567")
    Traceback (most recent call last):
    ...
    ValueError: '0.1234567' has more than six decimal places
    """
    try:
        value = Decimal(amount)
    except (InvalidOperation, TypeError) as error:
        raise ValueError(f"{amount!r} is not a number") from error
    if not value.is_finite() or value.adjusted() > 18:
        raise ValueError(f"{amount!r} is not a number that can be an amount")
    scaled = value.scaleb(6)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount!r} has more than six decimal places")
    return int(scaled)


def to_dollars(micros: int) -> Decimal:
    """Turn micro-dollars into dollars, exactly.

    >>> to_dollars(181850000)
    Decimal('181.85')
    """
    value = Decimal(int(micros)).scaleb(-6).normalize()
    return value.quantize(Decimal("0.01")) if value == value.quantize(Decimal("0.01")) else value

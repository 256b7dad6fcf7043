"""Numbers of the language: exact decimals of bounded length, never floats."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

DIGITS = 12
"""Most digits before the point."""

PLACES = 9
"""Most digits after the point."""

LIMIT = 10**DIGITS
_UNIT = 10**PLACES


@lru_cache(maxsize=4_096)
def decimal_text(value: Fraction) -> str | None:
    """Return the canonical text of a number, None if it has none: too large, or not finite with nine places.

    >>> decimal_text(Fraction("0.10")), decimal_text(Fraction(-3)), decimal_text(Fraction(1, 3))
    ('0.1', '-3', None)
    """
    scaled = value * _UNIT
    if scaled.denominator != 1 or abs(value) >= LIMIT:
        return None
    whole, rest = divmod(abs(scaled.numerator), _UNIT)
    places = f".{rest:0{PLACES}d}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}{whole}{places}"

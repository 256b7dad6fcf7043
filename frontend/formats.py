"""How times, money and rules are written on the pages."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from riskcontrol.language.numbers import LIMIT, PLACES
from riskcontrol.language.text import duration_text, text
from riskcontrol.language.tree import Node
from riskcontrol.money import MICROS, to_dollars
from riskcontrol.newyork import NEW_YORK, local_time
from riskcontrol.shape import interval_of, rules_of
from riskcontrol.strategy_options import written_options
from riskcontrol.terms import FillMode, Session, Terms
from riskcontrol.trades import NS_PER_SECOND

ZONE = "New York"
"""The zone of every time on the pages, as it is written there."""
MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
"""Stands where there is no value."""


def moment(time: int) -> str:
    """Write an event time, nanoseconds UTC, as New York date and time.

    >>> moment(1381152600 * 10**9)
    '2013-10-07 09:30:00'
    """
    return datetime.fromtimestamp(time // NS_PER_SECOND, UTC).astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S")


def wall_clock(times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return event times as milliseconds of the New York wall clock, for a graph's date axis.

    A date axis knows no zones: it shows what it is given as if that were UTC.

    Args:
        times: Nanoseconds UTC, shape (n,).
    """
    milliseconds: NDArray[np.float64] = local_time(times.astype(np.int64)) / 1e6
    return milliseconds


def dollars(micros: int | NDArray[np.int64]) -> float | NDArray[np.float64]:
    """Return micro-dollars as dollars, for a cell or a graph only: floats hold no money.

    >>> dollars(181_850_000)
    181.85
    """
    return micros / MICROS


def amount(micros: int) -> str:
    """Write an amount exactly, with as many decimals as it needs and at least two.

    >>> amount(1_234_567_890_000), amount(-100), amount(50_000)
    ('1,234,567.89', '−0.0001', '0.05')
    """
    value = to_dollars(abs(micros))
    places = max(2, -int(value.as_tuple().exponent))
    return f"{MINUS if micros < 0 else ''}{value:,.{places}f}"


def cents(micros: int, *, sign: bool = False) -> str:
    """Write an amount rounded to cents, with its sign in front if asked.

    >>> cents(1_234_567_891_000), cents(5_000_000, sign=True), cents(-4_000)
    ('$1,234,567.89', '+$5.00', '$0.00')
    """
    rounded = round(abs(micros) / 10_000)
    mark = "" if not rounded else MINUS if micros < 0 else "+" if sign else ""
    return f"{mark}${rounded // 100:,}.{rounded % 100:02d}"


def percent(part: int, whole: int) -> str:
    """Write a signed share of `whole` in percent; a dash where there is no whole.

    >>> percent(5, 1000), percent(-25, 1000), percent(0, 7)
    ('+0.50%', '−2.50%', '0.00%')
    """
    return signed_percent(part / whole) if whole else NONE


def signed_percent(fraction: float, places: int = 2) -> str:
    """Write a fraction in percent, with its sign.

    >>> signed_percent(0.12345), signed_percent(-0.5, places=1), signed_percent(-0.00001)
    ('+12.35%', '−50.0%', '0.00%')
    """
    number = f"{abs(fraction) * 100:,.{places}f}"
    mark = "" if not number.strip("0.,") else MINUS if fraction < 0 else "+"
    return f"{mark}{number}%"


def tone(number: float) -> str:
    """Return how a number is coloured that is good above zero and bad below: the name of a class of the style sheet.

    >>> tone(0.5), tone(-3), tone(0)
    ('gain', 'loss', '')
    """
    return "gain" if number > 0 else "loss" if number < 0 else ""


@lru_cache(maxsize=10_000)
def rule(shape: str, parameters: tuple[float, ...], terms: Terms) -> tuple[str, str, str]:
    """Write a strategy in words: when it buys, when it sells, and its options (empty if they are as usual).

    >>> rule('{"buy":"price <= reference - $0"}', (0.1,), Terms(stop_loss=20_000))
    ('buy when price ≤ reference − 0.1', 'never sell by a rule', 'stop loss 2%')
    """
    # Of what the tape may bring, the nearest numbers that the language has.
    buy, sell = rules_of(shape, tuple(min(round(number, PLACES), LIMIT - 1.0) for number in parameters))
    every, session = interval_of(shape)
    said = [f"bars of {duration_text(every)}"] if every else []
    if session is Session.EXTENDED:
        said.append("extended hours")
    words = "never sell by a rule" if sell is None else f"sell when {_signs(sell)}"
    return f"buy when {_signs(buy)}", words, ", ".join([*said, *options(terms)])


def session_words(shape: str) -> str:
    """Return of which session trades are that drive a strategy, to follow "a trade"; nothing if they are of any.

    >>> session_words('{"buy":"price <= reference - $0"}')
    ' in the regular session (09:30 to 16:00 New York, half days to 13:00)'
    """
    _, session = interval_of(shape)
    return (
        "" if session is Session.EXTENDED else " in the regular session (09:30 to 16:00 New York, half days to 13:00)"
    )


def options(terms: Terms) -> list[str]:
    """Write what is unusual about a strategy's options in words.

    >>> options(Terms(trailing_stop=15_000, shares=100, fee_per_share=5_000, fee_minimum=1_000_000))
    ['trailing stop 1.5%', '100 shares a buy', 'fees $0.005 a share, at least $1']
    """
    written = written_options(terms)
    said = [f"{key.replace('_', ' ')} {written[key]}%" for key in _STOPS if key in written]
    if terms.shares:
        said.append(f"{terms.shares:,} shares a buy")
    elif "size" in written:
        said.append(f"{written['size']['fraction']} of the cash a buy")
    if "fees" in written:
        fees = [words.format(written["fees"][key]) for key, words in _FEES.items() if key in written["fees"]]
        said.append(f"fees {', '.join(fees)}")
    if "slippage_basis_points" in written:
        said.append(f"slippage {written['slippage_basis_points']} bp")
    if terms.fill is FillMode.SAME:
        said.append("fills on the deciding trade")
    return said


def reason(name: str) -> str:
    """Write why a strategy bought or sold.

    >>> reason("stop_loss")
    'stop loss'
    """
    return name.replace("_", " ")


def minute(time: int) -> str:
    """Write the New York time of day of an event time, nanoseconds UTC.

    >>> minute(1381152600 * 10**9)
    '09:30'
    """
    return moment(time)[11:16]


def compact(number: int) -> str:
    """Write a large number with three digits or so.

    >>> compact(999), compact(1_234), compact(56_780_000), compact(2_000_000_000_000)
    ('999', '1,234', '56.8 M', '2,000 B')
    """
    for unit, letter in ((10**9, " B"), (10**6, " M"), (10**4, " k")):
        if number >= unit:
            value = number / (unit if unit > 10**4 else 1_000)
            return (
                f"{value:,.{max(0, 3 - len(str(int(value))))}f}{letter}" if value < 1_000 else f"{value:,.0f}{letter}"
            )
    return f"{number:,}"


_STOPS = ("stop_loss", "take_profit", "trailing_stop")
_FEES = {
    "per_share": "${} a share",
    "per_order": "${} an order",
    "basis_points": "{} bp",
    "minimum": "at least ${}",
}
_SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "-": MINUS}


def _signs(rule: Node) -> str:
    """Write a rule of the language with the signs of print."""
    written = text(rule)
    for typed, printed in _SIGNS.items():
        written = written.replace(typed, printed)
    return written

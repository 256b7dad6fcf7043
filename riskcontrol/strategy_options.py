"""A strategy file's options: from percent, dollars and basis points to the integers of `Terms`, exactly, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from riskcontrol.errors import StrategyError
from riskcontrol.language.tokens import quoted
from riskcontrol.money import MAX_PRICE, MICROS
from riskcontrol.nearest import likest
from riskcontrol.terms import MAX_SHARES, PPM, FillMode, Terms

_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(?:\.[0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class Amount:
    """How an option is written.

    Attributes:
        term: The field of `Terms`.
        scale: What one unit of the file is in it.
        most: Largest value, as in the file.
        unit: Of the file.
        meaning: One line for lists.
    """

    term: str
    scale: int
    most: Decimal
    unit: str
    meaning: str


_DOLLARS = Decimal(MAX_PRICE // MICROS)
_BELOW_ALL = Decimal("99.9999")
AMOUNTS = {
    "stop_loss": Amount("stop_loss", PPM // 100, _BELOW_ALL, "percent", "Sells so far below the entry."),
    "take_profit": Amount("take_profit", PPM // 100, Decimal(100_000), "percent", "Sells so far above the entry."),
    "trailing_stop": Amount("trailing_stop", PPM // 100, _BELOW_ALL, "percent", "Sells so far below the peak."),
    "slippage_basis_points": Amount(
        "slippage", PPM // 10_000, Decimal(5000), "basis points", "By which a buy is dearer and a sale cheaper."
    ),
}
"""Options that are numbers, by their keys."""

FEES = {
    "per_share": Amount("fee_per_share", MICROS, _DOLLARS, "dollars", "Fee of each share."),
    "per_order": Amount("fee_per_order", MICROS, _DOLLARS, "dollars", "Fee of each fill."),
    "minimum": Amount("fee_minimum", MICROS, _DOLLARS, "dollars", "Least fee of a fill."),
    "basis_points": Amount("fee_rate", PPM // 10_000, Decimal(5000), "basis points", "Fee as a part of what is paid."),
}
"""Keys of the table `fees`."""

OPTION_KEYS = ("fill", *AMOUNTS, "size", "fees")
_FILLS = {"next": FillMode.NEXT, "same": FillMode.SAME}


def read_options(document: Mapping[str, Any]) -> Terms:
    """Return the terms that a document's options describe; other keys are not looked at.

    Raises:
        StrategyError: One is wrong; `.field` names it.

    >>> read_options({"stop_loss": "2.5", "size": {"fraction": "0.5"}}).canonical()
    {'stop_loss': 25000, 'fraction': 500000}
    """
    values: dict[str, Any] = {"fill": choice(document, "fill", _FILLS, "next")}
    for key, amount in AMOUNTS.items():
        if key in document:
            values[amount.term] = scaled(document[key], key, amount)
    if "fees" in document:
        fees = _table(document["fees"], "fees", FEES)
        for key, given in fees.items():
            values[FEES[key].term] = scaled(given, f"fees.{key}", FEES[key])
    if "size" in document:
        values |= _size(document["size"])
    return Terms(**values)


def option_errors(document: Mapping[str, Any]) -> Iterator[StrategyError]:
    """Yield what is wrong with a document's options, each by itself.

    >>> [error.field for error in option_errors({"stop_loss": "x", "size": 3, "fees": {"per_share": -1, "a": 1}})]
    ['stop_loss', 'size', 'fees.per_share', 'fees.a']
    """
    for key in OPTION_KEYS:
        value = document.get(key)
        parts = [{name: each} for name, each in value.items()] if key == "fees" and isinstance(value, dict) else [value]
        for part in parts if key in document else ():
            try:
                read_options({key: part})
            except StrategyError as error:
                yield error


def written_options(terms: Terms) -> dict[str, Any]:
    """Return the options of a document that give these terms, without those that are as usual."""
    said = terms.canonical()
    options: dict[str, Any] = {"fill": "same"} if terms.fill is FillMode.SAME else {}
    options |= {key: _unscaled(said[a.term], a.scale) for key, a in AMOUNTS.items() if a.term in said}
    if terms.shares:
        options["size"] = {"shares": terms.shares}
    elif "fraction" in said:
        options["size"] = {"fraction": _unscaled(terms.fraction, PPM)}
    fees = {key: _unscaled(said[a.term], a.scale) for key, a in FEES.items() if a.term in said}
    return options | ({"fees": fees} if fees else {})


def decimal_of(value: object, field: str) -> Decimal:
    """Return a number of a document, given as such or as text, exactly.

    Raises:
        StrategyError: It isn't one, or has over 18 digits on a side of its point.
    """
    number: Decimal | None = None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = Decimal(value.strip())
    elif isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        number = Decimal(value)
    if number is None:
        raise StrategyError(f"{kind_of(value)} is no number; write one like 2.5", field=field)
    if not number.is_finite() or (number and (number.adjusted() > 17 or number.adjusted() < -18)):
        raise StrategyError("the number is too large, too small or not finite", field=field)
    return number or Decimal(0)  # a zero with an exponent of millions is a zero


def scaled(value: object, field: str, amount: Amount) -> int:
    """Return an amount of a document in the integer unit of `Terms`.

    Raises:
        StrategyError: It isn't a number, is out of range or has too many decimal places.
    """
    number = decimal_of(value, field)
    if not 0 <= number <= amount.most:
        raise StrategyError(
            f"{_short(number)} is out of range; 0 to {amount.most:,} {amount.unit} are accepted", field=field
        )
    result = Fraction(number) * amount.scale  # a Decimal's product would be rounded
    if result.denominator != 1:
        places = len(str(amount.scale)) - 1
        raise StrategyError(f"{_short(number)} has more than {places} decimal places", field=field)
    return int(result)


def choice(document: Mapping[str, Any], field: str, choices: Mapping[str, Any], usual: str) -> Any:
    """Return what one of a few words in a document stands for.

    Raises:
        StrategyError: It is none of them.
    """
    value = document.get(field, usual)
    if not isinstance(value, str) or value not in choices:
        raise StrategyError(f"{kind_of(value)} is not accepted; write one of {', '.join(choices)}", field=field)
    return choices[value]


def refuse_unknown(keys: Iterable[object], known: Iterable[str], table: str = "") -> None:
    """Refuse keys that a document can't have.

    Raises:
        StrategyError: There is one; the text says what may have been meant.
    """
    for error in unknown_keys(keys, known, table):
        raise error


def unknown_keys(keys: Iterable[object], known: Iterable[str], table: str = "") -> Iterator[StrategyError]:
    """Yield an error for each key that a document can't have; its text says what may have been meant."""
    known = list(known)
    for key in keys:
        if key in known:
            continue
        written = str(key)[:40]
        # A key's beginning alone may be what was meant, or misspelt: "slipage".
        begun = [one for one in known if likest(written, [one[: len(written) + 1]], 0.8)]
        close = likest(written, known) or next(iter(begun), None)
        remedy = f"did you mean '{close}'?" if close else f"known are {', '.join(known)}"
        yield StrategyError(f"unknown key; {remedy}", field=f"{table}{'.' if table else ''}{quoted(str(key))[1:-1]}")


def kind_of(value: object) -> str:
    """Return what a message calls a document's value."""
    if isinstance(value, str):
        return quoted(value)
    names = {bool: "true or false", int: "a number", Decimal: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "null" if value is None else "a date or time")


def _size(value: object) -> dict[str, int]:
    if value == "all":
        return {}
    if not isinstance(value, dict) or len(value) != 1:
        raise StrategyError(
            f'{kind_of(value)} is no size; write "all", {{ fraction = "0.5" }} or {{ shares = 100 }}', field="size"
        )
    if "shares" in _table(value, "size", ("fraction", "shares")):
        shares = decimal_of(value["shares"], "size.shares")
        if not 1 <= shares <= MAX_SHARES or shares != int(shares):
            raise StrategyError(f"write a whole number from 1 to {MAX_SHARES:,}", field="size.shares")
        return {"shares": int(shares)}
    amount = Amount("fraction", PPM, Decimal(1), "of the cash", "")
    fraction = scaled(value["fraction"], "size.fraction", amount)
    if not fraction:
        raise StrategyError("a strategy that spends nothing never buys; write more than 0", field="size.fraction")
    return {"fraction": fraction}


def _table(value: object, field: str, known: Iterable[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StrategyError(f"{kind_of(value)} is no table; write [{field}] and its keys below", field=field)
    refuse_unknown(value, known, field)
    return value


def _short(number: Decimal) -> str:
    return f"{number:f}"[:24]


def _unscaled(value: int, scale: int) -> str:
    number = (Decimal(value) / scale).normalize()
    return f"{number:f}"

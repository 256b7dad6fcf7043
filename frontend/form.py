"""The fields of a new strategy: from what was typed to a strategy and what is wrong with it, and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from riskcontrol.errors import StrategyError
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.text import duration_text, text
from riskcontrol.shape import interval_of, rules_of
from riskcontrol.strategy import NAME_LENGTH, Strategy
from riskcontrol.strategy_document import read_document
from riskcontrol.strategy_file import Definition, of_document, strategy_of
from riskcontrol.strategy_options import AMOUNTS, FEES, written_options
from riskcontrol.templates import read as template_text

SIZES = {"all": "All the cash", "fraction": "A part of it", "shares": "Shares"}
"""How much a buy takes."""
FILLS = {"next": "The next trade", "same": "The deciding trade"}

NUMBERS = ("cash", *AMOUNTS, *FEES, "size")
"""Fields that hold a number."""
OPTIONS = (*AMOUNTS, "sizing", "size", *FEES, "fill", "session")
"""Fields that are hardly ever needed."""
FIELDS = ("template", "username", "ticker", "name", "cash", "every", "buy", "sell", *OPTIONS)
"""Fields of the form, in the order they are shown."""

FIRST_TEMPLATE = "dip-and-rise"
"""What the form has in it at first: the rule that most users have."""

_AMOUNT = re.compile(r"\$?\s*(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?\s*%?", re.ASCII)
_HUNDRED = Decimal(100)


def element(name: str) -> str:
    """Return the id of a field's element.

    >>> element("stop_loss")
    'new-stop-loss'
    """
    return f"new-{name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field.

    Attributes:
        message: In words, with what to write instead.
        pointed: The text around the column and a caret under it; empty where there is no column.
    """

    message: str
    pointed: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of the fields: a strategy, or what is wrong with it, by field."""

    definition: Definition | None
    strategy: Strategy | None
    problems: dict[str, Problem] = field(default_factory=dict)


def read(values: Mapping[str, str]) -> Reading:
    r"""Read what was typed.

    Args:
        values: Text of each of `FIELDS`.

    >>> typed = {**first_values(), "username": "ann", "ticker": "ibm", "name": "a", "sell": "price > 1 +"}
    >>> read(typed).problems["sell"].pointed
    'price > 1 +\n           ^'
    >>> read({**typed, "sell": ""}).strategy.ticker
    'IBM'
    """
    document, problems = _document(values)
    username = values["username"].strip().lower()
    mended: set[str] = set()
    while True:
        try:
            definition = of_document(document)
            strategy = strategy_of(definition, username=username)
        except StrategyError as error:
            name = _FIELDS.get(error.field.split(" ")[0], "buy")
            pointed = error.pointed() if isinstance(error, LanguageError) and error.text else ""
            problems.setdefault(name, Problem(error.message, pointed))
            if name in mended:  # all that could be mended was
                return Reading(None, None, problems)
            # A strategy names the first field that is wrong; with that one mended, it names the next.
            mended.add(name)
            if name == "username":
                username = "a"
            elif name in _MENDED:
                document[name] = _MENDED[name]
            else:
                _leave_out(document, error.field)
        else:
            return Reading(None, None, problems) if problems else Reading(definition, strategy)


_MENDED = {"name": "a", "ticker": "A", "cash": 1, "buy": "price > 1"}
_FIELDS = {
    **{name: name for name in FIELDS},
    "size.fraction": "size",
    "size.shares": "size",
    **{f"fees.{key}": key for key in FEES},
}


def _document(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Problem]]:
    """Return what was typed as the document of a strategy file, and what can't be said in one."""
    problems: dict[str, Problem] = {}
    numbers = {}
    for name in NUMBERS:
        if name == "size" and values["sizing"] == "all":
            continue
        typed = values[name].strip()
        if typed and _AMOUNT.fullmatch(typed) and any(c.isdigit() for c in typed):
            numbers[name] = _plain(typed)
        elif typed:
            problems[name] = Problem(f"{typed[:20]!r} is not an amount like 10,000 or 0.25")
        elif name == "cash":
            problems[name] = Problem("an amount in dollars is needed")
        elif name == "size":
            what = "a number of shares" if values["sizing"] == "shares" else "a percentage of the cash"
            problems[name] = Problem(f"{what} is needed")
    ticker = values["ticker"].strip()
    document: dict[str, Any] = {
        "name": values["name"].strip() or "a",
        "ticker": ticker.upper() if ticker.islower() else ticker,
        "buy": values["buy"],
        **{name: values[name] for name in ("every", "session", "fill")},
        **{name: numbers[name] for name in ("cash", *AMOUNTS) if name in numbers},
    }
    if values["sell"].strip():
        document["sell"] = values["sell"]
    fees = {key: numbers[key] for key in FEES if key in numbers}
    if fees:
        document["fees"] = fees
    if "size" in numbers and values["sizing"] == "shares":
        document["size"] = {"shares": numbers["size"]}
    elif "size" in numbers:
        percent = Decimal(numbers["size"])
        if 0 < percent <= _HUNDRED:
            document["size"] = {"fraction": percent / _HUNDRED}
        else:
            problems["size"] = Problem("more than 0 and at most 100 percent of the cash can be spent")
    return document, problems


def _plain(typed: str) -> str:
    """Return an amount that people write as a file has it.

    >>> _plain("$ 10,000."), _plain(".5 %")
    ('10000', '0.5')
    """
    whole, _, decimals = typed.strip("$% ").replace(",", "").partition(".")
    return f"{whole or 0}.{decimals}" if decimals else whole or "0"


def _leave_out(document: dict[str, Any], name: str) -> None:
    """Take a key that is wrong out of a document, ``fees.per_share`` out of its table."""
    table, _, key = name.split(" ")[0].partition(".")
    if key and table == "fees":
        document[table].pop(key, None)
    else:
        document.pop(table, None)


def first_values() -> dict[str, str]:
    """Return what the fields hold at first."""
    return {**dict.fromkeys(FIELDS, ""), **template_values(FIRST_TEMPLATE)}


def template_values(name: str) -> dict[str, str]:
    """Return what a template puts into the fields; whose and on which ticker it trades is left to the page.

    Raises:
        InputError: There is none of this name.

    >>> template_values("dip-and-rise")["buy"]
    'price <= reference - 0.10'
    """
    return {**_values(read_document(template_text(name), "toml")), "template": name}


def strategy_values(strategy: Strategy) -> dict[str, str]:
    """Return what the fields hold of a strategy that there is already; whose and on which ticker is left out.

    >>> from riskcontrol.strategy import first_rule
    >>> strategy_values(first_rule("ann", "dip", "IBM", 10_000_000_000, 100_000, 200_000))["sell"]
    'price >= reference + 0.2'
    """
    return _values(document_of(strategy))


def document_of(strategy: Strategy) -> dict[str, Any]:
    """Return what a strategy's file says but its name and ticker, canonical; amounts as text.

    >>> from riskcontrol.strategy import first_rule
    >>> document_of(first_rule("ann", "dip", "IBM", 10_000_000_000, 100_000, 200_000))["cash"]
    '10000'
    """
    buy, sell = rules_of(strategy.shape, strategy.parameters)
    every, session = interval_of(strategy.shape)
    return {
        "cash": f"{(Decimal(strategy.cash) / 1_000_000).normalize():f}",
        "every": duration_text(every or 60),
        "session": session.name.lower(),
        "buy": text(buy),
        **({"sell": text(sell)} if sell is not None else {}),
        **written_options(strategy.terms),
    }


def _values(document: Mapping[str, Any]) -> dict[str, str]:
    """Return what the fields hold of a document; its named numbers are put into the rules."""
    size, fees = document.get("size", "all"), document.get("fees", {})
    sizing, amount = next(iter(size.items())) if isinstance(size, dict) else ("all", "")
    if sizing == "fraction":
        amount = Decimal(amount) * _HUNDRED
    named = document.get("parameters", {})
    return {
        "cash": _number(document.get("cash", 10_000)),
        "every": document.get("every", "1m"),
        "session": document.get("session", "regular"),
        "fill": document.get("fill", "next"),
        "buy": _rule(document["buy"], named),
        "sell": _rule(document.get("sell", ""), named),
        "sizing": sizing,
        "size": _number(amount),
        **{name: _number(document.get(name, "")) for name in AMOUNTS},
        **{name: _number(fees.get(name, "")) for name in FEES},
    }


def _number(value: Any) -> str:
    return f"{Decimal(value).normalize():f}" if value != "" else ""


def _rule(value: Any, named: Mapping[str, Any]) -> str:
    """Return a rule, or a list of which one must hold, as one text with numbers in the place of their names."""
    written = "\nor ".join(value) if isinstance(value, list) else str(value)
    for name, number in named.items():
        written = re.sub(rf"\b{name}\b", str(number), written)
    return written


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name that is still free: the one wanted, or with the next number after it.

    >>> free_name("dip", ["dip", "dip-2"]), free_name("x" * 24, ["x" * 24])
    ('dip-3', 'xxxxxxxxxxxxxxxxxxxxxx-2')
    """
    number, name = 1, wanted[:NAME_LENGTH]
    while name in taken:
        number += 1
        ending = f"-{number}"
        name = wanted[: NAME_LENGTH - len(ending)] + ending
    return name


def version_name(name: str, taken: Collection[str]) -> str:
    """Return the name of a strategy's next version.

    >>> version_name("dip", ["dip"]), version_name("dip-2", ["dip", "dip-2"]), version_name("sma-20", ["sma-20"])
    ('dip-2', 'dip-3', 'sma-20-2')
    """
    base, _, number = name.rpartition("-")
    return free_name(base if number.isdecimal() and base in taken else name, {*taken, name})

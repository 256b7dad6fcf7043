"""Strategies as TOML or JSON files: what is in one, checked, and the one text that files of the same meaning share.

::

    name = "dip"
    ticker = "IBM"
    cash = 10000
    every = "1m"
    buy = "price <= reference - 0.10"
    sell = ["price >= reference + 0.20", "price < peak * 97%"]
    stop_loss = 2.5

`docs/strategies.md` describes every key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from riskcontrol.errors import InputError, StrategyError
from riskcontrol.indicators.registry import warm_up
from riskcontrol.language.canonical import canonical
from riskcontrol.language.clauses import clauses
from riskcontrol.language.contents import indicators_of, words_of
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.parser import parse
from riskcontrol.language.text import duration_text, text
from riskcontrol.language.tree import Node, Or
from riskcontrol.language.words import ONLY_HELD
from riskcontrol.money import MAX_CASH, MICROS
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Strategy, check_name, check_ticker
from riskcontrol.strategy_document import line_of, read_document, read_file
from riskcontrol.strategy_options import (
    OPTION_KEYS,
    Amount,
    choice,
    kind_of,
    option_errors,
    read_options,
    scaled,
    unknown_keys,
    written_options,
)
from riskcontrol.strategy_parameters import read_parameters
from riskcontrol.terms import Session, Terms

_LENGTHS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 86_400)
EVERY = {duration_text(seconds): seconds for seconds in _LENGTHS}
"""Lengths of bars in seconds, by how they are written."""

SESSIONS = {session.name.lower(): session for session in Session}
KEYS = ("name", "ticker", "cash", "every", "session", "buy", "sell", *OPTION_KEYS, "parameters")
"""Keys of a strategy file."""

MOST_TEXTS = 8
"""Most alternatives in a list."""

_CASH = Amount("cash", MICROS, Decimal(MAX_CASH // MICROS), "dollars", "")
Errors = tuple[StrategyError, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A strategy as somebody wrote it down, not yet anybody's.

    Args:
        name: 1-24 letters, digits, ``_ -``.
        ticker: What it trades.
        cash: What it starts with, micro-dollars.
        every: Length of its bars, seconds; a value of `EVERY`.
        session: Which trades drive it.
        buy: When it buys; becomes canonical.
        sell: When it sells, None for never by a rule; becomes canonical.
        terms: Its options.
        parameters: Names and canonical texts of the numbers that its file names; the rules have them in them already.

    Raises:
        StrategyError: A field is wrong; `.field` names it.
    """

    name: str
    ticker: str
    cash: int
    every: int
    session: Session
    buy: Node
    sell: Node | None = None
    terms: Terms = field(default_factory=Terms)
    parameters: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        check_ticker(self.ticker)
        if not 0 < self.cash <= MAX_CASH:
            raise StrategyError(f"must be more than 0 and at most {MAX_CASH // MICROS:,} dollars", field="cash")
        if self.every not in EVERY.values():
            raise StrategyError(f"write one of {', '.join(EVERY)}", field="every")
        for name in ("buy", "sell"):
            rule = getattr(self, name)
            if rule is not None:
                object.__setattr__(self, name, _accepted(rule, name))

    def document(self) -> dict[str, Any]:
        """Return its canonical document: what its file says, without what is as usual; numbers as text."""
        document: dict[str, Any] = {
            "name": self.name,
            "ticker": self.ticker,
            "cash": f"{(Decimal(self.cash) / MICROS).normalize():f}",
            "every": duration_text(self.every),
            "session": self.session.name.lower(),
            "buy": text(self.buy),
        }
        if self.sell is not None:
            document["sell"] = text(self.sell)
        return document | written_options(self.terms)

    def warm_up(self) -> dict[str, int]:
        r"""Return with how many bars each indicator of its rules has its first value, by how it is written.

        >>> of_text('name = "a"\nticker = "IBM"\nbuy = "price > sma(20)"', "toml").warm_up()
        {'sma(close, 20)': 20}
        """
        rules = [rule for rule in (self.buy, self.sell) if rule is not None]
        found = {text(node): node for rule in rules for node in indicators_of(rule)}
        return {
            name: warm_up(node.name, [float(number) for number in node.parameters], node.output)
            for name, node in found.items()
        }

    def to_toml(self) -> str:
        """Return it as a TOML file."""
        document = self.document()
        fees = document.pop("fees", None)
        lines = [f"{key} = {_toml(value)}" for key, value in document.items()]
        if fees:
            lines += ["", "[fees]", *(f"{key} = {_toml(value)}" for key, value in fees.items())]
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """Return it as a JSON file."""
        return json.dumps(self.document(), indent=2) + "\n"

    def canonical_json(self) -> str:
        """Return the text that all files of the same meaning share: sorted, compact."""
        return json.dumps(self.document(), sort_keys=True, separators=(",", ":"))


def of_document(document: Mapping[str, Any], assignments: Mapping[str, str] | None = None) -> Definition:
    """Return what a document defines.

    Args:
        document: Keys and values of a file, as `read_document` gives them.
        assignments: Other values for some of its parameters.

    Raises:
        StrategyError: A key is missing, unknown or wrong; a `LanguageError` if it is in a rule.
    """
    found = examine(document, assignments)
    if isinstance(found, Definition):
        return found
    raise found[0]


def examine(document: Mapping[str, Any], assignments: Mapping[str, str] | None = None) -> Definition | Errors:
    """Return what a document defines, or all that is wrong with it: each key by itself, one error to a rule.

    Args:
        document: As `riskcontrol.strategy_document.read_document` gives it.
        assignments: Other values for some of its parameters.
    """
    errors = list(unknown_keys(document, KEYS))
    errors += [
        StrategyError(f"is missing; add it: {key} = {example}", field=key)
        for key, example in _EXAMPLES.items()
        if key not in document
    ]

    def attempt(function: Callable[..., Any], *arguments: object) -> Any:
        try:
            return function(*arguments)
        except StrategyError as error:
            errors.append(error)
            return None

    names, wrong = read_parameters(document.get("parameters", {}), assignments or {}, errors)
    values: dict[str, Any] = {}
    if "name" in document:
        values["name"] = attempt(lambda: check_name(_string(document, "name")))
    if "ticker" in document:
        values["ticker"] = attempt(lambda: check_ticker(_string(document, "ticker")))
    values["cash"] = attempt(scaled, document.get("cash", 10_000), "cash", _CASH)
    values["every"] = attempt(choice, document, "every", EVERY, "1m")
    values["session"] = attempt(choice, document, "session", SESSIONS, "regular")
    for key in ("buy", "sell"):
        if key in document:
            values[key] = _rule(document[key], key, names, wrong, errors)
    try:
        values["terms"] = read_options(document)
    except StrategyError as error:
        errors += list(option_errors(document)) or [error]
    refused: Errors = ()
    if not errors:
        try:
            return Definition(**values, parameters=tuple(names.items()))
        except StrategyError as error:
            refused = (error,)
    for key in ("buy", "sell"):
        if values.get(key) is not None:
            attempt(_accepted, values[key], key)
    return tuple(errors) or refused


def of_text(content: str | bytes, form: str, assignments: Mapping[str, str] | None = None) -> Definition:
    r"""Return what the text of a file defines.

    Args:
        content: The whole text.
        form: "toml" or "json".
        assignments: Other values for some of its parameters.

    Raises:
        InputError: It is no such document.
        StrategyError: It is no strategy.

    >>> text(of_text('name = "a"\nticker = "IBM"\nbuy = "2 < price"', "toml").buy)
    'price > 2'
    """
    return of_document(read_document(content, form), assignments)


def load(path: Path, assignments: Mapping[str, str] | None = None) -> Definition:
    """Return what a file defines.

    Raises:
        InputError: It can't be read or accepted; names the file, and the line and key where they are known. Its cause
            is the `LanguageError` if a rule is wrong.
    """
    document, written = read_file(path)
    found = examine(document, assignments)
    if isinstance(found, Definition):
        return found
    raise _placed(found[0], path, written) from found[0]


def load_or_errors(path: Path, assignments: Mapping[str, str] | None = None) -> Definition | list[InputError]:
    """Return what a file defines, or all that is wrong with it, in the order of its lines; errors as of `load`.

    Raises:
        InputError: It can't be read, or is no TOML or JSON: then no more is known.
    """
    document, written = read_file(path)
    found = examine(document, assignments)
    if isinstance(found, Definition):
        return found
    return sorted((_placed(cause, path, written) for cause in found), key=lambda error: error.line or 0)


def _placed(cause: StrategyError, path: Path, written: str) -> InputError:
    """Return an error of `examine` with the place in the file."""
    error = InputError(cause.message, source=str(path), line=line_of(written, cause.field), field=cause.field)
    error.__cause__ = cause
    return error


def strategy_of(definition: Definition, *, username: str = "backtest", name: str = "", ticker: str = "") -> Strategy:
    """Return what a strategy file defines as somebody's strategy.

    Args:
        definition: Of the file.
        username: Whose it becomes.
        name: Another name than the file's.
        ticker: Another ticker than the file's.

    Raises:
        StrategyError: The ticker or name isn't one.
    """
    shape, numbers = shape_text(definition.buy, definition.sell, definition.every, definition.session)
    return Strategy(
        username,
        name or definition.name,
        ticker or definition.ticker,
        definition.cash,
        shape,
        numbers,
        definition.terms,
    )


_EXAMPLES = {"name": '"dip"', "ticker": '"IBM"', "buy": '"price <= reference - 0.10"'}


def _string(document: Mapping[str, Any], key: str) -> str:
    value = document[key]
    if not isinstance(value, str):
        raise StrategyError(f"{kind_of(value)} is no text; write {key} = {_EXAMPLES[key]}", field=key)
    return value


def _rule(
    value: object, key: str, names: Mapping[str, str], wrong: Sequence[str], errors: list[StrategyError]
) -> Node | None:
    """Return a rule given as text, or as a list of texts of which one must hold; None with errors added.

    A text that names a wrong parameter is None, too: what it comes to isn't known until that is right.
    """
    texts = value if isinstance(value, list) else [value]
    if not texts or len(texts) > MOST_TEXTS or not all(isinstance(each, str) for each in texts):
        message = f"write a condition as text, or a list of 1 to {MOST_TEXTS} of them"
        errors.append(StrategyError(message, field=key))
        return None
    rules = []
    for number, each in enumerate(texts, start=1):
        name = key if len(texts) == 1 else f"{key} {number}"
        if any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", each, re.IGNORECASE) for one in wrong):
            continue
        try:
            rule = parse(each, names=names, field=name)
            _check_held(rule, each, name)
        except StrategyError as error:
            errors.append(error)
        else:
            rules.append(rule)
    if len(rules) < len(texts):
        return None
    return rules[0] if len(rules) == 1 else Or(tuple(rules))


def _accepted(rule: Node, name: str) -> Node:
    """Return a rule's canonical form if it can be run."""
    try:
        rule = canonical(rule)
        clauses(rule)
    except LanguageError as error:
        raise error.in_field(name) from None
    _check_held(rule, text(rule), name)
    return rule


def _check_held(rule: Node, written: str, name: str) -> None:
    """Refuse a rule for buying that can only hold while something is held already."""
    if not name.startswith("buy"):
        return
    for word in sorted(set(words_of(rule)) & set(ONLY_HELD)):
        match = re.search(rf"\b{word}\b", written, re.IGNORECASE)
        raise LanguageError(
            f"'{word}' in a rule for buying",
            text=written,
            column=match.start() + 1 if match else 0,
            expected="it has no value until something is held; use reference",
            field=name,
        )


def _toml(value: object) -> str:
    """Return a value of a canonical document as TOML; its texts have nothing in them that needs an escape."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else str(value)

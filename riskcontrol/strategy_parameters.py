"""Numbers that a strategy file names, for its rules: the table [parameters]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from riskcontrol.errors import StrategyError
from riskcontrol.language.calls import CALLED
from riskcontrol.language.numbers import DIGITS, PLACES, decimal_text
from riskcontrol.language.words import FUNCTIONS, MARKET, POSITION
from riskcontrol.strategy_options import decimal_of, kind_of

_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,15}")
_TAKEN = {*MARKET, *POSITION, *FUNCTIONS, *CALLED, "and", "or", "not"}


def read_parameters(
    value: object, assignments: Mapping[str, str], errors: list[StrategyError]
) -> tuple[dict[str, str], list[str]]:
    """Return the numbers that a file names, as canonical texts, and the names of those that are wrong; errors added."""
    if not isinstance(value, dict):
        message = f"{kind_of(value)} is no table; write [parameters] and names below"
        errors.append(StrategyError(message, field="parameters"))
        return {}, []
    for name in assignments:
        if name not in value:
            known = f"the file has {', '.join(map(str, value))}" if value else "the file has no [parameters]"
            errors.append(StrategyError(f"there is no such parameter; {known}", field=str(name)[:24]))
    found, wrong = {}, []
    for name, given in (value | dict(assignments)).items():
        try:
            found[name] = _parameter(name, given)
        except StrategyError as error:
            errors.append(error)
            wrong.append(name)
    return found, wrong


def _parameter(name: str, given: object) -> str:
    field_name = f"parameters.{str(name)[:24]}"
    if not _PARAMETER.fullmatch(name) or name in _TAKEN:
        raise StrategyError(
            "a parameter's name is a letter and up to 15 of a-z, 0-9 and '_', and no word of the language",
            field=field_name,
        )
    return parameter_text(given, field_name)


def parameter_text(given: object, field: str) -> str:
    """Return a parameter's number as canonical text.

    Args:
        given: As a file or an assignment says it.
        field: What errors call it.

    Raises:
        StrategyError: It is no number of the language.
    """
    written = decimal_text(Fraction(decimal_of(given, field)))
    if written is None:
        raise StrategyError(f"at most {DIGITS} digits before the point and {PLACES} after it are accepted", field=field)
    return written

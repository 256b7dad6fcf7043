"""What is said of parameters that aren't what they should be: what was given, and what is expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from frontend.api.problems import Wrong

MOST_SHOWN = 40
"""Most characters that are shown of what was given."""
_PLAIN = re.compile(r"[\w .:+-]*", re.ASCII)
"""What may be shown again: nothing that means something to whatever shows the answer."""


def wrong_values(errors: Iterable[Mapping[str, Any]], known: Mapping[str, FieldInfo]) -> list[Wrong]:
    """Return what is wrong, a line for each parameter.

    Args:
        errors: What pydantic has found.
        known: What is known of the parameters, by their names.
    """
    found = []
    for error in errors:
        place = [str(part) for part in error["loc"][1:]] or [str(part) for part in error["loc"]]
        name = ".".join(place)
        found.append(Wrong(name, _said(error, known.get(name))))
    return found


def _said(error: Mapping[str, Any], field: FieldInfo | None) -> str:
    if error["type"] == "missing":
        return "is missing"
    given, expected = str(error.get("input"))[:MOST_SHOWN], f"{_expected(error, field)} is expected"
    return f"{given!r} is given; {expected}" if _PLAIN.fullmatch(given) else expected


def _expected(error: Mapping[str, Any], field: FieldInfo | None) -> str:
    """Return what a parameter may be.

    >>> _expected({"type": "literal_error", "ctx": {"expected": "'oldest' or 'newest'"}}, None)
    "'oldest' or 'newest'"
    >>> _expected({"type": "int_parsing"}, FieldInfo(annotation=int, ge=1, le=1_000))
    'a whole number from 1 to 1,000'
    """
    kind = error["type"]
    bounds = {type(one): one for one in (field.metadata if field else ())}
    low, high = bounds.get(Ge), bounds.get(Le)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f"a whole number from {low.ge:,} to {high.le:,}"
    if kind == "literal_error":
        return str(error["ctx"]["expected"])
    if kind.startswith("date_"):
        return "a date like 2013-10-07"
    examples = field.examples if field else None
    if examples:
        return f"one like {examples[0]}"
    return f"another ({error['msg']})"

"""Reads the document of a strategy file: TOML or JSON of bounded size, decimals exact, no key twice."""

from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from riskcontrol.errors import InputError
from riskcontrol.language.tokens import quoted

MOST_BYTES = 65_536
"""Largest file."""

FORMS = ("toml", "json")


def read_document(content: str | bytes, form: str, source: str = "") -> dict[str, Any]:
    """Return a document's keys and values; numbers with a point are Decimals.

    Args:
        content: The whole file.
        form: "toml" or "json".
        source: What errors call it.

    Raises:
        InputError: It is too large, no such document, or says a key twice.

    >>> read_document('cash = 0.1', "toml")
    {'cash': Decimal('0.1')}
    """
    if form not in FORMS:
        raise InputError("the name of a strategy file ends in .toml or .json", source=source)
    data = content.encode() if isinstance(content, str) else content
    if len(data) > MOST_BYTES:
        raise InputError(f"larger than {MOST_BYTES:,} bytes, which no strategy is", source=source)
    try:
        written = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is no text in UTF-8; save it as such", source=source, line=line) from None
    try:
        document = _parse(written, form)
    except InputError as error:
        raise InputError(str(error), source=source) from None
    except RecursionError:
        raise InputError(f"is nested too deeply to be a strategy in {form.upper()}", source=source) from None
    except ValueError as error:  # of both parsers, and of numbers with thousands of digits
        raise InputError(
            f"is no {form.upper()}: {re.sub(' ?[(]at [^)]*[)]$', '', _message(error))}",
            source=source,
            line=_error_line(error),
        ) from None
    if not isinstance(document, dict):
        raise InputError('a strategy in JSON is an object: {"name": ...}', source=source)
    return document


def read_file(path: Path) -> tuple[dict[str, Any], str]:
    """Return a file's document and its text.

    Raises:
        InputError: It can't be read or is no such document.
    """
    form = path.suffix.lower().removeprefix(".")
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror or error}", source=str(path)) from None
    document = read_document(content, form, str(path))
    return document, content.decode("utf-8-sig")


def line_of(written: str, field: str) -> int | None:
    r"""Return on which line of a document a field is said, None if that can't be told.

    Args:
        written: The document's text.
        field: A key, or table and key with a point between; what follows a space is not looked at.

    >>> line_of('[fees]\nper_share = 1', "fees.per_share")
    2
    """
    line: int | None = None
    start = 0
    for key in field.split(" ")[0].split("."):
        name = re.escape(key)
        said = re.compile(rf'^[ \t]*\[?[ \t]*"?{name}"?[ \t]*[]=.]|["{{,][ \t]*"?{name}"?[ \t]*[:=]', re.MULTILINE)
        match = said.search(written, start)
        if match is None:
            break
        line, start = written.count("\n", 0, match.start()) + 1, match.end() - 1
    return line


def _parse(written: str, form: str) -> Any:
    if form == "toml":
        return tomllib.loads(written, parse_float=Decimal)
    return json.loads(
        written, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_without_duplicates
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"the key {quoted(key)} is said twice; say it once")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise InputError(f"{name} is no number that a strategy can have; write a finite one")


def _error_line(error: ValueError) -> int | None:
    if isinstance(error, json.JSONDecodeError):
        return error.lineno
    match = re.search(r"at line ([0-9]+)", str(error))
    return int(match[1]) if match else None


def _message(error: ValueError) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)

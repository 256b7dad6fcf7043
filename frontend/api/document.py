"""The strategy that a request brings: the document of a strategy file, as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from frontend.api.problems import ProblemError, Wrong, missing_body
from riskcontrol.errors import InputError, StrategyError
from riskcontrol.language.errors import LanguageError
from riskcontrol.money import MAX_CASH, MICROS
from riskcontrol.strategy import NAME_PATTERN
from riskcontrol.strategy_document import read_document
from riskcontrol.strategy_file import EVERY, MOST_TEXTS, SESSIONS, Definition, examine
from riskcontrol.strategy_options import AMOUNTS, FEES, Amount
from riskcontrol.terms import MAX_SHARES
from riskcontrol.trades import TICKER_PATTERN

_MOST_DIGITS = 18


def _number(most: object, about: str, least: float = 0) -> dict[str, Any]:
    """Return the schema of a number, which may be given as text so that no reader rounds it."""
    text = {"type": "string", "pattern": rf"^[0-9]{{1,{_MOST_DIGITS}}}(\.[0-9]{{1,{_MOST_DIGITS}}})?$"}
    return {"description": about, "anyOf": [{"type": "number", "minimum": least, "maximum": float(str(most))}, text]}


def _amounts(amounts: dict[str, Amount]) -> dict[str, Any]:
    return {key: _number(one.most, f"{one.meaning} In {one.unit}.") for key, one in amounts.items()}


def _rule(about: str) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "description": f"{about} In the language of docs/strategies.md; of a list, one must hold.",
        "anyOf": [text, {"type": "array", "items": text, "minItems": 1, "maxItems": MOST_TEXTS}],
    }


EXAMPLE: dict[str, Any] = {
    "name": "dip",
    "ticker": "IBM",
    "cash": 10_000,
    "buy": "price <= reference - 0.10",
    "sell": ["price >= reference + 0.20", "price < peak * 97%"],
    "stop_loss": 2.5,
}
SCHEMA: dict[str, Any] = {
    "title": "StrategyDocument",
    "description": 'A strategy file as JSON (docs/strategies.md). Numbers may be given as text: `"0.10"`.',
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "ticker", "buy"],
    "properties": {
        "name": {"type": "string", "pattern": f"^{NAME_PATTERN.pattern}$", "description": "Unique on its ticker."},
        "ticker": {"type": "string", "pattern": f"^{TICKER_PATTERN.pattern}$"},
        "cash": _number(MAX_CASH // MICROS, "What it starts with, dollars; 10,000 if left out."),
        "every": {"type": "string", "enum": list(EVERY), "default": "1m", "description": "Length of its bars."},
        "session": {"type": "string", "enum": list(SESSIONS), "default": "regular"},
        "buy": _rule("When it buys."),
        "sell": _rule("When it sells."),
        "fill": {
            "type": "string",
            "enum": ["next", "same"],
            "default": "next",
            "description": "On which trade a decision fills: the next one, or that which decided.",
        },
        **_amounts(AMOUNTS),
        "size": {
            "description": "How much a purchase takes: all the cash, a part of it, or so many shares.",
            "anyOf": [
                {"const": "all"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["fraction"],
                    "properties": {"fraction": _number(1, "Part of the cash.")},
                },
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["shares"],
                    "properties": {"shares": {"type": "integer", "minimum": 1, "maximum": MAX_SHARES}},
                },
            ],
        },
        "fees": {"type": "object", "additionalProperties": False, "properties": _amounts(FEES)},
        "parameters": {
            "type": "object",
            "description": "Numbers that its rules name.",
            "additionalProperties": {"type": ["number", "string"]},
        },
    },
    "examples": [EXAMPLE],
}
"""Of the body that is posted, as OpenAPI has it. What is in the rules is checked beyond it."""

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/StrategyDocument"}, "example": EXAMPLE}
        },
    }
}
"""What OpenAPI says of an address that takes one."""


async def _posted(request: Request) -> Definition:
    """Return what was posted; its numbers are exact, which a reader of JSON into floats would not leave them.

    Raises:
        ProblemError: It is no JSON, or no strategy; all fields that are wrong are named.
    """
    body = await request.body()
    if not body.strip():
        raise missing_body()
    try:  # in a thread: a text may be made to take long
        found = await run_in_threadpool(lambda: examine(read_document(body, "json")))
    except InputError as error:
        raise ProblemError(400, f"the body {error}") from None
    if isinstance(found, Definition):
        return found
    wrong = [_wrong(error) for error in found]
    raise ProblemError(422, "; ".join(f"{one.field}: {one.detail}" for one in wrong), wrong)


def _wrong(error: StrategyError) -> Wrong:
    column = error.column if isinstance(error, LanguageError) and error.column else None
    return Wrong(error.field, error.message, column)


Posted = Annotated[Definition, Depends(_posted)]
"""The strategy of a request's body."""

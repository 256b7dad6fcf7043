"""Errors as RFC 9457 has them: `application/problem+json`, with each field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

MEDIA = "application/problem+json"
_MISSING = "is missing; JSON is expected, and its length in Content-Length"
"""What is said of a body that isn't there."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one field.

    Attributes:
        field: Its name, with a point between a table and its key; of a header or parameter, that one's name.
        detail: In words, with what to write instead.
        column: Of a rule, where in it, from 1 on; None where that isn't known.
    """

    field: str
    detail: str
    column: int | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        column = {} if self.column is None else {"column": self.column}
        return {"field": _written(self.field), "detail": _written(self.detail), **column}


class ProblemError(Exception):
    """A request can't be answered as it was meant.

    Args:
        status: Of the answer.
        detail: What is wrong and what to do.
        errors: The fields that are wrong.
        headers: Of the answer.
    """

    def __init__(
        self, status: int, detail: str, errors: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.response = problem(status, detail, errors, headers)


def problem(
    status: int, detail: str, errors: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return an error's answer.

    Args:
        status: Of the answer.
        detail: What is wrong and what to do.
        errors: The fields that are wrong.
        headers: More of them.

    >>> problem(404, "there is no such strategy").body
    b'{"type":"about:blank","title":"Not Found","status":404,"detail":"there is no such strategy"}'
    """
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _written(detail),
    }
    if errors:
        body["errors"] = [one.document() for one in errors]
    return JSONResponse(body, status, headers, MEDIA)


SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "An error as RFC 9457 has it.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status says what kind of error it is."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The status once more."},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "errors": {
            "type": "array",
            "description": "The fields that are wrong, where it is about fields.",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "Its name: `fees.per_share` of a table; that of a parameter.",
                    },
                    "detail": {"type": "string", "description": "What is wrong with it, and what to write instead."},
                    "column": {"type": "integer", "description": "Of a rule, where in it, from 1 on."},
                },
            },
        },
    },
}
"""Of an error's body, as OpenAPI has it."""

_WHAT: dict[int, tuple[str, str]] = {
    400: ("It is no JSON, or nothing at all.", "is no JSON: Expecting value"),
    401: ("There is no session and no key that is worth something.", "sign in first, or send a key"),
    403: ("It is another user's, or the key may only read.", "This key may only read."),
    404: ("There is no such thing.", "ann has no strategy dip on IBM"),
    409: ("Something else of this name is there already.", "dip on IBM is open already, with other rules"),
    411: ("The body's length isn't said.", "a body of known length is expected: say it in Content-Length"),
    413: ("The body is too large.", "at most 1,048,576 bytes are accepted"),
    415: ("It isn't JSON.", "application/json is expected"),
    422: (
        "A field or parameter is wrong; `errors` says which.",
        "limit: '0' is given; a whole number from 1 to 1,000 is expected",
    ),
    429: ("There were too many requests; `Retry-After` says how many seconds to wait.", "too many requests"),
    500: ("What is stored can't be put together.", "fills or bars of ann IBM dip are damaged"),
    503: ("The database or the tape is away, or a worker is busy; try again.", "cassandra: no answer"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how errors with these statuses are described in OpenAPI, with those that every address may answer."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({401, 403, 422, 429, 503, *statuses}):
        about, said = _WHAT[status]
        example: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": said,
        }
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            field, _, detail = said.partition(": ")
            example["errors"] = [{"field": field, "detail": detail}]
        found[status] = {"description": about, "content": {MEDIA: {"schema": REFERENCE, "example": example}}}
        if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            wait = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            found[status]["headers"] = {"Retry-After": wait}
    return found


def missing_body() -> ProblemError:
    """Return what is wrong with a request without the body that it should have."""
    return ProblemError(400, f"body: {_MISSING}", [Wrong("body", _MISSING)])


REFERENCE = {"$ref": "#/components/schemas/Problem"}


def _written(text: str) -> str:
    """Return a text that can be written: what is quoted in it may have half a character."""
    return text.encode("utf-8", "replace").decode()

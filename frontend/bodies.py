"""Bodies of requests, looked at before anything takes them apart: neither nested deeply, nor calls that are none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container
from typing import Any

import numpy as np
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontend.api.problems import problem
from frontend.calls import CALL

CALLBACKS = "/_dash-update-component"
"""Where Dash takes calls of callbacks."""
MOST_DEPTH = 64
"""Most objects and arrays within one another. A parser that follows thousands of them runs out of stack."""

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1


class Bodies:
    """Refuses JSON that is nested too deeply, and calls that are none; what it lets through is read to its end.

    Args:
        app: What answers the requests that pass.
        callbacks: Gives those that there are, by their outputs, once all are known.
    """

    def __init__(self, app: ASGIApp, *, callbacks: Callable[[], Container[str]]) -> None:
        self.app = app
        self.callbacks = callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or not Headers(scope=scope).get("content-type", "").startswith("application/json"):
            await self.app(scope, receive, send)
            return
        pieces, more = list[bytes](), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # whoever asked is gone
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(pieces)
        if is_deep(body):
            refusal = problem(400, f"JSON of at most {MOST_DEPTH} levels is accepted")
            await refusal(scope, receive, send)
            return
        if scope["path"] == CALLBACKS:
            call = call_of(body, self.callbacks())
            if call is None:
                await problem(400, "a call of one of the page's callbacks is expected")(scope, receive, send)
                return
            scope[CALL] = call
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)


def call_of(body: bytes, callbacks: Container[str]) -> dict[str, Any] | None:
    """Return JSON that is a call as Dash's own script makes it, which Dash takes for granted; None for any other.

    >>> call_of(b'{"output": "a.children", "inputs": []}', {"a.children"})
    {'output': 'a.children', 'inputs': []}
    >>> call_of(b"[]", {"a.children"})
    """
    try:
        call = json.loads(body)
    except ValueError:
        return None
    if not (isinstance(call, dict) and isinstance(call.get("output"), str) and call["output"] in callbacks):
        return None
    given = call.get("inputs"), call.get("state", [])
    changed = call.get("changedPropIds", [])
    right = (
        all(isinstance(parts, list) and all(map(_is_part, parts)) for parts in given)
        and isinstance(call.get("outputs", []), list | dict)
        and isinstance(changed, list)
        and all(isinstance(name, str) for name in changed)
    )
    return call if right else None


def _is_part(part: object) -> bool:
    """Return whether something names a property of an element, or of several."""
    return all(
        isinstance(one, dict) and isinstance(one.get("id"), str | dict) and isinstance(one.get("property"), str)
        for one in (part if isinstance(part, list) else [part])
    )


def is_deep(body: bytes) -> bool:
    """Return whether JSON has more than `MOST_DEPTH` levels; of what is no JSON, whether it begins so.

    It takes no stack, and a time that the length bounds.

    >>> is_deep(b'{"a": [1, "[["]}'), is_deep(b"[" * 1000), is_deep(b"[]," * 1000)
    (False, True, False)
    """
    if body.count(b"[") + body.count(b"{") <= MOST_DEPTH:
        return False
    text = _STRING.sub("", body.decode(json.detect_encoding(body), "replace"))
    brackets = text.encode("ascii", "ignore").translate(None, _OTHERS)
    levels = np.cumsum(_STEP[np.frombuffer(brackets, np.uint8)], dtype=np.int32)
    return bool(levels.max(initial=0) > MOST_DEPTH)

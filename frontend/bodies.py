"""Bodies of requests, looked at before anything takes them apart: nothing of ours is nested deeply."""

from __future__ import annotations

import json
import re

import numpy as np
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontend.api.problems import problem

MOST_DEPTH = 64
"""Most objects and arrays within one another. A parser that follows thousands of them runs out of stack."""

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1


class Bodies:
    """Refuses JSON that is nested too deeply; what it lets through is read to its end.

    Args:
        app: What answers the requests that pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)


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

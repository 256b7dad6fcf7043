"""Bodies of requests, looked at before anything takes them apart: neither nested deeply, nor calls that are none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
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

Callbacks = Mapping[str, Mapping[str, Any]]

_ADDRESS = {"_pages_location.pathname": str, "_pages_location.search": str | None}
"""What Dash's own callback, which leads to a page, takes for granted; ours look at what they are given themselves."""
_CALL = (
    "a call of one of the page's callbacks is expected, with all of its inputs, states and outputs in the order of "
    "/_dash-dependencies"
)
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1


class Bodies:
    """Refuses JSON that is nested too deeply, and calls that are none; what it lets through is read to its end.

    Args:
        app: What answers the requests that pass.
        callbacks: Gives what Dash knows of those that there are, by their outputs, once all are known.
    """

    def __init__(self, app: ASGIApp, *, callbacks: Callable[[], Callbacks]) -> None:
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
        if scope["path"] == CALLBACKS and scope["method"] == "POST":
            call = call_of(body, self.callbacks())
            if call is None:
                await problem(400, _CALL)(scope, receive, send)
                return
            scope[CALL] = call
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)


def call_of(body: bytes, callbacks: Callbacks) -> dict[str, Any] | None:
    """Return JSON that is a call as Dash's own script makes it, which Dash takes for granted; None for any other.

    It names a callback that runs here, all that the callback takes and changes in its order, and what of it changed.

    >>> known = {"a.x": {"inputs": [{"id": "b", "property": "y"}], "state": [], "no_output": False, "callback": print}}
    >>> given = {"output": "a.x", "outputs": {"id": "a", "property": "x"}, "inputs": [{"id": "b", "property": "y"}]}
    >>> call_of(json.dumps(given).encode(), known) == given
    True
    >>> call_of(json.dumps({**given, "inputs": []}).encode(), known)
    """
    try:
        call = json.loads(body)
    except ValueError:
        return None
    output = call.get("output") if isinstance(call, dict) else None
    known = callbacks.get(output) if isinstance(output, str) else None
    if output is None or known is None or "callback" not in known:  # without one, the browser does it by itself
        return None
    many = output.startswith("..") or known["no_output"]
    # A property that several callbacks change has something after an @, which tells them apart.
    outputs = [] if known["no_output"] else [_own(name) for name in output.strip(".").split("...")]
    changes = call.get("outputs", [])
    inputs, changed = _names(known["inputs"]) or [], call.get("changedPropIds", [])
    right = (
        _names(call.get("inputs")) == inputs
        and all(isinstance(one.get("value"), _ADDRESS.get(_name(one), object)) for one in call["inputs"])
        and _names(call.get("state", [])) == _names(known["state"])
        and [_own(name) for name in _names(changes if many else [changes]) or []] == outputs
        and isinstance(changed, list)
        and all(isinstance(name, str) and name in inputs for name in changed)
    )
    return call if right else None


def _names(parts: Any) -> list[str] | None:
    """Return the properties of elements that a list names; None if it is no list."""
    return [_name(part) for part in parts] if isinstance(parts, list) else None


def _name(part: Any) -> str:
    """Return the property of an element that something names; empty if it names none.

    >>> _name({"id": "a", "property": "x", "value": 1}), _name({"id": "a"}), _name(5)
    ('a.x', '', '')
    """
    if isinstance(part, dict) and isinstance(part.get("id"), str) and isinstance(part.get("property"), str):
        return f"{part['id']}.{part['property']}"
    return ""


def _own(name: str) -> str:
    return name.partition("@")[0]


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

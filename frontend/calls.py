"""Answers the calls that pages make each second, past the parts of Dash that these don't need.

Dash takes 0.4 ms to take a call apart and put an answer together, a thread 0.1 ms more. So what hundreds of pages ask
for each second is answered here: where nothing has changed without a thread, and where all viewers get the same, with
bytes that were made once.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dash import Dash, Input, Output, State, no_update
from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exception_handlers import http_exception_handler
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from frontend.busy import Busy
from frontend.encoding import encoded

CALL = "riskcontrol.call"
"""Where `frontend.bodies.Bodies` leaves a call that it has read, in the scope of its request."""
LEAST_ZIPPED = 500
"""Bytes from which on an answer is compressed."""
LEAST_IN_THREAD = 20_000
"""Bytes from which on a thread compresses it: that takes the better part of a millisecond."""
ZIP_LEVEL = 4
"""Of gzip: 9 takes three times as long for a tenth less."""

Function = TypeVar("Function", bound=Callable[..., Any])


class Answer:
    """What a call is answered, as it is sent; one that is the same for many is made once.

    Args:
        outputs: By name, what the callback may change.
        values: What changes, by the same names.
    """

    __slots__ = ("_zipped", "body")

    def __init__(self, outputs: Mapping[str, Output], values: Mapping[str, Any]) -> None:
        response: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            if value is not no_update:
                one = outputs[name]
                response.setdefault(str(one.component_id), {})[one.component_property] = value
        self.body = encoded({"multi": True, "response": response})
        self._zipped = b""

    def zip(self) -> None:
        """Compress it, unless that was done or isn't worth it."""
        if not self._zipped and len(self.body) >= LEAST_ZIPPED:  # two who come at once both make it, the same
            self._zipped = gzip.compress(self.body, ZIP_LEVEL, mtime=0)

    def takes_time(self) -> bool:
        """Tell whether to compress it would hold up the event loop."""
        return not self._zipped and len(self.body) >= LEAST_IN_THREAD

    def response(self, *, zipped: bool) -> Response:
        """Return it as a response.

        Args:
            zipped: Whether whoever asked takes it compressed; it is sent so if it has been compressed.
        """
        if not zipped or not self._zipped:
            return Response(self.body, media_type="application/json")
        headers = {"content-encoding": "gzip", "vary": "Accept-Encoding"}
        return Response(self._zipped, media_type="application/json", headers=headers)


NOTHING = Answer({}, {})
"""Nothing has changed."""


@dataclass(frozen=True, slots=True)
class _Callback:
    """A callback that is answered here."""

    names: tuple[str, ...]
    """Of its arguments, in the order in which a call has their values."""
    outputs: Mapping[str, Output]
    function: Callable[..., Mapping[str, Any] | Answer]
    at_once: Callable[..., Answer | None] | None


class Calls:
    """Knows the callbacks that are answered here.

    Attributes:
        busy: How long they take.
    """

    def __init__(self) -> None:
        self.busy = Busy()
        self._known: dict[str, _Callback] = {}

    def callback(
        self,
        app: Dash,
        *,
        output: Mapping[str, Output],
        inputs: Mapping[str, Input | State],
        at_once: Callable[..., Answer | None] | None = None,
    ) -> Callable[[Function], Function]:
        """Return a decorator for what answers a callback: in a thread, given the values by name.

        While it is answered, the page's clock stands still. It has nothing of Dash's context: neither what triggered
        it nor `set_props`.

        Args:
            app: The application, which tells browsers of it.
            output: By name, what it may change; it answers those names' values, or an `Answer`.
            inputs: By name, what it gets.
            at_once: Given the same values, answers what it can without waiting for anything; None for what it can't.
                It runs on the server's event loop, and must take no longer than a millisecond.
        """

        def add(function: Function) -> Function:
            before = set(app.callback_map)
            running = [(Output("clock", "disabled"), True, False)]
            app.callback(output=dict(output), inputs=dict(inputs), running=running)(_elsewhere)
            (key,) = app.callback_map.keys() - before
            told = app.callback_map[key]
            parts = [(part["id"], part["property"]) for part in [*told["inputs"], *told["state"]]]
            named = {(one.component_id, one.component_property): name for name, one in inputs.items()}
            names = tuple(named[part] for part in parts)
            self._known[key] = _Callback(names, output, function, at_once)
            return function

        return add

    async def answer(self, call: Mapping[str, Any], *, zipped: bool) -> Response | None:
        """Return the response to a call; None where it isn't answered here.

        Args:
            call: As `frontend.bodies` reads it: with all inputs and states of the callback, in their order.
            zipped: Whether whoever asks takes it compressed.

        Raises:
            HTTPException: Whoever asks may not have it, or a value can't be one that a page sends.
        """
        callback = self._known.get(call["output"])
        if callback is None:
            return None
        given = [*call["inputs"], *call.get("state", ())]
        values = dict(zip(callback.names, (one.get("value") for one in given), strict=True))
        found = callback.at_once(**values) if callback.at_once else None
        if found is None:
            found = await run_in_threadpool(_made, callback, values, zipped=zipped)
        elif zipped and found.takes_time():  # those who got it before don't take it compressed
            await run_in_threadpool(found.zip)
        elif zipped:
            found.zip()
        return found.response(zipped=zipped)


def _made(callback: _Callback, values: Mapping[str, Any], *, zipped: bool) -> Answer:
    found = callback.function(**values)
    answer = found if isinstance(found, Answer) else Answer(callback.outputs, found)
    if zipped:
        answer.zip()
    return answer


def _elsewhere(**values: Any) -> Any:
    """Stand for a function that `Calls` calls before Dash could."""
    raise AssertionError("this callback is answered before Dash sees it")


class Answering:
    """Answers what `Calls` knows, and passes everything else on.

    Args:
        app: What answers other requests.
        calls: Knows which.
    """

    def __init__(self, app: ASGIApp, *, calls: Calls) -> None:
        self.app = app
        self.calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if (call := scope.get(CALL)) is None:
            await self.app(scope, receive, send)
            return
        zipped = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        since = self.calls.busy.clock()
        try:
            response = await self.calls.answer(call, zipped=zipped)
        except HTTPException as error:
            response = await http_exception_handler(Request(scope), error)
        if response is None:
            await self.app(scope, receive, send)
            return
        self.calls.busy.answered(since)  # before it is sent, as that waits for who reads slowly
        await response(scope, receive, send)

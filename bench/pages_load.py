"""A steady load of page data: recorded requests, replayed for other users, open loop."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.common import percentile

GRACE = 30.0
"""How long answers may come after the last request was sent, seconds."""

CALLBACKS = "/_dash-update-component"
"""Where pages send their callbacks."""

HEADERS = {"content-type": "application/json", "accept": "application/json", "accept-encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that a page's browser sent.

    Attributes:
        page: Which page.
        body: Its body, with ``{user}`` and so on where another viewer has other names.
        size: Bytes of its answer, uncompressed.
    """

    page: str
    body: str
    size: int

    @property
    def output(self) -> str:
        """What it asks for."""
        return str(json.loads(self.body)["output"])

    def written_for(self, names: Mapping[str, str]) -> bytes:
        """Return the body for a viewer.

        Args:
            names: By placeholder.
        """
        body = self.body
        for name, value in names.items():
            body = body.replace(f"\ue000{name}\ue001", value)
        return body.encode()


def recorded(page: str, body: str, size: int, names: Mapping[str, str]) -> Recorded:
    """Return a request with placeholders where its values hold these names.

    >>> body = '{"output": "IBM.x", "inputs": [{"id": "t", "value": "/market/IBM"}]}'
    >>> recorded("ticker", body, 1, {"ticker": "IBM"}).written_for({"ticker": "GE"})
    b'{"output": "IBM.x", "inputs": [{"id": "t", "value": "/market/GE"}]}'
    """
    sent = json.loads(body)
    for part in [*sent.get("inputs", ()), *sent.get("state", ())]:
        for each in part if isinstance(part, list) else [part]:
            if "value" in each:
                each["value"] = _marked(each["value"], names)
    return Recorded(page, json.dumps(sent, ensure_ascii=False), size)


def _marked(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in names.items():
            value = re.sub(rf"(?<![\w.]){re.escape(text)}(?![\w.])", f"\ue000{name}\ue001", value)
        return value
    if isinstance(value, list):
        return [_marked(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _marked(each, names) for key, each in value.items()}
    return value


@dataclass(slots=True)
class Outcome:
    """What came of a load; seconds from when a request was due to the end of its answer."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    first_error: str = ""
    late: float = 0.0
    """How late a request was sent at worst: the load's own fault."""
    took: float = 0.0

    def figures(self) -> dict[str, Any]:
        """Return the figures, by page and over all."""
        everything = [each for page in self.seconds.values() for each in page]
        return {
            "all": _figures(everything, sum(self.errors.values())),
            **{page: _figures(seconds, self.errors.get(page, 0)) for page, seconds in self.seconds.items()},
        }


def _figures(seconds: list[float], errors: int) -> dict[str, Any]:
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    found = {name: round(1_000 * percentile(seconds, share), 1) if seconds else None for name, share in shares.items()}
    return {"requests": len(seconds) + errors, "errors": errors, **{f"{name}_ms": ms for name, ms in found.items()}}


async def load(
    address: str, requests: Sequence[Recorded], viewers: Sequence[Mapping[str, str]], *, rate: float, seconds: float
) -> Outcome:
    """Send requests at a steady rate, whatever becomes of those before them.

    Args:
        address: Of the pages, without a slash at the end.
        requests: Sent in turn.
        viewers: Names by placeholder; each request is of the next one.
        rate: Requests a second.
        seconds: How long.
    """
    outcome = Outcome(seconds={request.page: [] for request in requests})
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=address, headers=HEADERS, limits=limits, timeout=GRACE) as client:

        async def send(request: Recorded, body: bytes, due: float) -> None:
            outcome.late = max(outcome.late, time.perf_counter() - due)
            try:
                answer = await client.post(CALLBACKS, content=body)
                failure = "" if answer.status_code in (200, 204) else f"{answer.status_code} {answer.text[:200]}"
            except httpx.HTTPError as error:
                failure = f"{type(error).__name__} {error}"
            if failure:
                outcome.errors[request.page] = outcome.errors.get(request.page, 0) + 1
                outcome.first_error = outcome.first_error or f"{request.page}: {failure}"
            else:
                outcome.seconds[request.page].append(time.perf_counter() - due)

        began, tasks = time.perf_counter(), []
        for number in range(round(rate * seconds)):
            due = began + number / rate
            request, names = requests[number % len(requests)], viewers[number % len(viewers)]
            body = request.written_for(names)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(send(request, body, due)))
        await asyncio.gather(*tasks)
        outcome.took = time.perf_counter() - began
    return outcome

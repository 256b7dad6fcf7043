"""The benchmark of viewers: what a browser sends next, a client of HTTP, and all of it in small on the real line."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.middleware.gzip import GZipMiddleware

from bench.pages_load import Recorded
from bench.viewers_http import Answer, BrokenError, Client
from bench.viewers_load import ADDRESSES, OpenPage, Plan, Told, Viewer, follow
from tests.awaiting import awaited
from tests.frontend.serving import served
from tests.processes import RISKCONTROL


def callback(output: str, inputs: list[str], state: list[str] = [], **values: Any) -> Recorded:  # noqa: B006  read
    """Return a callback's first request; `values` have two underscores for the dot."""

    def part(keys: list[str]) -> list[dict[str, Any]]:
        parts = [key.split(".") for key in keys]
        return [{"id": i, "property": p, "value": values.get(f"{i}__{p}")} for i, p in parts]

    body = {"output": output, "inputs": part(inputs), "state": part(state), "changedPropIds": []}
    return Recorded("overview", json.dumps(body, ensure_ascii=False), 1)


CONTENT = callback("..._pages_content.children...", ["_pages_location.pathname"],
                   _pages_location__pathname="/user/\ue000user\ue001")  # fmt: skip
BEAT = callback("..market.data...pipeline.children..", ["clock.n_intervals"], ["market.data", "clock.interval"])
REFRESH = callback("..table.rowData...version.data..", ["username.data", "market.data"], ["version.data"],
                   username__data="\ue000user\ue001", market__data="of the recording")  # fmt: skip
SIDE = callback("ranking.className", ["by.value"])
PAGE = [CONTENT, BEAT, REFRESH, SIDE]


def sent(bodies: list[bytes]) -> list[dict[str, Any]]:
    """Return what bodies hold, by key, with what changed."""
    found = []
    for body in map(json.loads, bodies):
        values = {f"{each['id']}.{each['property']}": each["value"] for each in body["inputs"] + body["state"]}
        found.append({**values, "changed": body["changedPropIds"]})
    return found


def test_a_page_sends_what_it_was_answered_and_its_viewer_s_name() -> None:
    page = OpenPage(PAGE, {"user": "ann"}, {"market.data": "v1"})
    assert sent(page.content()) == [{"_pages_location.pathname": "/user/ann", "changed": []}]
    first = {"username.data": "ann", "market.data": "v1", "version.data": None, "changed": []}
    assert sent(page.first()) == [first, {"by.value": None, "changed": []}]
    assert not page.answered(b'{"multi":true,"response":{"version":{"data":7},"table":{"rowData":[1]}}}')
    assert sent(page.tick(3)) == [
        {"clock.n_intervals": 3, "market.data": "v1", "clock.interval": None, "changed": ["clock.n_intervals"]}
    ]
    assert not page.answered(b"")
    assert page.answered(b'{"multi":true,"response":{"market":{"data":"v2"},"clock":{"interval":2500}}}')
    assert page.frame == {"market.data": "v2", "clock.interval": 2500}
    assert (page.interval(1.0), OpenPage(PAGE, {}).interval(1.0)) == (2.5, 1.0)
    assert sent(page.again()) == [{**first, "market.data": "v2", "version.data": 7, "changed": ["market.data"]}]
    assert sent(OpenPage(PAGE, {"user": "bob"}).first())[0]["market.data"] == "of the recording"


@contextmanager
def pages(asked: list[tuple[str, str]]) -> Iterator[str]:
    """An application whose market changes with every tick; it notes who asks for what."""
    app = FastAPI()

    @app.post("/_dash-update-component")
    async def answer(request: Request) -> Response:
        body = await request.json()
        asked.append((request.headers["cookie"], body["output"]))
        if "market.data" in body["output"]:
            return JSONResponse({"response": {"market": {"data": body["inputs"][0]["value"]}}})
        return Response(status_code=204) if body["output"] == "ranking.className" else JSONResponse({"response": {}})

    @app.get("/api/v1/{path:path}")
    async def api(path: str, request: Request) -> Response:
        asked.append((request.headers["authorization"], path))
        return Response(status_code=500 if path == "leaders" else 200)

    with served(app) as address:
        yield address


def followed(plan: Plan) -> Told:
    return awaited(follow, plan)


def test_viewers_refresh_and_programs_ask_at_their_rate() -> None:
    asked: list[tuple[str, str]] = []
    viewers = [Viewer({"user": name, "ticker": "A/B", "name": "s1"}, f"c={name}", f"rc_{name}") for name in ("a", "b")]
    with pages(asked) as address:
        now = time.monotonic()
        plan = Plan(address=address, pages={"overview": PAGE, "market": PAGE}, viewers=viewers, interval=0.05,
                    stay=0.5, requests=40, begin=now, measure=now, end=now + 1.5, seed=1)  # fmt: skip
        told = followed(plan)
    figures, api = told.pages.figures(), told.api.figures()
    assert (figures["all"]["errors"], figures["overview"]["errors"], api["all"]["errors"]) == (0, 0, 6)
    assert api["/leaders"]["p50_ms"] is None
    assert told.api.first_error.startswith("/leaders: 500")
    counts = Counter(asked)
    assert sum(count for (who, _), count in counts.items() if who.startswith("Bearer")) == api["all"]["requests"] == 60
    assert {path for who, path in asked if who == "Bearer rc_b"} >= {"me", "leaders", "bars/A/B"}
    for who in ("c=a", "c=b"):
        ticks, again = counts[who, json.loads(BEAT.body)["output"]], counts[who, json.loads(REFRESH.body)["output"]]
        opened = counts[who, json.loads(CONTENT.body)["output"]]
        assert opened >= 2  # the first page is left before its stay is over
        assert counts[who, "ranking.className"] == opened
        assert again == ticks + opened > opened
    assert len(ADDRESSES) == 10


@contextmanager
def peculiar() -> Iterator[str]:
    """An application that answers in chunks, compressed, late, or not at all."""
    app = FastAPI()
    app.add_middleware(GZipMiddleware, minimum_size=10)

    @app.get("/chunks")
    def chunks() -> Response:
        return StreamingResponse(iter([b"one,", b"two" * 1_000]))

    @app.post("/long")
    async def long(request: Request) -> Response:
        return Response(await request.body() * 100)

    @app.get("/late")
    async def late() -> None:
        await asyncio.sleep(3)

    with served(app) as address:
        yield address


def test_a_client_reads_chunks_and_compressed_answers_and_gives_up() -> None:
    async def ask(address: str) -> list[Answer]:
        client = Client("127.0.0.1", int(address.rpartition(":")[2]), {}, patience=0.5)
        found = [await client.ask("GET", "/chunks"), await client.ask("POST", "/long", b"abc"),
                 await client.ask("GET", "/nowhere")]  # fmt: skip
        with pytest.raises(BrokenError, match="TimeoutError"):
            await client.ask("GET", "/late")
        with pytest.raises(BrokenError, match="Connect"):
            await Client("127.0.0.1", 9, {}, patience=5).ask("GET", "/")
        client.close()
        return found

    with peculiar() as address:
        found = awaited(ask, address)
    assert [answer.status for answer in found] == [200, 200, 404]
    assert found[0].body == b"one," + b"two" * 1_000
    assert found[1].body == b"abc" * 100
    assert found[1].headers["content-encoding"] == "gzip"


@pytest.mark.servers
@pytest.mark.usefixtures("started_once")
@pytest.mark.browser
@pytest.mark.xdist_group("pages")  # with a browser, and servers of its own
@pytest.mark.timeout(600)
def test_viewers_and_programs_beside_the_real_line() -> None:
    options = {"viewers": "3", "requests": "10", "users": "100", "rate": "500", "tickers": "20",
               "day-trades": "60000", "minutes": "0.1", "stay": "2", "warm-up": "1"}  # fmt: skip
    command = [*RISKCONTROL, "bench", "viewers", "--json", *(f"--{name}={value}" for name, value in options.items())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["viewers"]["first_error"] == "none"
    assert (found["pages"]["all"]["errors"], found["api"]["all"]["errors"]) == (0, 0)
    assert {"clock", "opening"} < set(found["pages"])
    assert found["api"]["all"]["requests"] == 60
    assert found["stream"]["fills_in_database"] > 0
    assert found["dashboard"]["memory_last_third_mb"] > 50
    assert {"cassandra", "dashboard", "kafka", "stream", "trades", "viewers"} <= set(found["cores"])

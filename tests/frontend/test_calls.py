"""What pages ask each second: answered past Dash, once for all, and without reading where nothing has changed."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Message

from frontend import calls, leading, market, openings, shell
from frontend.busy import USUAL_MS, Busy
from frontend.calls import CALL, Answer, Answering, Calls
from frontend.pages import market as market_page
from riskcontrol.newyork import date_of
from riskcontrol.terms import read_terms
from tests.awaiting import awaited
from tests.frontend.conftest import Page
from tests.frontend.fake import OPEN, FakeReader, batch, leaders, quotes, strategy

ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "frame": ("market.data", "clock.n_intervals", {}),
    "market": ("board-version.data", "market.data", {}),
    "ticker": ("candles-version.data", "market.data", {"ticker__data": "IBM"}),
    "leaders": ("leaders-version.data", "market.data", {"leaders_by__value": "return"}),
}
"""What keeps the version that a page shows, what has it asked again, and its values."""


@pytest.fixture
def kept(own_application: None, page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    """Tables of which all that may be kept is."""
    tables.leading, tables.day_rows = leaders(), {date_of(OPEN): quotes(("IBM", 181_000_000, 182_000_000, 10))}
    for module, name in ((market, "FRESH_SECONDS"), (market, "BOARD_SECONDS"), (leading, "FRESH_SECONDS")):
        monkeypatch.setattr(module, name, 1e9)
    return tables


def moved(tables: FakeReader, monkeypatch: pytest.MonkeyPatch, page: Page) -> None:
    """Let a trade come, and the dashboard read of it."""
    at, price = tables.prices["IBM"]
    tables.prices["IBM"] = at + 1_000, price + 10_000
    tables.batch_rows = [*tables.batch_rows[:-1], batch(0, event_time=at + 1_000)]
    monkeypatch.setattr(market, "FRESH_SECONDS", 0)
    page.call("market.data", "clock.n_intervals")
    monkeypatch.setattr(market, "FRESH_SECONDS", 1e9)


@pytest.mark.parametrize("name", ASKED)
def test_where_nothing_has_changed_nothing_is_read_and_nothing_sent(page: Page, kept: FakeReader, name: str) -> None:
    output, trigger, values = ASKED[name]
    version = page.call(output, trigger, **values)[output]
    page.call(output, trigger, **values)
    before = list(kept.asked)
    assert page.call(output, trigger, **values, **{output.replace("-", "_").replace(".", "__"): version}) == {}
    assert kept.asked == before


def test_the_market_s_page_is_made_once_for_all_viewers(
    page: Page, kept: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0

    def counted(*parts: Any) -> dict[str, Any]:
        nonlocal made
        made += 1
        return shown(*parts)

    shown = market_page._shown
    monkeypatch.setattr(market_page, "_shown", counted)
    first = page.call("board-version.data", "market.data")
    assert page.call("board-version.data", "market.data") == first
    known = {"board_version__data": first["board-version.data"]}
    moved(kept, monkeypatch, page)
    second = page.call("board-version.data", "market.data", **known)
    assert made == 2
    assert "board-there.data" in first
    assert "board-there.data" not in second  # the search has its tickers already
    assert page.call("board-version.data", "market.data", **known) == second
    assert made == 2


def test_of_a_ticker_only_what_moves_is_sent(page: Page, kept: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    output, trigger, values = ASKED["ticker"]
    first = page.call(output, trigger, **values)
    moved(kept, monkeypatch, page)
    reads = kept.asked.count("bars")
    second = page.call(output, trigger, **values, candles_version__data=first[output])
    assert set(second) == {"candles.figure", "candles-version.data", "ticker-last.children"}
    assert {"ticker-figures.children", "ticker-all.hidden"} < set(first)
    assert kept.asked.count("bars") == reads


@pytest.mark.parametrize("way", ["swapped", "missing", "more", "another"])
def test_a_call_with_other_values_than_the_callback_s_is_refused(page: Page, way: str) -> None:
    dependency = next(one for one in page.dependencies if "board-version.data" in one["output"])
    inputs = [{**part, "value": None} for part in dependency["inputs"]]
    state = [{**part, "value": None} for part in dependency["state"]]
    if way == "swapped":
        inputs, state = state, inputs
    elif way == "missing":
        state = []
    elif way == "more":
        state = [*state, *state]
    else:
        inputs[0] = {**inputs[0], "id": "username"}
    body = {"output": dependency["output"], "inputs": inputs, "state": state, "changedPropIds": []}
    assert page.client.post("/_dash-update-component", json=body).status_code == 400


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_answers_are_compressed_for_who_takes_it(client: httpx.Client, page: Page, accepted: str) -> None:
    client.headers["accept-encoding"] = accepted
    plain = page.call("board-version.data", "market.data")
    response = page.post("board-version.data", "market.data")
    assert response.headers.get("content-encoding", "identity") == accepted
    assert response.headers["content-type"] == "application/json"
    with client.stream("POST", response.request.url, content=response.request.content,
                       headers={"content-type": "application/json"}) as raw:  # fmt: skip
        sent = b"".join(raw.iter_raw())
    found = json.loads(gzip.decompress(sent) if accepted == "gzip" else sent)
    assert found["response"]["board-version"]["data"].split()[0] == plain["board-version.data"].split()[0]


@pytest.mark.parametrize("first", ["gzip", "identity"])
def test_large_answers_are_compressed_in_a_thread(
    client: httpx.Client, page: Page, kept: FakeReader, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    on_loop, compress = list[bool](), gzip.compress

    def noted(*given: Any, **named: Any) -> bytes:
        on_loop.append(asyncio._get_running_loop() is not None)
        return compress(*given, **named)

    monkeypatch.setattr(calls.gzip, "compress", noted)
    monkeypatch.setattr(calls, "LEAST_IN_THREAD", calls.LEAST_ZIPPED)
    for accepted in (first, "gzip", "gzip"):  # the second one gets what was made for the first
        client.headers["accept-encoding"] = accepted
        response = page.post("board-version.data", "market.data")
        assert response.headers.get("content-encoding", "identity") == accepted
    assert on_loop == [False]


@pytest.mark.parametrize(("age", "reads"), [(1.0, 1), (1_000.0, 0)])
def test_openings_are_read_in_a_thread_and_only_young_ones(
    page: Page, kept: FakeReader, monkeypatch: pytest.MonkeyPatch, age: float, reads: int
) -> None:
    on_loop = list[bool]()

    def noted(terms: str) -> Any:
        on_loop.append(asyncio._get_running_loop() is not None)
        return read_terms(terms)

    page.call("market.data", "clock.n_intervals")
    monkeypatch.setattr(openings, "read_terms", noted)
    item = openings.sent(strategy(), time.time() - age)
    assert page.call("market.data", "clock.n_intervals", pending__data=[item])
    assert on_loop == [False] * reads


@pytest.mark.usefixtures("own_application")
def test_a_busy_server_has_pages_ask_less_often(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    version = page.call("market.data", "clock.n_intervals", clock__interval=1_000)
    assert "clock.interval" not in version
    known = {"market__data": version["market.data"]}
    monkeypatch.setattr(Busy, "interval", lambda self: 2_500)
    told = page.call("market.data", "clock.n_intervals", clock__interval=1_000, **known)
    assert told["clock.interval"] == 2_500
    assert "clock.interval" not in page.call("market.data", "clock.n_intervals", clock__interval=2_500, **known)
    monkeypatch.undo()
    assert page.call("market.data", "clock.n_intervals", clock__interval=2_500)["clock.interval"] == 1_000


def test_pages_that_change_their_pace_leave_the_others_what_was_made(
    page: Page, kept: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, made = shell._told, list[dict[str, Any]]()

    def counted(snapshot: Any, **more: Any) -> Answer:
        made.append(more)
        return usual(snapshot, **more)

    monkeypatch.setattr(shell, "_told", counted)
    monkeypatch.setattr(Busy, "interval", lambda self: 2_500)
    for asks in (2_500, 1_000, 2_500, 3_000, 2_500):
        told = page.call("market.data", "clock.n_intervals", clock__interval=asks)
        assert told.get("clock.interval", asks) == 2_500
    assert made == [{}, {"interval": 2_500}, {"interval": 2_500}]


def test_who_reads_answers_slowly_slows_nobody_else() -> None:
    now = 100.0

    class Known(Calls):
        async def answer(self, call: Mapping[str, Any], *, zipped: bool) -> Response:
            return Response(b"{}")

    async def never(*_: Any) -> Any:
        raise AssertionError("there is nothing to read, and nobody else to ask")

    async def send(message: Message) -> None:
        nonlocal now
        now += 900.0

    known = Known()
    known.busy = Busy(lambda: now)
    for _ in range(20):
        awaited(Answering(never, calls=known), {"type": "http", "headers": [], CALL: {}}, never, send)
    assert now > 900.0
    assert known.busy.interval() == USUAL_MS

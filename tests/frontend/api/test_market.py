"""Bars, leaders, the backtest and the state of everything, by the API."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import numpy as np
import pytest

from frontend import preview_worker
from frontend.api import market, state
from frontend.api.rates import Buckets
from frontend.preview import BUSY, DIED, NO_START, TOO_LONG, Job, Preview, Previews, Refusal, starting
from riskcontrol.accounts.keys import Scope
from riskcontrol.errors import ServerError
from tests.frontend.accounts import NOW, House, house
from tests.frontend.api.conftest import DIP, Program
from tests.frontend.conftest import Tape
from tests.frontend.serving import client_of

DAY = "2013-10-07"


def test_bars_of_a_day_come_a_page_at_a_time(ann: httpx.Client, home: House) -> None:
    rows = home.tables.bar_rows["IBM"]
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = ann.get("/bars/IBM", params={"first": DAY, "limit": 25, "cursor": cursor}).json()
        found += page["bars"]
        cursor = page["next"]
    assert len(found) == len(rows) == 60
    assert [round(float(one["close"]) * 1e6) for one in found] == [row[4] for row in rows]
    assert found[0]["time"] == "2013-10-07T13:30:00.000000000Z"
    assert ann.get("/bars/IBM").json() == ann.get("/bars/IBM", params={"first": DAY, "last": DAY}).json()


def test_longer_bars_add_up(ann: httpx.Client) -> None:
    minutes = ann.get("/bars/IBM", params={"first": DAY}).json()["bars"]
    halves = ann.get("/bars/IBM", params={"first": DAY, "interval": "30m"}).json()["bars"]
    assert [one["volume"] for one in halves] == [
        sum(one["volume"] for one in part) for part in (minutes[:30], minutes[30:])
    ]
    assert halves[1]["open"] == minutes[30]["open"]


def test_a_bar_without_prices_has_none(ann: httpx.Client, home: House) -> None:
    home.tables.bar_rows["ODD"] = [(home.tables.bar_rows["IBM"][0][0], 0, 0, 0, 0, 7, 700, 1)]
    (one,) = ann.get("/bars/ODD", params={"first": DAY}).json()["bars"]
    assert (one["open"], one["close"], one["volume"]) == (None, None, 7)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"first": "2013-10-07", "last": "2013-10-06"}, "last"),
        ({"first": "2013-10-07", "last": "2013-11-07"}, "last"),
        ({"first": "0001-01-01"}, "first"),
        ({"first": "2013-10-07", "last": "9999-12-31"}, "last"),
        ({"first": "yesterday"}, "first"),
        ({"interval": "2m"}, "interval"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_days_that_are_none_are_refused(ann: httpx.Client, params: dict[str, str], field: str) -> None:
    response = ann.get("/bars/IBM", params=params)
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == [field]


def test_of_a_ticker_that_never_traded_there_are_no_bars(ann: httpx.Client) -> None:
    assert ann.get("/bars/NONE").json() == {"ticker": "NONE", "interval": "1m", "bars": [], "next": None}


@pytest.mark.parametrize("by", ["return", "evidence"])
def test_leaders_name_nobody_but_oneself(program: Program, by: str) -> None:
    hers, all_ = (program(name).get("/leaders", params={"by": by}).json() for name in ("ann", "carl"))
    assert len(hers["ranking"]) == len(all_["ranking"])
    own = [one for one in hers["ranking"] if one["name"] is not None]
    assert {one["username"] for one in own} == {"ann"}
    assert all(one["username"].startswith("trader-") for one in hers["ranking"] if one["name"] is None)
    assert all(one["name"] for one in all_["ranking"])
    assert [one["share"] for one in hers["quantiles"]] == [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    assert hers["quantiles"] == all_["quantiles"]


def test_before_the_first_minute_nobody_leads(client: httpx.Client) -> None:
    assert client.get("/api/v1/leaders").json() == {"time": None, "strategies": 0, "ranking": [], "quantiles": []}


def test_a_strategy_is_tried_on_the_stored_bars(
    ann: httpx.Client, monkeypatch: pytest.MonkeyPatch, home: House
) -> None:
    jobs: list[Job] = []

    def run(self: Previews, job: Job) -> Preview | Refusal:
        jobs.append(job)
        return preview_worker.answer(job)

    preview_worker.warm_up()  # or a request would wait until it is compiled
    monkeypatch.setattr(Previews, "run", run)
    response = ann.post("/backtest", json={**DIP, "buy": "price >= reference + 0.02", "sell": "price >= entry + 0.05"})
    assert response.status_code == 200, response.text
    made, direct = response.json(), preview_worker.preview(jobs[0])
    assert made["bars"] == direct.bars == 60
    assert len(made["fills"]) == len(direct.reasons) > 2
    assert [one["shares"] for one in made["fills"]] == direct.fills["shares"].tolist()
    assert [round(float(one["value"]) * 1e6) for one in made["points"]] == direct.curve["value"].tolist()
    assert made["decision"] == direct.decision
    assert np.all(jobs[0].bars["close"] == [row[4] for row in home.tables.bar_rows["IBM"]])


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (starting(3, compiles=False), 503),
        (BUSY, 503),
        (NO_START, 503),
        (DIED, 503),
        (TOO_LONG, 422),
        (Refusal("Too few bars."), 422),
    ],
)
def test_why_a_strategy_can_not_be_tried_is_told(
    ann: httpx.Client, monkeypatch: pytest.MonkeyPatch, refusal: Refusal, status: int
) -> None:
    monkeypatch.setattr(Previews, "run", lambda self, job: refusal)
    response = ann.post("/backtest", json=DIP)
    assert (response.status_code, response.json()["detail"]) == (status, refusal.message)
    assert ("retry-after" in response.headers) == (status == 503)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ticker": "NONE"}, "no bars of NONE"),
        ({"every": "1s", "buy": "price > sma(3)"}, "on bars of 1s can't be tried"),
    ],
)
def test_what_there_are_no_bars_for_is_told(ann: httpx.Client, change: dict[str, str], said: str) -> None:
    response = ann.post("/backtest", json={**DIP, **change})
    assert response.status_code == 422
    assert said in response.json()["detail"]
    assert response.json()["errors"]


def test_one_user_s_backtests_leave_room_for_others(home: House, tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market, "Buckets", Buckets)
    monkeypatch.setattr(market, "TRIES_RATE", 1e-6)
    with house(home.tables) as one, client_of(one.address) as client:
        token = [one.entrance.accounts.keys.create(name, Scope.READ, now=NOW)[0] for name in ("ann", "ann", "bob")]

        def ask(number: int) -> int:
            headers = {"authorization": f"Bearer {token[number]}"}
            return client.post("/api/v1/backtest", json={**DIP, "ticker": "NONE"}, headers=headers).status_code

        assert [ask(at % 2) for at in range(6)] == [422] * 5 + [429]
        assert ask(2) == 422


def test_readiness_is_of_the_database_and_the_tape(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = home.visitor()
    up = threading.Event()

    def ask(settings: object) -> str:
        if not up.is_set():
            raise ServerError("no broker", server="kafka")
        return "answers"

    monkeypatch.setattr(state, "ask_kafka", ask)
    monkeypatch.setattr("frontend.watch.EVERY_SECONDS", 0.0)
    assert _ready(visitor, tape=False) == {"ready": False, "database": True, "tape": False, "stream": "running"}
    up.set()
    assert _ready(visitor, tape=True) == {"ready": True, "database": True, "tape": True, "stream": "running"}
    home.tables.away = True
    answer = visitor.get("/api/v1/ready")
    assert (answer.status_code, answer.json()["ready"], answer.json()["database"]) == (503, False, False)
    assert visitor.get("/api/v1/health").json() == {"ok": True, "database": False}


def _ready(visitor: httpx.Client, *, tape: bool) -> dict[str, Any]:
    """Return the answer once Kafka was asked anew."""
    while True:
        answer = visitor.get("/api/v1/ready")
        if answer.json()["tape"] == tape:
            assert answer.status_code == (200 if tape else 503)
            return dict(answer.json())

"""Fills, equity, statistics and verdict by the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from frontend.api.values import iso, money
from riskcontrol.statistics import STATISTICS
from riskcontrol.trades import NS_PER_MINUTE
from tests.frontend.accounts import House
from tests.frontend.fake import OPEN

DIP = "/users/ann/strategies/IBM/dip"


@pytest.fixture
def rows(home: House) -> list[tuple[Any, ...]]:
    """Ann's fills as the table has them: three, and two more in one moment."""
    kept = home.tables.fill_rows["ann", "IBM", "dip"]
    at, number, *rest = kept[-1]
    kept += [(at, number + 1, *rest), (at, number + 2, *rest)]
    return kept


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_fills_come_a_page_at_a_time_each_once(
    ann: httpx.Client, rows: list[tuple[Any, ...]], order: str, limit: int
) -> None:
    found, cursor, more = [], "", True
    while more:
        page = ann.get(f"{DIP}/fills", params={"order": order, "limit": limit, "cursor": cursor}).json()
        found += [one["number"] for one in page["fills"]]
        cursor, more = page["next"], page["more"]
        assert len(page["fills"]) <= limit
    assert found == ([1, 2, 3, 4, 5] if order == "oldest" else [5, 4, 3, 2, 1])


def test_a_fill_is_told_exactly(ann: httpx.Client, rows: list[tuple[Any, ...]]) -> None:
    said = ann.get(f"{DIP}/fills", params={"limit": 1}).json()["fills"][0]
    time, number, price, shares, fee, cash, sequence, reason = rows[0]
    assert said == {
        "number": number,
        "time": "2013-10-07T13:35:00.000000000Z",
        "reason": reason,
        "shares": shares,
        "price": money(price),
        "fee": money(fee),
        "cash": money(cash),
        "sequence": sequence,
    }
    assert time == OPEN + 5 * NS_PER_MINUTE


def test_who_follows_gets_what_comes_and_nothing_twice(ann: httpx.Client, rows: list[tuple[Any, ...]]) -> None:
    page = ann.get(f"{DIP}/fills").json()
    assert len(page["fills"]) == 5
    after = ann.get(f"{DIP}/fills", params={"cursor": page["next"]}).json()
    assert after == {"fills": [], "next": page["next"], "more": False}
    rows.append((rows[-1][0] + 1, 6, *rows[-1][2:]))
    (one,) = ann.get(f"{DIP}/fills", params={"cursor": after["next"]}).json()["fills"]
    assert one["number"] == 6


def test_fills_of_a_time(ann: httpx.Client, rows: list[tuple[Any, ...]]) -> None:
    def numbers(**params: str) -> list[int]:
        return [one["number"] for one in ann.get(f"{DIP}/fills", params=params).json()["fills"]]

    second = iso(rows[1][0])
    assert numbers(since=second) == [2, 3, 4, 5]
    assert numbers(until=second) == [1]
    assert numbers(since=second, until=iso(rows[2][0])) == [2]
    assert numbers(since="2013-10-07T09:50:00-04:00") == [2, 3, 4, 5]
    assert numbers(since=second, order="newest", limit="1") == [5]
    assert numbers(since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59Z") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "9999999999999999999-1"}, "cursor"),
        ({"cursor": "1-9999999999999999999"}, "cursor"),
        ({"since": "2013-10-07T09:50:00"}, "since"),
        ({"until": "tomorrow"}, "until"),
        ({"limt": "5"}, "limt"),
        ({"limit": "1001"}, "limit"),
        ({"order": "oddest"}, "order"),
    ],
)
def test_a_wrong_parameter_is_named(ann: httpx.Client, params: dict[str, str], field: str) -> None:
    response = ann.get(f"{DIP}/fills", params=params)
    assert response.status_code == 422
    assert [one["field"] for one in response.json()["errors"]] == [field]


def test_a_parameter_that_is_misspelt_or_said_twice_is_refused(ann: httpx.Client) -> None:
    (one,) = ann.get(f"{DIP}/fills", params={"limt": "5"}).json()["errors"]
    assert one["detail"] == "unknown; did you mean 'limit'?"
    (one,) = ann.get(f"{DIP}/fills?limit=1&limit=2").json()["errors"]
    assert (one["field"], one["detail"]) == ("limit", "is said twice; say it once")
    assert "takes no parameters" in ann.get("/me", params={"a": 1}).json()["detail"]


def test_equity_ends_at_what_the_strategy_is_worth(ann: httpx.Client) -> None:
    curve = ann.get(f"{DIP}/equity").json()
    assert (curve["reduced"], curve["since"]) == (False, None)
    last = curve["points"][-1]
    assert last["value"] == ann.get(DIP).json()["position"]["value"]
    assert {"time", "price", "cash", "shares", "value", "profit"} == set(last)
    few = ann.get(f"{DIP}/equity", params={"points": 8}).json()
    assert few["reduced"]
    assert len(few["points"]) <= 8
    assert few["points"][-1] == last
    values = [float(one["value"]) for one in curve["points"]]
    assert {float(one["value"]) for one in few["points"]} >= {min(values), max(values)}


def test_equity_of_a_time(ann: httpx.Client) -> None:
    times = [one["time"] for one in ann.get(f"{DIP}/equity").json()["points"]]
    part = ann.get(f"{DIP}/equity", params={"since": times[10], "until": times[20]}).json()["points"]
    assert [one["time"] for one in part] == times[10:20]
    assert ann.get(f"{DIP}/equity", params={"since": times[-1][:4] + "-12-31T00:00:00Z"}).json()["points"] == []


def test_every_statistic_is_told_in_its_unit(ann: httpx.Client) -> None:
    found = {one["name"]: one for one in ann.get(f"{DIP}/statistics").json()["statistics"]}
    assert list(found) == list(STATISTICS)
    assert found["end_equity"]["unit"] == "dollars"
    assert found["end_equity"]["value"] == ann.get(DIP).json()["position"]["value"]
    assert (found["fills"]["unit"], found["fills"]["value"]) == ("count", 3)
    assert isinstance(found["longest_drawdown"]["value"], float)


def test_the_verdict_has_every_reason_with_its_number(ann: httpx.Client) -> None:
    verdict = ann.get(f"{DIP}/verdict").json()
    assert verdict["decision"] == "keep testing"
    assert verdict["reasons"][0]["points_to"] == verdict["decision"]
    trips = next(one for one in verdict["reasons"] if one["rule"] == "enough round trips")
    assert trips["value"] == 1
    made = next(one for one in verdict["reasons"] if one["rule"] == "makes money")
    assert made["value"] == ann.get(DIP).json()["position"]["profit"]
    assert all(abs(one["value"]) <= 60 for one in verdict["reasons"] if not isinstance(one["value"], str | None))


@pytest.mark.parametrize("what", ["fills", "equity", "statistics", "verdict"])
def test_before_its_first_trade_there_is_nothing_and_of_nothing_a_404(ann: httpx.Client, what: str) -> None:
    waiting = ann.get(f"/users/ann/strategies/BRK/B/fresh/{what}")
    assert waiting.status_code == 200
    assert not any(waiting.json().values())
    for path in ("IBM/none", "no ticker!/x", "IBM/no name!"):
        missing = ann.get(f"/users/ann/strategies/{path}/{what}")
        assert missing.status_code == 404
        assert missing.headers["content-type"] == "application/problem+json"


def test_what_does_not_fit_is_told(ann: httpx.Client, home: House) -> None:
    row = home.tables.fill_rows["ann", "IBM", "dip"]
    row[1] = (*row[1][:5], (1 << 63) - 1, *row[1][6:])
    home.tables.position_rows[0] = replace(home.tables.position_rows[0], time=OPEN + 1)  # or it would be as it was
    answer = ann.get(f"{DIP}/equity")
    assert answer.status_code == 500
    assert "64 bits" in answer.json()["detail"]


def test_what_should_not_be_is_told_as_a_problem(
    ann: httpx.Client, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(home.tables), "fills_between", lambda *_, **more: 1 / None)  # type: ignore[operator]
    answer = ann.get(f"{DIP}/fills")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", ["", "/fills", "/equity", "/statistics", "/verdict", "/fills.csv"])
def test_without_a_database_the_way_out_is_told(ann: httpx.Client, home: House, path: str) -> None:
    home.tables.away = True
    answer = ann.get(f"{DIP}{path}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "the database is away" in answer.json()["detail"]

"""Opening, reading, stopping and replacing strategies by the API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from riskcontrol.language.text import text
from riskcontrol.shape import rules_of
from riskcontrol.strategy import Action
from tests.frontend.accounts import House
from tests.frontend.api.conftest import DIP, Program
from tests.frontend.conftest import Tape
from tests.frontend.fake import strategy

MANY = "/users/ann/strategies"
PROBLEM = "application/problem+json"


def wrong(response: httpx.Response) -> dict[str, str]:
    """Return what a problem says of each field."""
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert (body["type"], body["status"]) == ("about:blank", response.status_code)
    return {one["field"]: one["detail"] for one in body.get("errors", [])}


def test_a_strategy_is_opened_and_known_at_once(ann: httpx.Client, tape: Tape, home: House) -> None:
    sent = {**DIP, "name": "opened", "sell": ["price >= reference + 0.2", "price < peak * 97%"], "stop_loss": "2.5"}
    response = ann.post(MANY, json=sent)
    assert response.status_code == 202
    assert response.headers["location"] == "/api/v1/users/ann/strategies/IBM/opened"
    ((opened, action),) = tape.sent
    assert (action, opened.username, opened.ticker, opened.name) == (Action.OPEN, "ann", "IBM", "opened")
    assert (opened.cash, opened.terms.stop_loss) == (5_000_000_000, 25_000)
    assert text(rules_of(opened.shape, opened.parameters)[0]) == "price <= reference - 0.1"
    read = ann.get(f"{home.address}{response.headers['location']}").json()
    assert read == response.json()
    assert (read["status"], read["opened"], read["position"]) == ("sent", None, None)
    home.tables.strategy_rows.append(strategy(**{one: getattr(opened, one) for one in _PARTS}))
    assert ann.get(f"{MANY}/IBM/opened").json()["status"] == "waiting"


_PARTS = ("username", "ticker", "name", "cash", "shape", "parameters", "terms")


def test_what_is_read_can_be_posted_to_open_the_same(ann: httpx.Client, tape: Tape, home: House) -> None:
    document = ann.get(f"{MANY}/IBM/dip").json()["document"]
    assert ann.post(MANY, json={**document, "name": "copied"}).status_code == 202
    ((copied, _),) = tape.sent
    dip = home.tables.strategy_rows[0]
    assert [getattr(copied, part) for part in _PARTS if part != "name"] == [
        getattr(dip, part) for part in _PARTS if part != "name"
    ]


def test_the_same_sent_again_does_nothing(ann: httpx.Client, tape: Tape, home: House) -> None:
    for _ in range(3):
        assert ann.post(MANY, json={**DIP, "name": "again"}).status_code == 202
    assert len(tape.sent) == 1
    opened = tape.sent[0][0]
    home.tables.strategy_rows.append(strategy(**{one: getattr(opened, one) for one in _PARTS}))
    assert ann.post(MANY, json={**DIP, "name": "again"}).json()["status"] == "waiting"
    assert len(tape.sent) == 1


@pytest.mark.parametrize("written", [False, True])
def test_another_one_of_the_name_is_refused(ann: httpx.Client, tape: Tape, home: House, written: bool) -> None:
    name = f"other-{written}"
    ann.post(MANY, json={**DIP, "name": name})
    if written:
        opened = tape.sent[0][0]
        home.tables.strategy_rows.append(strategy(**{one: getattr(opened, one) for one in _PARTS}))
    response = ann.post(MANY, json={**DIP, "name": name, "cash": 6_000})
    assert response.status_code == 409
    assert "another name" in wrong(response)["name"]
    assert len(tape.sent) == 1


def test_a_stopped_one_is_not_opened_anew(ann: httpx.Client, tape: Tape, home: House) -> None:
    document = ann.get(f"{MANY}/IBM/dip").json()["document"]
    home.tables.strategy_rows[0] = replace(home.tables.strategy_rows[0], stopped=1)
    response = ann.post(MANY, json=document)
    assert response.status_code == 409
    assert "was stopped" in wrong(response)["name"]
    assert tape.sent == []


def test_an_opening_that_could_not_be_sent_can_be_sent_again(ann: httpx.Client, tape: Tape) -> None:
    tape.away = True
    response = ann.post(MANY, json={**DIP, "name": "late"})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert "the tape is away" in response.json()["detail"]
    assert ann.get(f"{MANY}/IBM/late").status_code == 404
    tape.away = False
    assert ann.post(MANY, json={**DIP, "name": "late"}).status_code == 202
    assert len(tape.sent) == 1


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": "no spaces"}, {"name"}),
        ({"ticker": "ibm!", "cash": -1, "buy": "prise > 1"}, {"ticker", "cash", "buy"}),
        ({"cash": True}, {"cash"}),
        ({"buy": None}, {"buy"}),
        ({"fees": {"per_share": "x", "other": 1}}, {"fees.per_share", "fees.other"}),
        ({"username": "bob"}, {"username"}),
        ({"parameters": {"a b": 1}}, {"parameters.a b"}),
        ({"buy": "price > \ud800"}, {"buy"}),
        ({"\ud800": 1}, {"\\ud800"}),
    ],
)
def test_every_field_that_is_wrong_is_named(
    ann: httpx.Client, tape: Tape, change: dict[str, Any], fields: set[str]
) -> None:
    content = json.dumps({**DIP, **change})
    response = ann.post(MANY, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert set(wrong(response)) == fields
    assert tape.sent == []


def test_of_a_rule_the_column_is_told(ann: httpx.Client) -> None:
    (one,) = ann.post(MANY, json={**DIP, "buy": "price > 1 +"}).json()["errors"]
    assert (one["field"], one["column"]) == ("buy", 12)


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "1", '"x"', "null", "[" * 50_000, '{"name": ' * 10_000, '{"cash": NaN}', '{"name": 1, "name": 2}',
     '{"cash": ' + "9" * 5_000 + "}", " " * 70_000],
    ids=lambda body: body[:12],
)  # fmt: skip
def test_what_is_no_document_is_refused(ann: httpx.Client, tape: Tape, body: str) -> None:
    for path in (MANY, f"{MANY}/IBM/dip/replacement", "/backtest"):
        response = ann.post(path, content=body, headers={"content-type": "application/json"})
        assert response.status_code in (400, 422)
        assert response.headers["content-type"] == PROBLEM
        assert response.json()["detail"]
    assert tape.sent == []


def test_bodies_that_are_no_json_or_endless_are_refused_as_problems(ann: httpx.Client) -> None:
    for answer, status in (
        (ann.post(MANY, content=b"x=1", headers={"content-type": "text/plain"}), 415),
        (ann.post(MANY, content=b" " * 2_000_000, headers={"content-type": "application/json"}), 413),
        (ann.post(MANY, content=iter([b"{}"]), headers={"content-type": "application/json"}), 411),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("length", [None, "0"])
@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
def test_a_body_that_is_missing_is_named(
    ann: httpx.Client, method: str, length: str | None, headers: dict[str, str]
) -> None:
    request = ann.build_request(method, MANY, headers=headers)
    if length is None:
        del request.headers["content-length"]
    answer = ann.send(request)
    assert answer.headers["content-type"] == PROBLEM
    if method != "POST" and length and headers:  # an empty body of the right kind, to an address that takes none of it
        assert answer.status_code == 405
        return
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["body"]
    assert answer.json()["detail"].startswith("body: is missing")


def test_numbers_are_exact(ann: httpx.Client, tape: Tape) -> None:
    body = json.dumps({**DIP, "name": "exact"}).replace('"5000"', "1234.567891")
    assert ann.post(MANY, content=body, headers={"content-type": "application/json"}).status_code == 202
    assert tape.sent[0][0].cash == 1_234_567_891


def test_a_strategy_is_stopped_once(ann: httpx.Client, tape: Tape, home: House) -> None:
    response = ann.delete(f"{MANY}/IBM/dip")
    assert response.status_code == 202
    ((stopped, action),) = tape.sent
    assert (stopped.name, action) == ("dip", Action.STOP)
    home.tables.strategy_rows[0] = replace(home.tables.strategy_rows[0], stopped=1_760_000_001_000_000_000)
    response = ann.delete(f"{MANY}/IBM/dip")
    assert (response.status_code, response.json()["status"]) == (202, "stopped")
    assert response.json()["stopped"] == "2025-10-09T08:53:21.000000000Z"
    assert len(tape.sent) == 1


def test_one_that_was_only_sent_can_be_stopped(ann: httpx.Client, tape: Tape) -> None:
    ann.post(MANY, json={**DIP, "name": "brief"})
    assert ann.delete(f"{MANY}/IBM/brief").status_code == 202
    assert [(one.name, action) for one, action in tape.sent] == [("brief", Action.OPEN), ("brief", Action.STOP)]


def test_a_new_version_is_opened_before_the_old_one_is_stopped(ann: httpx.Client, tape: Tape) -> None:
    response = ann.post(f"{MANY}/IBM/dip/replacement", json={**DIP, "name": "dip-2"})
    assert response.status_code == 202
    assert response.headers["location"].endswith("/IBM/dip-2")
    assert [(one.name, action) for one, action in tape.sent] == [("dip-2", Action.OPEN), ("dip", Action.STOP)]


@pytest.mark.parametrize(
    ("change", "field"), [({"name": "dip"}, "name"), ({"ticker": "BAC"}, "ticker"), ({"cash": 0}, "cash")]
)
def test_a_new_version_has_its_own_name_and_the_old_ticker(
    ann: httpx.Client, tape: Tape, change: dict[str, Any], field: str
) -> None:
    response = ann.post(f"{MANY}/IBM/dip/replacement", json={**DIP, **change})
    assert response.status_code == 422
    assert set(wrong(response)) == {field}
    assert tape.sent == []


def test_of_nothing_there_is_no_version(ann: httpx.Client, tape: Tape) -> None:
    for answer in (
        ann.get(f"{MANY}/IBM/none"),
        ann.delete(f"{MANY}/IBM/none"),
        ann.post(f"{MANY}/IBM/none/replacement", json=DIP),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == "ann has no strategy none on IBM"
    assert tape.sent == []


def test_a_ticker_may_have_a_slash(ann: httpx.Client) -> None:
    for path in ("BRK/B", "BRK%2FB"):
        read = ann.get(f"{MANY}/{path}/fresh").json()
        assert (read["ticker"], read["status"], read["position"]) == ("BRK/B", "waiting", None)
        assert ann.get(f"{MANY}/{path}/fresh/verdict").json()["decision"] is None


def test_strategies_and_positions_come_a_page_at_a_time(ann: httpx.Client) -> None:
    found, cursor, pages = [], "", 0
    while cursor is not None:
        page = ann.get(MANY, params={"limit": 1, "cursor": cursor}).json()
        found += [(one["ticker"], one["name"]) for one in page["strategies"]]
        cursor, pages = page["next"], pages + 1
    assert (found, pages) == ([("BRK/B", "fresh"), ("IBM", "dip")], 2)
    (one,) = ann.get("/users/ann/positions").json()["positions"]
    assert (one["ticker"], one["name"], one["status"], one["shares"]) == ("IBM", "dip", "running", 55)
    assert one == {"ticker": "IBM", "name": "dip", "status": "running"} | ann.get(f"{MANY}/IBM/dip").json()["position"]
    assert ann.get(MANY, params={"cursor": "nonsense"}).status_code == 422
    assert set(wrong(ann.get(MANY, params={"limit": 0, "cursor": "x" * 99}))) == {"limit", "cursor"}


def test_value_and_profit_are_exact(ann: httpx.Client, home: House) -> None:
    position, (_, mark) = home.tables.position_rows[0], home.tables.prices["IBM"]
    said = ann.get(f"{MANY}/IBM/dip").json()["position"]
    worth = position.cash + position.shares * mark
    assert round(float(said["value"]) * 1e6) == worth
    assert round(float(said["profit"]) * 1e6) == worth - 10_000_000_000


def test_without_sign_in_anybody_opens_for_anybody(client: httpx.Client, tape: Tape) -> None:
    response = client.post("/api/v1/users/dora/strategies", json=DIP)
    assert response.status_code == 202
    assert client.get("/api/v1/me").json() == {"username": "", "admin": True, "scope": "write"}


def test_a_user_changes_nothing_of_another_s(program: Program, tape: Tape) -> None:
    for username in ("bob", "carl"):
        other = program(username)
        for answer in (
            other.post(MANY, json={**DIP, "name": "theft"}),
            other.delete(f"{MANY}/IBM/dip"),
            other.post(f"{MANY}/IBM/dip/replacement", json={**DIP, "name": "theft"}),
        ):
            assert answer.status_code == 403
            assert answer.headers["content-type"] == PROBLEM
    assert tape.sent == []

"""Who gets in with which key, and what a key opens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from frontend.access import OTHERS
from frontend.api.rates import Buckets
from frontend.gate import Gate
from riskcontrol.accounts.attempts import HERE
from riskcontrol.accounts.keys import MOST_KEYS
from tests.accounts.fake import PASSWORD
from tests.frontend.accounts import House
from tests.frontend.api.conftest import DIP, Program
from tests.frontend.conftest import Tape
from tests.frontend.serving import client_of

MANY = "/users/ann/strategies"
OPEN = ("/api/v1/health", "/api/v1/ready")


def everything(home: House, username: str = "ann") -> Iterator[tuple[str, str]]:
    """Yield method and path of every address of the API, with ann's names in it."""
    names = {"username": username, "ticker:path": "IBM", "name": "dip", "what": "fills", "kind": "csv"}
    for route in home.app.routes:
        if isinstance(route, APIRoute) and route.path.startswith("/api/v1/"):
            path = re.sub(r"\{([^}]*)\}", lambda found: names[found[1]], route.path)
            for method in route.methods:
                yield method, path.removeprefix("/api/v1")


def ask(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """Call an address, with a strategy if it takes a body."""
    return client.request(method, path, json={**DIP, "name": "asked"} if method == "POST" else None)


def test_a_key_says_who_asks_and_what_it_may(program: Program) -> None:
    assert program().get("/me").json() == {"username": "ann", "admin": False, "scope": "write"}
    assert program("carl", "read").get("/me").json() == {"username": "carl", "admin": True, "scope": "read"}


def test_without_a_key_nothing_but_the_state_is_told(home: House, tape: Tape) -> None:
    visitor = client_of(f"{home.address}/api/v1")
    before = list(home.tables.asked)
    for method, path in everything(home):
        answer = ask(visitor, method, path)
        if f"/api/v1{path}" in OPEN:
            assert answer.status_code in (200, 503)
            continue
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert set(home.tables.asked[len(before) :]) <= {"batches", "marks"}
    assert tape.sent == []
    visitor.close()


def test_another_user_s_key_reads_and_changes_nothing_of_ann_s(home: House, program: Program, tape: Tape) -> None:
    bob, refused = program("bob"), 0
    for method, path in everything(home):
        answer = ask(bob, method, path)
        if path.startswith("/users/"):
            assert answer.status_code == 403, (method, path)
            refused += 1
        assert not [price for price in ('"181.95"', "181.950000") if price in answer.text]
    assert refused == 11
    assert tape.sent == []


def test_a_key_to_read_reads_all_and_changes_nothing(home: House, program: Program, tape: Tape) -> None:
    reader = program(scope="read")
    for method, path in everything(home):
        answer = ask(reader, method, path)
        if path.startswith("/users/"):
            assert answer.status_code == (200 if method == "GET" else 403), (method, path)
        if answer.status_code == 403:
            assert "may only read" in answer.json()["detail"]
    assert tape.sent == []


def test_an_admin_s_key_reads_all_and_changes_nothing_of_others(home: House, program: Program, tape: Tape) -> None:
    admin = program("carl")
    for method, path in everything(home):
        if path.startswith("/users/"):
            assert ask(admin, method, path).status_code == (200 if method == "GET" else 403), (method, path)
    assert tape.sent == []


@pytest.mark.parametrize("token", ["x", "rc_", "rc_0123456789abcdef_" + "A" * 43, "rc_" + "é" * 60, "A" * 9_000])
def test_a_key_that_is_none_is_refused_whatever_cookie_comes_along(home: House, token: str) -> None:
    client = home.signed_in("ann")
    assert client.get(f"/api/v1{MANY}").status_code == 200
    answer = client.get(f"/api/v1{MANY}", headers={"authorization": f"Bearer {token}".encode("latin-1")})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    # What a proxy before us asks for is nothing to us.
    assert client.get(f"/api/v1{MANY}", headers={"authorization": "Basic eDp5"}).status_code == 200


def test_a_key_counts_instead_of_the_cookie(home: House, program: Program) -> None:
    client = home.signed_in("ann")
    bob = program("bob").headers["authorization"]
    assert client.get("/api/v1/me", headers={"authorization": bob}).json()["username"] == "bob"
    assert client.get(f"/api/v1{MANY}", headers={"authorization": bob}).status_code == 403


def test_a_key_opens_no_page_and_calls_no_callback(home: House, program: Program, tape: Tape) -> None:
    key = program().headers["authorization"]
    for client in (home.visitor(), home.signed_in("ann")):
        for path in ("/", "/user/ann", "/account", "/keys", "/_dash-layout"):
            assert client.get(path, headers={"authorization": key}).status_code == 403
        for path, kind in (("/_dash-update-component", "application/json"), ("/keys", _FORM), ("/share", _FORM)):
            answer = client.post(path, content=b"{}", headers={"authorization": key, "content-type": kind})
            assert answer.status_code == 403
    assert tape.sent == []


_FORM = "application/x-www-form-urlencoded"


def test_a_key_ends_when_it_is_revoked_and_with_its_account(home: House, program: Program) -> None:
    one, other = program(), program()
    number = one.headers["authorization"].split("_")[1]
    home.entrance.accounts.keys.revoke("ann", number, now=home.clock.now)
    assert one.get("/me").status_code == 401
    assert other.get("/me").status_code == 200
    ann = home.store.kept.pop("ann")
    assert other.get("/me").status_code == 401
    home.store.kept["ann"] = ann


def test_while_the_database_is_away_a_key_can_not_be_checked(home: House, program: Program) -> None:
    new = program()
    home.store.away = True
    answer = new.get("/me")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_another_site_sends_with_a_session_is_refused(home: House, tape: Tape) -> None:
    client = home.signed_in("ann")
    for site in ("cross-site", "same-site", "none"):
        headers = {"sec-fetch-site": site}
        assert client.post(f"/api/v1{MANY}", json=DIP, headers=headers).status_code == 403
        assert client.delete(f"/api/v1{MANY}/IBM/dip", headers=headers).status_code == 403
    del client.headers["sec-fetch-site"]
    assert client.delete(f"/api/v1{MANY}/IBM/dip").status_code == 403
    assert client.delete(f"/api/v1{MANY}/IBM/dip", headers={"origin": "https://evil.example"}).status_code == 403
    assert tape.sent == []
    assert client.delete(f"/api/v1{MANY}/IBM/dip", headers={"origin": home.address}).status_code == 202


def test_a_link_opens_nothing_of_the_api(home: House) -> None:
    link = home.entrance.accounts.publish("ann", "IBM", "dip", now=home.clock.now)
    visitor = home.visitor()
    visitor.headers["x-riskcontrol-link"] = link
    for method, path in everything(home):
        if f"/api/v1{path}" not in OPEN:
            assert ask(visitor, method, f"/api/v1{path}").status_code == 401
    member = home.signed_in("bob")
    member.headers["x-riskcontrol-link"] = link
    for path in ("IBM/dip", "IBM/dip/fills", "IBM/dip/fills.csv"):
        answer = member.get(f"/api/v1{MANY}/{path}")
        assert answer.status_code == 403, "who is signed in gets no more by it"
        assert answer.json()["detail"] == OTHERS
    home.store.pages.clear()


def test_who_asks_too_often_waits(home: House, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(_gate(home), "buckets", Buckets(rate=0.5, burst=3, clock=lambda: now[0]))
    one, other = program(), program()
    assert [one.get("/me").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    answer = one.get("/me")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["content-type"] == "application/problem+json"
    assert other.get("/me").status_code == 200
    assert home.signed_in("ann").get("/api/v1/me").status_code == 200  # a session has a bucket of its own
    assert home.visitor().get("/api/v1/health").status_code == 200
    now[0] = 2.0
    assert one.get("/me").status_code == 200


def _gate(home: House) -> Gate:
    """Return the gate of a running application."""
    part = home.app.middleware_stack
    while not isinstance(part, Gate):
        part = part.app  # type: ignore[union-attr]
    return part


def test_an_address_that_there_is_not_is_a_problem(ann: httpx.Client) -> None:
    for path in ("/nothing", "/users", "/users/ann/strategies/", "//me", "/leaders/", "/bars/I%0AM"):
        answer = ann.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    answer = ann.delete("/leaders")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    answer = ann.put(f"{MANY}/IBM/dip", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")


def test_an_owner_makes_and_revokes_keys_on_a_page(home: House) -> None:
    client = home.signed_in("ann")
    assert "None." in client.get("/keys").text
    made = client.post("/keys", data={"scope": "read", "old": PASSWORD})
    found = re.search(r"value='(rc_[0-9a-f]{16}_[A-Za-z0-9_-]{43})'", made.text)
    assert found is not None
    program = client_of(home.address, headers={"authorization": f"Bearer {found[1]}"})
    assert program.get("/api/v1/me").json()["scope"] == "read"
    listed = client.get("/keys").text
    assert found[1] not in listed  # it is shown once
    assert found[1][:19] in listed
    assert "used last on 2025-10-09" in listed
    assert client.post("/keys", data={"revoke": found[1][3:19]}).status_code == 200
    assert program.get("/api/v1/me").status_code == 401
    assert "revoked 2025-10-09" in client.get("/keys").text
    program.close()


def test_keys_of_others_can_not_be_revoked_nor_too_many_be_made(home: House, program: Program) -> None:
    hers = program()
    number = hers.headers["authorization"].split("_")[1]
    bob = home.signed_in("bob")
    assert bob.post("/keys", data={"revoke": number}).status_code == 400
    assert hers.get("/me").status_code == 200
    assert bob.post("/keys", data={"scope": "everything", "old": PASSWORD}).status_code == 400
    for _ in range(MOST_KEYS):
        assert bob.post("/keys", data={"scope": "write", "old": PASSWORD}).status_code == 200
    last = bob.post("/keys", data={"scope": "write", "old": PASSWORD})
    assert last.status_code == 400
    assert "revoke one first" in last.text
    assert home.visitor().get("/keys").status_code == 303


def test_a_session_alone_makes_no_key_and_tries_few_passwords(home: House) -> None:
    client, before = home.signed_in("ann"), set(home.store.held)
    for sent in ({}, {"old": ""}, {"old": "nine blue herons"}):
        answer = client.post("/keys", data={"scope": "write", **sent})
        assert answer.status_code == 400
        assert "It is not the current one." in answer.text
    codes = [client.post("/keys", data={"scope": "write", "old": "a guess"}).status_code for _ in range(HERE.free)]
    assert codes[-1] == 429
    assert set(home.store.held) == before
    home.store.noted.clear()


def test_signing_out_everywhere_ends_keys_at_once(home: House, program: Program) -> None:
    hers, bobs = program(), program("bob")
    assert hers.get("/me").status_code == 200
    client = home.signed_in("ann")
    assert "revokes your keys as well" in client.get("/account").text
    left = client.post("/sign-out", data={"everywhere": "yes"}, follow_redirects=True)
    assert "signed out everywhere, and your keys are revoked" in left.text
    assert hers.get("/me").status_code == 401
    assert bobs.get("/me").status_code == 200


def test_a_form_that_is_loaded_again_makes_no_other_key_and_no_other_link(home: House) -> None:
    client, before = home.signed_in("ann"), len(home.store.held)
    number = re.search(r'name="once" value="([^"]+)"', client.get("/keys").text)
    assert number is not None
    form = {"scope": "read", "once": number[1]}
    assert client.post("/keys", data={**form, "old": "not the password"}).status_code == 400  # it came to nothing
    sent = {**form, "old": PASSWORD}
    assert "value='rc_" in client.post("/keys", data=sent).text
    again = client.post("/keys", data=sent)
    assert again.status_code == 200
    assert "sent twice, and made one key" in again.text
    assert "value='rc_" not in again.text
    assert len(home.store.held) == before + 1
    which = {"ticker": "IBM", "name": "dip"}
    number = re.search(r'name="once" value="([^"]+)"', client.get("/share", params=which).text)
    assert number is not None
    sent = {**which, "do": "publish", "once": number[1]}
    link = re.search(r"value='[^']+(/shared/[^']+)'", client.post("/share", data=sent).text)
    assert link is not None
    again = client.post("/share", data=sent)
    assert "/shared/" not in again.text
    assert "Published on" in again.text
    assert home.visitor().get(link[1]).status_code == 200
    home.store.pages.clear()

"""Registering, signing in and out, changing the password: over HTTP, as a browser does it and as an attacker does."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from frontend import gate, reception
from frontend.scripts import source
from riskcontrol.accounts import service
from riskcontrol.accounts.attempts import HERE, NETWORK
from riskcontrol.accounts.passwords import Passwords
from riskcontrol.accounts.sessions import LIFETIME_SECONDS, Sessions
from riskcontrol.errors import TablesMissing, TooBusy
from tests.accounts.fake import PASSWORD
from tests.frontend.accounts import House, house
from tests.frontend.serving import client_of

OTHER = "nine blue herons"


@pytest.fixture(scope="module")
def shared_house() -> Iterator[House]:
    with house() as one:
        yield one


@pytest.fixture
def home(shared_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The application with the accounts that it began with."""
    monkeypatch.setattr(gate, "FRESH_SECONDS", 0.0)
    kept = dict(shared_house.store.kept)
    yield shared_house
    shared_house.store.kept, shared_house.store.away = kept, False
    shared_house.store.noted.clear()
    shared_house.store.pages.clear()
    shared_house.clock.now = 1_760_000_000.0


def open_for(client: httpx.Client) -> bool:
    """Return whether somebody is let in."""
    return client.get("/_dash-layout").status_code == 200


def test_somebody_registers_and_is_on_their_own_page_at_once(home: House) -> None:
    client = home.visitor()
    response = client.post("/register", data={"username": " Dora ", "password": OTHER, "again": OTHER})
    assert (response.status_code, response.headers["location"]) == (303, "/user/dora")
    assert open_for(client)
    assert home.signed_in("dora", OTHER)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"username": "ann"}, "It is taken;"),
        ({"username": "user000001"}, "It is taken;"),
        ({"username": "user000777"}, "It is taken;"),
        ({"username": "no spaces"}, "It must be 1 to 32"),
        ({"username": "<script>"}, "It must be 1 to 32"),
        ({"password": "short", "again": "short"}, "12 to 200 characters"),
        ({"again": "something else"}, "The two passwords differ."),
        ({"username": ""}, "It must be 1 to 32"),
    ],
)
def test_what_can_not_be_registered_is_told_at_its_field(home: House, sent: dict[str, str], said: str) -> None:
    response = home.visitor().post("/register", data={"username": "emil", "password": OTHER, "again": OTHER, **sent})
    assert response.status_code == 400
    assert said in response.text
    assert "aria-invalid" in response.text
    assert "<script>alert" not in response.text.replace("<script>\n", "")
    assert OTHER not in response.text
    assert "set-cookie" not in response.headers
    assert "emil" not in home.store.kept


def test_the_cookie_is_for_this_server_alone(home: House) -> None:
    client = home.visitor()
    response = client.post("/sign-in", data={"username": "ann", "password": PASSWORD})
    cookie = response.headers["set-cookie"]
    assert re.match(r"riskcontrol-[0-9a-f]{8}=", cookie)
    for part in ("HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={LIFETIME_SECONDS}"):
        assert part in cookie
    assert "Secure" not in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "next_", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/x"]
)
def test_signing_in_leads_to_no_other_site(home: House, next_: str) -> None:
    sent = {"username": "ann", "password": PASSWORD, "next": next_}
    assert home.visitor().post("/sign-in", data=sent).headers["location"] == "/user/ann"
    assert "evil" not in home.visitor().get("/sign-in", params={"next": next_}).text


def test_signing_in_leads_to_where_one_wanted_to_go(home: House) -> None:
    client = home.visitor()
    asked = client.get("/user/ann/IBM/dip?tab=price")
    assert asked.status_code == 303
    form = client.get(asked.headers["location"])
    assert 'name="next" value="/user/ann/IBM/dip?tab=price"' in form.text
    sent = {"username": "ann", "password": PASSWORD, "next": "/user/ann/IBM/dip?tab=price"}
    assert client.post("/sign-in", data=sent).headers["location"] == "/user/ann/IBM/dip?tab=price"
    assert client.get("/sign-in").status_code == 303


def test_the_way_back_leads_to_a_ticker_with_a_slash_and_to_an_address_with_a_question(home: House) -> None:
    asked = home.visitor().get("/user/ann/BRK%2FB/dip")
    assert asked.headers["location"] == "/sign-in?next=%2Fuser%2Fann%2FBRK%252FB%2Fdip"
    assert 'value="/user/ann/BRK%2FB/dip"' in home.visitor().get(asked.headers["location"]).text
    asked = home.visitor().get("/share?ticker=IBM&name=dip")
    assert asked.headers["location"] == "/sign-in?next=%2Fshare%3Fticker%3DIBM%26name%3Ddip"
    assert 'value="/share?ticker=IBM&amp;name=dip"' in home.visitor().get(asked.headers["location"]).text


@pytest.mark.parametrize("name", ["ann", "nobody", "user000001", "no such name", "", "x" * 5_000])
def test_nobody_learns_who_there_is_by_signing_in(home: House, name: str) -> None:
    response = home.visitor().post("/sign-in", data={"username": name, "password": OTHER})
    plain = re.sub(r"value=\"[^\"]*\"", "", response.text)
    known = home.visitor().post("/sign-in", data={"username": "ann", "password": OTHER})
    assert response.status_code == 401
    assert plain == re.sub(r"value=\"[^\"]*\"", "", known.text)
    assert {name: value for name, value in response.headers.items() if name not in ("date", "content-length")} == {
        name: value for name, value in known.headers.items() if name not in ("date", "content-length")
    }


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_guessing_slows_down_and_says_for_how_long(home: House, name: str) -> None:
    client = home.visitor()
    sent = {"username": name, "password": OTHER}
    codes = [client.post("/sign-in", data=sent).status_code for _ in range(HERE.free + 2)]
    assert codes == [401] * (HERE.free + 1) + [429]
    refused = client.post("/sign-in", data={"username": name, "password": PASSWORD})
    assert refused.headers["retry-after"] == "2"
    assert "try again in 1 second." in refused.text


def test_strangers_do_not_lock_somebody_out_of_a_browser_that_was_theirs(home: House) -> None:
    hers, stranger = home.signed_in("ann"), home.visitor()
    hers.post("/sign-out", data={"everywhere": "yes"})
    sent = {"username": "ann", "password": OTHER}
    codes = {stranger.post("/sign-in", data=sent).status_code for _ in range(HERE.free + 5)}
    assert codes == {401, 429}
    right = {"username": "ann", "password": PASSWORD}
    assert stranger.post("/sign-in", data=right).status_code == 429
    answer = hers.post("/sign-in", data=right)
    assert answer.status_code == 303
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if "-browser=" in one]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "ann" not in cookie
    assert not open_for(home.visitor())
    only = home.visitor()
    only.cookies.set(*cookie.partition(";")[0].split("=", 1))
    assert not open_for(only)  # it opens nothing


def test_however_many_try_passwords_the_pages_answer(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = home.signed_in("bob")
    monkeypatch.setattr(service, "NETWORK", replace(NETWORK, free=1_000))
    inside, go_on = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> bool:
        inside.release()
        go_on.wait(60)
        return False

    monkeypatch.setattr(Passwords, "fits", slow)
    many = 60  # more than the threads that callbacks have

    def guess(number: int) -> int:
        return home.visitor().post("/sign-in", data={"username": f"name{number}", "password": OTHER}).status_code

    with ThreadPoolExecutor(many) as guessing:
        answers = guessing.map(guess, range(many))
        try:
            for _ in range(reception.THREADS):
                assert inside.acquire(timeout=60)
            assert open_for(client)
        finally:
            go_on.set()
        assert set(answers) == {401}


def test_a_server_that_is_too_busy_to_look_at_a_password_says_so(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = home.signed_in("ann")

    def busy(*_: object) -> bool:
        raise TooBusy

    monkeypatch.setattr(Passwords, "fits", busy)
    answers = [
        home.visitor().post("/sign-in", data={"username": "ann", "password": PASSWORD}),
        client.post("/account", data={"old": PASSWORD, "password": OTHER, "again": OTHER}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "Too many people sign in at the moment; try again in a minute." in answer.text
        assert "not the current one" not in answer.text


def test_what_a_caller_says_of_its_address_is_not_believed(home: House) -> None:
    client = home.visitor()
    for number in range(HERE.free + 1):
        spoofed = {"x-forwarded-for": f"203.0.113.{number}", "x-forwarded-proto": "https"}
        client.post("/sign-in", data={"username": "ann", "password": OTHER}, headers=spoofed)
    assert client.post("/sign-in", data={"username": "ann", "password": PASSWORD}).status_code == 429


def test_signing_out_ends_the_session_wherever_its_cookie_was_copied_to(home: House) -> None:
    client, copy = home.signed_in("ann"), home.visitor()
    copy.cookies = client.cookies
    stolen = dict(client.cookies)
    assert open_for(copy)
    response = client.post("/sign-out", content=b"", headers={"content-type": "application/x-www-form-urlencoded"})
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?told=out")
    assert not open_for(client)
    replayed = home.visitor()
    replayed.cookies.update(stolen)
    assert not open_for(replayed)
    assert "You are signed out." in client.get("/sign-in?told=out").text


def test_signing_out_everywhere_ends_all_sessions_of_the_account_alone(home: House) -> None:
    first, second, other = home.signed_in("ann"), home.signed_in("ann"), home.signed_in("bob")
    first.post("/sign-out", data={"everywhere": "yes"})
    assert not open_for(second)
    assert open_for(other)


def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one(home: House) -> None:
    client, other = home.signed_in("ann"), home.signed_in("ann")
    wrong = client.post("/account", data={"old": OTHER, "password": OTHER, "again": OTHER})
    assert wrong.status_code == 400
    assert "It is not the current one." in wrong.text
    assert open_for(other)
    right = client.post("/account", data={"old": PASSWORD, "password": OTHER, "again": OTHER})
    assert right.status_code == 200
    assert open_for(client)
    assert not open_for(other)
    assert home.visitor().post("/sign-in", data={"username": "ann", "password": PASSWORD}).status_code == 401


def test_a_session_ends_after_its_time(home: House) -> None:
    client = home.signed_in("ann")
    home.clock.now += LIFETIME_SECONDS - 1
    assert open_for(client)
    home.clock.now += 1
    assert not open_for(client)


@pytest.mark.parametrize("token", ["", "x", "a.b", "eyJhIjoxfQ.x", "\u00e9", "A" * 5_000])
def test_broken_tokens_let_nobody_in(home: House, token: str) -> None:
    client = home.visitor()
    cookie = f"{home.entrance.cookie('http')}={token}".encode()
    assert client.get("/_dash-layout", headers={"cookie": cookie}).status_code == 401


def test_signing_in_makes_a_session_that_nobody_could_prepare(home: House) -> None:
    name = home.entrance.cookie("http")
    prepared = home.signed_in("bob").cookies[name]
    client = home.visitor()
    client.cookies.set(name, prepared)
    response = client.post("/sign-in", data={"username": "ann", "password": PASSWORD})
    made = response.headers.get_list("set-cookie")[0].partition(";")[0].partition("=")[2]
    assert made != prepared
    for token, username in ((prepared, "bob"), (made, "ann")):
        page = home.visitor().get("/account", headers={"cookie": f"{name}={token}"})
        assert f"signed in as <b>{username}</b>" in page.text


def test_foreign_tokens_let_nobody_in(home: House) -> None:
    account = home.store.kept["ann"]
    foreign = Sessions(b"the secret of another installation .....").issue(account, home.clock.now)
    client = home.visitor()
    client.cookies.set(home.entrance.cookie("http"), foreign)
    assert not open_for(client)
    client.cookies.set(home.entrance.cookie("http"), home.entrance.accounts.issue(account, home.clock.now))
    assert open_for(client)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://["},
        {},
    ],
)
def test_what_another_site_sends_is_refused_everywhere(home: House, headers: dict[str, str]) -> None:
    client = home.signed_in("ann")
    del client.headers["sec-fetch-site"]
    for path in ("/sign-in", "/register", "/sign-out", "/account", "/share"):
        assert client.post(path, data={"everywhere": "yes"}, headers=headers).status_code == 403
    assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 403
    client.headers["sec-fetch-site"] = "same-origin"
    assert open_for(client)


def test_our_own_pages_and_what_is_no_browser_are_not_refused(home: House) -> None:
    client = home.signed_in("ann")
    del client.headers["sec-fetch-site"]
    assert client.post("/sign-out", data={"x": "y"}, headers={"origin": home.address}).status_code == 303
    with client_of(home.address) as script:
        assert script.post("/sign-in", data={"username": "ann", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(
    "body",
    [b"\xff=\xff", b"%ff=1", b"&".join(b"a%d=1" % number for number in range(50)), b"x" * 20_000, b"username[]=ann"],
)
def test_broken_forms_leave_the_server_well(home: House, body: bytes) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    response = home.visitor().post("/sign-in", content=body, headers=kind)
    assert response.status_code in (400, 401, 413)
    assert "Traceback" not in response.text
    assert home.visitor().post("/sign-in", json={"username": "ann", "password": PASSWORD}).status_code == 415


def test_while_the_database_is_away_those_who_were_in_stay_and_nobody_else_comes_in(home: House) -> None:
    client, before = home.signed_in("ann"), home.signed_in("bob")
    assert open_for(before)
    home.store.away = True
    assert open_for(before)
    assert client.get("/_dash-layout").status_code == 503
    page = client.get("/user/ann")
    assert page.status_code == 503
    assert "The database is away" in page.text
    assert "cassandra" not in page.text  # strangers aren't told more
    response = home.visitor().post("/sign-in", data={"username": "ann", "password": PASSWORD})
    assert response.status_code == 503
    assert "The database is away" in response.text
    assert before.post("/share", data={"ticker": "BAC", "name": "mine"}).status_code == 503
    assert before.post("/account", data={"old": PASSWORD, "password": OTHER, "again": OTHER}).status_code == 503
    assert before.get("/account").status_code == 503
    home.store.away = False
    assert open_for(client)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("sent", [{"x": "y"}, {"everywhere": "yes"}])
def test_signing_out_while_the_database_is_away_takes_the_cookie_and_says_what_stays(
    home: House, sent: dict[str, str], known: bool
) -> None:
    client = home.signed_in("ann")
    stolen = dict(client.cookies)
    assert open_for(client)
    if not known:
        home.entrance.forget()
    home.store.away = True
    response = client.post("/sign-out", data=sent)
    assert response.status_code == 503
    assert "Copies of it, your other sessions and your keys stay good" in response.text
    assert home.entrance.cookie("http") not in client.cookies
    home.store.away = False
    assert not open_for(client)
    copy = home.visitor()
    copy.cookies.update(stolen)
    assert open_for(copy)  # as was said


def test_whoever_is_not_signed_in_may_sign_out(home: House) -> None:
    assert home.visitor().post("/sign-out", data={"everywhere": "yes"}).status_code == 303


def test_tables_of_before_there_were_accounts_are_told_with_the_remedy(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = home.signed_in("ann")
    said = "unconfigured table accounts (10.0.0.7); create the tables with: riskcontrol database init"
    error = TablesMissing(said, server="cassandra")

    def missing(*_: object) -> None:
        raise error

    for name in ("account", "attempts"):
        monkeypatch.setattr(home.store, name, missing)
    home.entrance.forget()
    pages = [
        client.get("/user/ann"),
        home.visitor().post("/sign-in", data={"username": "ann", "password": PASSWORD}),
        home.visitor().post("/register", data={"username": "emil", "password": OTHER, "again": OTHER}),
    ]
    for page in pages:
        assert page.status_code == 503
        assert "makes them with: riskcontrol database init" in page.text
        assert "10.0.0.7" not in page.text


@pytest.mark.parametrize("path", ["/sign-in", "/register"])
def test_pages_at_the_door_fetch_nothing_but_our_style(home: House, path: str) -> None:
    response = home.visitor().get(path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert set(re.findall(r"(?:src|href)=\"([^\"]+)\"", response.text)) == {
        "/", "/assets/icon.svg", "/assets/riskcontrol.css", "/assets/door.css",
    }  # fmt: skip
    assert response.headers["cache-control"] == "no-store"
    for name in re.findall(r"for='([^']+)'", response.text):
        assert f'id="{name}"' in response.text


@pytest.mark.parametrize("path", ["/user/ann", "/sign-in"])
def test_the_policy_names_every_script_within_a_page(home: House, path: str) -> None:
    client = home.visitor() if path == "/sign-in" else home.signed_in("ann")
    response = client.get(path)
    named = response.headers["content-security-policy"]
    found = re.findall(r"<script(?![^>]*(?:src=|json))[^>]*>(.+?)</script>", response.text, re.DOTALL)
    assert len(found) >= 2
    assert [script for script in found if source(script) not in named] == []


def test_every_page_has_the_headers(home: House) -> None:
    response = home.signed_in("ann").get("/user/ann")
    assert response.status_code == 200
    assert "'unsafe-inline'" not in response.headers["content-security-policy"].partition("style-src")[0]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["referrer-policy"] == "same-origin"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in response.headers
    assert "no-store" not in home.visitor().get("/assets/door.css").headers.get("cache-control", "")


def test_one_s_account_tells_who_one_is(home: House) -> None:
    assert "signed in as <b>ann</b>." in home.signed_in("ann").get("/account").text
    assert "an admin: you see all strategies" in home.signed_in("carl").get("/account").text


def test_behind_a_proxy_that_speaks_tls_the_cookie_is_for_tls_alone() -> None:
    tls = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
    with house(proxies=["127.0.0.1"], hosts=["risk.example"]) as one:
        client = client_of(one.address, headers={"host": "risk.example", **tls})
        response = client.post(
            "/sign-in", data={"username": "ann", "password": PASSWORD}, headers={"origin": "https://risk.example"}
        )
        cookie = response.headers["set-cookie"]
        assert cookie.startswith("__Host-riskcontrol-")
        assert "; Secure" in cookie
        assert response.headers["strict-transport-security"] == "max-age=31536000"
        token = cookie.partition("=")[2].partition(";")[0]
        for name, status in ((one.entrance.cookie("https"), 200), (one.entrance.cookie("http"), 401)):
            assert client.get("/_dash-layout", headers={"cookie": f"{name}={token}"}).status_code == status
        link = client.post(
            "/share",
            data={"ticker": "IBM", "name": "dip"},
            headers={"origin": "https://risk.example", "cookie": f"{one.entrance.cookie('https')}={token}"},
        )
        assert "https://risk.example/shared/" in link.text
        assert client.get("/sign-in", headers={"host": "other.example"}).status_code == 400
        assert client.get("/sign-in", headers={"host": "Risk.Example:443"}).status_code == 200
        # Each subscriber behind the proxy is a network of its own.
        sent = {"username": "ann", "password": OTHER}
        for _ in range(HERE.free + 2):
            last = client.post("/sign-in", data=sent, headers={"origin": "https://risk.example"})
        assert last.status_code == 429
        elsewhere = {"origin": "https://risk.example", "x-forwarded-for": "203.0.113.10"}
        assert client.post("/sign-in", data=sent, headers=elsewhere).status_code == 401
        client.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/share", "The address names no strategy."),
        ("/share?ticker=<b>&name=dip", "The address names no strategy."),
        ("/share?ticker=IBM&name=none", "You have no strategy none on IBM."),
        ("/share?ticker=BAC&name=mine", "You have no strategy mine on BAC."),
    ],
)
def test_a_page_to_share_that_leads_nowhere_says_so(home: House, address: str, said: str) -> None:
    answer = home.signed_in("ann").get(address)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>There is no such page</h1>" in answer.text
    assert said in answer.text
    assert "<b>" not in answer.text

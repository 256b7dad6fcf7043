"""People who try to read and change what is another's, through every callback and every address that there is.

The callbacks and addresses are asked of the application itself, so that a new one can't be forgotten: what a new
property holds on ann's pages has to be said in `ANNS`, or that it holds nothing of anybody in `NOBODYS`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from database.reads import Reader
from frontend import app as application
from frontend import exports, gate, market, pulse
from frontend.access import EVERYBODY, GuardedReader, Refused, Viewer, asked_by, guarded, viewer
from riskcontrol.accounts.links import Published
from riskcontrol.strategy import Action
from tests.frontend.accounts import House, house, people
from tests.frontend.conftest import Tape
from tests.frontend.fake import FakeReader, position, strategy, trader

SECRET_NAME = "anns-own-idea"
SECRET_CASH = 7_654_321_000_000
SPOKEN = (SECRET_NAME, "7654321", "7,654,321", "181.95")
"""What would give away ann's strategies: the name of one, its cash, and a price at which the other sold."""
STRATEGY = {"username": "ann", "ticker": "IBM", "name": "dip"}
FIELDS = {"new-username": "ann", "new-ticker": "ZZZ", "new-name": "theft", "new-cash": "10000", "new-buy": "price > 1"}

ANNS: dict[str, list[Any]] = {
    "username.data": ["ann"],
    "strategy.data": [STRATEGY, {**STRATEGY, "name": SECRET_NAME}],
    "leaders-user.value": ["ann"],
    "home-username.value": ["ann"],
    "find-username.value": ["ann"],
    "new-source.data": [{**STRATEGY, "edit": True}, {**STRATEGY, "name": SECRET_NAME, "edit": False}],
    "new-load.data": [STRATEGY, {**STRATEGY, "name": SECRET_NAME}],
    "new-typed.data": [{**FIELDS, "new-sizing": "all"}],
    **{f"{name}.value": [value] for name, value in FIELDS.items()},
    "alerts-url.value": ["https://example.com/"],
    "alerts-fills.checked": [True],
    "new-every.value": ["1m"],
    "new-begin.data": ["dip-and-rise"],
    "new-sizing.value": ["all"],
    "new-fill.value": ["next"],
    "new-session.value": ["regular"],
    "_pages_location.pathname": [
        "/user/ann",
        "/user/ann/IBM/dip",
        f"/user/ann/IBM/{SECRET_NAME}",
        "/new",
        "/leaders",
        "/",
    ],
    "_pages_location.search": ["?user=ann&from=IBM/dip&edit=1"],
}
"""By property: what it holds on ann's pages, or what somebody might put there who wants to read or change hers."""
CLICKS = {
    "find-username.n_submit", "home-go.n_clicks", "home-username.n_submit", "candles-twin.n_clicks",
    "pace-twin.n_clicks", "new-submit.n_clicks", "stop-confirm.n_clicks", "stop-cancel.n_clicks",
    "strategy-stop.n_clicks", "alerts-open.n_clicks", "alerts-save.n_clicks", "alerts-close.n_clicks", "bell.n_clicks",
}  # fmt: skip
"""Buttons and the like, one of which is pressed at a time."""
NOBODYS = {
    "alerts-address.value", "alerts-cap.value", "alerts-code.value", "alerts-drawdown.value", "alerts-email.checked",
    "alerts-quiet.value", "alerts-verdict.checked", "alerts-webhook.checked", "alerts-zone.value",
    "bell-clock.n_intervals", "bell-known.data",
    "board-there.data", "board-version.data", "candles-interval.value", "candles-period.value", "candles-version.data",
    "clock.interval", "clock.n_intervals",
    "health-version.data", "leaders-by.value", "leaders-version.data", "market.data",
    "new-again.data", "new-axis.data", "new-basis-points.value", "new-message.children", "new-minimum.value",
    "new-per-order.value", "new-per-share.value", "new-preview-state.data", "new-sell.value", "new-size.value",
    "new-slippage-basis-points.value", "new-stop-loss.value", "new-take-profit.value", "new-template.value",
    "new-ticker.error", "new-trailing-stop.value", "new-username.error",
    "pending.data", "strategy-again.data", "strategy-overview-twin.value",
    "strategy-period.value", "strategy-price-twin.value", "strategy-series-twin.value", "strategy-show.value",
    "strategy-tab.value", "strategy-version.data", "table-again.data", "table-version.data", "ticker-search.value",
    "ticker.data", "twin-version.data",
}  # fmt: skip
"""Properties that are about the market, the page itself, or numbers of a form."""


@dataclass
class Watched(FakeReader):
    """Notes whose rows are asked for."""

    whose: set[str] = field(default_factory=set)

    def strategies(self, username: str) -> Any:
        """Note whose."""
        self.whose.add(username)
        return super().strategies(username)

    def strategy(self, username: str, ticker: str, name: str) -> Any:
        """Note whose, and which."""
        self.whose |= {username, f"{username} {name}"}
        return super().strategy(username, ticker, name)

    def user_exists(self, username: str) -> bool:
        """Note whose."""
        self.whose.add(username)
        return super().user_exists(username)

    def positions(self, strategies: Any) -> Any:
        """Note whose."""
        self.whose |= {one.username for one in strategies}
        return super().positions(strategies)

    def fills(self, username: str, ticker: str, name: str, **more: Any) -> Any:
        """Note whose."""
        self.whose.add(username)
        return super().fills(username, ticker, name, **more)


def tables() -> Watched:
    """Ann with two strategies, bob with one, and leaders."""
    hers = trader()
    found = Watched(**{name: getattr(hers, name) for name in FakeReader.__dataclass_fields__})
    found.strategy_rows.append(strategy(name=SECRET_NAME, cash=SECRET_CASH))
    found.position_rows.append(position(name=SECRET_NAME, cash=SECRET_CASH))
    people(found)
    return found


@pytest.fixture(scope="module")
def sent() -> Iterator[Tape]:
    """What reaches the tape."""
    kept = Tape()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "_publish", kept.publish)
        patch.setattr(market, "FRESH_SECONDS", 0)
        patch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
        yield kept


@pytest.fixture(scope="module")
def shared(sent: Tape) -> Iterator[House]:
    with house(tables()) as one:
        yield one


@pytest.fixture
def home(shared: House, sent: Tape, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr(gate, "FRESH_SECONDS", 0.0)
    shared.tables.whose.clear()  # type: ignore[attr-defined]
    shared.store.pages.clear()
    shared.alerts.__init__()  # type: ignore[misc]  # as new
    shared.store.noted.clear()
    sent.sent.clear()
    return shared


def asked(home: House, client: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    """Call every callback with ann's values, once for each of its inputs and each value; yields what and the answer."""
    for dependency in home.visitor().get("/_dash-dependencies").json():
        if dependency["clientside_function"]:
            continue
        parts = dependency["inputs"] + dependency["state"]
        names = [f"{part['id']}.{part['property']}" for part in parts]
        unknown = set(names) - set(ANNS) - set(CLICKS) - NOBODYS
        assert not unknown, f"say what these hold on ann's pages, in ANNS or NOBODYS: {sorted(unknown)}"
        most = max(len(ANNS.get(name, [None])) for name in names)
        for triggered in dependency["inputs"]:
            trigger = f"{triggered['id']}.{triggered['property']}"
            for turn in range(most):
                values = {name: held[turn % len(held)] for name in names for held in [ANNS.get(name, [None])]}
                if trigger in CLICKS:
                    values[trigger] = 1
                sent = body(dependency, values, trigger)
                yield f"{dependency['output']} by {trigger}", client.post("/_dash-update-component", json=sent)


def body(dependency: dict[str, Any], values: dict[str, Any], trigger: str) -> dict[str, Any]:
    """Return what a browser sends to call a callback."""
    outputs = [
        {"id": name.rpartition(".")[0], "property": name.rpartition(".")[2]}
        for name in dependency["output"].strip(".").split("...")
    ]
    given = [
        [{**part, "value": values[f"{part['id']}.{part['property']}"]} for part in parts]
        for parts in (dependency["inputs"], dependency["state"])
    ]
    return {
        "output": dependency["output"],
        "outputs": outputs if dependency["output"].startswith("..") else outputs[0],
        "inputs": given[0],
        "state": given[1],
        "changedPropIds": [trigger],
    }


def test_the_attack_works_on_ann_herself(home: House, sent: Tape) -> None:
    answers = list(asked(home, home.signed_in("ann")))
    said = " ".join(answer.text for _, answer in answers)
    assert {answer.status_code for _, answer in answers} <= {200, 204}
    assert [word for word in SPOKEN if word not in said] == []
    assert {(one.username, one.name, action) for one, action in sent.sent} >= {
        ("ann", "theft", Action.OPEN),
        ("ann", "dip", Action.STOP),
        ("ann", SECRET_NAME, Action.STOP),
    }
    assert {key[2] for key in home.alerts.kept} == {"dip", SECRET_NAME}


def test_another_user_reads_and_changes_nothing(home: House, sent: Tape) -> None:
    refused = set()
    for what, answer in asked(home, home.signed_in("bob")):
        assert answer.status_code in (200, 204, 403), (what, answer.text)
        assert not [word for word in SPOKEN if word in answer.text], what
        if answer.status_code == 403:
            refused.add(what.partition(" by ")[0])
    assert len(refused) >= 5
    assert home.tables.whose == {"bob"}  # type: ignore[attr-defined]
    assert home.alerts.asked <= {"bob"}
    assert sent.sent == []


def test_what_one_was_shown_comes_out_of_no_cache_for_another(
    home: House, sent: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market, "FRESH_SECONDS", 1e9)
    for name in ("ann", "bob", "ann"):  # all that may be kept is, of both
        client = home.signed_in(name)
        for what, answer in asked(home, client):
            assert name == "ann" or not [word for word in SPOKEN if word in answer.text], what
    link = home.entrance.accounts.publish("ann", "IBM", "dip", now=home.clock.now)
    for what, answer in asked(home, with_link(home, link)):
        assert not [word for word in SPOKEN[:3] if word in answer.text], what
        assert answer.status_code == 403 or "leaders-version" not in what, what
    assert {answer.status_code for _, answer in asked(home, home.visitor())} == {401}


def test_nobody_s_callbacks_are_not_even_called(home: House, sent: Tape) -> None:
    before = list(home.tables.asked)
    for client in (home.visitor(), with_link(home, "A" * 43), with_link(home, "x")):
        assert {answer.status_code for _, answer in asked(home, client)} == {401}
    assert home.tables.asked == before
    assert sent.sent == []


def with_link(home: House, link: str) -> httpx.Client:
    """Return a browser that shows a page under a link."""
    client = home.visitor()
    client.headers["x-riskcontrol-link"] = link
    return client


def test_a_link_shows_one_strategy_and_changes_nothing(home: House, sent: Tape) -> None:
    link = home.entrance.accounts.publish("ann", "IBM", "dip", now=home.clock.now)
    shown = 0
    for what, answer in asked(home, with_link(home, link)):
        assert answer.status_code in (200, 204, 403), (what, answer.text)
        assert not [word for word in SPOKEN[:3] if word in answer.text], what
        assert answer.status_code == 403 or "new-graph" not in what  # nothing is computed for it but its page
        shown += "Bought at" in answer.text
    assert shown > 0
    assert sent.sent == []
    assert home.tables.whose == {"ann", "ann dip"}  # type: ignore[attr-defined]
    assert with_link(home, link).get("/leaders").status_code == 303
    for path in addresses():
        assert with_link(home, link).get(path).status_code == 401, path


def title(home: House, client: httpx.Client, path: str) -> str:
    """Return what a browser calls a page."""
    answer = home.page(client).call("_pages_store.data", "_pages_location.pathname", _pages_location__pathname=path)
    return str(answer["_pages_store.data"]["title"])


def test_a_page_under_a_link_is_called_what_the_link_opens(home: House) -> None:
    accounts, now = home.entrance.accounts, home.clock.now
    link, other = accounts.publish("ann", "IBM", "dip", now=now), accounts.publish("bob", "BAC", "mine", now=now)
    client = with_link(home, link)
    assert title(home, client, f"/shared/{link}") == "dip on IBM · RiskControl"
    for elsewhere in (f"/shared/{other}", f"/shared/{link}x", "/shared/x", "/user/ann", "/user/bob/BAC/mine"):
        assert title(home, client, elsewhere) == "RiskControl"


def test_a_page_that_is_refused_has_no_title_of_its_own(home: House) -> None:
    ann, bob = home.signed_in("ann"), home.signed_in("bob")
    for path, called in (("/user/ann", "ann"), ("/user/ann/IBM/dip", "dip on IBM")):
        assert title(home, ann, path) == f"{called} · RiskControl"
        assert title(home, bob, path) == "RiskControl"


def test_a_link_that_was_taken_back_shows_nothing(home: House) -> None:
    link = home.entrance.accounts.publish("ann", "IBM", "dip", now=home.clock.now)
    assert home.visitor().get(f"/shared/{link}").status_code == 200
    home.store.take_back("ann", "IBM", "dip")
    assert {answer.status_code for _, answer in asked(home, with_link(home, link))} == {401}
    response = home.visitor().get(f"/shared/{link}")
    assert response.status_code == 404
    assert "leads nowhere" in response.text
    assert link not in response.text


def test_an_admin_sees_all_and_changes_nothing(home: House, sent: Tape) -> None:
    said = " ".join(answer.text for _, answer in asked(home, home.signed_in("carl")))
    assert [word for word in SPOKEN if word not in said] == []
    assert sent.sent == []


def addresses() -> list[str]:
    """Return where ann's files are."""
    files = [(what, kind) for what in ("fills", "equity") for kind in ("csv", "parquet")]
    return [exports.address("ann", "IBM", name, *file) for name in ("dip", SECRET_NAME, "none") for file in files]


def test_files_are_for_their_owner_and_admins(home: House) -> None:
    ann, bob, carl = (home.signed_in(name) for name in ("ann", "bob", "carl"))
    for path in addresses():
        there = "/none/" not in path
        assert ann.get(path).status_code == (200 if there else 404)
        assert carl.get(path).status_code == (200 if there else 404)
        # Whether there is such a strategy is not told either.
        assert (bob.get(path).status_code, bob.get(path).json()["detail"]) == (403, Refused().detail)
        assert home.visitor().get(path).status_code == 401


def test_every_other_address_asks_for_a_session(home: House) -> None:
    open_ones = {"/sign-in", "/register", "/api/v1/health", "/api/v1/ready", "/_dash-dependencies"}
    found = set()
    for route in home.app.routes:
        if not isinstance(route, Route) or route.path in open_ones or "_dash-component-suites" in route.path:
            continue
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        for method in route.methods or ():
            found.add(path)
            kind = "application/x-www-form-urlencoded" if path in application.FORMS else "application/json"
            answer = home.visitor().request(
                method, path, content=b"" if method == "POST" else None, headers={"content-type": kind}
            )
            assert answer.status_code in (303, 401), (method, path)
            assert answer.status_code == 401 or answer.headers["location"].startswith("/sign-in")
    assert {"/", "/account", "/share", "/_dash-layout", "/_dash-update-component", "/sign-out"} <= found


def test_leaders_name_nobody_but_oneself(home: House) -> None:
    def ranking(username: str) -> list[dict[str, Any]]:
        page = home.page(home.signed_in(username))
        rows: list[dict[str, Any]] = page.call("ranking.rowData", "market.data", leaders_by__value="return")[
            "ranking.rowData"
        ]
        return rows

    hers, his, all_ = ranking("ann"), ranking("bob"), ranking("carl")
    assert [row["user"] for row in hers if row["address"]] == ["ann"]
    assert hers[2]["own"]
    assert [row["user"] for row in his if row["address"]] == []
    assert "ann" not in {row["user"] for row in his}
    assert "user0" not in json.dumps(his)
    assert '"dip"' not in json.dumps(his)
    assert all_[2]["user"] == "ann"
    assert all_[2]["address"] == "/user/ann/IBM/dip"
    assert hers[0]["user"] == his[0]["user"] != all_[0]["user"]
    assert len({row["id"] for row in his}) == len(his)


def test_pages_are_made_for_who_is_signed_in(home: House) -> None:
    def shown(client: httpx.Client, path: str, search: str = "") -> str:
        location = {"_pages_location__pathname": path, "_pages_location__search": search}
        return str(home.page(client).post("_pages_content.children", "_pages_location.pathname", **location).text)

    ann, carl = home.signed_in("ann"), home.signed_in("carl")
    new = shown(ann, "/new", "?user=bob")
    assert '"readOnly":true' in new
    assert '"value":"ann"' in new
    assert '"value":"bob"' not in new
    assert '"value":"bob"' not in shown(ann, "/leaders", "?user=bob")
    assert '"value":"bob"' in shown(carl, "/leaders", "?user=bob")
    frame = ann.get("/_dash-layout").text
    assert "Account ann" in frame
    assert "bob" not in frame
    assert '"data":"ann"' in frame  # whose pages the navigation leads to


@pytest.mark.parametrize("form", [{"ticker": "IBM", "name": "dip"}, {"ticker": "IBM", "name": SECRET_NAME}])
def test_only_the_owner_publishes_and_takes_back(home: House, form: dict[str, str]) -> None:
    home.entrance.accounts.publish("ann", "IBM", "dip", now=home.clock.now)
    before = dict(home.store.pages)
    for name in ("bob", "carl"):
        client = home.signed_in(name)
        for do in ("publish", "take-back"):
            assert client.post("/share", data={**form, "do": do, "username": "ann"}).status_code == 404
        assert client.get("/share", params={**form, "username": "ann"}).status_code == 404
    assert home.store.pages == before


def test_an_owner_publishes_a_page_and_takes_it_back(home: House) -> None:
    client = home.signed_in("ann")
    which = {"ticker": "IBM", "name": "dip"}
    assert "Nobody but you sees it." in client.get("/share", params=which).text
    published = client.post("/share", data={**which, "do": "publish"})
    found = re.search(rf"{re.escape(home.address)}(/shared/[A-Za-z0-9_-]{{43}})'", published.text)
    assert found is not None
    assert home.visitor().get(found[1]).status_code == 200
    assert found[1] not in client.get("/share", params=which).text  # it is shown once
    assert "dip on IBM" in client.get("/account").text
    client.post("/share", data={**which, "do": "take-back"})
    assert home.visitor().get(found[1]).status_code == 404


@pytest.mark.parametrize("which", [{"ticker": "<b>", "name": "x"}, {"ticker": "IBM", "name": "'><script>"}, {}])
def test_what_is_no_strategy_can_not_be_published(home: House, which: dict[str, str]) -> None:
    client = home.signed_in("ann")
    for response in (client.get("/share", params=which), client.post("/share", data={**which, "do": "publish"})):
        assert response.status_code == 404
        assert "'><script>" not in response.text
        assert "<b>" not in response.text


def test_the_reader_lets_nothing_through_that_nobody_decided_on() -> None:
    methods = {name for name, value in vars(Reader).items() if callable(value) and not name.startswith("_")}
    assert methods <= set(vars(GuardedReader))
    assert viewer() == Viewer()  # outside of a request, whoever asks is nobody
    guarded = GuardedReader(tables())
    for ask in (
        lambda: guarded.strategies("ann"),
        lambda: guarded.strategy("ann", "IBM", "dip"),
        lambda: guarded.user_exists("ann"),
        lambda: guarded.positions([strategy()]),
        lambda: guarded.fills("ann", "IBM", "dip"),
        lambda: guarded.newest_fills([strategy()], limit=1),
        guarded.leaders,
    ):
        with pytest.raises(Refused):
            ask()
        with asked_by(EVERYBODY):
            assert ask() is not None


def test_one_of_some_strategies_that_is_another_s_refuses_all() -> None:
    guarded = GuardedReader(tables())
    with asked_by(Viewer("bob")), pytest.raises(Refused):
        guarded.positions([strategy(username="bob", ticker="BAC", name="mine"), strategy()])


def test_a_viewer_sees_and_changes_what_is_theirs() -> None:
    page = Published("ann", "IBM", "dip", "digest", dt.datetime.now(dt.UTC))
    ann, admin, linked = Viewer("ann"), Viewer("carl", everything=True), Viewer(shown=page)
    assert ann.sees("ann")
    assert not ann.sees("bob", "IBM", "dip")
    assert admin.sees("ann")
    assert admin.changes("carl")
    assert not admin.changes("ann")
    assert linked.sees("ann", "IBM", "dip")
    assert not linked.sees("ann")
    assert not linked.sees("ann", "IBM", "other")
    assert not linked.sees("")
    assert not Viewer().sees("")
    assert not Viewer().changes("")
    assert (ann.only, admin.only, EVERYBODY.only) == ("ann", "", "")


def test_a_page_is_for_those_who_see_its_user() -> None:
    show = guarded(lambda **given: given, lambda why: why)
    with asked_by(Viewer("ann")):
        assert show(username="ann") == {"username": "ann"}
        assert "theirs alone" in show(username="bob")
        assert "theirs alone" in show(username="%62ob")
        assert "theirs alone" in show(username=["ann", "bob"])
        assert show(user="bob") == {"user": "bob"}
    assert "theirs alone" in show()

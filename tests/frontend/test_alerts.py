"""The form on a strategy's page, and the bell: for the owner alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from frontend import bell, gate, market
from frontend.access import Refused, Viewer, asked_by
from frontend.alert_panel import SWITCHES, TEXTS
from frontend.bell import toasts
from frontend.own_alerts import OwnAlerts, Wanted
from riskcontrol.alerts import box as boxes
from riskcontrol.alerts.box import FAILED
from riskcontrol.alerts.events import FILL, Event
from riskcontrol.alerts.rules import MOST_RULES, Contact, Rule
from riskcontrol.errors import AlertError
from tests.alerts.fake import KEYS, NOW, FakeAlerts
from tests.frontend.accounts import House, house
from tests.frontend.conftest import Page

IBM = {"username": "ann", "ticker": "IBM", "name": "dip"}
RULE = Rule("ann", "IBM", "dip", fills=0, webhook=True)


@pytest.fixture(scope="module")
def shared() -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market, "FRESH_SECONDS", 0)
        patch.setattr(gate, "FRESH_SECONDS", 0.0)
        with house() as one:
            yield one


@pytest.fixture
def home(shared: House) -> House:
    shared.alerts.__init__()  # type: ignore[misc]  # as new
    return shared


@pytest.fixture
def page(home: House) -> Page:
    return home.page(home.signed_in("ann"))


def typed(**given: Any) -> dict[str, Any]:
    """Return the form's values by property, as `Page.call` takes them."""
    values = {**dict.fromkeys(SWITCHES, False), **dict.fromkeys(TEXTS, ""), **given}
    kinds = {**dict.fromkeys(SWITCHES, "checked"), **dict.fromkeys(TEXTS, "value")}
    return {f"alerts_{name}__{kinds[name]}": value for name, value in values.items()}


def save(page: Page, which: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
    return page.call("alerts-message.children", "alerts-save.n_clicks", alerts_save__n_clicks=1,
                     strategy__data=which or IBM, **typed(**given))  # fmt: skip


def note(home: House, count: int, words: str = "bought 1", username: str = "ann") -> None:
    """Put events into a user's list."""
    version, box = home.alerts.box(username)
    rule = replace(RULE, username=username)
    events = [Event(FILL, number, 1_381_152_600 * 10**9, words) for number in range(box.last + 1, box.last + count + 1)]
    contact = Contact(username, url="https://example.com/")
    change = boxes.note(box, rule, contact, (events, box.cursor(rule).after(box.last + count)), KEYS, NOW)
    assert home.alerts.change(username, version, change)


def test_what_is_saved_is_what_the_form_shows_again(home: House, page: Page) -> None:
    given = {"fills": True, "webhook": True, "drawdown": "12.5 %", "url": "https://example.com/hook", "cap": "7",
             "quiet": "22:00 - 07:00", "zone": "Europe/Berlin"}  # fmt: skip
    answer = save(page, **given)
    secret = answer["alerts-message.children"][0]["props"]["children"][1]["props"]["children"]
    contact = home.alerts.places["ann"]
    assert secret == KEYS.webhook(contact)
    assert answer["alerts-dialog.opened"] is True  # so that the secret can be read
    rule = home.alerts.kept["ann", "IBM", "dip"]
    assert (rule.fills, rule.verdict, rule.drawdown, rule.webhook, rule.email) == (3, None, 125_000, True, False)
    shown = page.call("alerts-zone.data", "alerts-open.n_clicks", alerts_open__n_clicks=1, strategy__data=IBM)
    assert shown["alerts-fills.checked"] is True
    assert shown["alerts-verdict.checked"] is False
    assert shown["alerts-drawdown.value"] == "12.5"
    assert shown["alerts-quiet.value"] == "22:00-07:00"
    assert shown["alerts-zone.value"] == "Europe/Berlin"
    assert shown["alerts-cap.value"] == "7"
    assert "Europe/Berlin" in shown["alerts-zone.data"]
    assert "whsec_" not in str(shown)
    again = save(page, **given)
    assert again["alerts-dialog.opened"] is False
    assert home.alerts.places["ann"] == contact
    save(page, **{**given, "fills": False, "drawdown": "", "url": "", "webhook": False})
    assert home.alerts.kept == {}
    assert home.alerts.places["ann"].salt == ""


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"drawdown": "100"}, "drawdown", "It must be more than 0"),
        ({"url": "http://127.0.0.1/"}, "url", "It must begin with https://"),
        ({"webhook": True}, "url", "It must be there for what goes by webhook."),
        ({"email": True}, "address", "It must be there for what goes by e-mail."),
        ({"address": "ann@example.com\nBcc: bob@example.com"}, "address", "It must be an address"),
        ({"address": "ann@example.com", "code": "AAAAAAAA"}, "code", "It is not the code that was sent"),
        ({"quiet": "22-7"}, "quiet", "It must be like 22:00-07:00"),
        ({"quiet": "22:00-07:00", "zone": "Mars"}, "zone", "It must be the name of a time zone"),
        ({"cap": "1000"}, "cap", "It must be a whole number"),
    ],
)
def test_what_can_not_be_accepted_is_told_at_its_field(
    home: House, page: Page, given: dict[str, Any], field: str, said: str
) -> None:
    answer = save(page, **given)
    assert answer[f"alerts-{field}.error"].startswith(said)
    assert home.alerts.kept == {}
    assert home.alerts.places == {}


def test_an_address_is_confirmed_by_its_code_and_a_new_one_has_to_be_anew(home: House, page: Page) -> None:
    answer = save(page, fills=True, email=True, address="ann@example.com")
    assert "A code is on its way to ann@example.com" in str(answer["alerts-message.children"])
    assert not home.alerts.places["ann"].confirmed
    code = KEYS.code("ann", "ann@example.com")
    save(page, fills=True, email=True, address="ann@example.com", code=code.lower())
    assert home.alerts.places["ann"].confirmed
    save(page, fills=True, email=True, address="ann@example.com")
    assert home.alerts.places["ann"].confirmed
    save(page, fills=True, email=True, address="eve@example.com")
    assert not home.alerts.places["ann"].confirmed


@pytest.mark.parametrize("who", ["bob", "carl"])
def test_nobody_else_sees_or_sets_them_an_admin_neither(home: House, who: str) -> None:
    home.alerts.set_rule(RULE)
    home.alerts.set_contact(Contact("ann", url="https://example.com/anns-hook", salt="0" * 32))
    note(home, 2, "anns secret")
    home.alerts.asked.clear()
    other = home.page(home.signed_in(who))
    for output, trigger in (("alerts-zone.data", "alerts-open"), ("alerts-message.children", "alerts-save")):
        clicked = {f"{trigger.replace('-', '_')}__n_clicks": 1}
        answer = other.post(output, f"{trigger}.n_clicks", strategy__data=IBM, **clicked, **typed(fills=True))
        assert (answer.status_code, answer.json()) == (403, {"detail": Refused().detail})
    rung = other.post("bell-known.data", "bell-clock.n_intervals")
    shown = other.post("bell-list.children", "bell.n_clicks", bell__n_clicks=1)
    assert "anns" not in rung.text + shown.text
    assert home.alerts.asked <= {who}
    assert home.alerts.kept == {RULE.key: RULE}


def test_whoever_has_a_link_has_no_bell_and_no_form(home: House) -> None:
    note(home, 2)
    link = home.entrance.accounts.publish("ann", "IBM", "dip", now=home.clock.now)
    client = home.visitor()
    client.headers["x-riskcontrol-link"] = link
    other = home.page(client)
    assert other.call("bell-known.data", "bell-clock.n_intervals") == {}
    answer = other.post("alerts-zone.data", "alerts-open.n_clicks", alerts_open__n_clicks=1, strategy__data=IBM)
    assert answer.status_code == 403


def test_only_strategies_that_there_are_have_alerts_and_not_too_many(home: House, page: Page) -> None:
    answer = page.post("alerts-message.children", "alerts-save.n_clicks", alerts_save__n_clicks=1,
                       strategy__data={**IBM, "name": "none"}, **typed(fills=True))  # fmt: skip
    assert answer.status_code == 404
    for number in range(MOST_RULES):
        home.alerts.set_rule(replace(RULE, name=f"other{number}"))
    assert "100 strategies have alerts" in str(save(page, fills=True)["alerts-message.children"])


def test_the_bell_counts_what_is_new_until_it_is_looked_at(home: House, page: Page) -> None:
    first = page.call("bell-known.data", "bell-clock.n_intervals", bell_clock__n_intervals=1)
    assert first["bell-known.data"] == {"last": 0, "seen": 0}
    assert "toasts.sendNotifications" not in first
    note(home, 2)
    known = first["bell-known.data"]
    second = page.call("bell-known.data", "bell-clock.n_intervals", bell_known__data=known)
    assert second["bell-count.children"][0]["props"]["children"] == "2"
    told = second["toasts.sendNotifications"]
    assert [one["message"] for one in told] == ["dip on IBM bought 1"] * 2
    known = second["bell-known.data"]
    assert page.call("bell-known.data", "bell-clock.n_intervals", bell_known__data=known) == {}
    opened = page.call("bell-list.children", "bell.n_clicks", bell__n_clicks=1)
    assert opened["bell-list.hidden"] is False
    assert opened["bell-count.children"] == []
    assert home.alerts.seen == {"ann": 2}
    third = page.call("bell-known.data", "bell-clock.n_intervals", bell_known__data=known)
    assert third["bell-count.children"] == []
    assert "toasts.sendNotifications" not in third
    folded = page.call("bell-list.children", "bell.n_clicks", bell__n_clicks=2)
    assert folded == {"bell-list.hidden": True, "bell.aria-expanded": "false"}
    # A page that is loaded anew counts, and doesn't show the old ones again.
    assert "toasts.sendNotifications" not in page.call("bell-known.data", "bell-clock.n_intervals")


def test_the_list_has_the_newest_first_with_what_became_of_them(home: House, page: Page) -> None:
    note(home, 40)
    version, box = home.alerts.box("ann")
    assert home.alerts.change("ann", version, boxes.Change(box, marks=[(40, "webhook", FAILED)]))
    shown = page.call("bell-list.children", "bell.n_clicks", bell__n_clicks=1)["bell-list.children"]
    items = shown[1]["props"]["children"]
    assert len(items) == bell.MOST_LISTED
    assert "2013-10-07 09:30:00" in str(items[0])
    assert " · webhook failed" in str(items[0])
    assert " · webhook waits" in str(items[1])
    assert "/user/ann/IBM/dip" in str(items[0])


def test_words_are_text_and_never_html(home: House, page: Page) -> None:
    note(home, 1, "<img src=x onerror=alert(1)>")
    shown = page.call("bell-list.children", "bell.n_clicks", bell__n_clicks=1)["bell-list.children"]
    words = shown[1]["props"]["children"][0]["props"]["children"][1]["props"]["children"][1]
    assert words == " <img src=x onerror=alert(1)>"
    assert "dangerously" not in str(shown)


def test_more_than_three_at_once_are_counted_in_one_toast(home: House) -> None:
    note(home, 9)
    shown = toasts(home.alerts.newest("ann", 3), 9)
    assert [one["message"].partition(" ")[0] for one in shown] == ["7", "dip", "dip"]
    assert [one["id"] for one in toasts(home.alerts.newest("ann", 2), 2)] == ["alert-8", "alert-9"]


def test_without_a_database_the_form_says_so_and_the_bell_is_quiet(home: House, page: Page) -> None:
    home.alerts.away = True
    assert page.call("bell-known.data", "bell-clock.n_intervals") == {}
    shown = page.call("alerts-zone.data", "alerts-open.n_clicks", alerts_open__n_clicks=1, strategy__data=IBM)
    assert "can't be shown while the database is away" in str(shown["alerts-message.children"])
    assert "It was not saved" in str(save(page, fills=True)["alerts-message.children"])


@pytest.mark.parametrize(
    "values", [{"alerts_url__value": 7}, {"alerts_cap__value": "9" * 1_000}, {"strategy__data": []}]
)
def test_what_no_page_sends_is_refused(home: House, page: Page, values: dict[str, Any]) -> None:
    given = {"strategy__data": IBM, **typed(), **values}
    answer = page.post("alerts-message.children", "alerts-save.n_clicks", alerts_save__n_clicks=1, **given)
    assert answer.status_code == 400
    assert home.alerts.kept == {}


def test_outside_of_a_request_nobody_reads_or_writes_them() -> None:
    own = OwnAlerts(FakeAlerts(), lambda: KEYS)
    wanted = Wanted(RULE, True, False, Contact("ann"))
    for ask in (
        lambda: own.rule(*RULE.key),
        lambda: own.contact("ann"),
        lambda: own.unseen("ann"),
        lambda: own.newest("ann", 1),
        lambda: own.look("ann", 1),
        lambda: own.set(wanted, 0),
    ):
        with pytest.raises(Refused):
            ask()
        with asked_by(Viewer("carl", everything=True)), pytest.raises(Refused):
            ask()
        with asked_by(Viewer("ann")):
            ask()
    with asked_by(Viewer("ann")), pytest.raises(AlertError, match="code"):
        own.set(replace(wanted, contact=Contact("ann", email="a@example.com"), code="x"), 0)

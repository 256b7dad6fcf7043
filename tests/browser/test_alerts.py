"""Alerts in a real browser: set on a strategy's page, rung for, listed, looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from frontend import bell, gate, market, pulse
from frontend.toasts import MOST_SHOWN
from riskcontrol.alerts import box as boxes
from riskcontrol.alerts.events import FILL, Event
from riskcontrol.alerts.rules import Contact, Rule
from tests.alerts.fake import KEYS, NOW
from tests.browser.axe import findings
from tests.browser.conftest import fits, hosted_port
from tests.browser.test_accounts import sign_in
from tests.frontend.accounts import House, house


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(market, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(gate, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(bell, "CLOCK_MS", 300)
    monkeypatch.setattr(bell, "_TOAST_SECONDS", 60.0)  # a busy machine is slow
    with house(port=hosted_port()) as one:
        yield one


def note(home: House, words: str) -> None:
    """Note a fill of ann's strategy, as the follower does."""
    version, box = home.alerts.box("ann")
    rule = home.alerts.kept["ann", "IBM", "dip"]
    event = Event(FILL, box.last + 1, 1_381_152_600 * 10**9, words)
    contact = Contact("ann", url="https://example.com/")
    change = boxes.note(box, rule, contact, ([event], box.cursor(rule).after(box.last + 1)), KEYS, NOW)
    assert home.alerts.change("ann", version, change)


KNOWN = """() => {
    try {
        return window.dash_component_api.getLayout("bell-known").props.data;
    } catch (error) {
        return false; // the page isn't made yet
    }
}"""
"""Whether the bell has its first answer: a click before that may come before its script."""


HEARD = """last => (window.dash_component_api.getLayout("bell-known").props.data || {}).last === last"""
APART = """() => {
    const list = document.getElementById("bell-list").getBoundingClientRect();
    return [...document.querySelectorAll(".mantine-Notifications-notification")].every(each => {
        const toast = each.getBoundingClientRect();
        return toast.top >= list.bottom || toast.right <= list.left;
    });
}"""
"""Whether no toast covers the list."""


def test_alerts_are_set_on_a_strategy_s_page_ring_and_are_listed(home: House, page: Page) -> None:
    page.goto(f"{home.address}/user/ann/IBM/dip")
    sign_in(page, "ann")
    page.get_by_role("button", name="Alerts", exact=True).click()
    form = page.get_by_role("dialog", name="Alerts of this strategy")
    form.get_by_label("each fill").check()
    form.get_by_label("by webhook").check()
    form.get_by_label("when it falls further").fill("12.5")
    assert findings(page) == []
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("It must be there for what goes by webhook.")).to_be_visible()
    form.get_by_label("Webhook", exact=True).fill("https://example.com/hook")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#alerts-secret")).to_contain_text("whsec_")
    rule = home.alerts.kept["ann", "IBM", "dip"]
    assert (rule.fills, rule.drawdown, rule.webhook) == (3, 125_000, True)
    form.get_by_role("button", name="Close", exact=True).last.click()
    expect(form).to_be_hidden()
    ring = page.locator("#bell")
    expect(ring.locator(".sign-bell")).to_have_css("width", "18px")  # the picture has a size
    page.wait_for_function(KNOWN)
    note(home, "bought 55 at $182.00")
    note(home, "<b>sold</b> 55 at $183.00")
    expect(ring).to_have_accessible_name("List of alerts 2 new")
    expect(page.get_by_text("dip on IBM bought 55 at $182.00")).to_be_visible()  # the toast
    ring.focus()
    page.keyboard.press("Enter")
    listed = page.get_by_role("region", name="Alerts", exact=True)
    expect(listed.get_by_role("listitem")).to_have_count(2)
    expect(listed.get_by_role("listitem").first).to_contain_text("<b>sold</b> 55 at $183.00")
    expect(ring).to_have_accessible_name("List of alerts")
    expect(ring).to_have_attribute("aria-expanded", "true")
    assert findings(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    fits(page, 390)
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    expect(ring).to_be_focused()
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.reload()
    page.wait_for_function(KNOWN)
    expect(ring).to_have_accessible_name("List of alerts")
    page.emulate_media(color_scheme="dark")
    ring.click()
    expect(listed.get_by_role("listitem")).to_have_count(2)
    assert findings(page, colours=True) == []
    page.locator("h1").click()
    expect(listed).to_be_hidden()


def test_the_list_and_what_shows_itself_meanwhile_can_both_be_read(home: House, page: Page) -> None:
    home.alerts.set_rule(Rule("ann", "IBM", "dip", fills=0))
    for number in range(30):
        note(home, f"bought {number} at $182.00 after it fell below the average of twenty minutes")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{home.address}/user/ann/IBM/dip")
    sign_in(page, "ann")
    page.wait_for_function(KNOWN)
    listed = page.get_by_role("region", name="Alerts", exact=True)
    shown = page.locator(".mantine-Notifications-notification")
    for width, height, known in ((1440, 900, 30), (390, 844, 36)):
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        page.wait_for_function(KNOWN)
        page.locator("#bell").click()
        expect(listed.get_by_role("listitem")).to_have_count(30)
        expect(shown).to_have_count(0)
        for count in (3, 6):
            while home.alerts.box("ann")[1].last < known + count:
                note(home, "sold 55 at $183.00 after it rose above the average of twenty minutes")
            page.wait_for_function(HEARD, arg=known + count)
        expect(shown).to_have_count(MOST_SHOWN)
        expect(shown.last).to_have_css("opacity", "1")
        assert page.evaluate(APART), width
        expect(listed.get_by_role("listitem").first).to_be_in_viewport(ratio=1)
        expect(shown.last).to_be_in_viewport(ratio=1)

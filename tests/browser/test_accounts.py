"""Accounts in a real browser: the way in, one's own page, the page of another, a link, the way out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from frontend import gate, market, pulse
from tests.accounts.fake import PASSWORD
from tests.browser.axe import findings
from tests.browser.conftest import hosted_port
from tests.frontend.accounts import House, house

OTHER = "nine blue herons"
SCHEME = "document.documentElement.getAttribute('data-mantine-color-scheme')"
ROWS = "#table .ag-center-cols-container .ag-row"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The application with accounts, where a link that is taken back is so at once."""
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(market, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(gate, "FRESH_SECONDS", 0.0)
    with house(port=hosted_port()) as one:
        yield one


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    page.get_by_label("Username", exact=True).fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def test_the_way_in_one_s_own_page_another_s_and_the_way_out(home: House, page: Page) -> None:
    page.goto(f"{home.address}/user/ann")
    page.wait_for_url(re.compile("/sign-in"))
    page.get_by_role("link", name="Register").click()
    # By keyboard alone: the first field has the focus, Tab leads through, Enter sends.
    expect(page.get_by_label("Username", exact=True)).to_be_focused()
    page.keyboard.type("dora")
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.type(OTHER)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/user/dora$"))
    expect(page.locator("#no-positions")).to_contain_text("no strategies yet")
    expect(page.get_by_role("link", name="Account dora")).to_be_visible()
    expect(page.locator("#find-username")).to_be_hidden()
    page.goto(f"{home.address}/user/ann/IBM/dip")
    expect(page.locator("#address-error")).to_contain_text("What others do is theirs alone")
    page.get_by_role("link", name="Your strategies").click()
    page.wait_for_url(re.compile("/user/dora$"))
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in"))
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")
    page.go_back()
    page.wait_for_url(re.compile("/sign-in"))


def test_a_session_that_ends_elsewhere_leads_to_the_door_and_back(home: House, page: Page, expected: list[str]) -> None:
    expected.append("status of 401")  # of the wrong password, and of what the page asks without a session
    page.goto(f"{home.address}/user/ann")
    sign_in(page, "ann", OTHER)
    expect(page.get_by_role("alert")).to_have_text("That username and password don't belong together.")
    expect(page.get_by_label("Username", exact=True)).to_have_value("ann")
    sign_in(page, "ann")
    expect(page.locator(ROWS)).to_have_count(1)
    page.evaluate("sessionStorage.setItem('riskcontrol draft', '1')")
    home.entrance.accounts.sign_out_everywhere(home.store.kept["ann"], now=home.clock.now)
    page.wait_for_url(re.compile("/sign-in"))
    assert page.evaluate("sessionStorage.length") == 0
    sign_in(page, "ann")
    page.wait_for_url(re.compile("/user/ann$"))


def test_one_publishes_a_page_that_a_stranger_reads_until_it_is_taken_back(
    home: House, page: Page, expected: list[str]
) -> None:
    expected.append("status of 40")  # what the page asks when its link is gone, and the page that says so
    page.goto(f"{home.address}/user/ann/IBM/dip")
    sign_in(page, "ann")
    page.get_by_role("link", name="Share").click()
    page.get_by_role("button", name="Publish under a link").click()
    link = page.get_by_label("Link").input_value()
    assert findings(page) == []
    page.goto(f"{home.address}/account")
    page.get_by_role("button", name="Sign out here").click()
    page.wait_for_url(re.compile("/sign-in"))
    page.goto(link)
    expect(page.locator("#strategy-position")).to_contain_text("Bought at")
    expect(page.get_by_role("heading", name="dip on IBM")).to_be_visible()
    for gone in ("Stop", "Share", "Clone", "Edit", "Export"):
        expect(page.get_by_text(gone, exact=True)).to_be_hidden()
    assert findings(page) == []
    home.store.take_back("ann", "IBM", "dip")
    expect(page.get_by_text("This link leads nowhere")).to_be_visible()


def test_a_key_is_made_shown_once_and_revoked(home: House, page: Page) -> None:
    page.goto(f"{home.address}/account")
    sign_in(page, "ann")
    page.get_by_role("link", name="Your keys").click()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Make a key that may read, open and stop").click()
    shown = page.get_by_label("The new key")
    number = shown.input_value()[:19]
    assert findings(page) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.goto(f"{home.address}/keys")
    expect(shown).to_be_hidden()
    expect(page.get_by_text(number)).to_be_visible()
    page.get_by_role("button", name=f"Revoke: key {number.removeprefix('rc_')}").click()
    expect(page.get_by_text("revoked 2025-10-09")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke")).to_be_hidden()


def test_the_pages_at_the_door_are_for_everybody(home: House, page: Page) -> None:
    for path in ("/sign-in", "/register", "/account", "/keys", "/share?ticker=IBM&name=dip"):
        page.set_viewport_size({"width": 1440, "height": 1000})
        page.emulate_media(color_scheme="dark")
        page.goto(f"{home.address}{path}", wait_until="commit")
        page.wait_for_selector("body", state="attached")
        assert page.evaluate(SCHEME) == "dark", path
        if path == "/account":  # the first behind the door
            sign_in(page, "ann")
            page.wait_for_url(f"{home.address}{path}")
            assert page.evaluate(SCHEME) == "dark", path
        assert page.url == f"{home.address}{path}"
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        behind = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert behind == "rgb(20, 21, 23)", path
        assert findings(page) == [], path
        page.emulate_media(color_scheme="light")
        page.reload()
        assert page.evaluate(SCHEME) == "light", path
        assert findings(page, colours=True) == [], path
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path

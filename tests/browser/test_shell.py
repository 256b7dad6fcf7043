"""What surrounds every page, in a real browser: the ways to the others, the stream's state, light and dark."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from frontend import market, pulse
from frontend.app import create_app
from riskcontrol.settings import Settings
from riskcontrol.trades import NS_PER_SECOND
from tests.browser.conftest import NOW, hosted, hosted_port, turn
from tests.frontend.fake import FakeReader, trader
from tests.frontend.serving import served

PRICE = '#table .ag-row[row-id="IBM dip"] [col-id="value"]'
SCHEME = "document.documentElement.getAttribute('data-mantine-color-scheme')"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    # The rows of a test are written once, not by a stream that goes on.
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(market, "FRESH_SECONDS", 0.0)


@pytest.fixture
def tables() -> FakeReader:
    return trader()


@pytest.fixture
def pages(tables: FakeReader) -> Iterator[str]:
    """The address of the pages over tables in memory."""
    with hosted(create_app(Settings(), reader=tables)) as address:
        yield address


def test_the_navigation_knows_the_page_and_the_user_visited_last(pages: str, page: Page) -> None:
    page.goto(pages)
    ways = page.get_by_role("navigation", name="Pages")
    expect(ways.get_by_role("link", name="Overview")).to_have_attribute("href", "/")
    turn(page, "/user/ann")
    expect(ways.get_by_role("link", name="Overview")).to_have_attribute("href", "/user/ann")
    expect(ways.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    page.goto(f"{pages}/user/nobody")  # loaded anew: who was visited is kept
    expect(page.locator("#no-positions")).to_be_visible()
    expect(page).to_have_title("nobody · RiskControl")
    ways.get_by_role("link", name="Leaders").click()
    page.wait_for_url(re.compile(r"/leaders\?.*user=ann"))
    expect(page).to_have_title("Leaders · RiskControl")
    expect(ways.get_by_role("link", name="Leaders")).to_have_attribute("aria-current", "page")
    ways.get_by_role("link", name="Overview").click()
    page.wait_for_url(re.compile(r"/user/ann$"))


def test_a_narrow_screen_says_that_trades_are_simulated_and_folds_the_navigation_which_the_keyboard_unfolds(
    tables: FakeReader, page: Page
) -> None:
    with hosted(create_app(Settings(), reader=tables, simulated=True)) as address:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{address}/market")
        expect(page.locator(".simulated")).to_be_in_viewport()
        expect(page.locator(".simulated")).to_contain_text("Simulated")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        turn(page, "/user/ann")
        expect(page.locator("#table .ag-row").first).to_be_visible()
        market_way = page.get_by_role("link", name="Market")
        expect(market_way).to_be_hidden()
        burger = page.get_by_role("button", name="Pages")
        burger.focus()
        page.keyboard.press("Enter")
        expect(market_way).to_be_visible()
        expect(burger).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Escape")
        expect(market_way).to_be_hidden()
        expect(burger).to_be_focused()
        burger.click()
        page.get_by_role("link", name="Leaders").click()
        page.wait_for_url(re.compile("/leaders"))
        expect(market_way).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_tab_skips_to_the_content_and_leads_from_a_heading_of_a_table_into_its_rows(pages: str, page: Page) -> None:
    page.goto(f"{pages}/user/ann")
    expect(page.locator(PRICE)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    assert page.url.endswith("/user/ann")
    page.locator(".heading").get_by_role("link", name="New strategy").focus()
    page.keyboard.press("Tab")
    expect(page.locator('#table .ag-header-cell[col-id="strategy"]')).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator('#table .ag-header-cell[col-id="value"]')).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator(PRICE)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/user/ann/IBM/dip"))


def test_an_address_that_leads_nowhere_an_unknown_user_and_a_bad_name_are_told_so(pages: str, page: Page) -> None:
    page.goto(f"{pages}/no/such/page")
    expect(page.locator("#not-found")).to_contain_text("leads nowhere")
    expect(page.locator(".simulated")).to_have_count(0)
    page.get_by_role("link", name="the start page").click()
    expect(page.get_by_role("textbox", name="Username")).to_be_visible()
    turn(page, "/user/nobody")
    expect(page.locator("#notice")).to_contain_text("No user 'nobody'")
    page.goto(f"{pages}/user/%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(page.locator("#address-error")).to_contain_text("No such user")
    page.get_by_role("textbox", name="Username").fill("no spaces")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#home-username-error")).to_contain_text("A username must be")


def test_dark_is_dark_from_the_first_moment_and_stays_chosen(pages: str, page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{pages}/user/ann", wait_until="commit")
    page.wait_for_selector("body", state="attached")
    assert page.evaluate(SCHEME) == "dark"
    expect(page.locator(PRICE)).to_be_visible()
    page.locator("#scheme").click()
    assert page.evaluate(SCHEME) == "light"
    page.reload()
    expect(page.locator(PRICE)).to_be_visible()
    assert page.evaluate(SCHEME) == "light"


def test_a_stream_that_stops_is_said_and_a_page_goes_on_when_its_database_and_its_server_come_back(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares, cash = tables.position_rows[0].shares, tables.position_rows[0].cash

    def value(price: int) -> str:
        return f"{(cash + shares * price) / 1e6:,.2f}"

    with served(create_app(Settings(), reader=tables), hosted_port()) as address:
        page.goto(f"{address}/user/ann")
        expect(page.locator(PRICE)).to_have_text(value(182_000_000))
        expect(page.locator("#stream-stopped")).to_have_count(0)
        monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.5)
        expect(page.locator("#stream-stopped")).to_contain_text(
            "Stream stopped, last trade at 2013-10-07 10:30:05 New York"
        )
        monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
        tables.prices["IBM"] = (NOW + NS_PER_SECOND, 182_000_000)
        expect(page.locator("#stream-stopped")).to_have_count(0)
        tables.away = True
        expect(page.locator("#database-away")).to_be_visible()
        expect(page.locator(PRICE)).to_have_text(value(182_000_000))
        tables.away = False
        expect(page.locator("#database-away")).to_have_count(0)
    time.sleep(2)  # some ticks of the clock that nobody answers
    tables.prices["IBM"] = (NOW + 2 * NS_PER_SECOND, 190_000_000)
    with served(create_app(Settings(), reader=tables), hosted_port()):
        expect(page.locator(PRICE)).to_have_text(value(190_000_000))

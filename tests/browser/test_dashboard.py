"""The pages in a real browser, over the real database and tape."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from frontend import pulse
from frontend.app import create_app
from riskcontrol.settings import Settings
from riskcontrol.strategy import Strategy
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.browser.conftest import OPEN, Job
from tests.frontend.fake import trader as fake_trader
from tests.frontend.serving import served

NOW = OPEN + 60 * NS_PER_MINUTE + 5 * NS_PER_SECOND


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    # The rows of a test are written once, not by a stream that goes on.
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)


def cell(page: Page, row: str, column: str) -> Locator:
    return page.locator(f'#table .ag-row[row-id="{row}"] [col-id="{column}"]')


def graph(page: Page, expression: str) -> Any:
    """What JavaScript says of the graph, which is `g` there."""
    return page.evaluate(
        f"(() => {{ const g = document.querySelector('#graph .js-plotly-plot'); return {expression}; }})()"
    )


def wait_for(page: Page, expression: str) -> None:
    page.wait_for_function(f"(g => g && g.data && ({expression}))(document.querySelector('#graph .js-plotly-plot'))")


def open_user(page: Page, dashboard: str, query: str = "") -> None:
    page.goto(f"{dashboard}/user/ann{query}")
    wait_for(page, "g.data.length > 0")


@pytest.mark.servers
def test_a_username_leads_to_table_and_graph(dashboard: str, page: Page, trader: Strategy) -> None:
    page.goto(dashboard)
    page.get_by_role("textbox", name="Username").fill("ann")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/user/ann"))
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
    expect(cell(page, "IBM dip", "value")).to_have_text("10,110.00")
    expect(cell(page, "IBM dip", "profit")).to_have_text("+110.00")
    expect(cell(page, "IBM dip", "rule")).to_have_text(
        "buy when price ≤ reference − 0.1\nsell when price ≥ reference + 0.2"
    )
    expect(cell(page, "IBM dip", "time")).to_have_text("2013-10-07 10:30:05")
    expect(cell(page, "BAC later", "status")).to_have_text("waiting")
    expect(page.locator("#detail-title")).to_have_text("IBM · dip")
    wait_for(page, "g.data[1].y[1] === 10110")
    expect(page.locator("#pipeline")).to_contain_text("tape at 2013-10-07 10:30:05 New York")
    expect(page.locator("#totals")).to_contain_text("$15,110.00")
    assert "strategy=IBM" in page.url


@pytest.mark.servers
def test_unknown_users_and_bad_names_are_told_so(dashboard: str, page: Page) -> None:
    page.goto(f"{dashboard}/user/nobody")
    expect(page.locator("#notice")).to_contain_text("No user 'nobody'")
    page.goto(f"{dashboard}/user/%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(page.locator("#address-error")).to_contain_text("No such user")
    page.get_by_role("textbox", name="Username").fill("no spaces")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#home-username-error")).to_contain_text("A username must be")


@pytest.mark.servers
def test_a_stream_that_stops_is_said(
    dashboard: str, page: Page, trader: Strategy, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_user(page, dashboard)
    expect(page.locator("#stream-stopped")).to_have_count(0)
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.5)
    expect(page.locator("#stream-stopped")).to_contain_text(
        "Stream stopped, last trade at 2013-10-07 10:30:05 New York"
    )
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    job.mark("IBM", NOW + NS_PER_SECOND, 182_000_000)
    expect(page.locator("#stream-stopped")).to_have_count(0)


@pytest.mark.servers
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_every_width_shows_the_page_without_scrolling_sideways(
    dashboard: str, page: Page, trader: Strategy, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_user(page, dashboard)
    expect(cell(page, "IBM dip", "ticker")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.servers
def test_dark_is_dark_from_the_first_moment_and_stays_chosen(dashboard: str, page: Page, trader: Strategy) -> None:
    scheme = "document.documentElement.getAttribute('data-mantine-color-scheme')"
    page.emulate_media(color_scheme="dark")
    page.goto(f"{dashboard}/user/ann", wait_until="commit")
    page.wait_for_selector("body", state="attached")
    assert page.evaluate(scheme) == "dark"
    wait_for(page, "g.data.length > 0")
    page.locator("#scheme").click()
    assert page.evaluate(scheme) == "light"
    page.reload()
    wait_for(page, "g.data.length > 0")
    assert page.evaluate(scheme) == "light"


def test_a_page_goes_on_by_itself_when_its_server_and_its_database_come_back(page: Page) -> None:
    tables = fake_trader()
    with served(create_app(Settings(), reader=tables)) as address:
        page.goto(f"{address}/user/ann")
        expect(cell(page, "IBM dip", "price")).to_have_text("182.00")
        tables.away = True
        expect(page.locator("#database-away")).to_be_visible()
        expect(cell(page, "IBM dip", "price")).to_have_text("182.00")
        tables.away = False
        expect(page.locator("#database-away")).to_have_count(0)
    time.sleep(2)  # some ticks of the clock that nobody answers
    tables.prices["IBM"] = (NOW, 190_000_000)
    with served(create_app(Settings(), reader=tables), port=int(address.rpartition(":")[2])):
        expect(cell(page, "IBM dip", "price")).to_have_text("190.00")

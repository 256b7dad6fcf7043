"""A user's page in a real browser: over the real database while things happen, and over tables in memory."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from frontend import pulse
from frontend.app import create_app
from riskcontrol.settings import Settings
from riskcontrol.strategy import Strategy
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.browser.conftest import NOW, PATIENCE_MS, WIDTHS, Job, fits, hosted
from tests.frontend import fake


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    # The rows of a test are written once, not by a stream that goes on.
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)


def cell(page: Page, row: str, column: str) -> Locator:
    return page.locator(f'#table .ag-row[row-id="{row}"] [col-id="{column}"]')


def crowd(count: int) -> fake.FakeReader:
    """A user with so many strategies, the first of which has a history."""
    reader = fake.trader()
    for n in range(1, count):
        reader.strategy_rows.append(fake.strategy(name=f"s{n}"))
        reader.position_rows.append(fake.position(name=f"s{n}", cash=10_000_000_000 + n))
    return reader


@pytest.mark.servers
def test_a_username_leads_to_all_strategies_which_prices_and_fills_move_in_place(
    dashboard: str, page: Page, trader: Strategy, job: Job
) -> None:
    page.goto(dashboard)
    page.get_by_role("textbox", name="Username").fill("ann")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/user/ann$"))
    expect(page.get_by_role("heading", name="ann")).to_be_visible()
    expect(cell(page, "IBM dip", "value")).to_have_text("10,110.00")
    expect(cell(page, "IBM dip", "today")).to_have_text("+110.00")
    expect(cell(page, "IBM dip", "gain")).to_have_text("+1.10%")
    expect(cell(page, "IBM dip", "wins")).to_have_text("100.0%")
    expect(cell(page, "IBM dip", "verdict")).to_have_text("keep testing")
    expect(cell(page, "IBM dip", "line").locator("polyline")).to_be_visible()
    expect(cell(page, "BAC later", "status")).to_have_text("waiting")
    expect(page.locator("#pipeline")).to_contain_text("tape at 2013-10-07 10:30:05 New York")
    expect(page.locator("#totals")).to_contain_text("$15,110.00")
    expect(page.locator("#events")).to_contain_text("Sold 55 at $182.00")

    row = page.locator('#table .ag-row[row-id="IBM dip"]').first
    row.evaluate("element => { element.dataset.same = 'yes'; }")
    job.mark("IBM", NOW + NS_PER_SECOND, 183_000_000)
    expect(cell(page, "IBM dip", "value")).to_have_text("10,165.00")
    job.fill(trader, number=4, time=NOW + NS_PER_MINUTE, price=184_000_000, shares=-55, cash=10_220_000_000)
    job.mark("IBM", NOW + NS_PER_MINUTE, 184_000_000)
    expect(cell(page, "IBM dip", "fills")).to_have_text("4")
    expect(page.locator("#events")).to_contain_text("Sold 55 at $184.00")
    assert row.get_attribute("data-same") == "yes"  # changed in place, not drawn anew


def test_every_width_shows_the_table_whole_and_a_row_leads_to_its_strategy_by_mouse_and_keyboard(page: Page) -> None:
    with hosted(create_app(Settings(), reader=fake.trader())) as address:
        page.goto(f"{address}/user/ann")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            expect(cell(page, "IBM dip", "brief" if width < 720 else "status")).to_be_visible()
            expect(cell(page, "IBM dip", "verdict")).to_have_text("keep testing")
            fits(page, width)
            page.wait_for_function(
                "(e => e.scrollWidth <= e.clientWidth)(document.querySelector('#table .ag-center-cols-viewport'))"
            )
            badge = cell(page, "IBM dip", "verdict").locator(".badge").bounding_box()
            box = cell(page, "IBM dip", "verdict").bounding_box()
            assert badge is not None
            assert box is not None
            assert badge["x"] + badge["width"] <= box["x"] + box["width"], width
        page.set_viewport_size({"width": 1440, "height": 900})
        cell(page, "IBM dip", "value").click()
        page.wait_for_url(re.compile(r"/user/ann/IBM/dip"))
        page.go_back()
        # What comes last: until then a page that one comes back to may draw its rows anew, under whoever has the focus.
        expect(cell(page, "IBM dip", "verdict")).to_have_text("keep testing")
        cell(page, "IBM dip", "strategy").get_by_role("link").press("Enter")
        page.wait_for_url(re.compile(r"/user/ann/IBM/dip"))
        page.go_back()
        expect(cell(page, "IBM dip", "value")).to_be_visible()


def test_hundreds_of_strategies_are_there_at_once_and_their_statistics_come(page: Page) -> None:
    with hosted(create_app(Settings(), reader=crowd(300))) as address:
        page.goto(f"{address}/user/ann")
        expect(page.locator("#totals")).to_contain_text("300 of 300")
        # Three seconds of processor time, a quarter of one at a time: on a busy machine many times that.
        expect(page.locator("#progress")).to_have_text("", timeout=6 * PATIENCE_MS)
        expect(cell(page, "IBM s1", "verdict")).to_have_text("keep testing")

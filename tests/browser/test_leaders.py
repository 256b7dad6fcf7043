"""The leaders' page in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from frontend import leading, pulse
from frontend.app import create_app
from riskcontrol.leaders import encode_leaders
from riskcontrol.settings import Settings
from riskcontrol.strategy import Strategy
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.browser.conftest import OPEN, Job, fits, hosted
from tests.frontend.fake import FakeReader, leaders, trader


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(leading, "FRESH_SECONDS", 0.0)


@pytest.fixture
def tables() -> FakeReader:
    reader = trader()
    reader.leading = leaders()
    return reader


@pytest.fixture
def pages(tables: FakeReader) -> Iterator[str]:
    """The address of the pages over tables in memory."""
    with hosted(create_app(Settings(), reader=tables)) as address:
        yield address


@pytest.mark.servers
def test_what_the_shards_wrote_is_merged_ranked_and_counted(
    dashboard: str, page: Page, job: Job, trader: Strategy
) -> None:
    minute = OPEN + 59 * NS_PER_MINUTE
    job.writer.leaders(0, minute, encode_leaders(leaders(count=5, time=minute)))
    job.writer.flush()
    page.goto(f"{dashboard}/leaders?user=ann")
    expect(page.locator("#ranking .ag-row")).to_have_count(5)
    expect(page.locator("#leaders-about")).to_contain_text("10,000 strategies at the end of 2013-10-07 10:29 New York")
    expect(page.locator("#own-place")).to_contain_text("IBM · dip, returned +1.10%")
    later = minute + NS_PER_MINUTE
    job.writer.leaders(0, later, encode_leaders(leaders(count=7, time=later)))
    job.writer.flush()
    job.mark("IBM", later + 61 * NS_PER_SECOND, 182_000_000)
    expect(page.locator("#ranking .ag-row")).to_have_count(7)


def test_the_address_holds_what_is_shown_and_a_row_leads_to_its_strategy_and_its_user(pages: str, page: Page) -> None:
    page.goto(f"{pages}/leaders")
    page.locator("#leaders-by label", has_text="skill").click()
    page.wait_for_url(re.compile("by=evidence"))
    page.get_by_role("textbox", name="Your username").fill("ann")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("by=evidence&user=ann"))
    expect(page.locator("#own-table .ag-row")).to_have_count(1)
    page.reload()
    expect(page.locator("#own-table .ag-row")).to_have_count(1)
    expect(page.locator("#leaders-by input:checked")).to_have_value("evidence")
    page.locator("#leaders-by label", has_text="By return").click()
    third = page.locator('#ranking .ag-row[row-index="2"]')
    third.locator('[col-id="user"]').get_by_role("link", name="ann", exact=True).click()
    page.wait_for_url(re.compile(r"/user/ann$"))
    page.go_back()
    expect(third.locator('[col-id="user"]')).to_have_text("ann")
    third.locator('[col-id="gain"]').click()
    page.wait_for_url(re.compile(r"/user/ann/IBM/dip"))


def test_zoom_stays_when_a_minute_ends_and_a_narrow_screen_has_the_essential(
    pages: str, page: Page, tables: FakeReader
) -> None:
    page.goto(f"{pages}/leaders?user=ann")
    graph = "document.querySelector('#spread .js-plotly-plot')"
    page.wait_for_function(f"{graph} && {graph}.data && {graph}.data.length === 2")
    box = page.locator("#spread .nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 100, steps=5)
    page.mouse.up()
    page.wait_for_function(f"Math.abs({graph}.layout.xaxis.range[1] - {graph}.layout.xaxis.range[0]) < 12")
    zoomed = page.evaluate(f"{graph}.layout.xaxis.range")
    tables.leading = leaders(time=OPEN + NS_PER_MINUTE, seed=2)
    tables.prices["IBM"] = (OPEN + 70 * NS_PER_MINUTE, 182_000_000)
    expect(page.locator("#leaders-about")).to_contain_text("09:31")
    assert page.evaluate(f"{graph}.layout.xaxis.range") == zoomed

    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(page.locator('#ranking .ag-row[row-index="0"] [col-id="who"]')).to_contain_text("user000000")
    expect(page.locator('#ranking .ag-row[row-index="0"] [col-id="value"]')).to_have_count(0)
    fits(page, 390)
    page.get_by_text("As a table").click()
    expect(page.locator("#spread-table tbody tr").first).to_contain_text("under")

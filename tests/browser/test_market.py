"""The market, a ticker and the pipeline's health in a real browser, over the real database and tape."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from frontend import market, pulse
from ingestion.topic import ensure_topic
from riskcontrol.days import encode_day
from riskcontrol.rows import Bars
from riskcontrol.settings import Settings
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.browser.axe import findings
from tests.browser.conftest import DRAWN, OPEN, POLL_MS, WIDTHS, Job, fits, turn

pytestmark = pytest.mark.servers

NOW = OPEN + 60 * NS_PER_MINUTE + 5 * NS_PER_SECOND
GRAPHS = {"/market/IBM": "#candles", "/health": "#pace"}


@pytest.fixture(autouse=True)
def _moving(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of two tickers until 10:30; its rows are written once, not by a stream that goes on."""
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(market, "BOARD_SECONDS", 0.5)
    job.bars("IBM", [181_000_000 + 10_000 * (i * 37 % 60) for i in range(60)])
    told(job, ("IBM", 181_000_000, 181_300_000), ("BAC", 14_000_000, 13_900_000))
    job.mark("BAC", NOW, 13_810_000)
    job.mark("IBM", NOW, 182_000_000)


def told(job: Job, *rows: tuple[str, int, int], minute: int = 59) -> None:
    """Write the day so far, from tickers with their first and last price."""
    names, first, last = (np.array(column) for column in zip(*rows, strict=True))
    ones = np.ones(len(rows), np.int64)
    day = Bars(names.astype("S16"), ones, first, np.maximum(first, last), np.minimum(first, last), last, 900 * ones,
               900 * last, 60 * ones)  # fmt: skip
    job.writer.day(0, OPEN + minute * NS_PER_MINUTE, encode_day(day), version=minute)
    job.writer.flush()


def wait_for(page: Page, graph: str, expression: str) -> None:
    page.wait_for_function(
        f"(g => {DRAWN} && ({expression}))(document.querySelector('{graph} .js-plotly-plot'))",
        polling=POLL_MS,
    )


def test_the_market_leads_to_a_ticker_by_search_and_by_link_and_from_there_to_a_new_strategy(
    dashboard: str, page: Page, job: Job
) -> None:
    page.goto(f"{dashboard}/market")
    expect(page.locator("#board-day")).to_have_text("Monday, 2013-10-07 · until 10:30 New York")
    expect(page.locator("#board-cards")).to_contain_text("Tickers traded today2")
    row = page.get_by_role("row", name=re.compile("^IBM")).first
    expect(row).to_contain_text("182.00")
    expect(row).to_contain_text("+0.55%")
    job.mark("IBM", NOW + NS_PER_SECOND, 183_000_000)
    expect(row).to_contain_text("183.00")  # moves without a reload

    search = page.get_by_role("textbox", name="Find a ticker")
    search.click()
    expect(page.get_by_role("option")).to_have_text(["IBM", "BAC"])  # the most traded first
    search.press_sequentially("ba")
    expect(page.get_by_role("option")).to_have_text(["BAC"])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/market/BAC"))
    expect(page.get_by_role("heading", name="BAC")).to_be_visible()

    page.get_by_role("main").get_by_role("link", name="Market", exact=True).click()
    page.locator("#board-active").get_by_role("link", name="IBM").press("Enter")
    page.wait_for_url(re.compile(r"/market/IBM"))
    expect(page.locator("#ticker-last")).to_contain_text("$183.00")
    expect(page.get_by_role("link", name="New strategy on IBM")).to_have_attribute("href", "/new?ticker=IBM")


def test_candles_move_keep_their_zoom_and_have_a_table(dashboard: str, page: Page, job: Job) -> None:
    page.goto(f"{dashboard}/market/IBM?period=1d&interval=5m")
    wait_for(page, "#candles", "g.data.length === 3 && g.calcdata[0].length === 12")
    box = page.locator("#candles .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 200, steps=5)
    page.mouse.up()
    wait_for(page, "#candles", "g.layout.xaxis.autorange === false")
    zoom = "JSON.stringify([g.layout.xaxis.range, g.layout.yaxis.range])"
    zoomed = page.evaluate(f"(g => {zoom})(document.querySelector('#candles .js-plotly-plot'))")
    job.mark("IBM", NOW + NS_PER_SECOND, 183_000_000)
    wait_for(page, "#candles", "g.data[2].y[1] === 183")
    job.bars("IBM", [183_000_000], start=OPEN + 60 * NS_PER_MINUTE)
    job.mark("IBM", NOW + NS_PER_MINUTE, 184_000_000)
    wait_for(page, "#candles", "g.calcdata[0].length === 13")
    assert page.evaluate(f"(g => {zoom})(document.querySelector('#candles .js-plotly-plot'))") == zoomed

    page.get_by_text("As a table").click()
    first = page.locator('#candles-rows .ag-row[row-index="0"] [col-id="time"]')
    expect(first).to_have_text("2013-10-07 10:30")
    page.locator("#candles-interval label", has_text="15m").click()
    wait_for(page, "#candles", "g.calcdata[0].length === 5")
    assert "interval=15m" in page.url
    page.reload()  # the address holds what was chosen
    wait_for(page, "#candles", "g.calcdata[0].length === 5")


def test_unknown_and_hostile_tickers_are_told_so(dashboard: str, page: Page) -> None:
    page.goto(f"{dashboard}/market/ZZZ")
    expect(page.locator("#ticker-unknown")).to_contain_text("ZZZ has not traded on this stream")
    turn(page, "/market/BRK%2FB")
    expect(page.locator("#ticker-unknown")).to_contain_text("BRK/B has not traded")
    page.goto(f"{dashboard}/market/%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(page.locator("#ticker-error")).to_contain_text("No such ticker")


def test_health_tells_of_servers_and_batches_and_of_a_stream_that_stops(
    dashboard: str, page: Page, job: Job, servers: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_topic(servers)
    page.goto(f"{dashboard}/health")
    told_of = page.locator("#health-servers")
    expect(told_of).to_contain_text("Cassandraanswers")
    expect(told_of).to_contain_text(f"Kafkaanswers, topic {servers.topic} has")
    expect(told_of).to_contain_text("Streamruns")
    expect(page.locator("#health-cards")).to_contain_text("Event time10:30:05")
    wait_for(page, "#pace", "g.data.length === 3")
    page.get_by_text("As a table").click()
    expect(page.locator('#pace-rows .ag-row[row-index="0"] [col-id="processing"]')).to_have_text("0.25")
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 0.5)
    expect(told_of).to_contain_text("Streamdoesn't run: start it with riskcontrol stream; last trade at 2013-10-07")
    expect(page.locator("#stream-stopped")).to_be_visible()


def test_every_page_fits_every_width(dashboard: str, page: Page) -> None:
    page.goto(f"{dashboard}/market")
    found: list[str] = []
    for address in ("/market", *GRAPHS):
        page.set_viewport_size({"width": 1440, "height": 1000})
        turn(page, address)
        if address in GRAPHS:
            wait_for(page, GRAPHS[address], "g.data.length > 0")
        else:
            expect(page.locator("#board-active tbody tr")).to_have_count(2)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            fits(page, width)
        # Of the narrow form; test_accessibility has the wide one.
        found += [f"{address}: {one}" for one in findings(page)]
    assert found == []

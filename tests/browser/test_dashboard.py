"""The pages in a real browser, over the real database and tape."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from frontend import pulse
from frontend.app import create_app
from riskcontrol.blocks import decode
from riskcontrol.language.parser import parse
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Strategy
from riskcontrol.terms import Session, Terms
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
def test_the_fills_are_listed_with_fee_and_reason(dashboard: str, page: Page, trader: Strategy) -> None:
    open_user(page, dashboard)
    expect(page.locator("#detail-holds")).to_have_text(
        "Holds 55 shares bought at $181.00 on 2013-10-07 10:15:00 New York"
    )
    newest = page.locator('#fills .ag-row[row-id="3"]')
    expect(newest.locator('[col-id="reason"]')).to_have_text("buy")
    expect(newest.locator('[col-id="fee"]')).to_have_text("0.00")
    expect(page.locator('#fills .ag-row[row-id="2"] [col-id="reason"]')).to_have_text("sell")


@pytest.mark.servers
@pytest.mark.parametrize("width", [1440, 390])
def test_a_long_rule_is_cut_in_the_table_and_whole_below_it(dashboard: str, page: Page, job: Job, width: int) -> None:
    averages = " or ".join(f"price < {n}% * sma({n})" for n in range(2, 30))
    shape, numbers = shape_text(parse(averages), parse("price > entry * 1.02"), 300, Session.EXTENDED)
    job.opened(Strategy("ann", "long", "IBM", 10**10, shape, numbers, Terms(trailing_stop=20_000, fee_per_share=5_000)))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{dashboard}/user/ann")
    shown = page.locator("#detail-rule")
    expect(shown).to_contain_text("sma(close, 29)")
    expect(shown).to_contain_text("sell when price > entry * 1.02")
    expect(shown).to_contain_text("bars of 5m, extended hours, trailing stop 2 %, fees $0.005 a share")
    assert shown.evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    stop = page.get_by_role("button", name="Stop", exact=True)
    assert stop.evaluate("e => e.querySelector('span').scrollWidth <= e.clientWidth")
    if width > 1000:
        expect(cell(page, "IBM long", "rule")).to_have_attribute("title", re.compile(r"sma\(close, 29\)"))


@pytest.mark.servers
def test_choosing_a_row_or_a_series_changes_the_graph(dashboard: str, page: Page, trader: Strategy) -> None:
    open_user(page, dashboard)
    page.locator("#show label", has_text="Price").click()
    wait_for(page, "g.data.map(t => t.name).join() === 'Price,Price,Buy,Sell'")
    assert graph(page, "g.calcdata[2].length + ',' + g.calcdata[3].length") == "2,1"
    page.locator("#show label", has_text="All").click()
    wait_for(page, "g.data.length === 12")
    cell(page, "BAC later", "name").click()
    expect(page.locator("#graph .annotation-text")).to_have_text("Waiting for the first trade of BAC")
    page.reload()  # the address holds what was chosen
    expect(page.locator("#detail-title")).to_have_text("BAC · later")


@pytest.mark.servers
def test_new_marks_minutes_and_fills_move_the_page_and_keep_the_zoom(
    dashboard: str, page: Page, trader: Strategy, job: Job
) -> None:
    open_user(page, dashboard, "?strategy=IBM+dip&show=price")
    box = page.locator("#graph .nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 200, steps=5)
    page.mouse.up()
    wait_for(page, "g.layout.xaxis.autorange === false")
    zoomed = graph(page, "[g.layout.xaxis.range, g.layout.yaxis.range]")
    row = page.locator('#table .ag-row[row-id="IBM dip"]').first
    row.evaluate("element => { element.dataset.same = 'yes'; }")

    job.mark("IBM", NOW + NS_PER_SECOND, 183_000_000)
    expect(cell(page, "IBM dip", "value")).to_have_text("10,165.00")
    wait_for(page, "g.data[1].y[1] === 183")
    job.bars("IBM", [183_000_000], start=OPEN + 60 * NS_PER_MINUTE)
    job.fill(trader, number=4, time=NOW + NS_PER_MINUTE, price=184_000_000, shares=-55, cash=10_220_000_000)
    job.mark("IBM", NOW + NS_PER_MINUTE, 184_000_000)
    expect(cell(page, "IBM dip", "fills")).to_have_text("4")
    wait_for(page, "g.calcdata[3].length === 2")

    assert graph(page, "[g.layout.xaxis.range, g.layout.yaxis.range]") == zoomed
    assert row.get_attribute("data-same") == "yes"  # changed in place, not drawn anew
    expect(page.locator("#detail-title")).to_have_text("IBM · dip")


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
def test_stop_is_asked_for_and_sent(dashboard: str, page: Page, trader: Strategy, servers: Settings) -> None:
    open_user(page, dashboard)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("dip on IBM will not trade any more")).to_be_visible()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("Stop of dip on IBM sent")).to_be_visible()
    (stop,) = openings_on_the_tape(servers)
    assert (stop.action[0], stop.username[0], stop.name[0]) == (2, b"ann", b"dip")


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


def openings_on_the_tape(settings: Settings) -> list[Openings]:
    """Every block of openings on the tape."""
    return [block for value, headers in records(settings) if isinstance(block := decode(value, headers), Openings)]


def records(settings: Settings) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        settings.topic, bootstrap_servers=settings.kafka, auto_offset_reset="earliest", consumer_timeout_ms=2_000
    )
    try:
        for record in consumer:
            yield record.value, record.headers
    finally:
        consumer.close()

"""The pages in a real browser, over the real database and tape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from frontend import pulse
from riskcontrol.blocks import decode
from riskcontrol.language.parser import parse
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.terms import Session, Terms
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.browser.conftest import OPEN, Job

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
def test_the_form_refuses_a_bad_number_and_opens_a_good_strategy(
    dashboard: str, page: Page, trader: Strategy, job: Job, servers: Settings
) -> None:
    open_user(page, dashboard)
    page.get_by_role("button", name="New strategy").click()
    page.get_by_label("Ticker").fill("IBN")
    page.keyboard.press("Tab")
    expect(page.locator("#ticker-warning")).to_contain_text("Close to it: IBM")
    page.get_by_label("Ticker").fill("IBM")
    page.get_by_label("Cash to start with").fill("ten")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Open strategy").click()
    field = page.get_by_label("Cash to start with")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("'ten' is not an amount")).to_be_visible()
    field.fill("2,500.50")
    page.get_by_role("button", name="Open strategy").click()
    expect(cell(page, "IBM mine", "status")).to_have_text("sent")
    expect(page.get_by_text("mine on IBM opened, waiting for its first trade.")).to_be_visible()

    (opening,) = openings_on_the_tape(servers)
    assert (opening.username[0], opening.name[0], opening.cash[0]) == (b"ann", b"mine", 2_500_500_000)
    strategy = first_rule("ann", "mine", "IBM", 2_500_500_000, 100_000, 200_000)
    job.opened(strategy, time=int(opening.time[0]))
    job.batch(event_time=NOW)
    expect(cell(page, "IBM mine", "status")).to_have_text("waiting")
    job.position(strategy, time=NOW, cash=2_500_500_000, shares=0, reference=182_000_000, fills=0)
    job.batch(event_time=NOW)
    expect(cell(page, "IBM mine", "status")).to_have_text("running")


@pytest.mark.servers
def test_stop_is_asked_for_and_sent(dashboard: str, page: Page, trader: Strategy, servers: Settings) -> None:
    open_user(page, dashboard)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("dip on IBM will not trade any more")).to_be_visible()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("Stop of dip on IBM sent")).to_be_visible()
    (stop,) = openings_on_the_tape(servers)
    assert (stop.action[0], stop.username[0], stop.name[0]) == (2, b"ann", b"dip")


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

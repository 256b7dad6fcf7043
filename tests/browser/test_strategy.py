"""A strategy's page in a real browser, over the real database and tape, and over tables in memory."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Locator, Page, expect

from database.reads import Reader
from database.session import connect
from frontend import pulse
from frontend.app import create_app
from riskcontrol.language.parser import parse
from riskcontrol.money import to_micros
from riskcontrol.settings import Settings
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Strategy
from riskcontrol.terms import Session, Terms
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.browser.axe import findings
from tests.browser.conftest import DRAWN, NOW, OPEN, POLL_MS, WIDTHS, Job, fits, hosted, turn
from tests.browser.tape import openings_on_the_tape
from tests.frontend.fake import position, strategy
from tests.frontend.fake import trader as fake_trader

ADDRESS = "/user/ann/IBM/dip"
TABS = {
    "Overview": "#strategy-overview-graph .scatterlayer .trace",
    "Price": "#strategy-price-graph .boxlayer .trace",
    "Graphs": "#strategy-series-graph .scatterlayer .trace",
    "Fills": "#strategy-fills .ag-row",
    "Round trips": "#strategy-trips .ag-row",
    "Statistics": "#strategy-statistics .stat-term",
}
"""By tab: what is there as soon as it is complete."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    # The rows of a test are written once, not by a stream that goes on.
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)


@pytest.fixture
def memory() -> Iterator[str]:
    """The address of the pages over tables in memory."""
    with hosted(create_app(Settings(), reader=fake_trader())) as address:
        yield address


def graph(page: Page, name: str, expression: str) -> Any:
    """What JavaScript says of a tab's graph, which is `g` there."""
    return page.evaluate(f"(g => {expression})(document.querySelector('#strategy-{name}-graph .js-plotly-plot'))")


def wait_for(page: Page, name: str, expression: str) -> None:
    found = f"document.querySelector('#strategy-{name}-graph .js-plotly-plot')"
    page.wait_for_function(f"(g => {DRAWN} && ({expression}))({found})", polling=POLL_MS)


def opened(page: Page, dashboard: str, query: str = "") -> None:
    page.goto(f"{dashboard}{ADDRESS}{query}")
    expect(page.locator("#strategy-verdict .strategy-decision")).to_be_visible()


def fill(page: Page, number: int, column: str) -> Locator:
    return page.locator(f'#strategy-fills .ag-row[row-id="{number}"] [col-id="{column}"]')


@pytest.mark.servers
def test_the_page_tells_the_verdict_and_moves_and_keeps_the_zoom_until_it_is_stopped(
    dashboard: str, page: Page, trader: Strategy, job: Job, servers: Settings
) -> None:
    opened(page, dashboard)
    expect(page.get_by_role("heading", name="dip on IBM")).to_be_visible()
    expect(page.locator("#strategy-verdict")).to_contain_text("1 round trip: 29 more are needed to judge by.")
    expect(page.locator("#strategy-cards")).to_contain_text("$10,110.00")
    expect(page.locator("#strategy-cards")).to_contain_text("+$110.00")
    expect(page.locator("#strategy-position")).to_contain_text("2013-10-07 10:15:00 New York")
    wait_for(page, "overview", "g.data[1].y[1] === 10110")
    expect(page).to_have_url(re.compile(r"\?tab=overview&period=All$"))

    moves(page, "overview", trader, job)

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("dip on IBM will not trade any more")).to_be_visible()
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("Stop of dip on IBM sent")).to_be_visible()
    (stop,) = openings_on_the_tape(servers)
    assert (stop.action[0], stop.username[0], stop.name[0]) == (2, b"ann", b"dip")


@pytest.mark.servers
def test_tabs_show_fills_by_shape_and_colour_stay_in_the_address_and_move(
    dashboard: str, page: Page, trader: Strategy, job: Job
) -> None:
    opened(page, dashboard)
    page.get_by_role("tab", name="Price").click()
    wait_for(page, "price", "g.data.map(t => t.name).join() === 'Price,Volume,Last,Buy,Sell'")
    symbols = graph(page, "price", "g.data.slice(3).map(t => [t.marker.symbol, t.marker.color, t.x.length || 0])")
    assert symbols[0][0] != symbols[1][0]
    assert symbols[0][1] != symbols[1][1]
    page.get_by_role("tab", name="Graphs").click()
    page.locator("#strategy-show label", has_text="All").click()
    wait_for(page, "series", "g.data.length === 12 && g.calcdata[10].length === 2 && g.calcdata[11].length === 1")
    page.locator("#strategy-period label", has_text="1D").click()
    page.wait_for_url("**?tab=series&period=1D&show=all")
    page.reload()  # the address holds what was chosen
    wait_for(page, "series", "g.data.length === 12")
    page.get_by_role("tab", name="Fills").click()
    expect(fill(page, 3, "reason")).to_have_text("buy")
    expect(fill(page, 3, "price")).to_have_text("181.00")
    expect(fill(page, 2, "reason")).to_have_text("sell")
    page.get_by_role("tab", name="Round trips").click()
    trips = page.locator('#strategy-trips .ag-row[row-id="1"]')
    expect(trips.locator('[col-id="profit"]')).to_have_text("+55.00")

    page.get_by_role("tab", name="Price").click()
    page.locator("#strategy-period label", has_text="All").click()
    page.wait_for_url("**?tab=price&period=All")
    moves(page, "price", trader, job)


def moves(page: Page, tab: str, trader: Strategy, job: Job) -> None:
    """New marks, minutes and fills move a page as `trader` left it, whose graph keeps its zoom."""
    wait_for(page, tab, "g.data.length > 3")
    drag = page.locator(f"#strategy-{tab}-graph .nsewdrag").first
    drag.scroll_into_view_if_needed()
    box = drag.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 120, steps=5)
    page.mouse.up()
    wait_for(page, tab, "g.layout.xaxis.autorange === false")
    zoomed = graph(page, tab, "[g.layout.xaxis.range, g.layout.yaxis.range]")

    job.mark("IBM", NOW + NS_PER_SECOND, 183_000_000)
    expect(page.locator("#strategy-cards")).to_contain_text("$10,165.00")
    live = "g.data[1].y[1] === 10165" if tab == "overview" else "g.data[2].y[1] === 183"
    wait_for(page, tab, live)
    job.bars("IBM", [183_000_000], start=OPEN + 60 * NS_PER_MINUTE)
    job.fill(trader, number=4, time=NOW + NS_PER_MINUTE, price=184_000_000, shares=-55, cash=10_220_000_000)
    job.mark("IBM", NOW + NS_PER_MINUTE, 184_000_000)
    expect(page.locator("#strategy-position")).to_contain_text("Shares" + "none")
    expect(page.locator("#strategy-verdict")).to_contain_text("2 round trips")
    moved = "g.data[1].y[1] === 10220" if tab == "overview" else "g.data[2].y[1] === 184 && g.calcdata[4].length === 2"
    wait_for(page, tab, moved)
    assert graph(page, tab, "[g.layout.xaxis.range, g.layout.yaxis.range]") == zoomed


@pytest.mark.servers
def test_a_long_rule_is_whole_and_pushes_nothing_aside(dashboard: str, page: Page, job: Job) -> None:
    averages = " or ".join(f"price < {n}% * sma({n})" for n in range(2, 30))
    shape, numbers = shape_text(parse(averages), parse("price > entry * 1.02"), 300, Session.EXTENDED)
    job.opened(Strategy("ann", "long", "IBM", 10**10, shape, numbers, Terms(trailing_stop=20_000, fee_per_share=5_000)))
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{dashboard}/user/ann/IBM/long")
    shown = page.locator("#strategy-rule")
    stop = page.get_by_role("button", name="Stop", exact=True)
    for width in (390, 1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(shown).to_contain_text("sma(close, 29)")
        expect(shown).to_contain_text("sell when price > entry * 1.02")
        expect(shown).to_contain_text("bars of 5m, extended hours, trailing stop 2%, fees $0.005 a share")
        expect(page.locator("#strategy-waiting")).to_contain_text("Waiting for the first trade of IBM")
        fits(page, width)
        assert shown.evaluate("e => e.scrollWidth <= e.clientWidth"), width
        assert stop.evaluate("e => e.querySelector('span').scrollWidth <= e.clientWidth"), width


@pytest.mark.servers
def test_files_are_equal_to_the_database(
    dashboard: str, page: Page, trader: Strategy, servers: Settings, tmp_path: Path
) -> None:
    opened(page, dashboard)
    reader = Reader(connect(servers))
    fills = reader.fills("ann", "IBM", "dip")

    def download(label: str) -> Path:
        page.locator(".strategy-export summary").click()
        with page.expect_download() as coming:
            page.get_by_role("link", name=label).click()
        file = tmp_path / coming.value.suggested_filename
        coming.value.save_as(file)
        return file

    with download("Fills, CSV").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == fills["number"].tolist()
    for name in ("price", "fee", "cash"):
        assert [to_micros(row[name]) for row in rows] == fills[name].tolist()
        assert all(re.fullmatch(r"\d+\.\d{6}", row[name]) for row in rows)
    assert [int(row["shares"]) for row in rows] == fills["shares"].tolist()
    assert [row["reason"] for row in rows] == fills["reason"].tolist()
    assert rows[0]["new_york"] == "2013-10-07 09:35:00"

    table = pq.read_table(download("Fills, Parquet"))
    assert [to_micros(value) for value in table["cash"].to_pylist()] == fills["cash"].tolist()
    assert table["time"].cast("int64").to_pylist() == fills["time"].tolist()

    equity = pq.read_table(download("Equity, Parquet"))
    (position,) = reader.positions([reader.strategies("ann")[1]])
    assert position is not None
    assert to_micros(equity["value"][-1].as_py()) == position.cash + position.shares * 182_000_000
    assert len(equity) == 60 + len(fills) + 1


def test_all_is_done_by_keyboard_and_a_graph_has_a_table_and_signs_for_buttons(page: Page, memory: str) -> None:
    opened(page, memory)
    leads = {name: page.get_by_role("link", name=name, exact=True).get_attribute("href") for name in ("Clone", "Edit")}
    assert leads == {"Clone": "/new?user=ann&from=IBM%2Fdip", "Edit": "/new?user=ann&from=IBM%2Fdip&edit=1"}
    wait_for(page, "overview", "true")
    sign = page.locator("#strategy-overview-graph .modebar-btn svg").first
    assert sign.evaluate("e => getComputedStyle(e).backgroundColor") == "rgba(0, 0, 0, 0)"
    rows = page.locator("#strategy-overview-rows .ag-center-cols-container .ag-row")
    expect(rows).to_have_count(0)  # it is filled when it is opened
    page.get_by_role("button", name="As a table").click()
    expect(rows.first.locator('[col-id="time"]')).to_have_text("2013-10-07 10:30:05")

    page.get_by_role("tab", name="Overview").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Statistics")).to_have_attribute("aria-selected", "true")
    term = page.get_by_role("button", name="Profit factor")
    tip = page.locator("#about-profit-factor")
    expect(term).to_have_attribute("aria-describedby", "about-profit-factor")
    expect(tip).to_be_hidden()
    term.focus()
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("Formula: sum of positive profits / |sum of negative profits|.")
    page.locator(".strategy-export summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Fills, CSV")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Fills, CSV")).to_be_hidden()
    expect(page.locator(".strategy-export summary")).to_be_focused()
    page.get_by_role("link", name="ann", exact=True).click()
    page.wait_for_url("**/user/ann")


def test_no_tab_has_a_serious_finding_or_scrolls_sideways_at_any_width(page: Page, memory: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    opened(page, memory)
    expect(page.locator("#pipeline")).to_contain_text("trades/s")
    for number, (tab, shown) in enumerate(TABS.items()):
        # Some are drawn wide and made narrow, some the other way; each begins as the one before it ends.
        widths = WIDTHS[::-1] if number % 2 else WIDTHS
        page.set_viewport_size({"width": widths[0], "height": 1000})
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(shown).first).to_be_visible()
        # What surrounds the tabs stays as it is: it has been looked at once it was so wide and so narrow.
        part = ".strategy-tabs" if number > 1 else ""
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
            assert findings(page, part, colours=scheme == "dark") == [], f"{tab}, {scheme}"
        for width in widths:
            page.set_viewport_size({"width": width, "height": 1000})
            fits(page, width)


def test_addresses_of_no_strategy_are_said(page: Page, memory: str) -> None:
    page.goto(f"{memory}/user/ann/IBM/%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(page.get_by_text("No such strategy")).to_be_visible()
    turn(page, "/user/ann/IBM/other")
    expect(page.get_by_text("ann has no strategy other on IBM")).to_be_visible()
    turn(page, "/user/nobody/IBM/dip")
    expect(page.get_by_text("nobody has no strategy dip on IBM")).to_be_visible()
    expect(page.get_by_text("No such strategy")).to_have_count(0)
    turn(page, "/user/ann/..%2F..%2Fetc/passwd")
    expect(page.get_by_text("No such strategy")).to_be_visible()


def test_a_narrow_screen_reaches_every_tab_and_every_column(memory: str, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, memory, "?tab=trips")

    def right(shown: Locator) -> float:
        expect(shown).to_be_visible()
        box = shown.bounding_box()
        assert box is not None
        return box["x"] + box["width"]

    assert all(right(page.get_by_role("tab", name=name)) <= 390 for name in TABS)
    for name, tab, seen, last in (("trips", "Round trips", "return", "fees"), ("fills", "Fills", "price", "cash")):
        page.get_by_role("tab", name=tab).click()
        row = page.locator(f'#strategy-{name} .ag-row[row-index="0"]')
        assert right(row.locator(f'[col-id="{seen}"]')) <= 390
        first = page.locator(f"#strategy-{name} .ag-pinned-left-cols-container .ag-cell").first
        expect(first).to_contain_text("2013-10-07")
        before = right(first)
        cell = row.locator(f'[col-id="{last}"]')
        assert right(cell) > 390
        page.locator(f"#strategy-{name} .ag-center-cols-viewport").evaluate("e => e.scrollLeft = e.scrollWidth")
        page.wait_for_function("e => e.getBoundingClientRect().right <= 390", arg=cell.element_handle())
        assert right(first) == before
    page.set_viewport_size({"width": 1440, "height": 1000})
    expect(page.locator("#strategy-fills .ag-pinned-left-cols-container .ag-cell")).to_have_count(0)


def test_the_axis_of_drawdowns_tells_its_ticks_apart(page: Page) -> None:
    tables = fake_trader()
    tables.strategy_rows.append(strategy(name="flat"))
    tables.position_rows.append(position(name="flat", fills=0))
    with hosted(create_app(Settings(), reader=tables)) as address:
        page.goto(f"{address}/user/ann/IBM/dip?period=All")
        # The value of one is never again what it started with; the other has no fills.
        for name, drawn, most in (("dip", "g.data[1].y[1] !== 10000", 2), ("flat", "g.data[1].y[1] === 10000", 0.2)):
            turn(page, f"/user/ann/IBM/{name}?period=All")
            wait_for(page, "overview", f"g.calcdata.length === 6 && {drawn}")
            ticks = page.locator("#strategy-overview-graph .yaxislayer-above .y2tick text").all_text_contents()
            assert len(ticks) > 1, name
            assert len(set(ticks)) == len(ticks), name
            deepest = max(abs(float(tick.removesuffix("%").replace("\N{MINUS SIGN}", "-"))) for tick in ticks)
            assert deepest < most, name

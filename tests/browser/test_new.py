"""The page of a new strategy in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from frontend import app as application
from frontend import positions, pulse
from frontend.app import create_app
from riskcontrol.settings import Settings
from riskcontrol.strategy import Action, Strategy, first_rule
from tests.browser.conftest import NOW, WIDTHS, Job, fits, hosted, turn
from tests.browser.tape import openings_on_the_tape
from tests.frontend.conftest import Tape
from tests.frontend.fake import FakeReader, bars, strategy, trader

ENGINE_MS = 300_000
"""How long the preview's engine may take to start, compiled for the first time by a busy machine, milliseconds."""
NEW = "/new?user=ann&ticker=IBM"
SHOWN = """() => {
    const page = document.getElementById("new-page");
    return page && page.dataset.key && page.dataset.key.endsWith(location.search);
}"""
"""Whether the page is that of the address, and not of the one before it."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
    monkeypatch.setattr(positions, "CONFIRM_SECONDS", 600)  # a busy machine may take longer to show that one was sent


@pytest.fixture
def tables() -> FakeReader:
    """A user with a strategy, and two hours of minutes that go up and down."""
    reader = trader()
    reader.bar_rows["IBM"] = bars([181_000_000 + 10_000 * ((i * 37 + 40) % 83) for i in range(120)])
    return reader


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Tape:
    kept = Tape()
    monkeypatch.setattr(application, "_publish", kept.publish)
    return kept


@pytest.fixture
def pages(tables: FakeReader, tape: Tape) -> Iterator[str]:
    """The address of the pages over tables in memory."""
    with hosted(create_app(Settings(), reader=tables)) as address:
        yield address


def drafted(page: Page, value: str) -> None:
    """Wait until the browser has kept a field's value."""
    page.wait_for_function(f"Object.values(sessionStorage).some(kept => kept.includes('\"{value}\"'))")


def arrived(page: Page, name: str) -> None:
    """Wait for the page of the strategy that was sent."""
    page.wait_for_url(re.compile(f"/user/ann/IBM/{name}"))
    expect(page.locator("#strategy-status")).to_have_text("sent")


def test_errors_are_said_as_one_types_templates_chosen_by_keyboard_and_every_width_shows_all_fields(
    page: Page, pages: str
) -> None:
    page.goto(pages + NEW)
    rule = page.get_by_label("Buy when")
    expect(rule).to_have_value("price <= reference - 0.10")
    rule.fill("30 < smaa(20)")
    expect(page.get_by_text("unknown word 'smaa' at 6; did you mean 'sma'?")).to_be_visible()
    expect(rule).to_have_attribute("aria-invalid", "true")
    assert page.locator(".pointed").text_content() == "30 < smaa(20)\n     ^"
    expect(page.locator("#new-note")).to_contain_text("Mend what is marked")
    rule.fill("")
    rule.press_sequentially("30 < sma(20)")  # one key after the other, none lost while it is checked
    expect(page.locator(".pointed")).to_have_count(0)
    expect(rule).to_have_value("30 < sma(20)")
    expect(page.locator("#new-understood")).to_contain_text("buy when sma(close, 20) > 30")
    rule.fill("(" * 60 + "price > 1" + ")" * 60)
    expect(page.get_by_text("levels")).to_be_visible()

    template = page.get_by_role("textbox", name="Begin with")
    template.fill("trailing")
    template.press("ArrowDown")
    template.press("Enter")
    expect(rule).to_have_value("crosses_above(close, ema(50))")
    expect(page.get_by_label("Sell when")).to_have_value("")
    expect(page.locator("#new-options-said")).to_have_text("trailing stop 0.5%")
    ticker = page.get_by_role("textbox", name="Ticker")
    expect(ticker).to_have_value("IBM")
    ticker.fill("ba")
    expect(page.get_by_role("option", name="BAC")).to_be_visible()
    ticker.press("ArrowDown")
    ticker.press("Enter")
    expect(ticker).to_have_value("BAC")
    page.get_by_role("button", name="Options").press("Enter")
    expect(page.get_by_label("Trailing stop, %")).to_have_value("0.5")

    rule.fill("price > " + " + ".join(f"smaa({n})" for n in range(60)))
    expect(page.locator(".pointed")).to_be_visible()
    expect(page.get_by_label("Fee an order, $")).to_be_visible()
    page.get_by_role("tab", name="Words").click()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.get_by_label("Fee an order, $")).to_be_visible()
        expect(page.get_by_text("Wilder's relative strength index")).to_be_visible()
        fits(page, width)


def test_a_draft_survives_a_reload_and_goes_when_it_is_sent(page: Page, pages: str, tape: Tape) -> None:
    page.goto(pages + NEW)
    page.get_by_label("Sell when").fill("price >= reference + 1")
    page.get_by_label("Name", exact=True).fill("mine")
    drafted(page, "mine")
    page.reload()
    expect(page.get_by_label("Sell when")).to_have_value("price >= reference + 1")
    expect(page.get_by_label("Name", exact=True)).to_have_value("mine")
    expect(page.locator("#new-understood")).to_contain_text("reference + 1")
    page.goto(f"{pages}/new?user=bob")  # another page has another draft
    expect(page.get_by_label("Sell when")).to_have_value("price >= reference + 0.20")
    page.goto(pages + NEW)
    expect(page.get_by_label("Name", exact=True)).to_have_value("mine")
    page.get_by_label("Sell when").press("Control+Enter")
    expect(page.get_by_text("mine on IBM was sent to the stream.")).to_be_visible()  # first: it goes by itself
    arrived(page, "mine")
    assert [(one.name, action) for one, action in tape.sent] == [("mine", Action.OPEN)]
    assert not page.evaluate("Object.keys(sessionStorage).some(key => key.endsWith('?user=ann&ticker=IBM'))")


def test_hostile_addresses_give_the_page_and_what_is_wrong_when_it_is_sent_gets_the_focus(
    page: Page, pages: str, tape: Tape
) -> None:
    addresses = {
        "/new?user=%3Cimg%20src=x%3E&ticker=%22": 1,
        "/new?user=a&user=b": 0,
        "/new?from=IBM/%3Cb%3E&user=ann": 1,
    }
    page.goto(pages + next(iter(addresses)))
    for address, errors in addresses.items():
        turn(page, address)
        page.wait_for_function(SHOWN)
        expect(page.get_by_label("Buy when")).to_have_value("price <= reference - 0.10")
        expect(page.locator("#address-error")).to_have_count(errors)
    turn(page, "/new?ticker=IBM")
    page.wait_for_function(SHOWN)
    page.get_by_role("button", name="Open strategy").click()
    expect(page.locator("#new-failure")).to_contain_text("is marked above")
    expect(page.get_by_label("Username", exact=True)).to_be_focused()
    assert tape.sent == []
    page.keyboard.type("ann")
    expect(page.locator("#new-failure")).to_have_count(0)


@pytest.mark.timeout(400)
def test_the_preview_follows_what_is_typed_and_keeps_the_zoom(page: Page, pages: str) -> None:
    page.goto(pages + NEW)
    expect(page.locator("#new-result")).to_contain_text("round trip", timeout=ENGINE_MS)
    expect(page.locator("#new-result")).to_contain_text("stored bars of 1m of IBM, 2013-10-07 09:30")
    figure = "document.querySelector('#new-graph .js-plotly-plot')"
    page.wait_for_function(f"(g => g && g.calcdata && g.calcdata[3].length > 3)({figure})")
    fills = page.locator("#new-result .card", has_text="Fills").locator(".figure")
    before = int(fills.inner_text())
    box = page.locator("#new-graph .nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 110, steps=5)
    page.mouse.up()
    page.wait_for_function(f"{figure}.layout.yaxis.autorange === false")
    ranges = f"[{figure}.layout.xaxis.range, {figure}.layout.yaxis.range]"
    zoomed = page.evaluate(ranges)
    page.get_by_label("Sell when").fill("price >= reference + 0.60")
    expect(fills).not_to_have_text(str(before))
    assert page.evaluate(ranges) == zoomed
    page.get_by_text("As a table").click()
    expect(page.get_by_role("table", name=re.compile("Fills"))).to_be_visible()
    expect(page.get_by_role("table", name=re.compile("Last values")).get_by_role("row")).to_have_count(4)
    page.get_by_role("textbox", name="Ticker").fill("BAC")
    expect(page.locator("#new-note")).to_contain_text("No bars of BAC are stored")
    expect(page.locator("#new-graph")).to_be_hidden()


def test_a_copy_is_understood_and_a_new_version_says_what_becomes_of_the_old_one_and_stops_it(
    page: Page, pages: str, tables: FakeReader, tape: Tape
) -> None:
    tables.strategy_rows.append(strategy(name="wide", parameters=(0.03, 0.07)))
    page.goto(f"{pages}/new?user=ann&from=IBM/wide")
    expect(page.get_by_label("Buy when")).to_have_value("price <= reference - 0.03")
    expect(page.locator("#new-understood code")).to_contain_text("price ≤ reference − 0.03")
    expect(page.locator("#new-understood code")).to_contain_text("price ≥ reference + 0.07")

    turn(page, "/new?user=ann&from=IBM/dip&edit=1")
    expect(page.get_by_role("heading", name="New version")).to_be_visible()
    expect(page.locator("#new-version")).to_contain_text("stops dip")
    expect(page.get_by_label("Name", exact=True)).to_have_value("dip-2")
    expect(page.get_by_role("textbox", name="Ticker")).to_have_attribute("readonly", "")
    page.get_by_label("Cash, $").fill("2,500")
    drafted(page, "2,500")
    page.reload()  # the draft, and not what it was made from
    expect(page.get_by_label("Cash, $")).to_have_value("2,500")
    expect(page.get_by_label("Name", exact=True)).to_have_value("dip-2")
    page.get_by_role("button", name="Open new version, stop dip").click()
    arrived(page, "dip-2")
    assert [(one.name, one.cash, action) for one, action in tape.sent] == [
        ("dip-2", 2_500_000_000, Action.OPEN),
        ("dip", 10_000_000_000, Action.STOP),
    ]


@pytest.mark.servers
def test_a_strategy_is_written_refused_mended_and_opened_on_the_tape(
    dashboard: str, page: Page, trader: Strategy, job: Job, servers: Settings
) -> None:
    page.goto(f"{dashboard}/user/ann")
    page.get_by_role("main").get_by_role("link", name="New strategy").click()
    ticker = page.get_by_role("textbox", name="Ticker")
    ticker.fill("IBN")
    expect(page.locator("#ticker-warning")).to_contain_text("Close to it: IBM")
    ticker.fill("IBM")
    page.get_by_label("Cash, $").fill("ten")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Open strategy").click()
    cash = page.get_by_label("Cash, $")
    expect(cash).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("'ten' is not an amount")).to_be_visible()
    cash.fill("2,500.50")
    page.get_by_role("button", name="Open strategy").click()
    arrived(page, "mine")
    status = page.locator("#strategy-status")

    (opening,) = openings_on_the_tape(servers)
    assert (opening.username[0], opening.name[0], opening.cash[0]) == (b"ann", b"mine", 2_500_500_000)
    assert json.loads(opening.shape[0])["sell"] == "price >= reference + $1"
    strategy = first_rule("ann", "mine", "IBM", 2_500_500_000, 100_000, 200_000)
    job.opened(strategy, time=int(opening.time[0]))
    job.batch(event_time=NOW)
    expect(status).to_have_text("waiting")
    job.position(strategy, time=NOW, cash=2_500_500_000, shares=0, reference=182_000_000, fills=0)
    job.batch(event_time=NOW)
    expect(status).to_have_text("running")

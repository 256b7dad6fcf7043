"""The pages are for everybody: axe finds nothing serious on any of them, in light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from frontend import pulse
from frontend.app import create_app
from riskcontrol.newyork import date_of
from riskcontrol.settings import Settings
from tests.browser.axe import findings
from tests.browser.conftest import hosted, turn
from tests.frontend.fake import OPEN, FakeReader, leaders, position, quotes, strategy, trader

SHOWN = {
    "/": "h1",
    "/no/such/page": "#not-found",
    "/user/nobody": "#no-positions",
    "/user/ann": "#table .ag-row .spark",
    "/leaders?user=ann": "body:has(#own-table .ag-row) #spread .main-svg",
    "/market": "#board-active a",
    "/market/IBM": "#candles .main-svg",
    "/health": "#pace .main-svg",
    "/new?user=ann&from=IBM/dip&edit=1": "#new-understood code",
}
"""By address: what is there as soon as the page is complete, and on no page before it.

The page of a strategy is looked at in `test_strategy`, with each of its tabs.
"""


def tables() -> FakeReader:
    """A user with strategies in every state, and leaders."""
    reader = trader()
    reader.leading = leaders(20)  # more than fit: it scrolls
    reader.day_rows[date_of(OPEN)] = quotes(
        ("IBM", 181_000_000, 181_500_000, 5_000), ("BAC", 14_000_000, 13_810_000, 9_000)
    )
    for name, status in (("halts", "halted"), ("stops", "stopped"), ("runs", "running")):
        reader.strategy_rows.append(strategy(name=name))
        reader.position_rows.append(position(name=name, status=status, shares=3, reference=181_000_000))
    reader.strategy_rows.append(strategy(ticker="BAC", name="waits"))
    return reader


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """The address of the pages over tables in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pulse, "PATIENCE_SECONDS", 600.0)
        with hosted(create_app(Settings(), reader=tables())) as address:
            yield address


@pytest.mark.timeout(600)
def test_no_page_has_a_serious_finding(page: Page, pages: str) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(pages)
    found: list[str] = []
    for address, shown in SHOWN.items():
        page.emulate_media(color_scheme="light")
        turn(page, address)
        expect(page.locator(shown).first).to_be_visible()
        expect(page.locator("#pipeline")).to_contain_text("trades/s")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
            found += [f"{address}, {scheme}: {one}" for one in findings(page, colours=scheme == "dark")]
    assert found == []


def test_no_narrow_page_has_a_serious_finding(page: Page, pages: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{pages}/user/ann")
    health = page.get_by_role("link", name="Health")
    found: list[str] = []
    for address in ("/user/ann", "/leaders?user=ann"):
        turn(page, address)
        expect(page.locator(SHOWN[address].removesuffix(" .spark")).first).to_be_visible()
        expect(health).to_be_hidden()
        page.get_by_role("button", name="Pages").click()
        expect(health).to_be_visible()
        found += [f"{address}: {one}" for one in findings(page)]
    assert found == []


def test_no_open_list_has_a_serious_finding(page: Page, pages: str) -> None:
    page.goto(f"{pages}/new")
    found: list[str] = []
    for address, field, listed in (
        ("/new", "Begin with", "dip-and-rise"),
        ("/new", "Bars of", "5m"),
        ("/market", "Find a ticker", "IBM"),
    ):
        turn(page, address)
        page.get_by_role("textbox", name=field).click()
        option = page.get_by_role("option", name=listed).first
        expect(option).to_be_visible()
        found += [f"{address}, {field}: {one}" for one in findings(page)]
        page.keyboard.press("Escape")
        expect(option).to_be_hidden()
    assert found == []


def test_a_page_that_nobody_can_read_has_findings(windows: BrowserContext) -> None:
    page = windows.new_page()
    page.set_content(
        "<html lang='en'><title>x</title><p style='color:#eee;background:#fff'>faint</p><img src=''></html>"
    )
    assert {line.split()[1] for line in findings(page)} == {"color-contrast:", "image-alt:"}
    assert {line.split()[1] for line in findings(page, colours=True)} == {"color-contrast:"}
    assert {line.split()[1] for line in findings(page, "img")} == {"image-alt:"}
    page.close()

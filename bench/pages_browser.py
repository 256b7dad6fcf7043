"""Pages in a real browser: what they ask for, when their numbers are there, and how much they load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.pages_load import CALLBACKS, Recorded, recorded
from riskcontrol.errors import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

PATIENCE_MS = 30_000
SETTLE_MS = 2_500
"""How long a page is watched after its numbers are there: its other requests, and one tick of its clock."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
"""What is looked for, first what people use."""
HEADLESS = BROWSERS[-1]
"""The same browser without its windows, in three quarters of the processor time."""
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--process-per-site",
]


@dataclass(frozen=True, slots=True)
class Shown:
    """A page and where its content is, as CSS selectors.

    Attributes:
        address: With ``{user}``, ``{ticker}`` and ``{name}`` where they belong.
        numbers: The first of its real numbers: they count once they are visible.
        graph: The lines of its graph, where it has one.
    """

    address: str
    numbers: str
    graph: str = ""


PAGES = {
    "overview": Shown("/user/{user}", "#table .ag-row [col-id='value']"),
    "strategy": Shown(
        "/user/{user}/{ticker}/{name}", "#strategy-cards .figure", ".strategy-graph .scatterlayer path.js-line"
    ),
    "leaders": Shown("/leaders?user={user}", "#ranking .ag-row [col-id='gain']", "#spread .barlayer path"),
    "market": Shown("/market", "#board-active tbody td"),
    "ticker": Shown("/market/{ticker}", "#ticker-last .last-price", "#candles .boxlayer path"),
    "health": Shown("/health", "#health-cards .figure", "#pace .scatterlayer path.js-line"),
    "new": Shown("/new?user={user}&ticker={ticker}", "#new-result", "#new-graph .scatterlayer path.js-line"),
}

_WATCH = """
(selectors => {
    window.__shown = {};
    const look = () => {
        for (const [name, selector] of Object.entries(selectors)) {
            if (name in window.__shown) {
                continue;
            }
            for (const found of document.querySelectorAll(selector)) {
                const box = found.getBoundingClientRect();
                if (box.width && (found.getAttribute("d") || (box.height && /[0-9]/.test(found.textContent)))) {
                    // It is painted with the frame that is being made: the next one's beginning is its end.
                    window.__shown[name] = null;
                    requestAnimationFrame(now => { window.__shown[name] = now; });
                    break;
                }
            }
        }
        if (Object.keys(window.__shown).length < Object.keys(selectors).length) {
            requestAnimationFrame(look);
        }
    };
    requestAnimationFrame(look);
})(%s)
"""
_THERE = "window.__shown && Object.keys(%s).every(name => window.__shown[name] > 0)"


def program(first: str = "") -> str | None:
    """Return the path of Chromium, where there is one.

    Args:
        first: Which of `BROWSERS` is taken before the others.
    """
    return next(filter(None, map(shutil.which, sorted(BROWSERS, key=lambda name: name != first))), None)


def installed() -> str:
    """Return the path of the system's Chromium.

    Raises:
        InputError: There is none, or nothing to drive it.
    """
    if find_spec("playwright") is None:
        raise InputError("Playwright is missing; install requirements/dev.lock")
    found = program()
    if found is None:
        raise InputError("no Chromium is installed (Debian: apt-get install chromium)")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """The system's Chromium.

    Raises:
        InputError: There is none, or nothing to drive it.
    """
    found = installed()
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  of the developers' packages

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield started
        started.close()


def record(context: BrowserContext, address: str, page: str, names: Mapping[str, str]) -> list[Recorded]:
    """Return the requests for data that opening a page makes, each callback's largest.

    Args:
        context: Where the page is opened.
        address: Of the pages.
        page: Which of `PAGES`.
        names: Whose; by placeholder.
    """
    found: dict[str, Recorded] = {}
    for made in requests(context, address, page, names):
        if made.output not in found or made.size > found[made.output].size:
            found[made.output] = made
    return list(found.values())


def requests(context: BrowserContext, address: str, page: str, names: Mapping[str, str]) -> list[Recorded]:
    """Return the requests for data that a page makes when it is opened and for a moment after, as they are answered.

    Args:
        context: Where the page is opened.
        address: Of the pages.
        page: Which of `PAGES`.
        names: Whose; by placeholder.
    """
    found: list[Recorded] = []
    with _watched(context, page) as opened:
        answers: list[Any] = []
        opened.on("response", lambda answer: answers.append(answer))
        _shown(opened, address, page, names)
        opened.wait_for_timeout(SETTLE_MS)
        for answer in answers:
            body = answer.request.post_data
            if urlsplit(answer.url).path != CALLBACKS or body is None or answer.status != 200:
                continue
            found.append(recorded(page, body, len(answer.body()), names))
    return found


def paint(started: Browser, address: str, page: str, names: Mapping[str, str], runs: int) -> dict[str, Any]:
    """Return how long a page takes until its numbers and its graph are visible, and what it loads, with empty caches.

    Args:
        started: The browser.
        address: Of the pages.
        page: Which of `PAGES`.
        names: Whose; by placeholder.
        runs: How often; the median counts.
    """
    seconds: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for _ in range(runs):
        with _opened(started, page) as (opened, devtools):
            kinds: dict[str, str] = {}
            loaded: dict[str, int] = {}

            def began(event: dict[str, Any], kinds: dict[str, str] = kinds) -> None:
                kinds[event["requestId"]] = event["type"]

            def ended(event: dict[str, Any], kinds: dict[str, str] = kinds, loaded: dict[str, int] = loaded) -> None:
                kind = kinds.get(event["requestId"], "Other").lower()
                loaded[kind] = loaded.get(kind, 0) + int(event["encodedDataLength"])

            devtools.on("Network.responseReceived", began)
            devtools.on("Network.loadingFinished", ended)
            for name, milliseconds in _shown(opened, address, page, names).items():
                seconds.setdefault(name, []).append(milliseconds / 1_000)
            sizes = dict(loaded)
    # A run in which something didn't come has no time for it.
    times = {name: round(median(each), 3) for name, each in seconds.items() if len(each) == runs}
    return {"seconds": times.get("numbers"), "graph_seconds": times.get("graph"),
            "bytes": {**sizes, "all": sum(sizes.values())}}  # fmt: skip


@contextmanager
def window(started: Browser, cookies: Sequence[Any] = ()) -> Iterator[BrowserContext]:
    """A browser's windows with empty caches of their own, which what is opened in them shares.

    Args:
        started: The browser.
        cookies: As Playwright takes them.
    """
    context = started.new_context(viewport={"width": 1440, "height": 1000})
    context.add_cookies(cookies)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def _opened(started: Browser, page: str) -> Iterator[tuple[Page, CDPSession]]:
    """A page in a window of its own, which notes when its content is there."""
    with window(started) as context:
        opened = _watched(context, page)
        devtools = context.new_cdp_session(opened)
        devtools.send("Network.enable")
        yield opened, devtools


def _watched(context: BrowserContext, page: str) -> Page:
    """Return an empty page that will note when the content of one of `PAGES` is there."""
    opened = context.new_page()
    opened.add_init_script(_WATCH % json.dumps(_selectors(page)))
    return opened


def _shown(opened: Page, address: str, page: str, names: Mapping[str, str]) -> dict[str, float]:
    """Open a page; return after how many milliseconds its parts were there, without those that didn't come."""
    from playwright.sync_api import TimeoutError as NotShown  # noqa: PLC0415  of the developers' packages

    opened.goto(address + PAGES[page].address.format(**names))
    with suppress(NotShown):  # told by its absence
        opened.wait_for_function(_THERE % json.dumps(_selectors(page)), timeout=PATIENCE_MS)
    return {name: at for name, at in opened.evaluate("window.__shown").items() if at}


def _selectors(page: str) -> dict[str, str]:
    shown = PAGES[page]
    return {"numbers": shown.numbers, **({"graph": shown.graph} if shown.graph else {})}

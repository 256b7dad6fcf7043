"""A real browser, the pages over the real servers, and a writer that stands in for the job."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from fastapi import FastAPI
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

from bench.pages_browser import HEADLESS, program
from database.session import connect
from database.writes import Writer
from frontend.app import create_app
from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode, openings_batch
from riskcontrol.rows import Accepted, Bars, Fills, Openings, Positions
from riskcontrol.settings import Settings
from riskcontrol.states import Reason
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.serving import served

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--process-per-site",
]
POLL_MS = 100
"""How often a page is asked; the usual way, with each frame, has it drawn sixty times a second."""
DRAWN = "g && g.data && g.data.length && g.calcdata && g.calcdata.length === g.data.length"
"""Whether a graph `g` has lines, all of them drawn."""
WIDTHS = (1440, 1024, 390)
PATIENCE_MS = 30_000
"""How long a machine that is busy with other things may take over anything, milliseconds."""
OPEN = 1381152600 * NS_PER_SECOND
"""2013-10-07 09:30 New York."""
NOW = OPEN + 60 * NS_PER_MINUTE + 5 * NS_PER_SECOND
"""Where the stream of `trader` stands."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """The system's Chromium with a profile of its own, which keeps scripts, compiled, from test to test."""
    found = program(first=HEADLESS)
    if found is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium-headless-shell)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=found,
            args=ARGUMENTS,
            viewport={"width": 1440, "height": 1000},
            color_scheme="light",
        )
        # One that stays, of the pages' site: its process is every test's, where scripts needn't be compiled again.
        (stays,) = started.pages
        stays.route("**/*", lambda route: route.fulfill(content_type="text/html", body="<title>stays</title>"))
        stays.goto(f"http://127.0.0.1:{hosted_port()}")
        yield started
        started.close()


@pytest.fixture
def expected() -> list[str]:
    """What errors of the console may say; a test adds those that it provokes."""
    return []


@pytest.fixture
def page(windows: BrowserContext, expected: list[str]) -> Iterator[Page]:
    """A fresh window; at its end, nothing may have left loopback and the console must hold no error."""
    opened = windows.new_page()
    # What the pages of other tests remembered: only scripts stay.
    kept = {"origin": "*", "storageTypes": "cookies,local_storage,indexeddb,service_workers"}
    windows.new_cdp_session(opened).send("Storage.clearDataForOrigin", kept)
    _OPEN.append(opened)
    foreign: list[str] = []
    errors: list[str] = []
    refused: list[str] = []

    def answered(answer: Response) -> None:
        # What was asked, for whoever has to find out why.
        if answer.status == 400:
            refused.append(f"{answer.request.method} {answer.url}: {answer.request.post_data}")

    def told(message: ConsoleMessage) -> None:
        # A server that is away on purpose is such an error too.
        away = "ERR_CONNECTION_REFUSED" in message.text or "the server did not respond" in message.text
        if message.type == "error" and not away and not any(words in message.text for words in expected):
            errors.append(message.text)

    local = ("http://127.0.0.1:", "data:", "blob:")
    opened.on("request", lambda request: None if request.url.startswith(local) else foreign.append(request.url))
    opened.on("response", answered)
    opened.on("console", told)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    _OPEN.remove(opened)
    opened.close()
    assert foreign == []
    assert errors == [], refused


def turn(page: Page, address: str) -> None:
    """Go to another page as the links of a page do; to load one anew costs seconds of processor time."""
    page.evaluate("address => window.riskcontrol.go(address)", address)


def fits(page: Page, width: int) -> None:
    """Wait until nothing of the page is beyond its right edge."""
    page.wait_for_function(f"document.documentElement.scrollWidth <= {width}", polling=POLL_MS)


@contextmanager
def hosted(app: FastAPI) -> Iterator[str]:
    """Serve pages at the same address in every test: a browser keeps scripts by address."""
    with served(app, hosted_port()) as address:
        yield address
        for opened in _OPEN:  # one that still loads a script from a server that ends would have an error
            opened.close()


_OPEN: list[Page] = []


@functools.cache
def hosted_port() -> int:
    """Return the port of that address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def dashboard(servers: Settings) -> Iterator[str]:
    """The address of the pages over the real database and tape."""
    with hosted(create_app(servers)) as address:
        yield address


@dataclass
class Job:
    """Writes what the job would write."""

    settings: Settings
    prices: dict[str, tuple[int, int]] = field(default_factory=dict)
    version: int = 0

    def __post_init__(self) -> None:
        self.writer = Writer(connect(self.settings))

    def opened(self, strategy: Strategy, time: int = 1_760_000_000 * NS_PER_SECOND, since: int = 0) -> None:
        """Write a strategy as opened."""
        openings = decode(encode(openings_batch([strategy], time=time)), OPENINGS_HEADERS)
        assert isinstance(openings, Openings)
        self.writer.strategies(Accepted.of(openings, np.array([since])))
        self.writer.flush()

    def position(self, strategy: Strategy, *, time: int, cash: int, shares: int, reference: int, fills: int) -> None:
        """Write a strategy's position."""
        self.version += 1
        self.writer.positions(
            Positions(
                username=np.array([strategy.username], "S32"),
                name=np.array([strategy.name], "S24"),
                ticker=np.array([strategy.ticker], "S16"),
                time=np.array([time]),
                cash=np.array([cash]),
                shares=np.array([shares]),
                reference=np.array([reference]),
                entry=np.array([reference if shares else 0]),
                entered=np.array([time if shares else 0]),
                fills=np.array([fills]),
                status=np.zeros(1, np.int8),
            ),
            version=self.version,
        )
        self.writer.flush()

    def fill(self, strategy: Strategy, *, number: int, time: int, price: int, shares: int, cash: int) -> None:
        """Write a fill and the position after it; `cash` is what is left, and what is sold is all."""
        self.writer.fills(
            Fills(
                username=np.array([strategy.username], "S32"),
                name=np.array([strategy.name], "S24"),
                ticker=np.array([strategy.ticker], "S16"),
                number=np.array([number]),
                time=np.array([time]),
                price=np.array([price]),
                shares=np.array([shares]),
                fee=np.array([0]),
                cash=np.array([cash]),
                sequence=np.array([number]),
                reason=np.array([Reason.BUY if shares > 0 else Reason.SELL], np.int8),
            )
        )
        self.position(strategy, time=time, cash=cash, shares=max(0, shares), reference=price, fills=number)

    def bars(self, ticker: str, closes: list[int], start: int = OPEN) -> None:
        """Write a bar for each close."""
        close = np.array(closes, np.int64)
        ones = np.ones(len(close), np.int64)
        times = start + NS_PER_MINUTE * np.arange(len(close))
        names = np.array([ticker] * len(close), "S16")
        self.writer.bars(Bars(names, times, close, close, close, close, ones, close, ones))
        self.writer.flush()

    def mark(self, ticker: str, time: int, price: int) -> None:
        """Write a last price, and the batch that brought it."""
        self.prices[ticker] = (time, price)
        names, marks = list(self.prices), list(self.prices.values())
        batch = pa.record_batch(
            {
                "ticker": pa.array(names),
                "price": pa.array([price for _, price in marks], pa.int64()),
                "time": pa.array([time for time, _ in marks], pa.int64()),
            }
        )
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        self.writer.marks(0, sink.getvalue().to_pybytes(), version=time // 10**9)
        self.batch(event_time=time)

    def batch(self, *, event_time: int, trades: int = 20_000, at: datetime | None = None) -> None:
        """Write a batch."""
        counts = {"openings": 0, "fills": 1, "positions": 1, "bars": 0, "rejected": 0, "lag": 0}
        self.writer.batch(
            time=at or datetime.now(UTC),
            trades=trades,
            event_time=event_time,
            processing=0.25,
            delay=0.01,
            **counts,
        )


@pytest.fixture
def job(servers: Settings) -> Job:
    return Job(servers)


@pytest.fixture
def trader(job: Job) -> Strategy:
    """A user whose strategy bought and sold in the first hour of a day; the stream is at 10:30:05."""
    strategy = first_rule("ann", "dip", "IBM", 10_000_000_000, 100_000, 200_000)
    job.opened(strategy)
    job.opened(first_rule("ann", "later", "BAC", 5_000_000_000, 50_000, 50_000))
    job.bars("IBM", [181_000_000 + 10_000 * (i * 37 % 60) for i in range(60)])
    job.fill(strategy, number=1, time=OPEN + 5 * NS_PER_MINUTE, price=181_000_000, shares=55, cash=45_000_000)
    job.fill(strategy, number=2, time=OPEN + 25 * NS_PER_MINUTE, price=182_000_000, shares=-55, cash=10_055_000_000)
    job.fill(strategy, number=3, time=OPEN + 45 * NS_PER_MINUTE, price=181_000_000, shares=55, cash=100_000_000)
    job.mark("IBM", OPEN + 60 * NS_PER_MINUTE + 5 * NS_PER_SECOND, 182_000_000)
    return strategy

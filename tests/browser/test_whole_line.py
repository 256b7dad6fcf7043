"""The product as a user meets it: file, S3, Kafka, Spark, Cassandra, page, all at once, as `riskcontrol demo`."""

from __future__ import annotations

import json
import re
import urllib.request
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect

from database.session import close
from ingestion.s3 import client
from riskcontrol import servers
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from spark import source
from spark.source import Tape
from tests.browser.test_accounts import sign_in
from tests.cli.test_demo import processes_of
from tests.processes import Running, run, simulated_day, until
from tests.reference import Reference
from tests.spark.test_stream import check_against, check_days, ends, reached, rows

USERS = 60
MORE = 5


def whole_tape(settings: Settings) -> list[pa.RecordBatch | Openings]:
    """Return every block of the tape; a ticker is in one partition, so that partition after partition will do."""
    events: list[pa.RecordBatch | Openings] = []
    with closing(Tape(settings)) as tape, closing(source):
        for shard, end in tape.ends().items():
            blocks, rejected = source.read_range(settings, shard, 0, end, shards=tape.shards)
            assert not rejected
            events += blocks
    return events


@pytest.fixture
def days(all_servers: Settings, tmp_path: Path) -> tuple[str, str]:
    """Two days in a bucket."""
    files = [simulated_day(tmp_path / "days", tickers=8, trades=12_000, day=f"2024-03-0{day}") for day in (5, 6)]
    client(all_servers).create_bucket(Bucket="whole-line")
    assert run(all_servers, "upload", *map(str, files), "s3://whole-line/days/").returncode == 0
    first, second = (f"s3://whole-line/days/{day.name}" for day in files)
    return first, second


def told(demo: Running, what: str) -> str:
    """Return what the demonstration's words of welcome say of something."""
    found = re.search(rf"{what} +(.+)", demo.output)
    assert found is not None, demo.output
    return found[1]


def opens_its_own(page: Page, ticker: str) -> None:
    """Open a strategy with levels that every cent of movement reaches, in the form."""
    page.get_by_role("main").get_by_role("link", name="New strategy").click()
    page.get_by_role("textbox", name="Ticker").fill(ticker)
    page.get_by_label("Buy when").fill("price <= reference - 0.01")
    page.get_by_label("Sell when").fill("price >= reference + 0.01")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Open strategy").click()
    expect(page.locator("#strategy-status")).to_have_text(re.compile("sent|waiting|running"))


@pytest.mark.servers
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("started_once")
def test_the_demo_shows_a_user_whose_numbers_move_all_fills_are_the_reference_s_and_nothing_is_left_behind(
    all_servers: Settings, days: tuple[str, str], page: Page, expected: list[str], tmp_path: Path
) -> None:
    # A change of a graph may come when its page has been left: Dash drops it, which is right, and tells the console.
    expected.append("Cannot patch undefined")
    first, second = days
    of_s3 = {name: value for name, value in all_servers if name.startswith("s3_")}
    settings = Settings(home=tmp_path / "home", **of_s3)
    of_demo = settings.model_copy(update={"home": settings.home / "demo", "shards": 4})
    command = ("demo", "--trades", first, "--users", str(USERS), "--port", "0")
    with Running(settings, *command, "--speed", "2400") as demo:
        demo.wait_for("Ctrl-C stops everything", 180)
        url, username = told(demo, "RiskControl is at"), told(demo, "Try the user").split()[0]
        with urllib.request.urlopen(f"{url}api/v1/health", timeout=10) as answer:  # noqa: S310  loopback
            assert json.load(answer)["ok"] is True
        page.goto(url)
        sign_in(page, username, told(demo, "Its password"))
        page.wait_for_url(re.compile(f"/user/{username}"))
        table = page.locator("#table .ag-center-cols-container .ag-row")
        expect(table).to_have_count(1)
        table.locator('[col-id="value"]').click()
        page.wait_for_url(re.compile(f"/user/{username}/.+/.+"))
        page.wait_for_function(
            "(g => g && g.calcdata && g.calcdata.some(points => points.length > 3))"
            "(document.querySelector('#strategy-overview-graph .js-plotly-plot'))"
        )
        page.go_back()
        expect(table).to_have_count(1)
        found = servers.resolve(of_demo)
        busiest = str(rows(found, "strategies", "ticker, username")[0][0])
        opens_its_own(page, busiest)
        page.locator(".crumbs").get_by_role("link", name=username).click()
        mine = page.locator(f'#table .ag-row[row-id="{busiest} mine"]')
        expect(mine.locator('[col-id="status"]')).to_have_text(re.compile("sent|waiting|running"))
        another = run(settings, *command)
        assert another.returncode == 1
        assert "another one runs" in another.stderr
        # Other commands find all of it by its folder.
        more = run(of_demo, "users", "generate", "--count", str(MORE), "--prefix", "more", "--tickers", second)
        assert "All are open" in more.stdout, more.stdout + more.stderr
        # A day of its own to trade on, however late it came into the other.
        demo.wait_for("The day is over", 120)
        assert "trades sent; " in demo.output
        sent = run(of_demo, "ingest", second, "--speed", "max")
        assert sent.returncode == 0, sent.stderr
        expect(mine.locator('[col-id="status"]')).to_have_text("running")
        expect(mine.locator('[col-id="fills"]')).to_have_text(re.compile("[1-9]"))
        until(lambda: reached(found, ends(found)), 60, lambda: demo.output)
        reference = Reference().feed(whole_tape(found))
        assert len({fill[0] for fill in reference.fills}) > USERS // 2
        assert any(fill[1] == "mine" for fill in reference.fills)
        check_against(reference, found)
        check_days(reference, found)
        assert any(fill[0].startswith("more") for fill in reference.fills)
        page.goto("about:blank")  # it would ask on, and its server ends
        close()  # a session would look for its server in vain
        assert demo.interrupt() == 130
        assert set(re.findall(r"^Stopping the (\w+)", demo.output, re.M)) == {"pages", "alerts", "stream", "servers"}
        assert demo.output.endswith("Stopping the servers ...\nEverything is stopped.")
    assert processes_of(settings.home) == []

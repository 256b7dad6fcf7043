"""The product as a user meets it: file, S3, Kafka, Spark, Cassandra, page; all commands real, all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest
from playwright.sync_api import Page, expect

from ingestion.s3 import client
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from spark.source import Tape, read_range
from tests.processes import Running, run, simulated_day, until
from tests.reference import Reference
from tests.spark.test_stream import check_against, check_days, ends, reached, rows

USERS = 60


def whole_tape(settings: Settings) -> list[pa.RecordBatch | Openings]:
    """Return every block of the tape; a ticker is in one partition, so that partition after partition will do."""
    tape = Tape(settings)
    events: list[pa.RecordBatch | Openings] = []
    for shard, end in tape.ends().items():
        blocks, rejected = read_range(settings, shard, 0, end, shards=tape.shards)
        assert not rejected
        events += blocks
    tape.close()
    return events


@pytest.mark.servers
@pytest.mark.timeout(400)
def test_from_trade_file_to_page(servers: Settings, page: Page, tmp_path: Path) -> None:
    first, second = (simulated_day(tmp_path, tickers=8, trades=12_000, day=day) for day in ("2024-03-05", "2024-03-06"))
    client(servers).create_bucket(Bucket=servers.topic)
    bucket = f"s3://{servers.topic}/days/"
    assert run(servers, "upload", str(first), str(second), bucket).returncode == 0
    with Running(servers, "stream", "--state", str(tmp_path / "state")) as stream:
        stream.wait_for("nothing new on the tape")
        opened = run(servers, "users", "generate", "--count", str(USERS), "--tickers", bucket)
        assert "All are open" in opened.stdout, opened.stdout + opened.stderr
        busiest = str(rows(servers, "strategies", "ticker, username")[0][0])
        with (
            Running(servers, "dashboard", "--no-sign-in", "--port", "0") as dashboard,
            Running(servers, "ingest", bucket + first.name, "--speed", "2400", "--from", "09:30") as ingest,
        ):
            dashboard.wait_for(" is at http://")
            found = re.search(r"http://\S+", dashboard.output)
            assert found is not None
            page.goto(found.group())
            page.get_by_role("textbox", name="Username").fill("user000001")
            page.keyboard.press("Enter")
            page.wait_for_url(re.compile("/user/user000001"))
            table = page.locator("#table .ag-center-cols-container .ag-row")
            expect(table).to_have_count(1)
            table.locator('[col-id="value"]').click()
            page.wait_for_url(re.compile("/user/user000001/.+/.+"))
            page.wait_for_function(
                "(g => g && g.calcdata && g.calcdata.some(points => points.length > 3))"
                "(document.querySelector('#strategy-overview-graph .js-plotly-plot'))"
            )
            page.go_back()
            expect(table).to_have_count(1)
            # A strategy of one's own, with levels that every cent of movement reaches.
            page.get_by_role("main").get_by_role("link", name="New strategy").click()
            page.get_by_role("textbox", name="Ticker").fill(busiest)
            page.get_by_label("Buy when").fill("price <= reference - 0.01")
            page.get_by_label("Sell when").fill("price >= reference + 0.01")
            page.get_by_label("Name", exact=True).fill("mine")
            page.get_by_role("button", name="Open strategy").click()
            expect(page.locator("#strategy-status")).to_have_text(re.compile("sent|waiting|running"))
            page.locator(".crumbs").get_by_role("link", name="user000001").click()
            mine = page.locator(f'#table .ag-row[row-id="{busiest} mine"]')
            expect(mine.locator('[col-id="status"]')).to_have_text(re.compile("sent|waiting|running"))
            # A day of its own to trade on, however late it came into the other.
            assert ingest.process.wait(120) == 0, ingest.output
            sent = run(servers, "ingest", bucket + second.name, "--speed", "max")
            assert sent.returncode == 0, sent.stderr
            expect(mine.locator('[col-id="status"]')).to_have_text("running")
            expect(mine.locator('[col-id="fills"]')).to_have_text(re.compile("[1-9]"))
            until(lambda: reached(servers, ends(servers)), 60, lambda: stream.output)
        assert stream.interrupt() == 0
    reference = Reference().feed(whole_tape(servers))
    assert len({fill[0] for fill in reference.fills}) > USERS // 2
    assert any(fill[1] == "mine" for fill in reference.fills)
    check_against(reference, servers)
    check_days(reference, servers)

"""The health page: what the last hour's batches come to, and what the servers say."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontend import pace
from frontend.pages import health
from frontend.reduce import MOST_POINTS
from frontend.watch import EVERY_SECONDS, PATIENCE_SECONDS, Answer, Watch
from riskcontrol.errors import ServerError
from riskcontrol.trades import NS_PER_SECOND
from tests.frontend.conftest import Page
from tests.frontend.fake import BATCHES, OPEN, FakeReader, batch
from tests.frontend.test_market import words


def frame(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(BATCHES))


@pytest.fixture(autouse=True)
def kafka(own_application: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the brokers say; nothing for no answer."""
    said = ["answers, topic tape has 4 partitions"]

    def ask(settings: object) -> str:
        if not said:
            raise ServerError("no answer", server="kafka")
        return said[0]

    monkeypatch.setattr(health, "ask_kafka", ask)
    return said


def refresh(page: Page, **values: Any) -> dict[str, Any]:
    return page.call("health-cards.children", "market.data", **values)


def test_nothing_comes_of_no_batches() -> None:
    assert pace.pace(frame()) is None


def test_an_hour_is_told_by_its_figures() -> None:
    rows = [
        batch(2 * (99 - i), seconds=0.1 + i / 1_000, event_time=OPEN + 12 * i * NS_PER_SECOND, rejected=i % 2)
        for i in range(100)
    ]
    found = pace.pace(frame(*rows))
    assert found is not None
    assert (found.batches, found.interval, found.rejected) == (100, pytest.approx(2, abs=0.01), 50)
    assert found.median == pytest.approx(0.1495)
    assert 0.197 < found.p99 < 0.199
    assert found.speed == pytest.approx(6, rel=0.01)


def test_event_time_that_stands_or_went_back_has_no_speed() -> None:
    idle = pace.pace(frame(*(batch(9 - i, trades=0) for i in range(9))))
    again = pace.pace(frame(batch(2, event_time=OPEN + NS_PER_SECOND), batch(1, event_time=OPEN)))
    assert idle is not None
    assert again is not None
    assert idle.speed is again.speed is None


def test_the_graph_has_processing_delay_and_the_interval_and_few_points() -> None:
    rows = frame(*(batch(5_000 - i, seconds=3.0 if i == 777 else 0.2) for i in range(5_000)))
    drawn = pace.figure(rows)["data"]
    lines = [np.frombuffer(base64.b64decode(line["y"]["bdata"])) for line in drawn[: pace.INTERVAL]]
    assert all(len(line) <= MOST_POINTS for line in lines)
    assert lines[pace.PROCESSING].max() == 3.0
    assert drawn[pace.INTERVAL]["y"] == pytest.approx([1.0, 1.0], abs=0.01)


def test_the_page_tells_of_batches_servers_and_clocks(page: Page, tables: FakeReader) -> None:
    found = refresh(page)
    cards = words(found["health-cards.children"])
    for said in (
        "Trades/s 20,000",
        "Fills/s 10",
        "Last batch 0.25 s delay 0.01 s",
        "Lag 0",
        "Rows waiting 0",
        "Rejects",
    ):
        assert said in cards
    assert "Event time 10:30:05 2013-10-07 New York" in cards
    servers = " ".join(words(found["health-servers.children"]).split())
    assert servers == "Cassandra answers Kafka answers, topic tape has 4 partitions Stream runs"
    assert len(found["pace.figure"]["data"]) == 3


def test_nothing_is_sent_while_nothing_changes_and_only_data_when_it_does(page: Page, tables: FakeReader) -> None:
    shown = refresh(page)["health-version.data"]
    assert refresh(page, health_version__data=shown) == {}
    tables.batch_rows.append(batch(0, seconds=0.5))
    changed = refresh(page, health_version__data=shown)
    assert {tuple(operation["location"]) for operation in changed["pace.figure"]["operations"]} == {("data",)}
    asked = len(tables.asked)
    tables.up = (2, 3)
    servers = refresh(page, health_version__data=changed["health-version.data"])
    assert "2 of 3 nodes" in words(servers["health-servers.children"])
    assert "pace.figure" not in servers
    assert tables.asked[asked:].count("batches") <= 3  # new ones alone, not the hour


def test_what_is_away_is_told(page: Page, tables: FakeReader, kafka: list[str]) -> None:
    kafka.clear()
    tables.batch_rows = [batch(100 + i) for i in range(9, -1, -1)]
    servers = words(refresh(page)["health-servers.children"])
    assert "Kafka no answer" in servers
    assert "Stream doesn't run" in servers
    assert "last trade at 2013-10-07 09:30:00 New York" in servers
    tables.away = True
    answer = refresh(page)
    assert "Cassandra no answer" in words(answer["health-servers.children"])
    assert refresh(page, health_version__data=answer["health-version.data"]) == {}


def test_before_any_batch_it_is_said(page: Page, tables: FakeReader) -> None:
    tables.batch_rows.clear()
    found = refresh(page)
    assert "No batch has been written yet" in words(found["health-notice.children"])
    assert "Stream has not run yet" in words(found["health-servers.children"])


def test_the_table_is_filled_when_it_is_opened(page: Page) -> None:
    assert page.call("pace-rows.rowData", "pace-twin.n_clicks", pace_twin__n_clicks=2) == {}
    rows = page.call("pace-rows.rowData", "pace-twin.n_clicks", pace_twin__n_clicks=1)["pace-rows.rowData"]
    assert len(rows) == 11
    assert rows[0]["time"] >= rows[-1]["time"]
    assert (rows[0]["trades"], rows[0]["processing"]) == (20_000, 0.25)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


def until_known(watch: Watch) -> Answer:
    for _ in range(100):
        if (answer := watch.answer()).up is not None:
            return answer
        threading.Event().wait(0.02)
    raise AssertionError


def test_a_server_is_asked_again_only_after_a_while() -> None:
    clock, said = Clock(), iter(["one", "two"])
    watch = Watch("kafka", lambda: next(said), clock=clock)
    assert until_known(watch) == Answer(True, "one")
    clock.now = EVERY_SECONDS - 1
    assert watch.answer() == Answer(True, "one")
    clock.now = EVERY_SECONDS
    watch.answer()
    for _ in range(100):
        if watch.answer() == Answer(True, "two"):
            return
        threading.Event().wait(0.02)
    raise AssertionError


def test_a_server_that_hangs_holds_nobody_up_and_counts_as_silent() -> None:
    clock, hangs = Clock(), threading.Event()

    def ask() -> str:
        hangs.wait(30)
        raise ServerError("gone", server="kafka")

    watch = Watch("kafka", ask, clock=clock)
    assert watch.answer().up is None
    clock.now = PATIENCE_SECONDS + 1
    assert watch.answer() == Answer(False, "no answer for 4 s")
    hangs.set()
    assert until_gone(watch) == Answer(False, "gone")


def until_gone(watch: Watch) -> Answer:
    def answers() -> Iterator[Answer]:
        for _ in range(100):
            yield watch.answer()
            threading.Event().wait(0.02)

    return next(answer for answer in answers() if answer.words == "gone")

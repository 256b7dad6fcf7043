"""The leaders' page, called as a browser calls it, and the rows of its tables."""

from __future__ import annotations

from typing import Any

import pytest

from frontend import leading, standings
from frontend.leading import Leading
from frontend.source import Source
from riskcontrol.leaders import NOBODY
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.conftest import Page
from tests.frontend.fake import OPEN, FakeReader, leaders, position, strategy


@pytest.fixture(autouse=True)
def _leading(tables: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "FRESH_SECONDS", 0.0)
    tables.leading = leaders()


def refresh(page: Page, **values: Any) -> dict[str, Any]:
    return page.call("ranking.rowData", "market.data", **values)


def test_the_best_hundred_are_ranked_and_lead_to_their_strategies(page: Page) -> None:
    answer = refresh(page, leaders_by__value="return")
    rows = answer["ranking.rowData"]
    assert [row["place"] for row in rows] == list(range(1, 101))
    gains = [row["gain"] for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert rows[0]["address"] == "/user/user000000/IBM/dip"
    assert "10,000 strategies at the end of 2013-10-07 09:30 New York" in answer["leaders-about.children"]


def test_by_evidence_only_those_with_any_are_ranked(page: Page) -> None:
    rows = refresh(page, leaders_by__value="evidence")["ranking.rowData"]
    chances = [row["probability"] for row in rows]
    assert None not in chances
    assert chances == sorted(chances, reverse=True)
    assert len(rows) == 80


def test_ones_own_place_is_told_with_the_share_that_it_beats(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(name="worse"))
    tables.position_rows.append(position(name="worse", cash=9_000_000_000))
    tables.strategy_rows.append(strategy(name="waits"))
    answer = refresh(page, leaders_user__value=" Ann ", leaders_by__value="return")
    first, second = answer["own-table.rowData"]
    assert (first["strategy_below"], first["place"], second["place"]) == ("dip", 3, None)
    assert second["gain"] == pytest.approx(-10.0)
    assert second["better"] < 1 < first["better"]
    assert answer["own-place.children"].startswith("Your best of 2, IBM · dip, returned +0.23%: better than 5")
    assert "place 3 of the ranking" in answer["own-place.children"]
    assert answer["own.hidden"] is False
    assert [row["own"] for row in answer["ranking.rowData"][:4]] == [False, False, True, False]


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "Type your username"), ("nobody", "nobody has no strategies"), ("bob", "bob has no strategies")],
)
def test_who_has_no_place_is_told_why(page: Page, typed: str, said: str) -> None:
    answer = refresh(page, leaders_user__value=typed)
    assert said in answer["own-place.children"]
    assert answer["own.hidden"] is True


def test_a_strategy_that_waits_has_no_place(page: Page, tables: FakeReader) -> None:
    tables.position_rows.clear()
    assert "None of your strategies" in refresh(page, leaders_user__value="ann")["own-place.children"]


def test_what_is_no_username_is_said_at_its_field(page: Page) -> None:
    answer = refresh(page, leaders_user__value="<script>")
    assert "A username must be" in answer["leaders-user.error"]
    assert answer["ranking.rowData"]


def test_nothing_is_sent_or_read_until_the_next_minute(page: Page, tables: FakeReader) -> None:
    shown = refresh(page, leaders_user__value="ann")["leaders-version.data"]
    asked = len(tables.asked)
    time, _ = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_SECOND, 190_000_000)
    assert refresh(page, leaders_user__value="ann", leaders_version__data=shown) == {}
    assert set(tables.asked[asked:]) == {"leaders"}
    tables.leading = leaders(time=OPEN + NS_PER_MINUTE, seed=2)
    answer = refresh(page, leaders_user__value="ann", leaders_version__data=shown)
    assert answer["ranking.rowData"]
    changed = {tuple(operation["location"]) for operation in answer["spread.figure"]["operations"]}
    assert changed == {("data",), ("layout", "shapes"), ("layout", "annotations")}  # so that the zoom stays


def test_before_the_first_minute_it_is_said_what_to_wait_for(page: Page, tables: FakeReader) -> None:
    tables.leading = None
    answer = refresh(page)
    assert "No minute of the tape has ended yet" in answer["leaders-notice.children"]["props"]["children"]
    assert answer["leaders-all.hidden"] is True
    assert refresh(page, leaders_version__data=answer["leaders-version.data"]) == {}


def test_a_minute_in_which_nobody_has_a_round_trip_shows_the_spread_alone(page: Page, tables: FakeReader) -> None:
    tables.leading = leaders(count=0)
    answer = refresh(page, leaders_by__value="evidence")
    assert "Nobody has 10 round trips yet" in answer["leaders-notice.children"]["props"]["children"]
    assert answer["leaders-all.hidden"] is False
    assert answer["ranking.rowData"] == []


def test_a_database_that_is_away_is_said_where_nothing_is_shown_yet(page: Page, tables: FakeReader) -> None:
    shown = refresh(page)["leaders-version.data"]
    tables.away = True
    assert "ranking.rowData" not in refresh(page, leaders_version__data=shown)
    assert "away" in refresh(page)["leaders-notice.children"]["props"]["children"]


@pytest.mark.parametrize("value", [1, ["return"], {"a": 1}, "x" * 10_000])
def test_callbacks_refuse_what_no_page_sends(page: Page, value: Any) -> None:
    assert page.post("ranking.rowData", "market.data", leaders_by__value=value).status_code == 400
    assert page.post("ranking.rowData", "market.data", leaders_user__value=value).status_code == 400


def test_an_unknown_ranking_is_that_by_return(page: Page) -> None:
    assert refresh(page, leaders_by__value="luck")["ranking.rowData"][0]["user"] == "user000000"


def test_all_viewers_share_what_is_read(tables: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "FRESH_SECONDS", 5.0)
    clock = [0.0]
    shared = Leading(Source(lambda: tables), clock=lambda: clock[0])
    for _ in range(3):
        assert shared.now() is tables.leading
    assert tables.asked.count("leaders") == 1
    clock[0] = 5.0
    shared.now()
    assert tables.asked.count("leaders") == 2


def test_an_empty_ranking_has_no_rows() -> None:
    assert standings.rows(NOBODY, "ann") == []

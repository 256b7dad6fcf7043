"""A user's page, called as a browser calls it: what it sends, and that it sends no more than what changed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from frontend.answers import digest
from frontend.guard import MAX_BODY
from frontend.openings import sent
from frontend.pages import user
from frontend.positions import MOST_ROWS
from riskcontrol.trades import NS_PER_SECOND
from tests.frontend.conftest import Page
from tests.frontend.fake import FakeReader, position, strategy


def refresh(page: Page, **values: Any) -> dict[str, Any]:
    return page.call("table.rowData", "market.data", **{"username__data": "ann", **values})


def test_a_row_tells_what_the_strategy_is_worth_and_what_it_came_to(page: Page, tables: FakeReader) -> None:
    answer = refresh(page)
    (row,) = answer["table.rowData"]
    state = tables.position_rows[0]
    assert row["value"] == (state.cash + state.shares * 182_000_000) / 1e6
    assert row["today"] == row["profit"] == pytest.approx(row["value"] - 10_000)
    assert (row["wins"], row["verdict"], row["fills"], row["status"]) == (100.0, "keep testing", 3, "running")
    assert row["drawdown"] < 0
    assert row["line"]["points"]
    assert answer["known-user.data"] == "ann"


def test_the_totals_are_those_of_the_rows(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(ticker="BAC", name="other"))
    tables.position_rows.append(position(ticker="BAC", name="other", cash=9_000_000_000, reference=13_000_000))
    answer = refresh(page)
    cards = [[part["props"]["children"] for part in card["props"]["children"]] for card in answer["totals.children"]]
    words = dict(cards)
    value = sum(row["value"] for row in answer["table.rowData"])
    assert words["Value"] == f"${value:,.2f}"
    assert words["Running"] == "2 of 2"
    assert words["Fills"] == "3"


def test_a_new_price_changes_the_rows_of_its_ticker_alone(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(ticker="BAC", name="other"))
    tables.position_rows.append(position(ticker="BAC", name="other", cash=0, shares=100, reference=13_000_000))
    shown = refresh(page)["table-version.data"]
    time, _ = tables.prices["BAC"]
    tables.prices["BAC"] = (time, 14_000_000)
    answer = refresh(page, table_version__data=shown)
    assert "table.rowData" not in answer
    assert [row["id"] for row in answer["table.rowTransaction"]["update"]] == ["BAC other"]
    assert answer["table.rowTransaction"]["update"][0]["value"] == 1_400.0


def test_a_new_strategy_brings_the_whole_table(page: Page, tables: FakeReader) -> None:
    shown = refresh(page)["table-version.data"]
    tables.strategy_rows.append(strategy(name="next", opened=2 * 10**18))
    answer = refresh(page, table_version__data=shown)
    assert [row["id"] for row in answer["table.rowData"]] == ["IBM next", "IBM dip"]
    assert [row["status"] for row in answer["table.rowData"]] == ["waiting", "running"]


@pytest.mark.usefixtures("own_application")
def test_statistics_come_a_few_at_a_time(page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(user, "MORE_SECONDS", 0.0)
    for n in range(4):
        tables.strategy_rows.append(strategy(name=f"s{n}"))
        tables.position_rows.append(position(name=f"s{n}"))
    answer = refresh(page)
    assert sum(row["verdict"] is not None for row in answer["table.rowData"]) == 1
    assert answer["progress.children"].startswith("Statistics of 4 of 5")
    assert (
        dict([part["props"]["children"] for part in c["props"]["children"]] for c in answer["totals.children"])["Today"]
        == "–"
    )
    for left in (3, 2, 1, 0):
        assert answer["table-missing.data"]
        answer = page.call(
            "table.rowData",
            "table-again.data",
            username__data="ann",
            table_version__data=answer["table-version.data"],
        )
        assert len(answer["table.rowTransaction"]["update"]) == 1
        assert (f"of {left} of" in answer["progress.children"]) == bool(left)
    assert "table-missing.data" not in answer


def test_of_very_many_strategies_the_newest_have_statistics_and_it_is_said(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user, "MOST_SUMMARISED", 1)
    monkeypatch.setattr(user, "FIRST_SECONDS", 60.0)
    tables.strategy_rows.append(strategy(name="newer", opened=2 * 10**18))
    tables.position_rows.append(position(name="newer"))
    answer = refresh(page)
    assert [row["verdict"] is not None for row in answer["table.rowData"]] == [True, False]
    assert "1 newest" in answer["progress.children"]


def test_what_happened_last_is_told_newest_first(page: Page) -> None:
    answer = refresh(page)
    happened, asked = answer["events.children"], answer["asked.children"]
    words = [[item["props"]["children"][2]["props"]["children"] for item in part] for part in (happened, asked)]
    assert words[0][0].startswith("Bought 55 at $181.8")
    assert words[1] == ["Opened with $10,000.00"]  # by today's clock: the day is replayed
    assert happened[0]["props"]["children"][1]["props"]["href"] == "/user/ann/IBM/dip"


def test_a_user_that_nobody_knows_is_not_remembered(page: Page) -> None:
    assert "known-user.data" not in refresh(page, username__data="nobody")
    assert refresh(page, username__data="bob")["known-user.data"] == "bob"


def test_a_user_without_strategies_is_told_once(page: Page, tables: FakeReader) -> None:
    shown = refresh(page, username__data="bob")["table-version.data"]
    assert refresh(page, username__data="bob", table_version__data=shown) == {}
    tables.strategy_rows.append(strategy(username="bob"))
    answer = refresh(page, username__data="bob", table_version__data=shown)
    assert (answer["notice.children"], answer["positions.hidden"]) == (None, False)


@pytest.mark.parametrize("shown", [1, "x", [1], {"rows": 1}, {"rows": {"IBM dip": 1}, "rest": []}, {"rest": {}}])
def test_versions_that_no_page_keeps_get_their_rows_all_the_same(page: Page, shown: Any) -> None:
    answer = refresh(page, table_version__data=shown)
    assert answer.get("table.rowData") or answer["table.rowTransaction"]["update"]


def test_an_away_database_leaves_what_is_shown(page: Page, tables: FakeReader) -> None:
    shown = refresh(page)["table-version.data"]
    time, _ = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_SECOND, 190_000_000)
    tables.away = True
    assert refresh(page, table_version__data=shown) == {}
    tables.away = False
    assert refresh(page, table_version__data=shown)["table.rowTransaction"]["update"]


def test_of_very_many_strategies_the_most_valuable_are_shown_and_it_is_said(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user, "MOST_ROWS", 2)
    for name, cash in (("poor", 1_000_000), ("rich", 90_000_000_000)):
        tables.strategy_rows.append(strategy(name=name, cash=cash))
        tables.position_rows.append(position(name=name, cash=cash, shares=0))
    answer = refresh(page)
    assert {row["strategy_below"] for row in answer["table.rowData"]} == {"dip", "rich"}
    assert answer["progress.children"].startswith("2 of 3 strategies are shown: the most valuable")
    assert "of 3" in str(answer["totals.children"]), "the sums are of all"
    sent_now = sent(strategy(name="new"), time.time())
    more = refresh(page, table_version__data=answer["table-version.data"], pending__data=[sent_now])
    assert more["table.rowData"][0]["strategy_below"] == "new"
    assert "of 4" not in more.get("progress.children", ""), "what was sent is no strategy yet"
    tables.position_rows[1] = position(name="poor", cash=99_000_000_000, shares=0)
    later = refresh(page, table_version__data=more["table-version.data"], pending__data=[sent_now])
    assert "table.rowData" not in later, "the same ones stay while the page is open"


def test_statistics_are_made_for_strategies_that_are_shown(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user, "MOST_ROWS", 2)
    monkeypatch.setattr(user, "MOST_SUMMARISED", 1)
    monkeypatch.setattr(user, "FIRST_SECONDS", 60.0)
    for name, cash, opened in (("poor", 1_000_000, 3 * 10**18), ("rich", 90_000_000_000, 2 * 10**18)):
        tables.strategy_rows.append(strategy(name=name, cash=cash, opened=opened))
        tables.position_rows.append(position(name=name, cash=cash, shares=0))
    answer = refresh(page)
    rows = [(row["strategy_below"], row["verdict"] is not None) for row in answer["table.rowData"]]
    assert rows == [("rich", True), ("dip", False)], "the newest of all is not in the table"
    assert "the 1 newest strategies in the table" in answer["progress.children"]


def test_what_a_browser_sends_back_of_a_full_table_is_let_in() -> None:
    row = {"T" * 16 + " " + "n" * 24: digest("a row")}
    assert MOST_ROWS * len(json.dumps(row)) < MAX_BODY // 2

"""The pages' callbacks, called over HTTP as a browser (or anybody else) calls them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frontend.conftest import Page, Tape
from tests.frontend.fake import OPEN, FakeReader, batch, position, strategy


def refresh(page: Page, **values: Any) -> dict[str, Any]:
    return page.call("table.rowData", "market.data", **{"username__data": "ann", **values})


def test_the_table_shows_what_a_position_is_worth_at_the_last_price(page: Page, tables: FakeReader) -> None:
    (row,) = refresh(page)["table.rowData"]
    state = tables.position_rows[0]
    assert row["value"] == (state.cash + state.shares * 182_000_000) / 1e6
    assert row["profit"] == pytest.approx(row["value"] - 10_000)
    assert row["gain"] == pytest.approx(row["profit"] / 100)
    assert (row["strategy"], row["strategy_below"], row["fills"], row["status"]) == ("IBM", "dip", 3, "running")
    assert row["address"] == "/user/ann/IBM/dip"
    assert row["rule"] == "buy when price ≤ reference − 0.1\nsell when price ≥ reference + 0.2"


@pytest.mark.usefixtures("own_application")
def test_nothing_is_sent_while_nothing_changes(page: Page, tables: FakeReader) -> None:
    first = refresh(page)
    assert refresh(page, table_version__data=first["table-version.data"]) == {}
    beat = page.call("market.data", "clock.n_intervals", clock__n_intervals=1)
    asked = list(tables.asked)
    assert page.call("market.data", "clock.n_intervals", clock__n_intervals=2, market__data=beat["market.data"]) == {}
    assert set(tables.asked[len(asked) :]) <= {"batches", "marks"}


def test_an_unknown_user_is_told_so(page: Page) -> None:
    answer = refresh(page, username__data="nobody")
    assert "No user 'nobody'" in answer["notice.children"]["props"]["children"]
    assert answer["positions.hidden"] is True


def test_a_user_without_strategies_is_invited_to_open_one(page: Page) -> None:
    answer = refresh(page, username__data="bob")
    assert "no strategies yet" in answer["notice.children"]["props"]["children"]


def test_a_strategy_that_waits_for_its_first_trade_is_shown(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(ticker="AIG", name="new", opened=2 * 10**18))
    rows = refresh(page)["table.rowData"]
    assert next((row["strategy"], row["status"], row["value"], row["today"]) for row in rows) == (
        "AIG",
        "waiting",
        10_000.0,
        0.0,
    )


def test_one_viewer_never_gets_what_another_asked_for(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(username="bob", ticker="BAC", name="mine"))
    tables.position_rows.append(position(username="bob", ticker="BAC", name="mine"))
    assert [row["strategy"] for row in refresh(page)["table.rowData"]] == ["IBM"]
    assert [row["strategy"] for row in refresh(page, username__data="bob")["table.rowData"]] == ["BAC"]


def test_a_database_that_is_away_is_said_once_and_forgiven(page: Page, tables: FakeReader) -> None:
    shown = refresh(page)["table-version.data"]
    tables.away = True
    away = page.call("market.data", "clock.n_intervals", market__data="x")
    assert "database is away" in away["trouble.children"]["props"]["children"]
    assert refresh(page, table_version__data=shown) == {}
    assert "away" in refresh(page)["notice.children"]["props"]["children"]
    tables.away = False
    back = page.call("market.data", "clock.n_intervals", market__data=away["market.data"])
    assert back["trouble.children"] is None
    assert refresh(page)["table.rowData"]


def test_a_stream_that_stopped_is_said_with_the_time_of_its_last_trade(page: Page, tables: FakeReader) -> None:
    tables.batch_rows = [batch(40 - i, event_time=OPEN) for i in range(10)]
    answer = page.call("market.data", "clock.n_intervals")
    message = answer["trouble.children"]["props"]["children"]
    assert message.startswith("Stream stopped, last trade at 2013-10-07 09:30:00 New York")


@pytest.mark.parametrize("value", [1, ["ann"], {"a": 1}, "A", "ann'; DROP TABLE users; --", "x" * 10_000, "", None])
def test_callbacks_refuse_usernames_that_no_page_sends(page: Page, tables: FakeReader, value: Any) -> None:
    response = page.post("table.rowData", "market.data", username__data=value)
    assert response.status_code == 400
    assert "strategies" not in tables.asked


@pytest.mark.parametrize("kept", [1, "x", {"a": 1}, [1, None, {}], [{"username": "ann", "sent": "x"}] * 1_000])
def test_openings_that_no_browser_keeps_are_left_out(page: Page, kept: Any) -> None:
    assert len(refresh(page, pending__data=kept)["table.rowData"]) == 1
    assert page.call("market.data", "clock.n_intervals", pending__data=kept)


def test_the_way_to_a_user_takes_capitals_and_refuses_what_is_no_name(page: Page) -> None:
    def go(typed: Any) -> dict[str, Any]:
        return page.call("goto.href", "home-go.n_clicks", home_go__n_clicks=1, home_username__value=typed)

    assert go(" Ann ")["goto.href"] == "/user/ann"
    assert "A username must be" in go("<script>")["home-username.error"]
    assert go(None)["home-username.error"] == "Type a username"


@pytest.mark.parametrize(
    ("output", "triggered"),
    [
        ("goto.href", "home-go.n_clicks"),
    ],
)
def test_a_button_that_only_appeared_does_nothing(page: Page, tape: Tape, output: str, triggered: str) -> None:
    assert page.call(output, triggered) == {}
    assert tape.sent == []

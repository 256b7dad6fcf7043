"""The pages' callbacks, called over HTTP as a browser (or anybody else) calls them."""

from __future__ import annotations

from typing import Any

import pytest

from frontend.pages.strategy import MOST_FILLS
from riskcontrol.strategy import Action
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.conftest import Page, Tape
from tests.frontend.fake import OPEN, FakeReader, batch, position, strategy


def refresh(page: Page, **values: Any) -> dict[str, Any]:
    return page.call("table.rowData", "market.data", **{"username__data": "ann", **values})


def draw(page: Page, **values: Any) -> dict[str, Any]:
    return page.call(
        "graph.figure",
        "table-version.data",
        **{"username__data": "ann", "chosen__data": "IBM dip", "show__value": "value", **values},
    )


def test_the_table_shows_what_a_position_is_worth_at_the_last_price(page: Page, tables: FakeReader) -> None:
    (row,) = refresh(page)["table.rowData"]
    state = tables.position_rows[0]
    assert row["value"] == (state.cash + state.shares * 182_000_000) / 1e6
    assert row["profit"] == pytest.approx(row["value"] - 10_000)
    assert row["gain"] == pytest.approx(row["profit"] / 100)
    assert (row["strategy"], row["strategy_below"], row["fills"], row["status"]) == ("IBM", "dip", 3, "running")
    assert row["address"] == "/user/ann/IBM/dip"
    assert row["rule"] == "buy when price ≤ reference − 0.1\nsell when price ≥ reference + 0.2"


def test_nothing_is_sent_while_nothing_changes(page: Page, tables: FakeReader) -> None:
    first = refresh(page)
    assert refresh(page, table_version__data=first["table-version.data"]) == {}
    drawn = draw(page)
    assert draw(page, graph_version__data=drawn["graph-version.data"]) == {}
    beat = page.call("market.data", "clock.n_intervals", clock__n_intervals=1)
    asked = list(tables.asked)
    assert page.call("market.data", "clock.n_intervals", clock__n_intervals=2, market__data=beat["market.data"]) == {}
    assert set(tables.asked[len(asked) :]) <= {"batches", "marks"}


def test_a_new_mark_changes_the_live_end_only(page: Page, tables: FakeReader) -> None:
    drawn = draw(page)
    refresh_time, _ = tables.prices["IBM"]
    tables.prices["IBM"] = (refresh_time + NS_PER_SECOND, 183_000_000)
    asked = len(tables.asked)
    changed = draw(page, graph_version__data=drawn["graph-version.data"])["graph.figure"]
    assert {"fills", "bars"}.isdisjoint(tables.asked[asked:])
    places = {tuple(operation["location"][:2]) for operation in changed["operations"]}
    assert places == {("data", 1)}
    state = tables.position_rows[0]
    (values,) = (op["params"]["value"] for op in changed["operations"] if op["location"][2] == "y")
    assert values[-1] == (state.cash + state.shares * 183_000_000) / 1e6


def test_a_value_that_does_not_fit_is_said_instead_of_drawn(page: Page, tables: FakeReader) -> None:
    drawn = draw(page)
    time, _ = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_SECOND, 2**62)
    for shown in (drawn["graph-version.data"], None):  # its live end, and all of it
        answer = draw(page, graph_version__data=shown)
        assert "64 bits" in answer["graph.figure"]["layout"]["annotations"][0]["text"]
        assert answer["graph-version.data"] is None  # drawn again as soon as it fits
        assert answer["stop.disabled"] is False


def test_the_end_of_a_minute_changes_the_data_and_no_axis(page: Page, tables: FakeReader) -> None:
    drawn = draw(page)
    time, price = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_MINUTE, price)
    changed = draw(page, graph_version__data=drawn["graph-version.data"])["graph.figure"]
    places = {tuple(operation["location"]) for operation in changed["operations"]}
    assert places == {("data",), ("layout", "xaxis", "rangebreaks")}


def test_the_fills_are_listed_newest_first_with_fee_and_reason(page: Page, tables: FakeReader) -> None:
    answer = draw(page)
    assert [(row["number"], row["reason"], row["fee"]) for row in answer["fills.rowData"]] == [
        (3, "buy", 0.0),
        (2, "trailing stop", 1.0),
        (1, "buy", 1.0),
    ]
    assert answer["fills-title.children"] == "Fills"
    assert answer["fills-panel.hidden"] is False
    state = tables.position_rows[0]
    assert answer["detail-holds.children"].startswith(f"Holds {state.shares} shares bought at $")
    assert answer["detail-rule.children"] == "buy when price ≤ reference − 0.1\nsell when price ≥ reference + 0.2"


def test_of_very_many_fills_the_newest_are_listed_and_it_is_said(page: Page, tables: FakeReader) -> None:
    key, pair = ("ann", "IBM", "dip"), tables.fill_rows["ann", "IBM", "dip"][:2]
    tables.fill_rows[key] = [(OPEN + n, n, *pair[1 - n % 2][2:]) for n in range(1, MOST_FILLS + 12)]
    tables.position_rows[0] = position(fills=MOST_FILLS + 11)
    answer = draw(page)
    numbers = [row["number"] for row in answer["fills.rowData"]]
    assert numbers == list(range(MOST_FILLS + 11, 11, -1))
    assert answer["fills-title.children"] == "Fills, the newest 500 of 511"


def test_a_strategy_that_waits_has_its_rule_and_no_fills(page: Page, tables: FakeReader) -> None:
    tables.position_rows.clear()
    answer = draw(page)
    assert answer["fills-panel.hidden"] is True
    assert answer["detail-holds.children"] == ""
    assert answer["detail-rule.children"].startswith("buy when")


def test_another_series_keeps_the_time_axis(page: Page) -> None:
    drawn = draw(page)
    changed = draw(page, show__value="all", graph_version__data=drawn["graph-version.data"])
    places = {tuple(operation["location"]) for operation in changed["graph.figure"]["operations"]}
    assert ("layout", "yaxis5") in places
    assert ("layout", "xaxis", "range") not in places
    assert changed["graph-frame.className"] == "graph graph-all"


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
    answer = draw(page, chosen__data="AIG new")
    assert "first trade of AIG" in answer["graph.figure"]["layout"]["annotations"][0]["text"]


def test_one_viewer_never_gets_what_another_asked_for(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(username="bob", ticker="BAC", name="mine"))
    tables.position_rows.append(position(username="bob", ticker="BAC", name="mine"))
    assert [row["strategy"] for row in refresh(page)["table.rowData"]] == ["IBM"]
    assert [row["strategy"] for row in refresh(page, username__data="bob")["table.rowData"]] == ["BAC"]
    assert draw(page, username__data="bob")["graph-version.data"]["history"] == "none"


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


def test_stop_asks_and_then_sends_the_strategy_as_the_database_has_it(page: Page, tape: Tape) -> None:
    who = {"username__data": "ann", "chosen__data": "IBM dip"}
    asked = page.call("stop-dialog.opened", "stop.n_clicks", stop__n_clicks=1, **who)
    assert asked["stop-dialog.opened"] is True
    assert tape.sent == []
    page.call("stop-dialog.opened", "stop-confirm.n_clicks", stop_confirm__n_clicks=1, **who)
    ((stopped, action),) = tape.sent
    assert action is Action.STOP
    assert (stopped.username, stopped.ticker, stopped.name, stopped.cash) == ("ann", "IBM", "dip", 10_000_000_000)


def test_a_strategy_that_is_not_there_is_not_stopped(page: Page, tape: Tape) -> None:
    who = {"username__data": "ann", "chosen__data": "IBM other"}
    page.call("stop-dialog.opened", "stop-confirm.n_clicks", stop_confirm__n_clicks=1, **who)
    assert tape.sent == []


@pytest.mark.parametrize("value", [1, ["ann"], {"a": 1}, "A", "ann'; DROP TABLE users; --", "x" * 10_000, "", None])
def test_callbacks_refuse_usernames_that_no_page_sends(page: Page, tables: FakeReader, value: Any) -> None:
    response = page.post("table.rowData", "market.data", username__data=value)
    assert response.status_code == 400
    assert "strategies" not in tables.asked


@pytest.mark.parametrize("value", [1, ["IBM dip"], {"ticker": "IBM"}, "x" * 10_000])
def test_callbacks_refuse_choices_of_a_wrong_type(page: Page, value: Any) -> None:
    assert page.post("graph.figure", "table-version.data", username__data="ann", chosen__data=value).status_code == 400


@pytest.mark.parametrize("kept", [1, "x", {"a": 1}, [1, None, {}], [{"username": "ann", "sent": "x"}] * 1_000])
def test_openings_that_no_browser_keeps_are_left_out(page: Page, kept: Any) -> None:
    assert len(refresh(page, pending__data=kept)["table.rowData"]) == 1
    assert page.call("market.data", "clock.n_intervals", pending__data=kept)


@pytest.mark.parametrize("shown", [1, "x", [1], {"key": "ann IBM dip", "show": "value", "before": {"a": 1}}])
def test_versions_that_no_page_keeps_get_a_graph_all_the_same(page: Page, shown: Any) -> None:
    assert draw(page, graph_version__data=shown)["graph.figure"]


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
        ("stop-dialog.opened", "stop-confirm.n_clicks"),
    ],
)
def test_a_button_that_only_appeared_does_nothing(page: Page, tape: Tape, output: str, triggered: str) -> None:
    assert page.call(output, triggered, username__data="ann", chosen__data="IBM dip") == {}
    assert tape.sent == []

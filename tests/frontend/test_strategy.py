"""A strategy's page: its callbacks, called over HTTP, and the parts that it is made of."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from frontend import exports
from frontend.formats import percent
from frontend.openings import sent
from frontend.overlays import COMING_SECONDS, RETRY_SECONDS, Overlays
from frontend.pages import strategy as page_of_strategy
from frontend.positions import CONFIRM_SECONDS
from frontend.strategy_parts import definition, position_panel
from frontend.strategy_tables import MOST_ROWS
from riskcontrol.language.parser import parse
from riskcontrol.shape import shape_text
from riskcontrol.statistics import STATISTICS, format_value
from riskcontrol.strategy import Action, first_rule
from riskcontrol.terms import Session
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.conftest import Page, Tape
from tests.frontend.fake import OPEN, FakeReader, batch, position, strategy

WHICH = {"username": "ann", "ticker": "IBM", "name": "dip"}
KEY = ("ann", "IBM", "dip")
HOSTILE = [
    None,
    1,
    "ann",
    ["ann", "IBM", "dip"],
    {},
    {**WHICH, "username": "A"},
    {**WHICH, "username": ["ann"]},
    {**WHICH, "ticker": "<b>"},
    {**WHICH, "ticker": ""},
    {**WHICH, "name": "no spaces"},
    {**WHICH, "name": "x" * 10_000},
    {**WHICH, "name": "dip'; DROP TABLE users; --"},
]


def look(page: Page, **values: Any) -> dict[str, Any]:
    """Return what the page's callback answers; arguments without their first word, ``strategy``."""
    given = {f"strategy_{name}": value for name, value in values.items() if name != "pending__data"}
    more = {name: value for name, value in values.items() if name == "pending__data"}
    usual = {"strategy__data": WHICH, "strategy_tab__value": "overview", "strategy_period__value": "All"}
    return page.call("strategy-version.data", "market.data", **{**usual, **given, **more})


def again(page: Page, before: dict[str, Any], **values: Any) -> dict[str, Any]:
    return look(page, version__data=before["strategy-version.data"], **values)


def test_when_the_tape_rests_profit_and_statistics_agree(page: Page, tables: FakeReader) -> None:
    first = look(page, tab__value="statistics")
    at, price = tables.prices["IBM"]
    tables.prices["IBM"] = (at + 30 * NS_PER_SECOND, price - 5_000_000)  # a last trade in a minute that never ends
    moved = again(page, first, tab__value="statistics")
    assert "strategy-statistics.children" not in moved
    tables.batch_rows = [batch(60 + n) for n in range(9, -1, -1)]
    rested = again(page, moved, tab__value="statistics")
    state, row = tables.position_rows[0], tables.strategy_rows[0]
    worth = state.cash + state.shares * (price - 5_000_000)
    wanted = format_value(STATISTICS["total_return"], worth / row.cash - 1)
    assert wanted in words(rested["strategy-statistics.children"])
    assert percent(worth - row.cash, row.cash) in words(rested["strategy-cards.children"])
    assert "strategy-verdict.children" in rested


def places(patch: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {tuple(operation["location"]) for operation in patch["operations"]}


def elements(sent: Any) -> Iterator[dict[str, Any]]:
    """Yield the properties of every component in an answer."""
    if isinstance(sent, dict):
        if isinstance(sent.get("props"), dict):
            yield sent["props"]
        for value in sent.values():
            yield from elements(value)
    elif isinstance(sent, list):
        for value in sent:
            yield from elements(value)


def words(component: Any) -> str:
    """Return all text in a component as it is sent to the browser."""
    if isinstance(component, dict):
        return words(component.get("props", {}).get("children"))
    if isinstance(component, list):
        return " ".join(filter(None, map(words, component)))
    return "" if component is None else str(component)


def test_the_page_says_what_to_do_and_why_with_the_numbers(page: Page, tables: FakeReader) -> None:
    answer = look(page)
    assert answer["strategy-all.hidden"] is False
    assert answer["strategy-status.children"] == "running"
    assert answer["strategy-stop.disabled"] is False
    verdict = words(answer["strategy-verdict.children"])
    assert "Keep testing" in verdict
    assert "1 round trip: 29 more are needed to judge by." in verdict
    assert "1 trading day: 59 more are needed before scaling up." in verdict
    assert answer["strategy-rule.children"] == "buy when price ≤ reference − 0.1\nsell when price ≥ reference + 0.2"
    state = tables.position_rows[0]
    value = (state.cash + state.shares * 182_000_000) / 1e6
    cards = words(answer["strategy-cards.children"])
    assert f"${value:,.2f}" in cards
    assert "100.00% of 1 round trip" in cards
    held = words(answer["strategy-position.children"])
    assert f"{state.shares} Bought at $181.80" in held
    assert "2013-10-07 10:10:00 New York" in held


def test_nothing_is_sent_while_nothing_changes(page: Page) -> None:
    for tab in ("overview", "price", "series", "fills", "trips", "statistics"):
        shown = look(page, tab__value=tab)
        assert again(page, shown, tab__value=tab) == {}


@pytest.mark.parametrize(("tab", "traces"), [("overview", {1, 3, 5}), ("series", {1}), ("price", {2})])
def test_a_new_mark_changes_the_live_end_only(page: Page, tables: FakeReader, tab: str, traces: set[int]) -> None:
    shown = look(page, tab__value=tab)
    time, _ = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_SECOND, 183_000_000)
    asked = len(tables.asked)
    changed = again(page, shown, tab__value=tab)
    assert {"fills", "bars"}.isdisjoint(tables.asked[asked:])
    patch = changed[f"strategy-{tab}-graph.figure"]
    assert {place[:2] for place in places(patch)} == {("data", number) for number in traces}
    assert "strategy-verdict.children" not in changed
    state = tables.position_rows[0]
    value = (state.cash + state.shares * 183_000_000) / 1e6
    assert f"${value:,.2f}" in words(changed["strategy-cards.children"])
    if tab != "price":
        end = next(op["params"]["value"] for op in patch["operations"] if op["location"] == ["data", 1, "y"])
        assert end[-1] == value


@pytest.mark.parametrize("tab", ["overview", "series", "price"])
def test_the_end_of_a_minute_changes_the_data_and_no_axis(page: Page, tables: FakeReader, tab: str) -> None:
    shown = look(page, tab__value=tab)
    time, price = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_MINUTE, price)
    changed = again(page, shown, tab__value=tab)
    assert places(changed[f"strategy-{tab}-graph.figure"]) == {("data",), ("layout", "xaxis", "rangebreaks")}
    assert "strategy-verdict.children" in changed


def test_another_period_or_series_is_another_graph(page: Page) -> None:
    shown = look(page, tab__value="series", show__value="value")
    keys = {shown["strategy-series-graph.figure"]["layout"]["uirevision"]}
    for more in ({"show__value": "all"}, {"period__value": "1D"}):
        answer = again(page, shown, **{"tab__value": "series", "show__value": "value", **more})
        keys.add(answer["strategy-series-graph.figure"]["layout"]["uirevision"])
    assert len(keys) == 3
    every = look(page, tab__value="series", show__value="all")
    assert every["strategy-series-frame.className"].endswith("strategy-graph-all")
    assert "yaxis5" in every["strategy-series-graph.figure"]["layout"]


def test_a_value_that_does_not_fit_is_said_instead_of_drawn(page: Page, tables: FakeReader) -> None:
    drawn = look(page)
    time, _ = tables.prices["IBM"]
    tables.prices["IBM"] = (time + NS_PER_SECOND, 2**62)
    for shown in (drawn, {"strategy-version.data": None}):  # its live end, and all of it
        answer = again(page, shown)
        assert "64 bits" in answer["strategy-overview-graph.figure"]["layout"]["annotations"][0]["text"]
        assert answer["strategy-version.data"] is None  # drawn again as soon as it fits
        assert answer["strategy-stop.disabled"] is False


def test_the_fills_are_listed_newest_first_with_fee_and_reason(page: Page) -> None:
    answer = look(page, tab__value="fills")
    assert [(row["number"], row["reason"], row["fee"]) for row in answer["strategy-fills.rowData"]] == [
        (3, "buy", 0.0),
        (2, "trailing stop", 1.0),
        (1, "buy", 1.0),
    ]
    assert answer["strategy-fills-note.children"] == "3 fills"


def test_round_trips_are_listed_with_what_they_made(page: Page, tables: FakeReader) -> None:
    (row,) = look(page, tab__value="trips")["strategy-trips.rowData"]
    made = (tables.fill_rows[KEY][1][5] - 10_000_000_000) / 1e6
    assert (row["profit"], row["held"], row["fees"]) == (made, "15 m", 2.0)
    assert row["entry"] == "2013-10-07 09:35:00"


def test_of_very_many_fills_the_newest_are_listed_and_it_is_said(page: Page, tables: FakeReader) -> None:
    pair = tables.fill_rows[KEY][:2]
    count = MOST_ROWS + 11
    tables.fill_rows[KEY] = [(OPEN + n, n, *pair[1 - n % 2][2:]) for n in range(1, count + 1)]
    tables.position_rows[0] = position(fills=count)
    answer = look(page, tab__value="fills")
    assert [row["number"] for row in answer["strategy-fills.rowData"]] == list(range(count, 11, -1))
    assert answer["strategy-fills-note.children"] == "The newest 500 of 511 fills"


def test_every_statistic_is_there_with_its_definition(page: Page) -> None:
    sent = str(look(page, tab__value="statistics")["strategy-statistics.children"])
    for name, one in STATISTICS.items():
        assert repr(one.title) in sent
        assert f"'aria-describedby': 'about-{name.replace('_', '-')}'" in sent
        assert definition(name)[:40] in sent


@pytest.mark.parametrize("tab", ["overview", "price", "series"])
def test_the_table_of_a_graph_is_filled_when_it_is_opened(page: Page, tab: str) -> None:
    shown = look(page, tab__value=tab)
    assert shown[f"strategy-{tab}-rows.rowData"] == []
    opened = again(page, shown, tab__value=tab, **{f"{tab}_twin__value": "table"})
    rows = opened[f"strategy-{tab}-rows.rowData"]
    assert 60 <= len(rows) <= MOST_ROWS
    assert rows[0]["time"] > rows[-1]["time"]


def test_a_strategy_that_waits_has_its_rule_and_can_be_stopped(page: Page, tables: FakeReader) -> None:
    tables.position_rows.clear()
    answer = look(page)
    assert answer["strategy-all.hidden"] is True
    assert "first trade of IBM in the regular session (09:30" in words(answer["strategy-notice.children"])
    assert answer["strategy-rule.children"].startswith("buy when")
    assert answer["strategy-stop.disabled"] is False
    assert answer["strategy-actions.className"] == "strategy-actions"
    assert again(page, answer) == {}


def test_a_strategy_that_there_is_not_is_said(page: Page) -> None:
    answer = look(page, _data={**WHICH, "name": "other"})
    assert "ann has no strategy other on IBM" in words(answer["strategy-notice.children"])
    assert answer["strategy-actions.className"].endswith("-none"), "nothing to export, clone or edit"
    assert answer["strategy-stop.disabled"] is True


def test_one_that_was_just_sent_is_not_called_unknown(page: Page) -> None:
    kept = [sent(first_rule("ann", "second", "IBM", 10_000_000_000, 100_000, 250_000), time.time())]
    answer = look(page, _data={**WHICH, "name": "second"}, pending__data=kept)
    assert "was sent to the stream" in words(answer["strategy-notice.children"])
    assert answer["strategy-actions.className"].endswith("-none")


def test_one_that_is_not_confirmed_in_time_is_said_to_be_so_with_where_to_look(page: Page) -> None:
    opening = first_rule("ann", "second", "IBM", 10_000_000_000, 100_000, 250_000)
    at_first = look(page, _data={**WHICH, "name": "second"}, pending__data=[sent(opening, time.time())])
    assert at_first["strategy-status.children"] == "sent"
    kept = [sent(opening, time.time() - CONFIRM_SECONDS)]
    later = again(page, at_first, _data={**WHICH, "name": "second"}, pending__data=kept)
    assert later["strategy-status.children"] == "not confirmed"
    said = words(later["strategy-notice.children"])
    assert "hasn't confirmed it" in said
    assert "tape.rejected" in said
    assert "/health" in [one.get("href") for one in elements(later["strategy-notice.children"])]
    assert again(page, later, _data={**WHICH, "name": "second"}, pending__data=kept) == {}


def test_a_database_that_is_away_leaves_what_is_on_the_page(page: Page, tables: FakeReader) -> None:
    shown = look(page)
    tables.away = True
    assert again(page, shown) == {}
    assert "database is away" in words(look(page)["strategy-notice.children"])


def test_one_viewer_never_gets_what_another_asked_for(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(username="bob", name="dip"))
    tables.position_rows.append(position(username="bob", name="dip", cash=5_000_000))
    assert "$5.00" in words(look(page, _data={**WHICH, "username": "bob"})["strategy-cards.children"])
    assert "$5.00" not in words(look(page)["strategy-cards.children"])


@pytest.mark.parametrize("which", HOSTILE)
def test_names_that_no_page_sends_are_refused(page: Page, tables: FakeReader, tape: Tape, which: Any) -> None:
    for output, triggered in (
        ("strategy-version.data", "market.data"),
        ("stop-dialog.opened", "stop-confirm.n_clicks"),
    ):
        response = page.post(output, triggered, strategy__data=which, stop_confirm__n_clicks=1)
        assert response.status_code == 400
    assert "strategy" not in tables.asked
    assert tape.sent == []


@pytest.mark.parametrize("shown", [1, "x", [1], {"key": "ann IBM dip overview All", "mark": {"a": 1}}])
def test_versions_that_no_page_keeps_get_a_graph_all_the_same(page: Page, shown: Any) -> None:
    assert look(page, version__data=shown)["strategy-overview-graph.figure"]


@pytest.mark.parametrize("value", [1, ["price"], {"a": 1}, "x" * 1_000])
def test_tabs_of_a_wrong_type_are_refused(page: Page, value: Any) -> None:
    response = page.post("strategy-version.data", "market.data", strategy__data=WHICH, strategy_tab__value=value)
    assert response.status_code == 400


def test_an_unknown_tab_period_or_series_is_the_usual_one(page: Page) -> None:
    answer = look(page, tab__value="x", period__value="5Y", show__value="<b>")
    assert answer["strategy-version.data"]["key"] == "ann IBM dip overview All"


def test_stop_asks_and_then_sends_the_strategy_as_the_database_has_it(page: Page, tape: Tape) -> None:
    asked = page.call("stop-dialog.opened", "strategy-stop.n_clicks", strategy_stop__n_clicks=1, strategy__data=WHICH)
    assert asked["stop-dialog.opened"] is True
    assert "dip on IBM will not trade any more" in asked["stop-question.children"]
    assert tape.sent == []
    page.call("stop-dialog.opened", "stop-confirm.n_clicks", stop_confirm__n_clicks=1, strategy__data=WHICH)
    ((stopped, action),) = tape.sent
    assert action is Action.STOP
    assert (stopped.username, stopped.ticker, stopped.name, stopped.cash) == (*KEY, 10_000_000_000)


def test_a_strategy_that_is_not_there_is_not_stopped(page: Page, tape: Tape) -> None:
    which = {**WHICH, "name": "other"}
    page.call("stop-dialog.opened", "stop-confirm.n_clicks", stop_confirm__n_clicks=1, strategy__data=which)
    assert tape.sent == []


def test_a_broker_that_is_away_is_said(page: Page, tape: Tape) -> None:
    tape.away = True
    answer = page.call("stop-dialog.opened", "stop-confirm.n_clicks", stop_confirm__n_clicks=1, strategy__data=WHICH)
    assert "It was not stopped. kafka: no broker answers" in answer["toasts.sendNotifications"][0]["message"]


def test_a_stop_button_that_only_appeared_does_nothing(page: Page, tape: Tape) -> None:
    assert page.call("stop-dialog.opened", "stop-confirm.n_clicks", strategy__data=WHICH) == {}
    assert tape.sent == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/user/ann/IBM/dip", "strategy-overview-graph"),
        ("/user/ann/BRK%2FB/dip", "'ticker': 'BRK/B'"),
        ("/user/ann/IBM/no%20spaces", "No such strategy"),
        ("/user/ann/%3Cscript%3E/dip", "No such strategy"),
        ("/user/Ann/IBM/dip", "No such strategy"),
        ("/user/ann/IBM/dip/more", "No such strategy"),
        ("/user/ann/IBM/%00", "No such strategy"),
    ],
)
def test_addresses_of_no_strategy_get_a_message(page: Page, address: str, said: str) -> None:
    answer = page.post("_pages_content.children", "_pages_location.pathname", _pages_location__pathname=address)
    assert said in str(answer.json())
    assert "<script>" not in answer.text


def test_an_address_holds_tab_period_and_series(page: Page) -> None:
    def opened(search: str) -> dict[str, Any]:
        answer = page.post(
            "_pages_content.children",
            "_pages_location.pathname",
            _pages_location__pathname="/user/ann/IBM/dip",
            _pages_location__search=search,
        )
        found = {one["id"]: one.get("value") for one in elements(answer.json()) if "id" in one}
        return {name: found[f"strategy-{name}"] for name in ("tab", "period", "show")}

    assert opened("?tab=trips&period=1W&show=cash") == {"tab": "trips", "period": "1W", "show": "cash"}
    usual = {"tab": "overview", "period": "All", "show": "value"}
    for strange in ("?tab=x&period=<b>&show=1", "?tab=price&tab=fills", "?period=1D&period=1W", "?show=cash&show=all"):
        assert opened(strange) == usual


@pytest.mark.parametrize(
    "search", ["?username=ann&username=bob", "?ticker=&ticker=", "?name=a&name=b", "?username=<b>"]
)
def test_a_query_in_the_place_of_the_addresss_names_is_no_strategy(page: Page, search: str) -> None:
    answer = page.post(
        "_pages_content.children",
        "_pages_location.pathname",
        _pages_location__pathname="/user/ann/IBM/dip",
        _pages_location__search=search,
    )
    assert "No such strategy" in answer.text


def test_edit_and_clone_lead_to_a_new_strategy_made_of_this_one(page: Page) -> None:
    made = str(page_of_strategy.layout("ann", "BRK%2FB", "dip"))
    assert "/new?user=ann&from=BRK%2FB%2Fdip&edit=1" in made
    assert "/new?user=ann&from=BRK%2FB%2Fdip'" in made


def test_a_position_without_shares_says_so() -> None:
    flat = str(position_panel(strategy(), position(), None))
    assert "'none'" in flat
    assert "Bought at" not in flat
    held = str(position_panel(strategy(), position(shares=1_234, entry=181_700_000, entered=OPEN), (OPEN, 180_700_000)))
    assert "1,234" in held
    assert "−$1,234.00 (−0.55%)" in held
    assert "loss" in held


def averages(tables: FakeReader, every: int = 60) -> None:
    shape, numbers = shape_text(
        parse("crosses_above(sma(3), sma(5)) and rsi(4) < 70 and close > vwap"), None, every, Session.REGULAR
    )
    tables.strategy_rows[0] = strategy(shape=shape, parameters=numbers)


def test_the_formulas_indicators_are_drawn_with_the_price(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend.overlays.WAIT_SECONDS", 60)
    averages(tables)
    answer = look(page, tab__value="price")
    drawn = answer["strategy-price-graph.figure"]
    names = [trace["name"] for trace in drawn["data"]]
    assert names[:3] == ["Price", "Volume", "Last"]
    assert {"sma(close, 3)", "sma(close, 5)", "vwap", "rsi(close, 4)"} < set(names)
    axes = {trace["name"]: trace.get("yaxis", "y") for trace in drawn["data"]}
    assert (axes["sma(close, 3)"], axes["rsi(close, 4)"]) == ("y", "y3")
    assert answer["strategy-version.data"]["again"] == 0


def test_indicators_that_are_not_there_yet_are_asked_for_again(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    averages(tables)
    monkeypatch.setattr(Overlays, "ready", lambda self: False)
    shown = look(page, tab__value="price")
    assert shown["strategy-version.data"]["again"] == COMING_SECONDS
    assert "being computed" in words(shown["strategy-price-note.children"])
    assert again(page, shown, tab__value="price") == {}
    monkeypatch.undo()
    monkeypatch.setattr("frontend.overlays.WAIT_SECONDS", 60)
    assert "operations" not in again(page, shown, tab__value="price")["strategy-price-graph.figure"]


@pytest.mark.usefixtures("own_application")
@pytest.mark.parametrize(
    "broken", ["riskcontrol.indicators.batch.compute", "riskcontrol.indicators.expressions.evaluate"]
)
def test_indicators_that_cannot_be_computed_are_said_not_to_come_and_tried_again(
    page: Page,
    tables: FakeReader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    def fail(*args: Any) -> Any:
        raise OSError("no space left in /secret/place")

    monkeypatch.setattr("frontend.overlays.WAIT_SECONDS", 60)
    averages(tables)
    with monkeypatch.context() as patch:
        patch.setattr(broken, fail)
        shown = look(page, tab__value="price")
        note = words(shown["strategy-price-note.children"])
        assert "can't be computed (OSError)" in note
        assert "secret" not in str(shown)
        names = [trace["name"] for trace in shown["strategy-price-graph.figure"]["data"]]
        assert names[:3] == ["Price", "Volume", "Last"]
        assert shown["strategy-version.data"]["again"] == RETRY_SECONDS
        assert again(page, shown, tab__value="price") == {}
        look(page, tab__value="price")
        (record,) = [one for one in caplog.records if one.name == "riskcontrol.dashboard"]
        assert record.exc_info is not None
        assert "no space left" in str(record.exc_info[1])
    assert again(page, shown, tab__value="price") == {}, "a minute isn't over"
    monkeypatch.setattr("frontend.overlays.RETRY_SECONDS", 0)
    later = again(page, shown, tab__value="price")
    assert "rsi(close, 4)" in [trace["name"] for trace in later["strategy-price-graph.figure"]["data"]]
    assert later["strategy-version.data"]["again"] == 0


def test_indicators_of_seconds_are_said_not_to_be_drawn(
    page: Page, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontend.overlays.WAIT_SECONDS", 60)
    averages(tables, every=5)
    answer = look(page, tab__value="price")
    assert "bars of 5 s" in words(answer["strategy-price-note.children"])
    assert [trace["name"] for trace in answer["strategy-price-graph.figure"]["data"]][:3] == ["Price", "Volume", "Last"]


def test_files_hold_what_the_database_has(client: httpx.Client, tables: FakeReader) -> None:
    lines = client.get("/api/v1/users/ann/strategies/IBM/dip/fills.csv").text.splitlines()
    assert lines[0] == "number,time,new_york,reason,shares,price,fee,cash,sequence"
    for line, row in zip(lines[1:], tables.fill_rows[KEY], strict=True):
        number, time, _, reason, shares, price, fee, cash, sequence = line.split(",")
        assert (int(number), reason, int(shares), int(sequence)) == (row[1], row[7], row[3], row[6])
        assert [round(float(amount) * 1e6) for amount in (price, fee, cash)] == [row[2], row[4], row[5]]
        assert all(re.fullmatch(r"-?\d+\.\d{6}", amount) for amount in (price, fee, cash))
        assert time.endswith("Z")
    assert lines[1].split(",")[1:3] == ["2013-10-07T13:35:00.000000000Z", "2013-10-07 09:35:00"]


def test_an_unknown_file_user_or_strategy_is_refused(client: httpx.Client) -> None:
    for address in (
        "ann/strategies/IBM/other/fills.csv",
        "Ann/strategies/IBM/dip/fills.csv",
        "ann/strategies/%3Cb%3E/dip/fills.csv",
        "ann/strategies/IBM/dip/fills.xlsx",
        "ann/strategies/IBM/dip/passwords.csv",
        "ann/strategies/IBM/..%2f..%2fdip/fills.csv",
    ):
        response = client.get(f"/api/v1/users/{address}")
        assert response.status_code == 404
        assert response.json()["detail"]
        assert "<b>" not in response.text


def test_a_file_says_when_the_database_is_away(client: httpx.Client, tables: FakeReader) -> None:
    tables.away = True
    response = client.get("/api/v1/users/ann/strategies/IBM/dip/equity.parquet")
    assert response.status_code == 503
    assert "database is away" in response.json()["detail"]


def test_the_addresses_of_files_are_those_that_answer(client: httpx.Client, tables: FakeReader) -> None:
    tables.strategy_rows[0] = strategy(ticker="BRK/B")
    for what, kind in itertools.product(("fills", "equity"), ("csv", "parquet")):
        response = client.get(exports.address("ann", "BRK/B", "dip", what, kind))
        assert response.status_code == 200
        assert response.headers["content-disposition"] == f'attachment; filename="ann-BRK_B-dip-{what}.{kind}"'

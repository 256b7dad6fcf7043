"""The page of a new strategy: its fields, what is said of them, what is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import app as application
from frontend import form, stored_bars, tickers
from frontend.fields import MARKED, PASTED
from frontend.form import FIELDS, element
from frontend.pages import new
from frontend.preview import BUSY, TOO_LONG, Job, Preview, Previews, Refusal
from riskcontrol.language.parser import parse
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Action, Strategy, first_rule
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.templates import names
from riskcontrol.templates import read as template
from riskcontrol.terms import FillMode, Session, Terms
from riskcontrol.trades import NS_PER_MINUTE
from tests.frontend.conftest import Page, Tape
from tests.frontend.fake import OPEN, FakeReader, bars, strategy

TYPED = {**form.first_values(), "username": "ann", "ticker": "IBM", "name": "second", "cash": "10,000"}
EDIT = {"username": "ann", "ticker": "IBM", "name": "dip", "edit": True}


def typed(**values: str) -> dict[str, str]:
    """What the page sends of its fields."""
    return {element(name): value for name, value in {**TYPED, **values}.items()}


def check(page: Page, refused: Any = None, mark: Any = None, **values: str) -> dict[str, Any]:
    states = {"new_message__children": refused, "new_username__error": mark}
    return page.call("new-understood.children", "new-typed.data", new_typed__data=typed(**values), **states)


def preview(page: Page, shown: Any = None, axis: Any = None, **values: str) -> dict[str, Any]:
    states = {"new_preview_state__data": shown, "new_axis__data": axis}
    return page.call("new-graph.figure", "new-typed.data", new_typed__data=typed(**values), **states)


def submit(page: Page, source: Any = None, kept: Any = None, **values: str) -> dict[str, Any]:
    fields = {f"{name}.value": value for name, value in typed(**values).items()}
    rest = {"new_submit__n_clicks": 1, "new_source__data": source, "pending__data": kept}
    return page.call("new-sent.data", "new-submit.n_clicks", **fields, **rest)


def errors(answer: dict[str, Any]) -> dict[str, str]:
    """What is said at each field, as JSON."""
    return {name: json.dumps(said) for name, said in answer.items() if ".error" in name and said}


def words(part: Any) -> str:
    """All texts of a part of a page."""
    if isinstance(part, dict):
        return words(part.get("props", {}).get("children"))
    return " ".join(map(words, part)) if isinstance(part, list) else str(part or "")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """What was tried; no engine runs, and everything ends as it began."""
    jobs: list[Job] = []

    def run(self: Previews, job: Job) -> Preview | Refusal:
        jobs.append(job)
        time, close = job.bars["time"] + NS_PER_MINUTE, job.bars["close"]
        flat = np.full(len(time), job.strategy.cash)
        values = dict.fromkeys(("total_return", "buy_and_hold_return", "max_drawdown", "win_rate"), 0.5)
        return Preview(
            bars=len(time),
            first=int(time[0]),
            last=int(time[-1]),
            curve={"time": time, "price": close, "value": flat, "held": flat},
            fills={"time": time[:2], "price": close[:2], "shares": np.array([55, -55])},
            reasons=["buy", "sell"],
            statistics={**values, "fills": 2, "fees": 0},
            decision="keep testing",
            why=[("keep testing", "1 round trip: 29 more are needed to judge by."), ("pull", "Lost $1.00.")],
        )

    monkeypatch.setattr(Previews, "run", run)
    return jobs


def test_the_page_holds_the_first_rule_and_what_the_address_names() -> None:
    page = new.layout(user="ann", ticker="IBM").to_plotly_json()
    fields = json.dumps(page, default=lambda part: part.to_plotly_json())
    for value in ('"ann"', '"IBM"', '"price <= reference - 0.10"', '"price >= reference + 0.20"', '"dip-and-rise"'):
        assert f'"value": {value}' in fields


@pytest.mark.parametrize(
    "address",
    [
        "user=%3Cscript%3E",
        "user=ann&user=bob&ticker=IBM&ticker=BAC",
        "user=ann&ticker=%3Cb%3E",
        "user=ann&from=nothing",
        "user=ann&from=IBM/" + "x" * 5_000,
        "from=IBM/dip&edit=1",
        "user=ann&from=IBM/a&from=IBM/b",
    ],
)
def test_an_address_that_names_nothing_gives_the_page_and_no_exception(client: httpx.Client, address: str) -> None:
    assert client.get(f"/new?{address}").status_code == 200
    query = dict(httpx.QueryParams(address))
    page = new.layout(**{**{"user": "", "ticker": ""}, **query})
    assert page.id == "new-page"
    assert new.layout(user=["ann", "bob"], ticker={"a": 1}, edit=1, **{"from": ["x"]}).id == "new-page"


def test_what_cannot_be_a_name_is_said_above_the_form() -> None:
    page = new.layout(user="A B", ticker="<b>", **{"from": "IBM/dip"})
    said = next(part.children for part in page.children if getattr(part, "id", "") == "address-error")
    assert said.startswith("The address names no username and no ticker and no strategy of a user")


@pytest.mark.parametrize("name", names())
def test_every_template_fills_the_fields_with_what_its_file_says(name: str) -> None:
    reading = form.read({**form.first_values(), **form.template_values(name), "username": "ann", "ticker": "IBM"})
    assert reading.problems == {}
    assert reading.strategy == strategy_of(of_text(template(name), "toml"), username="ann", name="a", ticker="IBM")


def test_a_template_leaves_whose_and_on_which_ticker_to_the_page(page: Page) -> None:
    answer = page.call("new-buy.value", "new-begin.data", new_begin__data="sma-cross")
    values = {name.partition(".")[0]: value for name, value in answer.items()}
    assert values["new-buy"] == "crosses_above(sma(5), sma(20))"
    assert values["new-every"] == "5m"
    assert not {"new-username", "new-ticker", "new-name"} & set(values)
    assert page.post("new-buy.value", "new-begin.data", new_begin__data="../../etc/passwd").status_code == 400


@pytest.mark.parametrize(
    "terms",
    [
        Terms(),
        Terms(stop_loss=25_000, take_profit=100_000, trailing_stop=5_000, slippage=150, fill=FillMode.SAME),
        Terms(fraction=333_300, fee_per_share=5_000, fee_per_order=350_000, fee_minimum=1_000_000, fee_rate=20),
        Terms(shares=100),
    ],
)
def test_a_strategy_goes_through_the_fields_unchanged(terms: Terms) -> None:
    buy = parse("crosses_above(ema(12), close) or price <= reference - 0.1")
    shape, numbers = shape_text(buy, parse("price > entry"), 300, Session.EXTENDED)
    one = Strategy("ann", "a", "IBM", 2_500_500_000, shape, numbers, terms)
    values = {**form.first_values(), **form.strategy_values(one), "username": "ann", "ticker": "IBM", "name": "a"}
    assert form.read(values).strategy == one


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("cash", "ten", "not an amount"),
        ("cash", "", "needed"),
        ("cash", "0", "more than 0"),
        ("cash", "2000000000", "1,000,000,000 dollars"),
        ("cash", "1,00", "not an amount"),
        ("cash", "0.1234567", "6 decimal places"),
        ("buy", "price <= refrence - 0.1", "did you mean 'reference'?"),
        ("buy", "", "write a condition"),
        ("buy", "entry > 3", "no value until something is held"),
        ("buy", "(" * 100 + "price > 1" + ")" * 100, "levels"),
        ("buy", "price > 1 and " * 600 + "price > 1", "2,000"),
        ("sell", "rsi < 70", "write rsi(14)"),
        ("stop_loss", "100", "99.9999"),
        ("take_profit", "-1", "not an amount"),
        ("per_share", "x", "not an amount"),
        ("slippage_basis_points", "6000", "5,000"),
        ("every", "7m", "write one of 1s"),
        ("ticker", "<b>", "ticker like IBM"),
        ("ticker", "", "ticker like IBM"),
        ("username", "a b", "a-z"),
        ("name", "no spaces", "letters"),
        ("name", "dip", "already"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent(
    page: Page, tape: Tape, field: str, value: str, said: str
) -> None:
    answer = errors(submit(page, **{field: value}))
    assert [name.partition(".")[0] for name in answer] == [element(field)]
    assert said in next(iter(answer.values()))
    assert tape.sent == []
    if value:
        assert said in errors(check(page, **{field: value}))[f"{element(field)}.error"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = {"username": "A B", "cash": "x", "buy": "price >", "sell": "smaa(3) > 1", "stop_loss": "200"}
    options = {"sizing": "fraction", "size": "101", "per_order": "1e9", "minimum": "9" * 30}
    reading = form.read({**TYPED, **wrong, **options})
    assert set(reading.problems) == {*wrong, "size", "per_order", "minimum"}
    assert reading.strategy is None


@given(st.fixed_dictionaries({name: st.text(max_size=40) for name in FIELDS}))
def test_whatever_is_typed_is_a_strategy_or_an_error_at_a_field(values: dict[str, str]) -> None:
    reading = form.read(values)
    assert (reading.strategy is None) == bool(reading.problems)
    assert set(reading.problems) <= set(FIELDS)


@pytest.mark.parametrize(
    ("written", "micros"),
    [("10,000", 10**10), ("$2.5", 2_500_000), (".1", 100_000), ("1.", 10**6), ("1,234,567.891", 1234567891000)],
)
def test_amounts_are_read_as_people_write_them(written: str, micros: int) -> None:
    strategy = form.read({**TYPED, "cash": written}).strategy
    assert strategy is not None
    assert strategy.cash == micros


def test_what_was_marked_as_it_was_sent_stays_marked_by_an_earlier_question(page: Page) -> None:
    asked = check(page, username="", ticker="")
    assert not {"new-username.error", "new-ticker.error"} & set(asked)
    assert check(page, mark="only small letters", username="", ticker="")["new-username.error"] is None
    assert check(page, refused="It was not opened", mark="missing", username="")["new-username.error"]


def test_rules_that_are_too_much_together_are_refused_once() -> None:
    averages = " + ".join(f"sma({n})" for n in range(900, 940))
    reading = form.read({**TYPED, "buy": f"price > {averages}", "sell": f"price < {averages}"})
    assert "look back" in reading.problems["buy"].message


def test_an_error_in_a_rule_points_at_its_column(page: Page) -> None:
    pointed, message = check(page, buy="30 < smaa(20)")["new-buy.error"]
    assert words(pointed).replace(" \n ", "\n") == "30 < smaa(20)\n     ^"
    assert words(message) == "unknown word 'smaa' at 6; did you mean 'sma'?"


def test_fields_that_are_still_empty_are_not_wrong_yet(page: Page) -> None:
    answer = check(page, username="", ticker="", name="")
    assert errors(answer) == {}
    assert answer["new-understood.children"]


def test_rules_are_told_as_they_are_understood(page: Page) -> None:
    answer = check(page, buy="2% * price < reference", stop_loss="2.5", sizing="fraction", size="50")
    assert "buy when" in words(answer["new-understood.children"])
    assert answer["new-options-said.children"] == "stop loss 2.5%, 0.5 of the cash a buy"
    assert "new-options.value" not in answer
    assert check(page, buy="price <")["new-understood.children"] is None


def test_an_error_among_the_options_unfolds_them(page: Page) -> None:
    assert check(page, stop_loss="x")["new-options.value"] == "options"


def test_at_most_twenty_tickers_are_suggested_those_that_begin_so_first(page: Page, tables: FakeReader) -> None:
    tables.prices.update({f"AB{n}": (OPEN, 1) for n in range(50)})
    tables.prices["ZAB"] = (OPEN, 1)
    assert len(check(page, ticker="ab")["new-ticker.data"]) == 20
    assert tickers.suggestions("zab", tables.prices) == ["ZAB"]
    assert check(page, ticker="BA")["new-ticker.data"] == ["BAC"]


def test_a_ticker_that_never_traded_gets_close_matches(page: Page) -> None:
    assert "Close to it: IBM" in words(check(page, ticker="IBN")["new-ticker-warning.children"])
    assert check(page, ticker="ibm")["new-ticker-warning.children"] is None


@pytest.mark.parametrize(
    "given", [1, "x", [], {"new-buy": 1}, {"new-buy": ["price"]}, {"new-buy": "x" * 3 * PASTED}, {"new-sizing": "most"}]
)
def test_callbacks_refuse_fields_that_no_page_sends(page: Page, given: Any) -> None:
    for output in ("new-understood.children", "new-graph.figure"):
        assert page.post(output, "new-typed.data", new_typed__data=given).status_code == 400


def test_the_form_sends_a_strategy_and_leads_to_its_page(page: Page, tape: Tape) -> None:
    answer = submit(page, sell="price >= reference + 0.25")
    assert tape.sent == [(first_rule("ann", "second", "IBM", 10_000_000_000, 100_000, 250_000), Action.OPEN)]
    told = answer["new-sent.data"]
    assert told["address"] == "/user/ann/IBM/second"
    assert told["visitor"] == "ann", "where the navigation's overview leads"
    assert told["toasts"][0]["message"] == "second on IBM was sent to the stream."
    assert [kept["name"] for kept in told["pending"]] == ["second"]
    assert submit(page, username="Bob", ticker="ibm")["new-sent.data"]["address"] == "/user/bob/IBM/second"
    assert tape.sent[-1][0].ticker == "IBM"


def test_a_strategy_without_a_name_is_called_by_its_template(page: Page, tape: Tape) -> None:
    first = submit(page, name="")
    second = submit(page, name="", kept=first["new-sent.data"]["pending"])
    assert [one.name for one, _ in tape.sent] == ["dip-and-rise", "dip-and-rise-2"]
    assert len(second["new-sent.data"]["pending"]) == 2


def test_a_name_that_this_browser_has_just_sent_is_taken(page: Page, tape: Tape) -> None:
    kept = submit(page)["new-sent.data"]["pending"]
    assert "already" in errors(submit(page, kept=kept))["new-name.error"]
    assert len(tape.sent) == 1


def rows(page: Page, kept: Any) -> list[tuple[str, str]]:
    """Name and status of the strategies on the user's page."""
    answer = page.call("table.rowData", "market.data", username__data="ann", pending__data=kept)
    return [(row["strategy_below"], row["status"]) for row in answer["table.rowData"]]


def test_what_was_sent_is_shown_on_the_users_page_until_the_job_has_written_it(page: Page, tables: FakeReader) -> None:
    kept = submit(page)["new-sent.data"]["pending"]
    assert rows(page, kept) == [("second", "sent"), ("dip", "running")]
    tables.strategy_rows.append(strategy(name="second", opened=2 * 10**18))
    assert rows(page, kept) == [("second", "waiting"), ("dip", "running")]


def test_a_broker_that_is_away_is_said_in_the_form(page: Page, tape: Tape) -> None:
    tape.away = True
    answer = submit(page)
    assert "It was not opened. kafka: no broker answers" in words(answer["new-message.children"])
    assert "new-sent.data" not in answer


def test_the_refusal_goes_with_the_last_mark(page: Page) -> None:
    refused = submit(page, username="", buy="price <")
    shown = refused["new-message.children"]
    assert "marked above" in words(shown)
    some = check(page, shown, username="")
    assert some["new-username.error"], "it stays marked while it is empty"
    assert "new-message.children" not in some
    none = check(page, shown)
    assert none["new-message.children"] is None
    assert not none["new-username.error"]
    assert "new-username.error" not in check(page, username=""), "nobody has tried to send it"


def test_a_button_that_only_appeared_sends_nothing(page: Page, tape: Tape) -> None:
    fields = {f"{name}.value": value for name, value in typed().items()}
    assert page.call("new-sent.data", "new-submit.n_clicks", **fields) == {}
    assert tape.sent == []


def test_sending_changes_the_page_alone_so_that_its_button_takes_clicks_from_the_start(page: Page) -> None:
    (sending,) = (
        one["output"] for one in page.dependencies if [part["id"] for part in one["inputs"]] == ["new-submit"]
    )
    laid_out = str(new.layout())
    outputs = [output.partition(".")[0] for output in sending.strip(".").split("...")]
    assert [output for output in outputs if f"id='{output}'" not in laid_out] == []


def test_a_clone_begins_with_the_rules_and_options_of_what_there_is(page: Page, tables: FakeReader) -> None:
    tables.strategy_rows.append(strategy(name="dip-2", terms=Terms(stop_loss=20_000, shares=7)))
    answer = page.call("new-buy.value", "new-load.data", new_load__data={**EDIT, "name": "dip-2", "edit": False})
    values = {name.partition(".")[0]: value for name, value in answer.items()}
    assert set(values) == {element(name) for name in FIELDS}
    assert values["new-buy"] == "price <= reference - 0.1"
    assert (values["new-stop-loss"], values["new-sizing"], values["new-size"]) == ("2", "shares", "7")
    assert (values["new-username"], values["new-ticker"], values["new-name"]) == ("ann", "IBM", "dip-3")
    missing = {**EDIT, "name": "none"}
    assert page.call("new-buy.value", "new-load.data", new_load__data=missing) == {}


def test_what_becomes_of_the_old_version_is_said_before_it_happens(page: Page, tables: FakeReader) -> None:
    def about(source: Any) -> tuple[str, str]:
        answer = page.call("new-about.children", "new-source.data", new_source__data=source)
        return words(answer["new-about.children"]), answer["new-submit.children"]

    said, button = about(EDIT)
    assert "opens a new version" in said
    assert "stops dip" in said
    assert button == "Open new version, stop dip"
    assert "goes on as it is" in about({**EDIT, "edit": False})[0]
    assert "no strategy other" in about({**EDIT, "name": "other"})[0]
    tables.strategy_rows[0] = strategy(stopped=1)
    assert about(EDIT)[1] == "Open new version"
    tables.away = True
    assert "database is away" in about(EDIT)[0]
    assert about(None) == ("", "Open strategy")


def test_a_new_version_opens_under_its_own_name_and_stops_the_old_one(page: Page, tape: Tape) -> None:
    answer = submit(page, EDIT, name="dip-2", cash="500")
    assert [(one.name, one.cash, action) for one, action in tape.sent] == [
        ("dip-2", 500_000_000, Action.OPEN),
        ("dip", 10_000_000_000, Action.STOP),
    ]
    assert answer["new-sent.data"]["toasts"][0]["message"].endswith("So was the stop of dip.")


def test_a_version_that_could_not_be_stopped_is_told(page: Page, tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    def once(*args: Any) -> None:
        tape.publish(*args)
        tape.away = True

    monkeypatch.setattr(application, "_publish", once)
    answer = submit(page, EDIT, name="dip-2")
    (toast,) = answer["new-sent.data"]["toasts"]
    assert "dip-2 on IBM was sent" in toast["message"]
    assert "dip was not stopped: kafka" in toast["message"]
    assert toast["color"] == "red"


@pytest.mark.parametrize(("field", "value"), [("username", "bob"), ("ticker", "BAC")])
def test_a_new_version_stays_with_its_user_and_ticker(page: Page, tape: Tape, field: str, value: str) -> None:
    answer = errors(submit(page, EDIT, name="dip-2", **{field: value}))
    assert "stays with" in answer[f"{element(field)}.error"]
    assert tape.sent == []


def test_an_old_version_that_is_stopped_already_is_left_alone(page: Page, tape: Tape, tables: FakeReader) -> None:
    tables.strategy_rows[0] = strategy(stopped=1)
    submit(page, EDIT, name="dip-2")
    assert [action for _, action in tape.sent] == [Action.OPEN]


@pytest.mark.usefixtures("own_application")
def test_the_preview_shows_verdict_figures_and_that_it_is_on_bars(page: Page, tried: list[Job]) -> None:
    answer = preview(page, username="", name="")
    result = words(answer["new-result.children"])
    assert "keep testing" in result
    assert "On 60 stored bars of 1m of IBM, 2013-10-07 09:31 to 2013-10-07 10:30 New York." in result
    assert answer["new-preview.hidden"] is False
    assert [trace["name"] for trace in answer["new-graph.figure"]["data"]] == [
        "Buy & hold",
        "Equity",
        "Price",
        "Buy",
        "Sell",
    ]
    assert "2013-10-07 10:30" in words(answer["new-table.children"])
    assert tried[0].strategy.ticker == "IBM"
    assert (tried[0].seconds, len(tried[0].bars["time"])) == (60, 60)


def test_the_same_strategy_is_not_tried_twice_but_another_one_is(page: Page, tried: list[Job]) -> None:
    first = preview(page)
    again = preview(page, first["new-preview-state.data"], name="other", username="bob")
    assert "new-graph.figure" not in again
    assert len(tried) == 1
    preview(page, first["new-preview-state.data"], stop_loss="1")
    assert len(tried) == 2


def test_another_rule_changes_the_data_and_no_axis_another_ticker_all(
    page: Page, tables: FakeReader, tried: list[Job]
) -> None:
    axis = preview(page)["new-axis.data"]
    changed = preview(page, axis=axis, stop_loss="1")["new-graph.figure"]
    assert [operation["location"] for operation in changed["operations"]] == [["data"]]
    tables.bar_rows["BAC"] = tables.bar_rows["IBM"]
    assert "layout" in preview(page, axis=axis, ticker="BAC")["new-graph.figure"]


@pytest.mark.usefixtures("own_application")
def test_an_indicator_that_never_gets_warm_is_told(page: Page, tried: list[Job]) -> None:
    said = words(preview(page, buy="price < sma(100)")["new-result.children"])
    assert "sma(close, 100) has its first value after 100 bars" in said


@pytest.mark.usefixtures("own_application")
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ticker": ""}, "Name a ticker"),
        ({"buy": "price <"}, "Mend what is marked"),
        ({"ticker": "XYZ"}, "No bars of XYZ are stored: it has not traded"),
        ({"ticker": "BAC"}, "No bars of BAC are stored of its last 10 days"),
        ({"every": "5s", "buy": "price < sma(3)"}, "bars of 5s can't be tried"),
        ({"every": "4h", "buy": "price < sma(3)"}, "Too few bars: one of 4h"),
    ],
)
def test_without_a_preview_it_is_said_why(page: Page, tried: list[Job], values: dict[str, str], said: str) -> None:
    answer = preview(page, **values)
    assert said in words(answer["new-note.children"])
    assert "new-graph.figure" not in answer
    assert tried == []


@pytest.mark.parametrize(("refusal", "soon"), [(BUSY, True), (TOO_LONG, False)])
def test_a_worker_that_has_no_answer_is_asked_again_only_where_that_may_help(
    page: Page, monkeypatch: pytest.MonkeyPatch, refusal: Refusal, soon: bool
) -> None:
    monkeypatch.setattr(Previews, "run", lambda self, job: refusal)
    answer = preview(page)
    assert words(answer["new-note.children"]) == refusal.message
    assert answer["new-preview-state.data"] == {"soon": soon}


def test_a_database_that_is_away_leaves_the_page_as_it_is(page: Page, tables: FakeReader, tried: list[Job]) -> None:
    tables.away = True
    assert errors(check(page)) == {}
    assert "database is away" in words(preview(page)["new-note.children"])
    assert page.call("new-buy.value", "new-load.data", new_load__data=EDIT) == {}


def test_minutes_outside_the_session_or_without_a_price_are_left_out(tables: FakeReader) -> None:
    early = bars([181_000_000] * 5, OPEN - 10 * NS_PER_MINUTE)
    tables.bar_rows["IBM"] = [*early, *bars([181_000_000, 0, 182_000_000])]
    found = stored_bars.job(first_rule("a", "a", "IBM", 10**9, 1, 1), _of_day(tables))
    assert isinstance(found, Job)
    assert found.bars["close"].tolist() == [181_000_000, 182_000_000]
    extended = Strategy("a", "a", "IBM", 10**9, '{"buy":"price > 1","session":1}')
    found = stored_bars.job(extended, _of_day(tables))
    assert isinstance(found, Job)
    assert len(found.bars["close"]) == 7


def _of_day(tables: FakeReader) -> Any:
    from frontend.history import PastBars

    return stored_bars.recent(tables, PastBars(), "IBM", (OPEN, 1))


def test_every_field_that_is_not_a_choice_can_be_marked() -> None:
    assert set(FIELDS) - set(MARKED) == {"template", "sizing", "fill", "session"}


def test_the_pages_start_without_the_compiled_engine() -> None:
    code = "import sys, frontend.app; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "frontend" in loaded
    assert not {"numba", "llvmlite", "pyspark", "kafka"} & set(loaded)

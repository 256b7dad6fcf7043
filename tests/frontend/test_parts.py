"""The smaller parts: the way to the database, what is kept of past days, the rows of the table."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import history
from frontend.formats import rule
from frontend.history import KEEP_SECONDS, PastBars
from frontend.openings import maybe_waiting, pending, sent
from frontend.positions import CONFIRM_SECONDS, Pending, table
from frontend.source import RETRY_SECONDS, Source
from riskcontrol.errors import ServerError, TablesMissing
from riskcontrol.language.parser import parse
from riskcontrol.money import MAX_CASH
from riskcontrol.shape import shape_text
from riskcontrol.strategy import FIRST_SHAPE
from riskcontrol.terms import FillMode, Session, Terms
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.fake import OPEN, FakeReader, bars, position, strategy, trader

DAY = 86_400 * NS_PER_SECOND
SENT = Pending("ann", "dip", "IBM", 5, FIRST_SHAPE, (0.1, 0.25), Terms(stop_loss=20_000), age=0.0)


def test_a_lost_database_is_connected_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [FakeReader(away=True), FakeReader(users={"ann"})]
    source = Source(lambda: made.pop(0))
    with pytest.raises(ServerError, match=r"^cassandra: no answer$"):
        source.read(lambda reader: reader.user_exists("ann"))
    assert source.read(lambda reader: reader.user_exists("ann"))


def test_a_connection_that_fails_is_not_tried_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def connect() -> FakeReader:
        tries.append(1)
        raise ServerError("no answer", server="cassandra")

    source = Source(connect)
    for _ in range(5):
        with pytest.raises(ServerError):
            source.read(lambda reader: reader.marks())
    assert len(tries) == 1
    monkeypatch.setattr("frontend.source.RETRY_SECONDS", RETRY_SECONDS * 0)
    with pytest.raises(ServerError):
        source.read(lambda reader: reader.marks())
    assert len(tries) == 2


def test_missing_tables_are_told_to_whoever_runs_the_server_once(caplog: pytest.LogCaptureFixture) -> None:
    def ask(reader: FakeReader) -> None:
        raise TablesMissing("table gone does not exist; create the tables with: it", server="cassandra")

    source = Source(FakeReader)
    for _ in range(3):
        with pytest.raises(TablesMissing, match=r"^cassandra: table gone"):
            source.read(ask)
    assert [record.getMessage() for record in caplog.records] == [
        "cassandra: table gone does not exist; create the tables with: it"
    ]


def test_past_days_are_read_once_in_a_while_and_today_always() -> None:
    reader = FakeReader(bar_rows={"IBM": [*bars([1, 2]), *bars([3], start=OPEN + DAY)]})
    clock = [0.0]
    past = PastBars(clock=lambda: clock[0])
    days = [date(2013, 10, 7), date(2013, 10, 8)]
    for _ in range(3):
        assert past.bars(reader, "IBM", days, today=days[1])["close"].tolist() == [1, 2, 3]
    reader.bar_rows["IBM"] += bars([4], start=OPEN + DAY + NS_PER_MINUTE)
    assert past.bars(reader, "IBM", days, today=days[1])["close"].tolist() == [1, 2, 3, 4]
    reader.bar_rows["IBM"].insert(2, bars([9], start=OPEN + 2 * NS_PER_MINUTE)[0])
    assert past.bars(reader, "IBM", days, today=days[1])["close"].tolist() == [1, 2, 3, 4]
    clock[0] = KEEP_SECONDS + 1
    assert past.bars(reader, "IBM", days, today=days[1])["close"].tolist() == [1, 2, 9, 3, 4]


def test_the_last_point_of_a_history_is_the_position_at_the_last_price() -> None:
    reader = trader()
    state, mark = reader.position_rows[0], reader.prices["IBM"]
    known = history.load(reader, PastBars(), reader.strategy_rows[0], state, mark)
    curve, fills = known.curve, known.fills
    assert (curve.time[-1], curve.value[-1]) == (mark[0], state.cash + state.shares * mark[1])
    assert fills["reason"].tolist() == ["buy", "trailing_stop", "buy"]
    live = history.live(reader.strategy_rows[0], state, (int(curve.time[-2]), int(curve.price[-2])), mark)
    assert (live.value[-1], live.profit[-1]) == (curve.value[-1], curve.profit[-1])


def test_fills_count_in_their_order_where_event_time_runs_backwards() -> None:
    reader = trader()
    fills = reader.fill_rows["ann", "IBM", "dip"]
    fills[2] = (OPEN + 2 * NS_PER_MINUTE, *fills[2][1:])  # the day is replayed once more
    fills.sort()
    state, mark = reader.position_rows[0], (OPEN + 3 * NS_PER_MINUTE, 182_000_000)
    known = history.load(reader, PastBars(), reader.strategy_rows[0], state, mark)
    curve, found = known.curve, known.fills
    assert (np.diff(curve.time) >= 0).all()
    assert (found["shares"] > 0).tolist() == [True, False, True]
    assert found["time"].tolist() == [OPEN + minute * NS_PER_MINUTE for minute in (5, 20, 20)]
    assert (curve.cash[0], curve.shares[0]) == (10_000_000_000, 0)  # not cut off: what was before is known
    assert curve.time[0] == OPEN + NS_PER_MINUTE
    assert curve.shares.min() == 0
    assert curve.value[-1] == state.cash + state.shares * mark[1]


def test_a_history_with_a_gap_begins_after_it() -> None:
    reader = trader()
    del reader.fill_rows["ann", "IBM", "dip"][1]
    state, mark = reader.position_rows[0], reader.prices["IBM"]
    known = history.load(reader, PastBars(), reader.strategy_rows[0], state, mark)
    curve, found = known.curve, known.fills
    assert len(found) == 1
    assert curve.time[0] == OPEN + 40 * NS_PER_MINUTE
    assert curve.value[-1] == state.cash + state.shares * mark[1]


def test_a_history_cut_off_before_a_split_begins_after_it() -> None:
    reader = trader()
    key = ("ann", "IBM", "dip")
    columns = list(reader.fills(*key).columns)
    bought, sold, again = reader.fill_rows[key]
    split = dict(zip(columns, bought, strict=True)) | {"number": 9, "reason": "split", "time": OPEN, "shares": 7}
    reader.fill_rows[key] = [
        tuple(split.values()),
        *(
            tuple((dict(zip(columns, row, strict=True)) | {"number": n}).values())
            for n, row in ((10, sold), (11, again))
        ),
    ]
    state, mark = reader.position_rows[0], reader.prices["IBM"]
    known = history.load(reader, PastBars(), reader.strategy_rows[0], state, mark)
    curve, found = known.curve, known.fills
    assert found["number"].tolist() == [10, 11]
    assert curve.value[-1] == state.cash + state.shares * mark[1]


def test_a_live_end_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(OverflowError, match="64 bits"):
        history.live(strategy(), position(shares=2**40), (OPEN, 1), (OPEN + 1, 2**40))


def test_a_strategy_opened_while_its_ticker_traded_has_no_history_before_it() -> None:
    reader = trader()
    since = OPEN + 4 * NS_PER_MINUTE
    curve = history.load(reader, PastBars(), strategy(since=since), reader.position_rows[0], reader.prices["IBM"]).curve
    assert curve.time[0] > since
    assert curve.time[0] <= since + NS_PER_MINUTE
    before = strategy(opened=since)  # written before there was a `since`, in a live stream
    assert history.load(reader, PastBars(), before, reader.position_rows[0], reader.prices["IBM"]).curve.time[0] == int(
        curve.time[0]
    )


def test_a_stopped_strategy_whose_stop_has_another_clock_keeps_its_history() -> None:
    reader = trader()
    state = position(time=1_760_000_000 * NS_PER_SECOND, status="stopped", fills=3)
    curve = history.load(reader, PastBars(), strategy(), state, reader.prices["IBM"]).curve
    assert len(curve) > 60


@pytest.mark.parametrize(
    ("status", "stopped", "shown"),
    [("running", None, "running"), ("running", 5, "stopped"), ("stopped", 5, "stopped"), ("halted", None, "halted")],
)
def test_the_status_says_what_holds(status: str, stopped: int | None, shown: str) -> None:
    rows, totals = table([strategy(stopped=stopped)], [position(status=status)], {})
    assert rows[0]["status"] == shown
    assert totals.running == (shown == "running")


def test_without_a_last_price_the_reference_values_a_position() -> None:
    rows, totals = table([strategy()], [position(cash=0, shares=2, reference=5_000_000)], {})
    assert rows[0]["value"] == 10.0
    assert totals.value == 10_000_000


def test_totals_add_up_in_integers() -> None:
    strategies = [strategy(name=f"s{i}", cash=MAX_CASH - i % 2) for i in range(10)]  # beyond what floats hold
    _, totals = table(strategies, [None] * 10, {})
    assert (totals.cash, totals.value, totals.profit) == (10 * MAX_CASH - 5, 10 * MAX_CASH - 5, 0)


def test_an_opening_that_is_not_confirmed_in_time_says_so() -> None:
    def status(age: float) -> str:
        return str(table([], [], {}, [replace(SENT, age=age)])[0][0]["status"])

    assert status(CONFIRM_SECONDS - 1) == "sent"
    assert status(CONFIRM_SECONDS) == "not confirmed"


@pytest.mark.parametrize(
    ("buy", "sell", "every", "session", "terms", "words"),
    [
        (
            "price <= reference - 0.10",
            "price >= reference + 0.2",
            60,
            Session.REGULAR,
            Terms(),
            ("buy when price ≤ reference − 0.1", "sell when price ≥ reference + 0.2", ""),
        ),
        (
            "rsi(14) < 30 and price != 4 or crosses_above(ema(12), ema(26))",
            None,
            300,
            Session.EXTENDED,
            Terms(stop_loss=25_000, take_profit=1_000, fill=FillMode.SAME),
            (
                "buy when crosses_above(ema(close, 12), ema(close, 26)) or price ≠ 4 and rsi(close, 14) < 30",
                "never sell by a rule",
                "bars of 5m, extended hours, stop loss 2.5%, take profit 0.1%, fills on the deciding trade",
            ),
        ),
        (
            "price < -1 + reference",
            "held >= 90m",
            60,
            Session.REGULAR,
            Terms(fraction=500_000, fee_per_order=10_000, fee_rate=100, slippage=150),
            (
                "buy when price < reference − 1",
                "sell when held ≥ 90m",
                "0.5 of the cash a buy, fees $0.01 an order, 1 bp, slippage 1.5 bp",
            ),
        ),
    ],
)
def test_rules_and_options_are_said_in_words(
    buy: str, sell: str | None, every: int, session: Session, terms: Terms, words: tuple[str, str, str]
) -> None:
    shape, parameters = shape_text(parse(buy), parse(sell) if sell else None, every, session)
    assert rule(shape, parameters, terms) == words


@given(st.floats(0, 1e12, exclude_max=True))
def test_any_number_that_the_tape_may_bring_is_said(number: float) -> None:
    said, _, _ = rule(FIRST_SHAPE, (number, 1.0), Terms())
    assert float(said.partition("reference − ")[2] or 0) == pytest.approx(number, rel=1e-9, abs=1e-9)


def test_what_a_browser_keeps_comes_back_for_its_user_only() -> None:
    kept = [sent(SENT, 100.0), sent(replace(SENT, username="bob"), 100.0)]
    assert pending(json.loads(json.dumps(kept)), "ann", 103.0) == [replace(SENT, age=3.0)]


@pytest.mark.parametrize(
    "changed",
    [
        {"shape": "<b>"},
        {"shape": '{"buy":"price < <script>"}'},
        {"parameters": [1]},
        {"parameters": [float("nan"), 1]},
        {"parameters": None},
        {"terms": '{"speed":1}'},
        {"cash": float("inf")},
    ],
)
def test_a_kept_opening_that_is_no_strategy_is_left_out(changed: dict[str, object]) -> None:
    assert pending([sent(SENT, 100.0)], "ann", 100.0)
    assert pending([sent(SENT, 100.0) | changed], "ann", 100.0) == []


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_anything_at_all_may_be_kept(kept: object) -> None:
    assert pending(kept, "ann", 0.0) == []
    assert maybe_waiting(kept, 0.0) in (True, False)


@pytest.mark.parametrize(
    ("time", "young"),
    [(100.0, True), (100, True), (10**4_000, True), (41.0, True), (40.0, False), (float("nan"), False), ("100", False)],
)
def test_only_the_time_of_an_opening_says_whether_it_may_be_awaited(time: object, young: bool) -> None:
    assert maybe_waiting([1, sent(SENT, 0.0), {"sent": time}], 100.0) is young

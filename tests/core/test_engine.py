"""The engine agrees with the plain reference, whatever the tape and wherever it is cut."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode, openings_batch
from riskcontrol.book import CHAPTER, PAGE, Book
from riskcontrol.engine import Outcome, advance
from riskcontrol.language.parser import parse
from riskcontrol.opening import open_and_stop
from riskcontrol.rows import Columns, Openings
from riskcontrol.shape import shape_text
from riskcontrol.states import Status
from riskcontrol.strategy import Action, Strategy, first_rule
from riskcontrol.terms import FillMode, Session, Terms
from riskcontrol.trades import ALL_FLAGS, NS_PER_MINUTE, REGULAR, TRADES, VOLUME
from tests.language.trees import PATIENT
from tests.reference import Reference

TICKERS = ("IBM", "BAC", "BRK.B")


def trades(rows: list[tuple[str, int, int, int, int]], first: int = 1) -> pa.RecordBatch:
    """Return a block from (ticker, time, price, size, flags)."""
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return pa.record_batch(
        [
            pa.array(columns[0], pa.utf8()).dictionary_encode(),
            *[pa.array(column, TRADES.field(i + 1).type) for i, column in enumerate(columns[1:])],
            pa.array(range(first, first + len(rows)), pa.int64()),
        ],
        schema=TRADES,
    )


def openings(*strategies: Strategy, action: Action = Action.OPEN, time: int = 0) -> Openings:
    decoded = decode(encode(openings_batch(strategies, time=time, action=action)), OPENINGS_HEADERS)
    assert isinstance(decoded, Openings)
    return decoded


def tuples(columns: Columns) -> list[tuple[object, ...]]:
    """Return the rows as tuples of Python values, text decoded."""
    lists = [getattr(columns, f.name).tolist() for f in fields(columns)]  # type: ignore[arg-type]
    return [tuple(v.decode() if isinstance(v, bytes) else v for v in row) for row in zip(*lists, strict=True)]


def ibm(*prices: int) -> pa.RecordBatch:
    """Return driving trades of IBM at these prices (cents), a second apart."""
    return trades([("IBM", i * 10**9, p * 10_000, 100, ALL_FLAGS) for i, p in enumerate(prices, 1)])


ANN = first_rule("ann", "dip", "IBM", cash=1_000_000_000, buy_below=100_000, sell_above=200_000)


def shares_and_prices(outcome: Outcome) -> list[tuple[int, int]]:
    return [(int(s), int(p) // 10_000) for s, p in zip(outcome.fills.shares, outcome.fills.price, strict=True)]


@pytest.mark.parametrize(
    ("prices", "fill", "expected"),
    [
        ((10_000, 9_991), FillMode.NEXT, []),  # not far enough down
        ((10_000, 9_990), FillMode.NEXT, []),  # decided, but no trade to fill on
        ((10_000, 9_990, 9_980), FillMode.NEXT, [(10, 9_980)]),
        ((10_000, 9_990, 10_050), FillMode.NEXT, [(9, 10_050)]),  # fills where the next trade is
        ((10_000, 9_990, 9_980, 10_000, 10_010), FillMode.NEXT, [(10, 9_980), (-10, 10_010)]),
        ((10_000, 9_990), FillMode.SAME, [(10, 9_990)]),
        ((10_000, 9_990, 10_010), FillMode.SAME, [(10, 9_990), (-10, 10_010)]),
        ((10_000, 9_990, 9_980, 9_970, 9_960), FillMode.NEXT, [(10, 9_980)]),  # one entry, no averaging down
        ((200_000, 100_001, 99_990), FillMode.NEXT, []),  # decided where cash does not reach: nothing
        ((200_000, 99_990, 110_000, 99_000, 98_000), FillMode.NEXT, [(1, 98_000)]),  # an order lapses, the rule stays
    ],
)
def test_first_rule(prices: tuple[int, ...], fill: FillMode, expected: list[tuple[int, int]]) -> None:
    strategy = replace(ANN, terms=Terms(fill=fill))
    outcome = advance(Book(), [openings(strategy), ibm(*prices)])
    assert shares_and_prices(outcome) == expected


def test_a_strategy_sees_only_trades_after_its_opening() -> None:
    book = Book()
    before = advance(book, [ibm(10_000, 9_000), openings(ANN)])
    after = advance(book, [ibm(9_000, 8_990, 8_980)])
    assert len(before.fills) == 0
    assert len(before.positions) == 0
    assert shares_and_prices(after) == [(11, 8_980)]


def test_a_stopped_strategy_keeps_what_it_has_and_trades_no_more() -> None:
    book = Book()
    outcome = advance(
        book, [openings(ANN), ibm(10_000, 9_990, 9_980), openings(ANN, action=Action.STOP, time=9), ibm(20_000, 20_000)]
    )
    assert shares_and_prices(outcome) == [(10, 9_980)]
    assert outcome.positions.status.tolist() == [Status.STOPPED]
    assert outcome.positions.shares.tolist() == [10]
    assert outcome.positions.time.tolist() == [9]


def test_opening_twice_and_stopping_the_unknown_change_nothing() -> None:
    stranger = first_rule("bob", "dip", "IBM", 1, 1, 1)
    outcome = advance(Book(), [openings(ANN, ANN), openings(stranger, action=Action.STOP)])
    assert outcome.ignored == 2
    assert len(outcome.openings) == 1


def test_an_opening_is_told_with_the_newest_trade_of_its_ticker_before_it() -> None:
    late = first_rule("bob", "late", "IBM", 10**9, 1, 1)
    other = first_rule("bob", "other", "BAC", 10**9, 1, 1)
    outcome = advance(Book(), [openings(ANN), ibm(10_000, 9_990), openings(ANN, late, other), ibm(20_000)])
    times = ibm(10_000, 9_990).column("time").to_pylist()
    assert dict(zip(outcome.openings.name.tolist(), outcome.openings.since.tolist(), strict=True)) == {
        ANN.name.encode(): 0,
        b"late": times[-1],
        b"other": 0,
    }


def test_a_value_past_64_bits_halts_the_position_instead_of_wrapping() -> None:
    rich = first_rule("ann", "dip", "IBM", cash=10**15, buy_below=1, sell_above=1, fill=FillMode.SAME)
    block = trades([("IBM", t, p, 1, ALL_FLAGS) for t, p in ((1, 2), (2, 1), (3, 10**13))])
    outcome = advance(Book(), [openings(rich), block])
    assert outcome.fills.shares.tolist() == [10**15]
    assert outcome.positions.status.tolist() == [Status.HALTED]


def test_a_halted_position_is_left_alone_wherever_the_tape_is_cut() -> None:
    shape, numbers = shape_text(parse("price < open * 2"), parse("price > open"), 1, Session.REGULAR)
    rich = Strategy("ann", "dip", "IBM", 10**15, shape, numbers, Terms(fill=FillMode.SAME))
    block = trades([("IBM", t * 10**9, p, 1, ALL_FLAGS) for t, p in ((1, 2), (2, 1), (3, 10**13), (4, 5), (5, 6))])
    book = Book()
    whole = advance(Book(), [openings(rich), block])
    parts = [advance(book, [openings(rich)])] + [advance(book, [block.slice(i, 1)]) for i in range(5)]
    assert whole.positions.status.tolist() == [Status.HALTED]
    assert [row for part in parts for row in tuples(part.positions)][-1:] == tuples(whole.positions)


def test_indicators_are_saved_when_a_bar_closes_and_not_before() -> None:
    book = Book()
    shape, _ = shape_text(parse("sma(20) > price"), None, 60, Session.REGULAR)
    advance(book, [openings(Strategy("ann", "a", "IBM", 10**9, shape)), ibm(10_000)])
    assert len(advance(book, [ibm(10_001, 10_002)]).touched.rows["states"]) == 0
    later = trades([("IBM", 90 * 10**9, 10**8, 1, ALL_FLAGS)])
    assert len(advance(book, [later]).touched.rows["states"]) == 21


def test_a_bar_without_a_price_goes_on_as_the_next_one() -> None:
    """Odd lots alone set no price: a cross must not be lost over them."""
    shape, _ = shape_text(parse("crosses_above(sma(1), sma(2))"), None, 1, Session.REGULAR)
    strategy = Strategy("ann", "a", "IBM", 10**9, shape, (), Terms(fill=FillMode.SAME))
    rows = [("IBM", t * 10**9, p * 10**6, 1, ALL_FLAGS) for t, p in ((1, 10), (2, 9), (4, 12), (5, 13))]
    odd = ("IBM", 3 * 10**9, 7 * 10**6, 1, VOLUME | REGULAR)
    for tape in (rows, [*rows[:2], odd, *rows[2:]]):
        outcome = advance(Book(), [openings(strategy), trades(tape)])
        assert outcome.fills.price.tolist() == [13 * 10**6]
        assert tuples(outcome.fills)[0][:8] == Reference().feed([openings(strategy), trades(tape)]).fills[0][:8]


def test_a_slice_does_not_bring_the_tickers_of_the_whole() -> None:
    book = Book()
    advance(book, [trades([("IBM", 1, 1, 1, 15), ("BAC", 1, 1, 1, 15)]).slice(1)])
    assert book.tickers["ticker"][:1].tolist() == [b"BAC"]
    assert book.count("tickers") == 1


def test_long_stretches_are_jumped_through_exactly() -> None:
    """More trades than one block of the pyramid's second level, so that every level is used."""
    rng = np.random.default_rng(7)
    prices = 10_000 + np.cumsum(rng.integers(-3, 4, 20_000))
    block = trades([("IBM", i, int(p) * 10_000, 1, ALL_FLAGS) for i, p in enumerate(prices)])
    steps = [[int(step) * 10_000 for step in rng.integers(1, most, 2)] for most in [40] * 8 + [4] * 10]
    many = [first_rule(f"u{i}", "s", "IBM", 10**9 + i, *both) for i, both in enumerate(steps)]
    # Of a second page are others that do as the first ones do, which the reference need not work out again.
    others = [replace(one, username=f"again-{one.username}") for one in many]
    book = Book()
    outcome = advance(book, [openings(*many, *others), block])
    assert book.count("pages") == 2
    expected = Reference().feed([openings(*many), block])
    again = [(f"again-{fill[0]}", *fill[1:]) for fill in expected.fills]
    assert sorted(tuples(outcome.fills)) == sorted(expected.fills + again)
    assert len(expected.fills) > 400


def test_openings_are_compiled_once_whoever_made_their_columns() -> None:
    given = openings(first_rule("ann", "s", "IBM", 10**9, 10_000, 10_000))
    advance(Book(), [replace(given, cash=given.cash.copy(), time=given.time.copy())])
    advance(Book(), [given])
    assert len(open_and_stop.signatures) == 1


amounts = st.integers(1, 40).map(lambda cents: cents * 10_000)
strategies = st.builds(
    first_rule,
    username=st.sampled_from(["ann", "bob", "cyd"]),
    name=st.sampled_from(["a", "b"]),
    ticker=st.sampled_from(TICKERS),
    cash=st.integers(1, 10_000_000_000),
    buy_below=amounts,
    sell_above=amounts,
    fill=st.sampled_from(FillMode),
)
opening_events = st.builds(
    lambda many, action: openings(*many, action=action),
    st.lists(strategies, min_size=1, max_size=6),
    st.sampled_from([Action.OPEN, Action.OPEN, Action.STOP]),
)
steps = st.tuples(
    st.sampled_from(TICKERS),
    # Now and then a clock that jumps, back or forth, by minutes, over midnight, or to another day.
    st.integers(0, 40 * 10**9) | st.sampled_from([sign * n * 10**9 for sign in (-1, 1) for n in (90, 4_000, 90_000)]),
    st.integers(-30, 30),
    st.integers(1, 1000),
    st.sampled_from([15, 15, 15, 15, 4, 7, 11, 0]),
)


@st.composite
def tapes(draw: st.DrawFn) -> list[pa.RecordBatch | Openings]:
    """Draw a tape: openings and blocks of trades in turn, times mostly growing, prices walking.

    Sequence numbers may come again, or run backwards from block to block.
    """
    events: list[pa.RecordBatch | Openings] = []
    time, price, sequence = 5 * 86_400 * 10**9, dict.fromkeys(TICKERS, 1_000), 1
    for _ in range(draw(st.integers(1, 5))):
        events.append(draw(opening_events))
        rows = []
        for ticker, wait, step, size, flags in draw(st.lists(steps, max_size=60)):
            time = max(0, time + wait)
            price[ticker] = max(1, price[ticker] + step)
            rows.append((ticker, time, price[ticker] * 10_000, size, flags))
        events.append(trades(rows, sequence))
        sequence += draw(st.sampled_from([len(rows), len(rows), 0, -1]))
    return events


def assert_conserved(outcome: Outcome) -> None:
    """Check that what was paid, fees included, is what the cash lost, and that shares add up."""
    assert (outcome.fills.cash >= 0).all()
    assert (outcome.fills.fee >= 0).all()
    started = {row[1:4]: row[4] for row in tuples(outcome.openings) if row[0] == Action.OPEN}
    spent: dict[tuple[object, ...], int] = {}
    shares: dict[tuple[object, ...], int] = {}
    for row in tuples(outcome.fills):
        _, price, bought, fee, cash = row[4:9]
        spent[row[:3]] = spent.get(row[:3], 0) + price * bought + fee  # type: ignore[operator]
        shares[row[:3]] = shares.get(row[:3], 0) + bought  # type: ignore[operator]
        assert cash == started[row[:3]] - spent[row[:3]]  # type: ignore[operator]
    for row in tuples(outcome.positions):
        assert row[4] == started[row[:3]] - spent.get(row[:3], 0)  # type: ignore[operator]
        assert row[5] == shares.get(row[:3], 0)


def assert_summaries_cover(book: Book) -> None:
    """Check that pages, chapters and cohorts let through whatever one of their positions lets through."""
    for slot in book.used_slots().tolist():
        page = book.pages[slot // PAGE]
        chapter, cohort = book.chapters[page["chapter"]], book.cohorts[page["cohort"]]
        for name in ("below", "gated_below"):
            assert book.triggers[slot][name] <= page[name] <= chapter[name] <= cohort[name]
        for name in ("above", "gated_above", "wake"):
            assert book.triggers[slot][name] >= page[name] >= chapter[name] >= cohort[name]
        side = "holding" if book.positions[slot]["shares"] else "flat"
        assert book.positions[slot]["status"] != Status.RUNNING or min(page[side], chapter[side], cohort[side]) > 0


def test_users_of_more_than_a_chapter_fill_as_in_the_reference() -> None:
    users = 2 * PAGE * CHAPTER + 100
    # Every seventh may act: whole pages have nobody who does, and every chapter has somebody.
    levels = [(10_000 + 1_000 * (i % 13), 20_000 + 1_000 * (i % 11)) if i % 7 == 0 else (10**9, 10**9)
              for i in range(users)]  # fmt: skip
    own = [first_rule(f"u{i}", "s", "IBM", 10**9, a, b) for i, (a, b) in enumerate(levels)]
    tape: list[pa.RecordBatch | Openings] = [
        openings(*own[:300]),
        ibm(100_000, 99_000),
        openings(*own[300:]),
        *(ibm(100_000, 100_000 - fall, 100_000 - fall, 100_000) for fall in range(9_000, 23_000, 2_000)),
        openings(*own[: 2 * PAGE], action=Action.STOP),
        ibm(150_000, 150_000, 60_000, 60_000),
    ]
    book = Book()
    outcome = advance(book, tape)
    assert book.count("chapters") == 3
    expected = Reference().feed(tape).fills
    assert len(expected) > users / 7
    assert sorted(tuples(outcome.fills)) == sorted(expected)
    assert_summaries_cover(book)
    again = Book()
    parts = [fill for event in tape for fill in tuples(advance(again, [event]).fills)]
    assert sorted(parts) == sorted(expected)


@given(tapes())
@PATIENT
def test_fills_and_positions_equal_the_reference(tape: list[pa.RecordBatch | Openings]) -> None:
    book = Book()
    outcome = advance(book, tape)
    expected = Reference().feed(tape)
    assert sorted(tuples(outcome.fills)) == sorted(expected.fills)
    slots = book.used_slots()
    state = book.positions[slots]
    names = zip(book.usernames(slots), book.strategy_names(slots), book.slot_tickers(slots), strict=True)
    assert {
        tuple(n.decode() for n in name): (int(r["cash"]), int(r["shares"]))
        for name, r in zip(names, state, strict=True)
    } == {key: (p.cash, p.shares) for key, p in expected.positions.items()}


@given(tapes())
@PATIENT
def test_bars_equal_the_reference(tape: list[pa.RecordBatch | Openings]) -> None:
    book = Book()
    bars = {row[:2]: row[2:] for row in tuples(advance(book, tape).bars)}
    expected = {key: tuple(bar.values()) for key, bar in Reference().feed(tape).bars.items()}
    open_bars = {max(t for ticker, t in expected if ticker == name) for name in {ticker for ticker, _ in expected}}
    closed = {key: bar for key, bar in expected.items() if key in bars}
    assert bars == closed
    assert len(expected) - len(bars) == len({ticker for ticker, _ in expected})
    assert all(key[1] in open_bars or key in bars for key in expected)


@given(tapes(), st.data())
@PATIENT
def test_any_cut_of_the_tape_gives_the_same(tape: list[pa.RecordBatch | Openings], data: st.DataObject) -> None:
    whole = advance(Book(), tape)
    book, parts = Book(), []
    for event in tape:
        if isinstance(event, Openings):
            parts.append(advance(book, [event]))
            continue
        cuts = sorted(data.draw(st.lists(st.integers(0, event.num_rows), max_size=4)))
        for start, end in zip([0, *cuts], [*cuts, event.num_rows], strict=True):
            parts.append(advance(book, [event.slice(start, end - start)]))
    for name in ("fills", "bars"):
        assert sorted(row for part in parts for row in tuples(getattr(part, name))) == sorted(
            tuples(getattr(whole, name))
        )
    latest = {row[:3]: row for part in parts for row in tuples(part.positions)}
    assert sorted(latest.values()) == sorted(tuples(whole.positions))


@given(tapes())
@PATIENT
def test_money_is_conserved_to_the_micro_dollar(tape: list[pa.RecordBatch | Openings]) -> None:
    assert_conserved(advance(Book(), tape))


@given(tapes())
@PATIENT
def test_summaries_cover_the_triggers_of_their_positions(tape: list[pa.RecordBatch | Openings]) -> None:
    book = Book()
    advance(book, tape)
    assert_summaries_cover(book)


def test_bars_close_with_the_next_minute_and_keep_late_volume() -> None:
    block = trades(
        [
            ("IBM", NS_PER_MINUTE, 100, 1, ALL_FLAGS),
            ("IBM", 2 * NS_PER_MINUTE, 110, 2, ALL_FLAGS),
            ("IBM", NS_PER_MINUTE + 1, 90, 4, ALL_FLAGS),
            ("IBM", 3 * NS_PER_MINUTE, 120, 8, ALL_FLAGS),
        ]
    )
    outcome = advance(Book(), [block])
    assert tuples(outcome.bars) == [
        ("IBM", NS_PER_MINUTE, 100, 100, 100, 100, 1, 100, 1),
        ("IBM", 2 * NS_PER_MINUTE, 110, 110, 90, 90, 6, 580, 2),
    ]
    assert outcome.late == 1


def test_a_bar_of_more_dollars_than_fit_stays_at_the_most() -> None:
    block = trades([("IBM", 0, 10**13, 1_000, ALL_FLAGS)] * 1_000 + [("IBM", NS_PER_MINUTE, 1, 1, ALL_FLAGS)])
    (bar,) = tuples(advance(Book(), [block]).bars)
    assert bar[7] == np.iinfo(np.int64).max

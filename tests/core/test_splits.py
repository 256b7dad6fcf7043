"""Splits change shares, prices and indicators, and nothing that anything is worth."""

from __future__ import annotations

import functools
from dataclasses import replace

import hypothesis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from riskcontrol.blocks import Event
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.language.parser import parse
from riskcontrol.orders import fee as charged
from riskcontrol.pending import MOST
from riskcontrol.rows import Openings, Splits
from riskcontrol.shape import shape_text
from riskcontrol.split_kernel import HIGHEST
from riskcontrol.states import Reason, Status
from riskcontrol.strategy import Action, Strategy, first_rule
from riskcontrol.terms import FillMode, Session, Terms
from riskcontrol.trades import ALL_FLAGS, LAST
from tests.core.test_engine import ANN, assert_summaries_cover, ibm, openings, trades, tuples
from tests.core.test_rules import LIKELY, TEN_O_CLOCK, patient, strategies, terms
from tests.reference import Reference

SECOND = 10**9


def splits(*rows: tuple[str, int, int, int]) -> Splits:
    """Return splits from (ticker, time, numerator, denominator)."""
    names, *numbers = list(zip(*rows, strict=True)) or [()] * 4
    return Splits(np.array(names, "S16"), *(np.array(column, np.int64) for column in numbers))


def ibm_splits(numerator: int, denominator: int, second: int) -> Splits:
    return splits(("IBM", second * SECOND, numerator, denominator))


HELD = [openings(ANN), ibm(10_000, 9_990, 9_980)]
"""Ten shares at 99.80 and 2 dollars; the last trade is in the third second."""


def after(seconds: int, *prices: int) -> pa.RecordBatch:
    return trades([("IBM", (seconds + i) * SECOND, p * 10_000, 1, ALL_FLAGS) for i, p in enumerate(prices)], 100)


@pytest.mark.parametrize(
    ("ratio", "shares", "paid", "price"),
    [
        ((4, 1), 40, 0, 24_950_000),
        ((3, 2), 15, 0, 66_533_333),
        ((7, 3), 23, 99_800_000 // 7, 42_771_429),
        ((1, 10), 1, 0, 998_000_000),
        ((1, 8), 1, 2 * 99_800_000, 798_400_000),
        ((1, 30), 0, 998_000_000, 2_994_000_000),
    ],
)
def test_a_split_multiplies_shares_pays_for_fractions_and_divides_prices(
    ratio: tuple[int, int], shares: int, paid: int, price: int
) -> None:
    outcome = advance(Book(), [*HELD, ibm_splits(*ratio, 4), after(5, 1)])
    fill = tuples(outcome.fills)[1]
    assert fill == ("ann", "dip", "IBM", 2, 4 * SECOND, price, shares - 10, 0, 2_000_000 + paid, 0, Reason.SPLIT)
    (position,) = tuples(outcome.positions)
    entry = (price, 3 * SECOND) if shares else (0, 0)
    assert position[3:] == (4 * SECOND, 2_000_000 + paid, shares, price, *entry, 2, Status.RUNNING)


def test_it_comes_before_the_first_trade_at_its_time_and_once() -> None:
    book = Book()
    split = ibm_splits(2, 1, 5)
    assert len(advance(book, [*HELD, split, split, after(4, 9_980)]).fills) == 1
    outcome = advance(book, [split, after(5, 4_990), split])
    assert outcome.fills.reason.tolist() == [Reason.SPLIT]
    assert outcome.ignored == 2
    assert len(advance(book, [split, after(6, 4_990)]).fills) == 0
    assert book.count("splits") == 1


def test_one_that_comes_after_a_trade_at_its_prices_is_left_out() -> None:
    outcome = advance(Book(), [*HELD, ibm_splits(2, 1, 3), after(5, 4_990)])
    assert outcome.ignored == 1
    assert outcome.fills.reason.tolist() == [Reason.BUY]
    odd = trades([("IBM", 5 * SECOND, 1, 1, 0)])  # a trade that counts for nothing is one, too
    assert advance(Book(), [*HELD, odd, ibm_splits(2, 1, 5), after(6, 4_990)]).ignored == 1


def test_a_ticker_has_so_many_splits_and_no_more() -> None:
    many = splits(*(("IBM", (10 + i) * SECOND, 1 + (i + 1) % 2, 1 + i % 2) for i in range(MOST + 3)))
    book = Book()
    assert advance(book, [*HELD, many]).ignored == 3
    assert advance(book, [splits(("IBM", 99 * SECOND, 2, 1), ("BAC", 99 * SECOND, 2, 1))]).ignored == 1
    assert advance(book, [after(200, 9_980)]).fills.reason.tolist() == [Reason.SPLIT] * MOST


def test_the_fee_of_a_sale_after_a_split_takes_what_there_is_and_no_more() -> None:
    # Found by a review: shares so many that the fee for each and half the value together leave 64 bits.
    dear = Terms(fee_per_share=10**6, fee_rate=500_000, fee_per_order=10**13)
    held = 988_783
    one = replace(ANN, cash=10**15, terms=replace(dear, shares=held))
    tape: list[Event] = [
        openings(one), ibm(100_000, 90_000, 90_000), ibm_splits(4_664, 1, 5), after(9, 200_000, 200_000, 200_000),
    ]  # fmt: skip
    expected = Reference().feed(tape).fills
    assert sorted(tuples(advance(Book(), tape).fills)) == sorted(expected)
    assert expected


@njit
def charge(shares: int, price: int, own: NDArray[np.int64]) -> int:
    return charged(shares, price, own)  # type: ignore[no-any-return]


@pytest.mark.parametrize("shares", [1, 10**6, 4 * 10**12, 9 * 10**12])
@pytest.mark.parametrize("per_share", [0, 1, 10**6, 10**13])
def test_a_fee_is_exact_or_all_that_fits(shares: int, per_share: int) -> None:
    own = np.array(Terms(fee_per_share=per_share, fee_rate=500_000, fee_per_order=10**13).as_row())
    exact = 10**13 + per_share * shares + -(-shares * 10**6 * 500_000 // 10**6)
    assert charge(shares, 10**6, own) == min(exact, np.iinfo(np.int64).max)


def test_two_that_wait_for_one_trade_come_in_their_order() -> None:
    both = splits(("IBM", 6 * SECOND, 1, 3), ("IBM", 5 * SECOND, 2, 1), ("BAC", 1, 5, 1))
    fills = advance(Book(), [*HELD, both, after(9, 15_000)]).fills
    assert fills.time.tolist()[1:] == [5 * SECOND, 6 * SECOND]
    assert fills.shares.tolist() == [10, 10, -14]
    assert fills.cash.tolist()[2] == 2_000_000 + 2 * 49_900_000


def test_an_order_decided_before_fills_after_at_the_new_price() -> None:
    outcome = advance(Book(), [openings(ANN), ibm(10_000, 9_990), ibm_splits(2, 1, 3), after(3, 4_990)])
    assert [(row[5], row[6]) for row in tuples(outcome.fills)] == [(49_900_000, 20)]


def test_a_sale_that_waits_lapses_where_nothing_is_left_to_sell() -> None:
    outcome = advance(
        Book(), [*HELD, after(4, 10_010), ibm_splits(1, 11, 5), after(5, 110_000, 110_000, 109_990, 109_990)]
    )
    assert outcome.fills.shares.tolist() == [10, -10]
    assert outcome.fills.reason.tolist() == [Reason.BUY, Reason.SPLIT]


def test_stops_follow_the_peak_and_the_entry_over_a_split() -> None:
    shape, numbers = shape_text(parse("price > 0 and price < 101"), parse("price < entry * 0.9"), 0, Session.REGULAR)
    for options, sold in ((Terms(trailing_stop=50_000), 5_225), (Terms(stop_loss=80_000), 4_600), (Terms(), 4_499)):
        holder = Strategy("ann", "a", "IBM", 10**9, shape, numbers, replace(options, fill=FillMode.SAME))
        tape = [openings(holder), ibm(10_000, 11_000), ibm_splits(2, 1, 4), after(4, 5_500, sold + 1, sold)]
        fills = advance(Book(), tape).fills
        assert fills.price.tolist() == [100_000_000, 55_000_000, sold * 10_000]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.RUNNING])
def test_whoever_is_flat_or_stopped_has_his_share_of_it(status: Status) -> None:
    flat = replace(ANN, username="bob", cash=1)
    stop = [openings(ANN, flat, action=Action.STOP)] if status == Status.STOPPED else []
    outcome = advance(Book(), [openings(flat), *HELD, *stop, ibm_splits(2, 1, 4), after(4, 4_990)])
    rows = {row[0]: row for row in tuples(outcome.positions)}
    assert rows["ann"][5:7] == (20, 49_900_000)
    assert rows["bob"][5:7] == (0, 50_000_000)
    assert {row[-1] for row in rows.values()} == {status}


def test_a_reference_that_is_less_than_a_millionth_stays_one() -> None:
    outcome = advance(Book(), [openings(ANN), trades([("IBM", 1, 3, 1, 15)]), ibm_splits(100_000, 1, 1), after(2, 1)])
    assert outcome.positions.reference.tolist() == [1]


def test_what_would_not_fit_into_64_bits_halts_the_position_and_prices_stay_at_the_most() -> None:
    rich = first_rule("ann", "dip", "IBM", cash=10**15, buy_below=1, sell_above=1, fill=FillMode.SAME)
    block = trades([("IBM", t, p, 1, ALL_FLAGS) for t, p in ((1, 2), (2, 1))])
    outcome = advance(Book(), [openings(rich), block, ibm_splits(100_000, 1, 1), after(2, 1)])
    assert outcome.positions.status.tolist() == [Status.HALTED]
    assert outcome.positions.shares.tolist() == [10**15]
    dear = advance(Book(), [openings(ANN), trades([("IBM", 1, 10**13, 1, 15)]), ibm_splits(1, 100_000, 1), after(2, 1)])
    assert dear.positions.reference.tolist() == [HIGHEST]
    fees = Strategy("ann", "a", "IBM", 10**12, *shape_text(parse("price > 0"), None, 0, Session.REGULAR),
                    Terms(fee_per_share=10**9, fill=FillMode.SAME))  # fmt: skip
    costly = advance(Book(), [openings(fees), trades([("IBM", 1, 1, 1, 15)]), ibm_splits(10**5, 1, 1), after(2, 1)])
    assert costly.positions.status.tolist() == [Status.RUNNING]
    again = [openings(fees), trades([("IBM", 1, 1, 1, 15)]), ibm_splits(10**5, 1, 1), ibm_splits(10**5, 1, 2)]
    assert advance(Book(), [*again, after(3, 1)]).positions.status.tolist() == [Status.HALTED]


def test_without_a_regular_trade_a_fraction_is_worth_what_was_paid() -> None:
    shape, numbers = shape_text(parse("price > 0"), None, 0, Session.EXTENDED)
    early = Strategy("ann", "a", "IBM", 10**9, shape, numbers, Terms(fill=FillMode.SAME, shares=1))
    outcome = advance(
        Book(), [openings(early), trades([("IBM", 1, 10**7, 1, LAST)]), ibm_splits(1, 2, 1), after(2, 2_000)]
    )
    assert outcome.fills.cash.tolist()[:2] == [990 * 10**6, 10**9]


POWERS = st.sampled_from([(2, 1), (4, 1), (1, 2), (1, 8)])
"""Ratios by which floats are divided exactly, so that not even a tie of an average and a price turns over."""
RATIOS = st.one_of(POWERS, st.sampled_from([(3, 2), (1, 10), (7, 3), (100_000, 99_999), (1, 30), (20, 1)]))


_buys = st.sampled_from(["price > 0", "price > 0", *LIKELY]).map(parse)
_sells = st.none() | _buys
_terms = st.one_of(st.just(Terms()), terms)


@st.composite
def traders(draw: st.DrawFn) -> Strategy:
    """Draw a strategy that is likely to hold shares."""
    shape, numbers = shape_text(
        draw(_buys), draw(_sells), draw(st.sampled_from([1, 5, 60])), draw(st.sampled_from(Session))
    )
    return Strategy(
        draw(st.sampled_from(["ann", "bob", "cyd", "dan"])), draw(st.sampled_from(["a", "b"])),
        draw(st.sampled_from(["IBM", "BAC"])), draw(st.sampled_from([10**9, 10**12])), shape, numbers,
        draw(_terms),
    )  # fmt: skip


first_rules = st.builds(
    first_rule,
    username=st.sampled_from(["ann", "bob", "cyd"]),
    name=st.sampled_from(["a", "b"]),
    ticker=st.sampled_from(["IBM", "BAC"]),
    cash=st.integers(10**8, 10**11),
    buy_below=st.integers(1, 6).map(lambda cents: cents * 10_000),
    sell_above=st.integers(1, 60).map(lambda cents: cents * 10_000),
    fill=st.sampled_from(FillMode),
)


@functools.cache
def _opened(strategy: st.SearchStrategy[Strategy]) -> st.SearchStrategy[list[Strategy]]:
    return st.lists(strategy, min_size=2, max_size=5)


@st.composite
def tapes(
    draw: st.DrawFn, strategy: st.SearchStrategy[Strategy], ratios: st.SearchStrategy[tuple[int, int]]
) -> list[Event]:
    """Draw a tape of openings, splits (before their time, or too late) and trades whose prices follow most of them."""
    events: list[Event] = []
    # Drawn one by one, trades would be too few for anybody to hold shares.
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tickers = ["IBM", "BAC"]
    time, price, sequence = TEN_O_CLOCK, dict.fromkeys(tickers, 10_000_000), 1
    for _ in range(draw(st.integers(1, 3))):
        action = draw(st.sampled_from([Action.OPEN, Action.OPEN, Action.OPEN, Action.STOP]))
        events.append(openings(*draw(_opened(strategy)), action=action))
        moves = int(rng.integers(20, 80))
        waits = rng.choice([0, 200_000_000, SECOND, 4 * SECOND, 61 * SECOND], moves, p=[0.2, 0.3, 0.3, 0.15, 0.05])
        span = int(waits.sum()) // SECOND
        coming = [(str(rng.choice(tickers)), int(rng.integers(-3, span + 3)), draw(ratios)) for _ in range(3)]
        known = [(ticker, time + wait * SECOND, *ratio) for ticker, wait, ratio in coming]
        events.append(splits(*known))
        rows = []
        for wait in waits.tolist():
            for ticker, at, numerator, denominator in known:
                if time < at <= time + wait:
                    price[ticker] = max(1, price[ticker] * denominator // numerator)
            time += wait
            ticker = str(rng.choice(tickers))
            price[ticker] = min(10**12, max(1, price[ticker] + int(rng.integers(-6, 7)) * 10_000))
            flags = int(rng.choice([ALL_FLAGS, 7, 4, 12, 0], p=[0.8, 0.05, 0.05, 0.05, 0.05]))
            rows.append((ticker, time, price[ticker], int(rng.integers(1, 1_000)), flags))
        events.append(trades(rows, sequence))
        sequence += len(rows)
    return events


fewer = hypothesis.settings(patient, max_examples=60)
"""Tapes are long enough for much to happen in each."""


def check_against_the_reference(tape: list[Event]) -> None:
    book = Book()
    outcome = advance(book, tape)
    expected = Reference().feed(tape)
    # From a millionth of a dollar, prices make more in a few trades than 64 bits hold: such accounts are halted.
    hypothesis.assume(all(cash <= HIGHEST for *_, cash, _sequence, _reason in expected.fills))
    assert sorted(tuples(outcome.fills)) == sorted(expected.fills)
    found = {row[:3]: (row[4], row[5], row[6], row[7]) for row in tuples(outcome.positions)}
    for key, p in expected.positions.items():
        if p.reference is not None:
            assert found[key] == (p.cash, p.shares, p.reference, p.entry if p.shares else 0)
    assert_summaries_cover(book)


any_rules = st.one_of(traders(), strategies())


@given(tapes(any_rules, POWERS))
@fewer
def test_strategies_of_any_rule_trade_across_splits_as_the_reference_does(tape: list[Event]) -> None:
    check_against_the_reference(tape)


@given(tapes(first_rules, RATIOS))
@fewer
def test_any_ratio_gives_what_the_reference_gives(tape: list[Event]) -> None:
    check_against_the_reference(tape)


@given(tapes(any_rules, RATIOS), st.data())
@fewer
def test_any_cut_of_the_tape_gives_the_same(tape: list[Event], data: st.DataObject) -> None:
    whole = advance(Book(), tape)
    book, parts = Book(), []
    for event in tape:
        if isinstance(event, Openings | Splits):
            parts.append(advance(book, [event]))
            continue
        cuts = sorted(data.draw(st.lists(st.integers(0, event.num_rows), max_size=4)))
        for start, end in zip([0, *cuts], [*cuts, event.num_rows], strict=True):
            parts.append(advance(book, [event.slice(start, end - start)]))
    assert sorted(row for part in parts for row in tuples(part.fills)) == sorted(tuples(whole.fills))
    latest = {row[:3]: row for part in parts for row in tuples(part.positions)}
    assert sorted(latest.values()) == sorted(tuples(whole.positions))
    assert sum(part.ignored for part in parts) == whole.ignored


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**5), st.integers(1, 10**5))
@patient
def test_a_position_is_worth_the_same_but_for_roundings(
    price: int, cents: int, numerator: int, denominator: int
) -> None:
    shape, numbers = shape_text(parse("price > 0"), None, 0, Session.REGULAR)
    cash = cents * 10_000
    holder = Strategy("ann", "a", "IBM", cash, shape, numbers, Terms(fill=FillMode.SAME))
    tape = [openings(holder), trades([("IBM", 1, price, 1, 15)]), ibm_splits(numerator, denominator, 1)]
    outcome = advance(Book(), [*tape, after(2, 1)])
    if len(outcome.fills) < 2 or outcome.positions.entry[0] == HIGHEST:
        return
    bought, split = (int(n) for n in outcome.fills.shares[:2])
    before = cash
    shares = bought + split
    # The new price is rounded by half a micro-dollar a share at most (or is one), the cash in lieu by one.
    exact = int(outcome.fills.cash[1]) + shares * price * denominator / numerator
    assert shares == bought * numerator // denominator
    assert exact == pytest.approx(before, abs=1.0 + 1e-12 * before)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 999)), min_size=30, max_size=60), RATIOS)
@patient
def test_indicators_after_a_split_are_those_of_adjusted_bars(
    moves: list[tuple[int, int]], ratio: tuple[int, int]
) -> None:
    words = (
        "sma(3) > ema(4) and rsi(3) > roc(2) and macd(2, 4, 3).line > atr(3) and bollinger(3, 2).upper > highest(3)"
        " and lowest(3) > stdev(3) and vwap > sma(volume, 3) and roc(volume, 2) > ema(volume, 3)"
    )
    shape, numbers = shape_text(parse(words), None, 1, Session.REGULAR)
    opening = openings(Strategy("ann", "a", "IBM", 10**9, shape, numbers))
    numerator, denominator = ratio
    half = len(moves) // 2
    old, adjusted, price = [], [], 10**8
    for second, (step, size) in enumerate(moves):
        price = price + step * 100_000
        at = TEN_O_CLOCK + second * SECOND
        # As many micro-dollars and shares as make both prices and both volumes whole.
        before, volume = price * numerator, size * denominator
        now = (price * denominator, size * numerator)
        adjusted.append(("IBM", at, *now, ALL_FLAGS))
        old.append(("IBM", at, *((before, volume) if second < half else now), ALL_FLAGS))
    book, expected = Book(), Book()
    split = splits(("IBM", TEN_O_CLOCK + half * SECOND, numerator, denominator))
    advance(book, [opening, split, trades(old)])
    advance(expected, [opening, trades(adjusted)])
    count = book.count("series")
    assert count > 10
    scale = price * denominator / 1e6
    values, wanted = book.series_values[:count], expected.series_values[:count]
    assert np.isfinite(wanted[:, 1, 0]).all()
    np.testing.assert_allclose(values, wanted, rtol=1e-9, atol=1e-9 * scale)
    np.testing.assert_allclose(book.clock_bars[:1], expected.clock_bars[:1], rtol=1e-9)

"""Backtests across splits: fills as in a plain loop, statistics as if there had been none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.backtest import Backtest, fills_text, on_bars, on_trades
from riskcontrol.backtest_run import Data, Result, notes_of
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.rows import Splits
from riskcontrol.statistics import compute
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.sweep import score
from riskcontrol.terms import Terms
from riskcontrol.trades import ALL_FLAGS
from tests.core.test_backtest import BarReference, bar_rows, bars_of, fills_by_place, many
from tests.core.test_engine import openings, trades
from tests.core.test_rules import TEN_O_CLOCK, patient
from tests.core.test_splits import POWERS, splits
from tests.reference import Reference

SECOND, MINUTE, DAY = 10**9, 60 * 10**9, 86_400 * 10**9
MIDNIGHT = TEN_O_CLOCK + 14 * 3_600 * SECOND


def two_days(before: list[float], after: list[float]) -> list[tuple[str, int, int, int, int]]:
    """Return driving trades of IBM, a minute apart, on 2024-03-05 and 2024-03-06 from ten o'clock on."""
    starts = ((TEN_O_CLOCK, before), (TEN_O_CLOCK + DAY, after))
    return [
        ("IBM", start + i * MINUTE, round(price * 1e6), 100, ALL_FLAGS)
        for start, prices in starts
        for i, price in enumerate(prices)
    ]


HOLDER = first_rule("ann", "dip", "IBM", 1_000_000_000, 1_000_000, 2_000_000)
"""Buys a dollar below its reference and sells two above it."""


def run(ratio: tuple[int, int], before: list[float], after: list[float], strategy: Strategy = HOLDER) -> Backtest:
    return on_trades([strategy], [trades(two_days(before, after))], splits(("IBM", MIDNIGHT, *ratio)))


@given(many, bar_rows, st.lists(st.tuples(st.integers(-2, 62), POWERS), max_size=3, unique_by=lambda one: one[0]))
@patient
def test_on_bars_each_strategy_fills_as_in_a_plain_loop(
    some: list[Strategy], rows: list[tuple[int, int, int, int]], drawn: list[tuple[int, tuple[int, int]]]
) -> None:
    bars = bars_of(rows)
    known = sorted((TEN_O_CLOCK + place * MINUTE, *ratio) for place, ratio in drawn)
    both = splits(*[(ticker, *one) for one in known for ticker in ("IBM", "BAC")])
    backtest = on_bars(some, {"IBM": bars, "BAC": bars}, both)
    for one, found in zip(some, fills_by_place(backtest), strict=True):
        assert found == BarReference().run(one, bars, known)


def test_a_round_trip_over_a_split_is_one_with_an_exact_profit() -> None:
    backtest = run((3, 1), [100, 99, 99, 98], [33, 34.5, 35, 35])
    fills = backtest.fills_of(0)
    assert fills.shares.tolist() == [10, 20, -30]
    record = backtest.record_of(0)
    assert record.fills is not None
    assert record.trips is not None
    assert (record.trips.shares.tolist(), record.trips.profit.tolist()) == ([10], [(30 * 35 - 10 * 99) * 10**6])
    found = compute(record)
    assert (found["fills"], found["round_trips"], found["win_rate"]) == (2, 1, 1.0)
    assert found["best_round_trip"] == pytest.approx(1050 / 990 - 1)
    assert found["turnover"] == pytest.approx((990 / 1000 + 1050 / 1060) / 2)
    assert found["buy_and_hold_return"] == pytest.approx(35 * 3 / 100 - 1)


def test_a_fee_per_share_is_of_the_shares_bought_and_of_those_sold_in_fills_and_statistics() -> None:
    fee = replace(HOLDER, terms=Terms(fee_per_share=1_000_000))
    backtest = run((3, 1), [100, 99, 99, 98], [33, 34.5, 35, 35], fee)
    reference = Reference()
    reference.feed([openings(fee), splits(("IBM", MIDNIGHT, 3, 1))])
    reference.feed([trades(two_days([100, 99, 99, 98], [33, 34.5, 35, 35]))])
    fills = backtest.fills_of(0)
    assert fills.fee.tolist() == [10_000_000, 0, 30_000_000] == [row[7] for row in reference.fills]
    assert fills.cash.tolist() == [row[8] for row in reference.fills]
    record = backtest.record_of(0)
    assert record.trips is not None
    assert record.trips.fees.tolist() == [40_000_000]
    assert record.trips.profit.tolist() == [(30 * 35 - 30 - 10 * 99 - 10) * 10**6]
    assert record.trips.returns.tolist() == [20 / 1000]
    assert compute(record)["fees"] == 40_000_000


def test_the_score_of_a_round_trip_over_a_split_takes_the_purchase_s_fee_from_the_new_shares() -> None:
    book = Book()
    advance(book, [openings(replace(HOLDER, terms=Terms(fee_per_share=100_000))), splits(("IBM", MIDNIGHT, 3, 1))])
    advance(book, [trades(two_days([100, 99, 99, 98], [33, 34.5, 35, 35]))])
    kept = book.scores[0]
    assert kept["trips"] == 1
    assert kept["sum1"] == pytest.approx((30 * 35 - 3) / (30 * 33 + 3) - 1)


def test_equity_goes_on_and_the_benchmark_has_no_jump() -> None:
    backtest = run((3, 2), [100, 99, 99, 99], [66, 66.1, 65.9])
    curve, record = backtest.equity_of(0), backtest.record_of(0)
    at = int(backtest.points_of(0)[1])
    assert (curve.time[at], curve.price[at]) == (MIDNIGHT, 66_000_000)
    assert abs(int(curve.value[at] - curve.value[at - 1])) <= 15
    assert MIDNIGHT not in record.time
    assert record.closes is not None
    assert np.abs(np.diff(record.closes) / record.closes[:-1]).max() < 0.02
    daily = record.daily
    assert daily.benchmark is not None
    assert daily.benchmark[-1] == pytest.approx(65.9 * 1.5 / 99 - 1)


def test_who_is_left_with_no_share_has_sold_for_cash() -> None:
    backtest = run((1, 20), [100, 99, 99, 110], [2_200, 2_100, 2_000, 1_999])
    assert backtest.fills_of(0).shares.tolist() == [10, -10]
    record = backtest.record_of(0)
    assert record.fills is not None
    assert record.trips is not None
    assert record.trips.profit.tolist() == [10 * 11_000_000]
    assert record.fills.price.tolist() == [99_000_000, 110_000_000]
    assert compute(record)["round_trips"] == 1


def test_a_split_while_flat_leaves_no_fill_and_before_the_run_nothing_at_all() -> None:
    backtest = run((2, 1), [100, 100], [50, 50])
    assert len(backtest.fills_of(0)) == 0
    assert backtest.record_of(0).closes is not None
    assert compute(backtest.record_of(0))["buy_and_hold_return"] == 0
    early = on_trades([HOLDER], [trades(two_days([100], [90]))], splits(("IBM", 5, 2, 1), ("BAC", MIDNIGHT, 9, 1)))
    assert compute(early.record_of(0))["buy_and_hold_return"] == pytest.approx(-0.1)
    assert len(early.splits) == 1


def test_sweeps_know_splits_and_the_hash_has_them() -> None:
    two = [HOLDER, replace(HOLDER, parameters=(50.0, 2.0))]
    backtest = on_trades(two, [trades(two_days([100, 99, 99], [33, 34]))], splits(("IBM", MIDNIGHT, 3, 1)))
    assert score(backtest, ["total_return"])[0].tolist() == pytest.approx([30 * 34 / 1000 - 1 + 0.01, 0])
    assert fills_text(backtest.fills_of(0)).splitlines()[1] == f"2,{MIDNIGHT},33000000,20,0,10000000,0,split"


@pytest.mark.parametrize(("after", "count"), [(33.0, 1), (97.0, 2)])
def test_notes_tell_of_splits_and_of_prices_that_do_not_follow(after: float, count: int) -> None:
    notes = notes_of(run((3, 1), [100, 99], [after, after]))
    assert len(notes) == count
    assert notes[0] == "IBM splits 3:1 on 2024-03-06."
    assert all("adjusted already" in note for note in notes[1:])


def test_a_report_lists_a_split_and_marks_none() -> None:
    from riskcontrol.report import page

    definition = of_text('name = "a"\nticker = "IBM"\ncash = 1000\nbuy = "price <= reference - 1"', "toml")
    # One share, three for two: it stays one, and half a share is paid for.
    one = replace(strategy_of(definition), terms=replace(definition.terms, shares=1))
    backtest = run((3, 2), [100, 99, 99], [66, 66, 66], one)
    assert backtest.fills_of(0).shares.tolist() == [1, 0]
    text = page(Data(("x",), "trades"), Result(definition, backtest, 0))
    assert "<td>split</td>" in text
    assert text.count('class="mark') == 1


def test_splits_without_rows_change_nothing() -> None:
    none = Splits(*(np.empty(0, kind) for kind in ("S16", "i8", "i8", "i8")))
    blocks = [trades(two_days([100, 99, 99], [102, 102]))]
    found, plain = on_trades([HOLDER], blocks, none), on_trades([HOLDER], blocks)
    assert fills_by_place(found) == fills_by_place(plain)
    assert compute(found.record_of(0)) == compute(plain.record_of(0))

"""Ends of days without equity curves: the very numbers that the curves give, on any bars, trades and days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from riskcontrol import ends as module
from riskcontrol.backtest import Backtest, on_bars, on_trades
from riskcontrol.ends import Ends
from riskcontrol.equity import Equity
from riskcontrol.errors import InputError
from riskcontrol.money import MAX_CASH
from riskcontrol.rows import Splits
from riskcontrol.statistics import STATISTICS
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.sweep import score
from riskcontrol.terms import Terms
from riskcontrol.trades import ALL_FLAGS, NS_PER_SECOND
from tests.core.test_backtest import CENT, bars_of
from tests.core.test_engine import trades
from tests.core.test_rules import TEN_O_CLOCK, patient, terms

NAMES = ["total_return", "end_equity", "sharpe", "sortino", "probabilistic_sharpe"]
HOUR = 3_600 * NS_PER_SECOND
MIDNIGHT = TEN_O_CLOCK + 14 * HOUR

waits = st.sampled_from([0, 60 * NS_PER_SECOND, HOUR, 6 * HOUR, 14 * HOUR, 24 * HOUR, 72 * HOUR])
starts = st.sampled_from([TEN_O_CLOCK, MIDNIGHT, MIDNIGHT - 60 * NS_PER_SECOND])
lengths = st.sampled_from([60, 3_600, 86_400])
moves = st.lists(st.tuples(waits, st.integers(-40, 40)), min_size=1, max_size=60)


@st.composite
def dips(draw: st.DrawFn) -> Strategy:
    """Draw a strategy that trades often."""
    below, above = draw(st.integers(1, 30)) * CENT, draw(st.integers(1, 30)) * CENT
    cash = draw(st.sampled_from([10**6, 10**8, 10**9, 10**12]))
    return replace(first_rule("ann", "dip", "IBM", cash, below, above), terms=draw(st.just(Terms()) | terms))


DIP = first_rule("ann", "dip", "IBM", 10**9, 5 * CENT, 5 * CENT)

some_dips = st.lists(dips(), min_size=1, max_size=6)


def assert_drawn_alike(backtest: Backtest, cells: int = module._CELLS) -> None:
    """Compare the scores with the statistics of each equity curve, to the last bit."""
    records = [backtest.record_of(i) for i in range(len(backtest.strategies))]
    drawn = [[STATISTICS[name].function(record) for record in records] for name in NAMES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CELLS", cells)
        assert np.array_equal(score(backtest, NAMES), np.array(drawn, np.float64), equal_nan=True)


def on_steps(some: Sequence[Strategy], steps: Sequence[tuple[int, int]], start: int) -> Backtest:
    """Run strategies on trades of these waits and moves of the price (cents)."""
    times = start + np.cumsum([wait for wait, _ in steps])
    cents = np.maximum(1, 1_000 + np.cumsum([step for _, step in steps]))
    rows = zip(times.tolist(), cents.tolist(), strict=True)
    return on_trades(some, [trades([("IBM", time, price * CENT, 100, ALL_FLAGS) for time, price in rows])])


def moved(waiting: Sequence[int], rows: Sequence[int], start: int, seconds: int) -> dict[str, NDArray]:
    """Return bars of these changes of the close (cents), each so long after the end of the one before."""
    bars = bars_of([(0, row, 0, 1) for row in rows], seconds)
    bars["start"] = start + np.cumsum(waiting) + np.arange(len(rows)) * seconds * NS_PER_SECOND
    bars["end"] = bars["start"] + seconds * NS_PER_SECOND
    return bars


@given(some_dips, moves, starts, st.sampled_from([1, 7, 1 << 18]))
@example([DIP], [(0, 0), (14 * HOUR, -5), (0, 9), (0, 2)], TEN_O_CLOCK, 1)
@patient
def test_on_trades_nothing_has_to_be_drawn(
    some: list[Strategy], steps: list[tuple[int, int]], start: int, cells: int
) -> None:
    assert_drawn_alike(on_steps(some, steps, start), cells)


@given(some_dips, moves, starts, lengths, st.sampled_from([1, 7, 1 << 18]))
@patient
def test_on_bars_nothing_has_to_be_drawn(
    some: list[Strategy], steps: list[tuple[int, int]], start: int, seconds: int, cells: int
) -> None:
    bars = moved([wait for wait, _ in steps], [step for _, step in steps], start, seconds)
    assert_drawn_alike(on_bars(some, {"IBM": bars}), cells)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to draw an equity curve."""

    def refuse(*_: object) -> Equity:
        raise AssertionError("an equity curve was drawn")

    monkeypatch.setattr(Backtest, "equity_of", refuse)


@pytest.mark.usefixtures("undrawn")
def test_a_tape_of_one_day_has_no_sharpe_ratio_and_of_three_it_has_one() -> None:
    steps = [(HOUR, 0), (HOUR, -7), (24 * HOUR, 3), (24 * HOUR, 9)]
    assert np.isnan(score(on_steps([DIP], steps[:2], TEN_O_CLOCK), ["sharpe"])).all()
    assert not np.isnan(score(on_steps([DIP], steps, TEN_O_CLOCK), ["sharpe"])).any()


def test_days_on_which_only_some_trade_are_days_of_those_alone() -> None:
    # Bars of Tuesday, Wednesday and Friday: what fills at Friday's midnight fills on Thursday, on which no bar ends.
    bars = moved([0, 0, 24 * HOUR], [0, -30, 30], MIDNIGHT - 24 * HOUR, 86_400)
    some = [first_rule("ann", "dip", "IBM", 10**9, below * CENT, 20 * CENT) for below in (10, 50)]
    backtest = on_bars(some, {"IBM": bars})
    assert [len(backtest.record_of(i).daily) for i in range(2)] == [3, 2]
    assert_drawn_alike(backtest)


@pytest.mark.parametrize("other", ["IBM", "BAC"])
def test_several_tickers_and_splits_take_curves(other: str) -> None:
    bars = moved([HOUR] * 4, [-9, 3, 9, 1], TEN_O_CLOCK, 86_400)
    splits = Splits(np.array([b"IBM"]), bars["start"][2:3], np.array([2]), np.array([1]))
    backtest = on_bars([DIP, replace(DIP, ticker=other)], {"IBM": bars, "BAC": bars}, splits)
    assert Ends.of(backtest) is None
    assert_drawn_alike(backtest)


def test_without_a_bar_there_is_nothing_to_tell() -> None:
    assert Ends.of(on_bars([DIP], {"IBM": bars_of([])})) is None


def test_what_does_not_fit_into_64_bits_is_refused() -> None:
    rich = first_rule("ann", "dip", "IBM", MAX_CASH, 100_000, 100_000)
    backtest = on_steps([rich], [(0, 0), (0, -20), (0, -979), (24 * HOUR, 10**9)], TEN_O_CLOCK)
    for name in ("end_equity", "sharpe"):
        with pytest.raises(InputError, match="dip on IBM comes to be worth more"):
            score(backtest, [name])

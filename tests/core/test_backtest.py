"""Backtests: on trades they are the engine, on bars they are a plain loop over bars; any names will do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from riskcontrol import backtest as module
from riskcontrol.backtest import Backtest, fills_hash, fills_text, on_bars, on_trades
from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.errors import InputError
from riskcontrol.language.contents import indicators_of, words_of
from riskcontrol.language.text import text
from riskcontrol.money import MAX_CASH
from riskcontrol.shape import interval_of, rules_of
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.sweep import score
from riskcontrol.terms import FillMode
from riskcontrol.trades import NS_PER_SECOND
from tests.core.test_engine import ibm, openings, trades, tuples
from tests.core.test_rules import TEN_O_CLOCK, patient, steps, strategies
from tests.reference import Bars, Position, Reference, price_after
from tests.reference_rules import VWAP

Fill = tuple[object, ...]
CENT = 10_000

many = st.lists(strategies(), min_size=1, max_size=6)


def fills_by_place(backtest: Backtest) -> list[list[Fill]]:
    """Return the fills of each strategy without names."""
    return [[row[3:] for row in tuples(backtest.fills_of(i))] for i in range(len(backtest.strategies))]


@given(many, st.lists(steps, max_size=120), st.integers(1, 3))
@patient
def test_on_trades_each_strategy_fills_as_in_the_engine_and_in_the_reference(
    some: list[Strategy], moves: list[tuple[str, int, int, int, int]], blocks: int
) -> None:
    time, price, rows = TEN_O_CLOCK, dict.fromkeys(["IBM", "BAC"], 1_000), []
    for ticker, wait, step, size, flags in moves:
        time += wait
        price[ticker] = max(1, price[ticker] + step)
        rows.append((ticker, time, price[ticker] * CENT, size, flags))
    cuts = np.linspace(0, len(rows), blocks + 1).astype(int).tolist()
    tape = [trades(rows[a:b], 1 + a) for a, b in pairwise(cuts)]
    found = fills_by_place(on_trades(some, tape))
    # The engine takes one strategy of a name; the backtest takes any.
    named = [replace(one, name=f"n{i}") for i, one in enumerate(some)]
    outcome, reference = advance(Book(), [openings(*named), *tape]), Reference().feed([openings(*named), *tape])
    for i, own in enumerate(found):
        assert own == [row[3:] for row in tuples(outcome.fills) if row[1] == f"n{i}"]
        assert own == [row[3:] for row in reference.fills if row[1] == f"n{i}"]


class BarReference(Reference):
    """A plain loop: at a bar's open what was decided is filled, at its close the rules are looked at."""

    def run(self, one: Strategy, bars: dict[str, NDArray], splits: Sequence[tuple[int, int, int]] = ()) -> list[Fill]:
        """Return the fills of one strategy, without names; splits are time, new shares, for old ones."""
        buy, sell = rules_of(one.shape, one.parameters)
        every, session = interval_of(one.shape)
        clock = Bars(every, session)
        for rule in (buy, sell):
            for indicator in indicators_of(rule) if rule is not None else ():
                clock.asked[text(indicator)] = 0
            if rule is not None and "vwap" in words_of(rule):
                clock.asked[text(VWAP)] = 0
        p = Position("u", "n", one.ticker, one.cash, buy, sell, one.terms, session, clock)
        waiting, last = list(splits), 0
        for i in range(len(bars["start"])):
            while waiting and waiting[0][0] <= bars["start"][i]:
                time, new, old = waiting.pop(0)
                clock.split(new, old)
                if p.reference is not None:
                    self.split_position(p, time, new, old, last)
                last = price_after(last, new, old) if last else 0
            last = int(bars["close"][i])
            bar = {name: int(column[i]) for name, column in bars.items() if name != "notional"}
            seen = {name: bar[name] / 1e6 for name in ("open", "high", "low", "close")}
            seen |= {"volume": float(bar["volume"]), "notional": float(bars["notional"][i]), "day": float(bar["day"])}
            if every:
                clock.add(seen)
            if p.order is not None:
                (order, reason), p.order = p.order, None
                self._fill(p, order, reason, bar["start"], bar["open"], i + 1)
            p.reference = p.reference if p.reference is not None else bar["close"]
            if p.shares:
                p.peak = max(p.peak, bar["close"])
            decision = self._decide(p, bar["end"], bar["close"])
            if decision is not None and p.terms.fill == FillMode.SAME:
                self._fill(p, *decision, bar["end"], bar["close"], i + 1)
            else:
                p.order = decision
        return [fill[3:] for fill in self.fills]


def bars_of(rows: Sequence[tuple[int, int, int, int]], seconds: int = 60) -> dict[str, NDArray]:
    """Return bars of steps to the open and to the close, of wicks and volumes."""
    close, found = 1_000, []
    for number, (gap, body, wick, volume) in enumerate(rows):
        first = max(2, close + gap)
        close = max(2, first + body)
        start = TEN_O_CLOCK + number * seconds * NS_PER_SECOND
        high, low = max(first, close) + wick, max(1, min(first, close) - wick)
        found.append((start, start + seconds * NS_PER_SECOND, first, high, low, close, volume))
    names = ("start", "end", "open", "high", "low", "close", "volume")
    columns = {name: np.array([row[i] for row in found], np.int64) for i, name in enumerate(names)}
    for name in ("open", "high", "low", "close"):
        columns[name] *= CENT
    columns["notional"] = columns["volume"] * columns["close"] / 1e6
    columns["day"] = columns["start"] // (86_400 * NS_PER_SECOND)
    return columns


bar_rows = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-8, 8), st.integers(0, 3), st.integers(0, 1_000)), max_size=60
)


@given(many, bar_rows)
@patient
def test_on_bars_each_strategy_fills_as_in_a_plain_loop(
    some: list[Strategy], rows: list[tuple[int, int, int, int]]
) -> None:
    bars = bars_of(rows)
    backtest = on_bars(some, {"IBM": bars, "BAC": bars})
    for one, found in zip(some, fills_by_place(backtest), strict=True):
        assert found == BarReference().run(one, bars)


def test_on_bars_the_next_open_fills_what_a_close_decides() -> None:
    strategy = first_rule("ann", "dip", "IBM", 10**10, 10 * CENT, 20 * CENT)
    bars = bars_of([(0, 0, 0, 1), (0, -15, 0, 1), (3, 30, 0, 1), (-2, 0, 0, 1)])
    fills = on_bars([strategy], {"IBM": bars}).fills_of(0)
    assert fills.price.tolist() == [9_880_000, 10_160_000]
    assert fills.time.tolist() == bars["start"][2:].tolist()


def test_no_strategy_moves_another_and_names_may_be_the_same() -> None:
    one = first_rule("ann", "dip", "IBM", 10**9, 10 * CENT, 10 * CENT)
    tape = [ibm(1_000, 985, 985, 1_000, 1_000, 970, 970)]
    whole = on_trades([one, replace(one, ticker="BAC"), one], tape)
    alone = on_trades([one], tape)
    assert fills_by_place(whole) == [*fills_by_place(alone), [], *fills_by_place(alone)]
    assert [len(fills) for fills in fills_by_place(whole)] == [3, 0, 3]


def test_the_end_of_the_equity_is_cash_and_what_is_held_at_the_last_price() -> None:
    backtest = on_trades(
        [first_rule("ann", "dip", "IBM", 10**9, 10 * CENT, 10 * CENT)], [ibm(1_000, 985, 980, 1_100, 990)]
    )
    fills, curve = backtest.fills_of(0), backtest.equity_of(0)
    assert fills.shares.tolist() == [102, -102]
    assert curve.value[-1] == fills.cash[-1] == 10**9 + 102 * (990 - 980) * CENT
    record = backtest.record_of(0)
    assert record.fills is not None
    assert record.fills.price.tolist() == [9_800_000, 9_900_000]


def test_a_hash_is_of_what_was_filled_and_not_of_whose_it_is() -> None:
    tape = [ibm(1_000, 985, 985, 1_000, 1_000)]
    ann = first_rule("ann", "dip", "IBM", 10**9, 10 * CENT, 10 * CENT)
    backtest = on_trades([ann, replace(ann, username="bob", name="x"), replace(ann, cash=10**10)], tape)
    hashes = [fills_hash(backtest.fills_of(i)) for i in range(3)]
    assert hashes[0] == hashes[1] != hashes[2]
    number, *_, reason = fills_text(backtest.fills_of(0)).splitlines()[0].split(",")
    assert (number, reason) == ("1", "buy")


def test_more_fills_than_memory_may_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILLS", 1)
    with pytest.raises(InputError, match="fewer variants"):
        on_trades([first_rule("ann", "dip", "IBM", 10**9, 10 * CENT, 10 * CENT)], [ibm(1_000, 985, 985, 1_000, 1_000)])


def test_a_file_becomes_a_strategy_of_any_name_and_ticker() -> None:
    definition = of_text('name = "a"\nticker = "IBM"\nbuy = "price <= reference - 0.1"\nstop_loss = 2', "toml")
    one = strategy_of(definition, ticker="BAC", name="b")
    assert (one.name, one.ticker, one.parameters, one.terms.stop_loss) == ("b", "BAC", (0.1,), 20_000)
    assert math.isclose(strategy_of(definition).cash, 10**10)


def test_a_value_over_64_bits_is_an_error_that_says_what_to_do() -> None:
    rich = first_rule("ann", "dip", "IBM", MAX_CASH, 100_000, 100_000)
    backtest = on_trades([rich], [ibm(100, 80, 1, 10**9)])
    with pytest.raises(InputError, match=r"dip on IBM comes to be worth more than 9\.2 million million dollars"):
        backtest.equity_of(0)
    # A sweep takes the last values of all at once, and tells whose it is as well.
    with pytest.raises(InputError, match="dip on IBM comes to be worth more than"):
        score(backtest, ["total_return"])

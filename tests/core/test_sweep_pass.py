"""Sweeps: rules as columns give the fills that each variant's strategy gives in the engine, on bars and on trades."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskcontrol import backtest as module
from riskcontrol import sweep_pass
from riskcontrol.backtest import Backtest, on_bars, on_trades
from riskcontrol.errors import InputError, StrategyError
from riskcontrol.language.parser import outline, parse_side
from riskcontrol.language.text import text
from riskcontrol.language.tree import Comparison, Cross, Written
from riskcontrol.rows import Splits
from riskcontrol.statistics import STATISTICS
from riskcontrol.strategy_file import Definition, of_document
from riskcontrol.sweep import Axis, score, variants
from riskcontrol.sweep_columns import columns_of
from riskcontrol.sweep_pass import sweep_on_bars, sweep_on_trades
from riskcontrol.trades import ALL_FLAGS
from tests.core.test_backtest import bar_rows, bars_of, fills_by_place
from tests.core.test_engine import trades
from tests.core.test_rules import SMALL, TEN_O_CLOCK, patient, steps, terms
from tests.language.trees import conditions

MARKET = [
    "crosses_above(sma(a), sma(b))",
    "crosses_below(sma(a), sma(b))",
    "not crosses_above(ema(a), price)",
    "crosses_below(price, (highest(high, a) + lowest(low, b)) / 2)",
    "rsi(a) < 40 + b",
    "sma(a) - sma(b) > 0 and time >= 10:01",
    "price < sma(a) + b / 100 or not (time < 10:02 and close != open)",
    "0.01 < sma(a) - close < b / 10 or macd(2, 3, b).histogram > 0",
    "bollinger(3, a).lower > price - b / 50",
    "vwap <= price and not (open > close or low == sma(low, a))",
    "max(sma(a), sma(b)) - min(sma(a), sma(b)) > 0.01",
    "price > 9 + a / 10",
    "sma(volume, a) < 100 * b",
    "0 * roc(a) < b - 3",
]
"""Rules of the market alone."""

OTHERS = ["price <= reference - a / 100", "price >= entry + b / 100 or sma(a) > sma(b)", "held >= 2m and sma(a) > b"]
"""Rules that look at the position."""

Result = TypeVar("Result")

NUMBER = re.compile(r"(?<![\w.:])[0-9]+(?![\w.:%])")


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Draw a rule of the market in which some of the numbers are a or b."""
    if draw(st.booleans()):
        return draw(st.sampled_from(MARKET))
    drawn = text(draw(conditions(position=False, leaves=4, indicators=SMALL)))
    return NUMBER.sub(lambda match: draw(st.sampled_from(["a", "b", match[0], match[0]])), drawn)


def values(least: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.integers(least, 6).map(str), min_size=1, max_size=3, unique=True).map(tuple)


def document(buy: object, sell: object = None, **more: object) -> dict[str, Any]:
    found = {"name": "x", "ticker": "IBM", "every": "1m", "buy": buy, "parameters": {"a": 2, "b": 3}, **more}
    return found if sell is None else {**found, "sell": sell}


def loader(written: Mapping[str, Any], **more: Any) -> Callable[[Mapping[str, str]], Definition]:
    def load(assignments: Mapping[str, str]) -> Definition:
        return replace(of_document(written, assignments), **more)

    return load


def as_columns(written: Mapping[str, Any], axes: tuple[Axis, ...], *, on_bars: bool = True) -> bool:
    values = {axis.name: axis.values for axis in axes}
    return columns_of(written, {"a": "2", "b": "3"}, values, on_bars=on_bars) is not None


def axes_of(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[Axis, ...]:
    return Axis("a", a), Axis("b", b)


def tried(run: Callable[[], Result]) -> tuple[Result | None, str]:
    """Return what something gives, or with what it is refused."""
    try:
        return run(), ""
    except StrategyError as error:
        return None, str(error)


@given(rules(), st.one_of(st.none(), rules(), st.lists(rules(), min_size=1, max_size=2)), values(0), values(1),
       st.sampled_from([10**6, 10**8, 10**12]), terms, bar_rows.filter(len), st.sampled_from([1, 20, 999]))  # fmt: skip
@patient
def test_each_variant_fills_as_in_the_engine(
    buy: str, sell: object, a: tuple[str, ...], b: tuple[str, ...], cash: int, own: object,
    rows: list[tuple[int, int, int, int]], cells: int,
) -> None:  # fmt: skip
    written, axes, bars = document(buy, sell), axes_of(a, b), bars_of(rows)
    load = loader(written, cash=cash, terms=own)
    strategies, refusal = tried(lambda: list(variants(load, axes)))
    if strategies is None:
        assert tried(lambda: sweep_on_bars(written, load, axes, bars)) == (None, refusal)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_pass, "_CELLS", cells)
        assert_alike(sweep_on_bars(written, load, axes, bars), on_bars(strategies, {"IBM": bars}))


def assert_alike(swept: Backtest, alone: Backtest) -> None:
    assert fills_by_place(swept) == fills_by_place(alone)
    assert {name: column.dtype for name, column in swept.columns.items()} == {
        name: column.dtype for name, column in alone.columns.items()
    }
    assert (swept.owner.dtype, swept.trades) == (alone.owner.dtype, alone.trades)
    function = STATISTICS["total_return"].function
    assert score(swept, ["total_return"])[0].tolist() == [
        function(alone.record_of(i)) for i in range(len(alone.strategies))
    ]


PER_BAR = [rule for rule in MARKET if "crosses" in rule or not re.search(r"\b(price|time)\b", rule)]
"""Those of them that don't look at each trade's price or time."""


@given(st.sampled_from(PER_BAR), st.one_of(st.none(), st.sampled_from(PER_BAR)), values(1), values(2),
       st.sampled_from(["1s", "5s", "1m"]), st.sampled_from(["regular", "extended"]), st.sampled_from([10**6, 10**9]),
       terms, st.lists(steps, min_size=1, max_size=200), st.integers(1, 4), st.sampled_from([1, 40, 999]))  # fmt: skip
@patient
def test_each_variant_fills_on_trades_as_in_the_engine(
    buy: str, sell: object, a: tuple[str, ...], b: tuple[str, ...], every: str, session: str, cash: int, own: object,
    moves: list[tuple[str, int, int, int, int]], blocks: int, stretch: int,
) -> None:  # fmt: skip
    written, axes = document(buy, sell, every=every, session=session), axes_of(a, b)
    load, tape = loader(written, cash=cash, terms=own), tape_of(moves, blocks)
    strategies, _ = tried(lambda: list(variants(load, axes)))
    assume(strategies is not None)
    assert as_columns(written, axes, on_bars=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep_pass, "_STRETCH", stretch)
        swept = sweep_on_trades(written, load, axes, tape)
    alone = on_trades(strategies or [], tape)
    assert fills_by_place(swept) == fills_by_place(alone)
    assert swept.trades == alone.trades
    for ticker, prices in alone.prices.items():
        assert swept.prices[ticker].mark == prices.mark
        assert swept.prices[ticker].close.tolist() == prices.close.tolist()


def tape_of(moves: list[tuple[str, int, int, int, int]], blocks: int) -> list[pa.RecordBatch]:
    """Return trades of two tickers in so many blocks."""
    time, price, rows = TEN_O_CLOCK, dict.fromkeys(["IBM", "BAC"], 1_000), []
    for ticker, wait, step, size, flags in moves:
        time += wait
        price[ticker] = max(1, price[ticker] + step)
        rows.append((ticker, time, price[ticker] * 10_000, size, flags))
    cuts = np.linspace(0, len(rows), blocks + 1).astype(int).tolist()
    return [trades(rows[first:end], 1 + first) for first, end in pairwise(cuts)]


@pytest.mark.parametrize("rule", [*OTHERS, *(rule for rule in MARKET if rule not in PER_BAR)])
def test_rules_that_change_from_trade_to_trade_are_run_by_the_engine(rule: str) -> None:
    written, axes = document("sma(a) > 1", rule), axes_of(("1", "2"), ("2",))
    tape = tape_of([("IBM", 20 * 10**9, (-1) ** i * i, 100, ALL_FLAGS) for i in range(40)], 2)
    assert not as_columns(written, axes, on_bars=False)
    swept = sweep_on_trades(written, loader(written), axes, tape)
    assert fills_by_place(swept) == fills_by_place(on_trades(list(variants(loader(written), axes)), tape))


@pytest.mark.parametrize("rule", MARKET)
def test_rules_of_the_market_become_columns(rule: str) -> None:
    assert as_columns(document(rule, [rule, "price > 3"]), axes_of(("2", "3"), ("1", "4")))


@pytest.mark.parametrize("rule", OTHERS)
def test_rules_of_the_position_are_run_by_the_engine(rule: str) -> None:
    written, axes, bars = document("price > 1", rule), axes_of(("2", "3"), ("1", "4")), bars_of([(1, 2, 3, 4)] * 9)
    assert not as_columns(written, axes)
    load = loader(written)
    swept = sweep_on_bars(written, load, axes, bars)
    assert list(swept.strategies) == list(variants(load, axes))
    assert fills_by_place(swept) == fills_by_place(on_bars(list(variants(load, axes)), {"IBM": bars}))


def test_a_side_is_computed_once_for_the_values_of_its_own_parameters() -> None:
    windows = tuple(map(str, range(2, 32)))
    written = document("crosses_above(sma(a), sma(b))", "crosses_below(sma(a), sma(b)) or rsi(b) > 70")
    columns = columns_of(written, {"a": "2", "b": "3"}, {"a": windows, "b": windows}, on_bars=False)
    assert columns is not None
    assert columns.buy.sides.shape == (900, 2)
    assert columns.sell.sides.shape == (900, 4)
    assert len(columns.formulas.numbers) == 61


def test_a_variant_beyond_a_limit_is_refused_as_alone() -> None:
    indicators = ["sma(a)", "sma(open, a)", "sma(high, a)", "sma(low, a)", "stdev(a)", "highest(a)", "lowest(a)"]
    written, axes = document(" and ".join(f"{one} > 1" for one in indicators)), axes_of(("10", "1000"), ("1",))
    assert not as_columns(written, axes)
    with pytest.raises(StrategyError, match="look back"):
        sweep_on_bars(written, loader(written), axes, bars_of([(0, 1, 0, 1)]))


def test_too_many_fills_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    written, axes = document("price > a", "price > b"), axes_of(("1", "2"), ("1",))
    bars = bars_of([(0, 1, 0, 1)] * 20)
    fills = len(sweep_on_bars(written, loader(written), axes, bars).owner)
    assert fills == 2 * 19
    monkeypatch.setattr(module, "MOST_FILLS", fills - 1)
    with pytest.raises(InputError, match="fewer variants"):
        sweep_on_bars(written, loader(written), axes, bars)


def test_splits_are_the_engines() -> None:
    written, axes = document("sma(a) > 1", "crosses_below(price, sma(b))"), axes_of(("1", "2"), ("2", "3"))
    bars, load = bars_of([(0, 1, 0, 1)] * 5 + [(0, -2, 0, 1)] * 5), loader(written)
    splits = Splits(np.array([b"IBM"]), bars["start"][4:5], np.array([2]), np.array([1]))
    swept = sweep_on_bars(written, load, axes, bars, splits=splits)
    alone = on_bars(list(variants(load, axes)), {"IBM": bars}, splits)
    assert fills_by_place(swept) == fills_by_place(alone)
    assert len(swept.splits) == 1


def test_another_ticker_is_traded() -> None:
    written = document("price > a")
    swept = sweep_on_bars(written, loader(written), axes_of(("1",), ("1",)), bars_of([(0, 1, 0, 1)] * 3), ticker="BAC")
    assert [one.ticker for one in swept.strategies] == list(swept.prices) == ["BAC"]


@pytest.mark.parametrize(
    ("rule", "sides"),
    [
        ("sma(a)>2*a", ["sma(a)", "2*a"]),
        (" ( sma( a ) + 1 ) * 2 <= -(a)", ["( sma( a ) + 1 ) * 2", "-(a)"]),
        ("1 < rsi(a) < (3 + a) ", ["1", "rsi(a)", "rsi(a)", "(3 + a)"]),
        ("not crosses_above(price,sma(a)) and (time >= 09:45 or 2% < a * close)",
         ["price", "sma(a)", "time", "09:45", "2%", "a * close"]),
    ],
)  # fmt: skip
def test_an_outline_has_its_sides_as_they_are_written(rule: str, sides: list[str]) -> None:
    found: list[str] = []

    def collect(node: Any) -> None:
        match node:
            case Comparison(_, Written(left), Written(right)) | Cross(_, Written(left), Written(right)):
                found.extend([left, right])
            case _:
                for part in node.parts if hasattr(node, "parts") else [node.part]:
                    collect(part)

    collect(outline(rule, names={"a": "2"}))
    assert found == sides
    for side in sides:
        parse_side(side, names={"a": "5"})

"""Strategies of any rule and any terms trade as the plain reference does, whatever the tape and wherever it is cut."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from riskcontrol.book import Book
from riskcontrol.engine import advance
from riskcontrol.errors import StrategyError
from riskcontrol.language.parser import parse
from riskcontrol.language.tree import Indicator, Node
from riskcontrol.rows import Openings
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Action, Strategy
from riskcontrol.terms import PPM, FillMode, Session, Terms
from riskcontrol.trades import ALL_FLAGS, NS_PER_SECOND
from tests.core.test_engine import assert_conserved, assert_summaries_cover, openings, trades, tuples
from tests.language.trees import conditions
from tests.reference import Reference

TEN_O_CLOCK = 1_709_650_800 * NS_PER_SECOND
"""2024-03-05 10:00 in New York."""

SMALL = (
    Indicator("sma", "close", ("2",), ""),
    Indicator("ema", "close", ("3",), ""),
    Indicator("rsi", "close", ("2",), ""),
    Indicator("macd", "close", ("2", "3", "2"), "histogram"),
    Indicator("bollinger", "close", ("2", "1"), "lower"),
    Indicator("atr", "", ("2",), ""),
    Indicator("highest", "high", ("2",), ""),
    Indicator("roc", "close", ("1",), ""),
    Indicator("sma", "volume", ("2",), ""),
)
"""Indicators that are warm soon."""

LIKELY = [
    "price <= reference - 0.05",
    "price >= reference + 0.05",
    "price < peak * 0.999",
    "held >= 30s and price > entry",
    "crosses_above(ema(2), ema(3))",
    "crosses_below(price, sma(2)) or held > 2m",
    "price >= entry + atr(2)",
    "price <= reference - 0.03 and rsi(2) < 60",
    "rsi(2) > 50 and price > sma(2)",
    "time >= 10:00:30 and price <= vwap",
    "abs(price - reference) > 0.04",
    "close > open and not crosses_above(close, sma(2))",
    "price > reference or price < peak - atr(2) * 2",
    "price > 9.95 and price < 10.05 and held > 10s",
    "macd(2, 3, 2).histogram > 0 or volume > 500",
    "open < reference",
    "price < low and price > entry - 1",
]

rules: st.SearchStrategy[Node] = st.one_of(st.sampled_from(LIKELY).map(parse), conditions(leaves=4, indicators=SMALL))
_sells = st.one_of(st.none(), rules)
terms = st.builds(
    Terms,
    stop_loss=st.sampled_from([0, 0, 1_000, 3_000]),
    take_profit=st.sampled_from([0, 0, 1_000, 5_000]),
    trailing_stop=st.sampled_from([0, 0, 2_000]),
    fraction=st.sampled_from([PPM, 500_000, 1]),
    shares=st.sampled_from([0, 0, 7]),
    fee_per_share=st.sampled_from([0, 5_000]),
    fee_per_order=st.sampled_from([0, 1_000_000]),
    fee_minimum=st.sampled_from([0, 2_500_001]),
    fee_rate=st.sampled_from([0, 123, 500_000]),
    slippage=st.sampled_from([0, 77]),
    fill=st.sampled_from(FillMode),
)


@st.composite
def strategies(draw: st.DrawFn) -> Strategy:
    """Draw a strategy of any rule."""
    try:
        shape, numbers = shape_text(
            draw(rules),
            draw(_sells),
            draw(st.sampled_from([1, 5, 60])),
            draw(st.sampled_from(Session)),
        )
        return Strategy(
            draw(st.sampled_from(["ann", "bob", "cyd", "dan"])),
            draw(st.sampled_from(["a", "b"])),
            draw(st.sampled_from(["IBM", "BAC"])),
            draw(st.sampled_from([10**6, 10**9, 10**12])),
            shape,
            numbers,
            draw(terms),
        )
    except StrategyError:
        assume(False)  # multiplied out, the rule has too many alternatives
        raise


steps = st.tuples(
    st.sampled_from(["IBM", "IBM", "BAC"]),
    st.sampled_from([0, 200_000_000, 10**9, 4 * 10**9, 61 * 10**9, -(10**9), -70 * 10**9]),
    st.integers(-6, 6),
    st.integers(1, 1_000),
    st.sampled_from([ALL_FLAGS, ALL_FLAGS, ALL_FLAGS, 7, 4, 12, 0]),
)


_opened = st.lists(strategies(), min_size=1, max_size=5)
_moves = st.lists(steps, max_size=60)


@st.composite
def tapes(draw: st.DrawFn) -> list[pa.RecordBatch | Openings]:
    """Draw a tape of openings and trades in turn."""
    events: list[pa.RecordBatch | Openings] = []
    time, price, sequence = TEN_O_CLOCK, dict.fromkeys(["IBM", "BAC"], 1_000), 1
    for _ in range(draw(st.integers(1, 3))):
        action = draw(st.sampled_from([Action.OPEN, Action.OPEN, Action.OPEN, Action.STOP]))
        events.append(openings(*draw(_opened), action=action))
        rows = []
        for ticker, wait, step, size, flags in draw(_moves):
            time += wait
            price[ticker] = max(1, price[ticker] + step)
            rows.append((ticker, time, price[ticker] * 10_000, size, flags))
        events.append(trades(rows, sequence))
        sequence += len(rows)
    return events


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@given(tapes())
@patient
def test_fills_and_positions_equal_the_reference(tape: list[pa.RecordBatch | Openings]) -> None:
    book = Book()
    outcome = advance(book, tape)
    expected = Reference().feed(tape)
    assert sorted(tuples(outcome.fills)) == sorted(expected.fills)
    slots = book.used_slots()
    state = book.positions[slots]
    names = zip(book.usernames(slots), book.strategy_names(slots), book.slot_tickers(slots), strict=True)
    assert {
        tuple(n.decode() for n in name): (int(r["cash"]), int(r["shares"]), int(r["entry"]) if r["shares"] else 0)
        for name, r in zip(names, state, strict=True)
    } == {key: (p.cash, p.shares, p.entry if p.shares else 0) for key, p in expected.positions.items()}
    assert_conserved(outcome)
    assert_summaries_cover(book)


@given(tapes(), st.data())
@patient
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
    fills = sorted(row for part in parts for row in tuples(part.fills))
    assert fills == sorted(tuples(whole.fills))
    latest = {row[:3]: row for part in parts for row in tuples(part.positions)}
    assert sorted(latest.values()) == sorted(tuples(whole.positions))


@pytest.mark.parametrize("rule", LIKELY)
def test_the_likely_rules_do_trade(rule: str) -> None:
    """So that the properties above are about something."""
    rows, price = [], 1_000
    for i in range(3_000):
        price = 1_000 + (i * 7 % 41) - (i * 3 % 29) + i // 50 % 17
        rows.append(("IBM", TEN_O_CLOCK + i * 700_000_000, price * 10_000, 100 + i % 900, ALL_FLAGS))
    held = any(word in rule for word in ("held", "peak", "entry"))
    buy, sell = (parse("price > 0"), parse(rule)) if held else (parse(rule), parse("held > 20s"))
    shape, numbers = shape_text(buy, sell, 5, Session.REGULAR)
    tape = [openings(Strategy("ann", "a", "IBM", 10**9, shape, numbers)), trades(rows)]
    fills = tuples(advance(Book(), tape).fills)
    assert len(fills) > 10
    assert fills == Reference().feed(tape).fills

"""The graphs of a strategy's page, as dictionaries, without a browser."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontend import history, performance, traded
from frontend.figures import BUY, SELL
from frontend.overlays import overlay, regular, wanted
from frontend.periods import PERIODS, start_of, within
from frontend.reduce import MOST_POINTS
from frontend.reports import Report, Reports
from frontend.strategy_view import curve_of, live_of
from riskcontrol.equity import Equity
from riskcontrol.language.parser import parse
from riskcontrol.newyork import NS_PER_DAY
from riskcontrol.shape import shape_text
from riskcontrol.strategy import Strategy
from riskcontrol.terms import Session
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.fake import BARS, OPEN, FakeReader, bars, position, strategy, trader

HOUR = 60 * NS_PER_MINUTE


def decoded(array: dict[str, str]) -> list[float]:
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"]).tolist()


def known(reader: FakeReader) -> tuple[Report, Equity]:
    row, state, mark = reader.strategy_rows[0], reader.position_rows[0], reader.prices["IBM"]
    report = Reports().of(reader, row, state, mark)
    return report, live_of(report, row, state, mark)


def several_days(days: int = 40) -> FakeReader:
    """A strategy that bought on the first day and holds; a session of bars a day."""
    reader = trader()
    rng = np.random.default_rng(1)
    closes = (180_000_000 + np.cumsum(rng.integers(-50_000, 50_000, days * 390))).tolist()
    reader.bar_rows["IBM"] = [
        row for day in range(days) for row in bars(closes[day * 390 : (day + 1) * 390], start=OPEN + day * NS_PER_DAY)
    ]
    reader.prices["IBM"] = (OPEN + (days - 1) * NS_PER_DAY + 7 * HOUR, closes[-1])
    return reader


def test_periods_begin_at_midnights_of_new_york() -> None:
    last = OPEN + 20 * NS_PER_DAY
    starts = [start_of(period, last) for period in PERIODS]
    assert [round((last - start) / NS_PER_DAY, 2) for start in starts[:3]] == [0.4, 6.4, 29.4]
    assert starts[3] == 0
    winter = 1383575400 * NS_PER_SECOND  # 2013-11-04 09:30, the day after clocks changed
    assert (winter - start_of("1W", winter)) / HOUR == 6 * 24 + 9.5 + 1


def test_a_period_starts_with_the_point_before_it() -> None:
    time = OPEN + NS_PER_DAY * np.arange(10)
    assert within(time, "1W") == slice(2, None)
    assert within(time, "All") == slice(0, None)
    assert within(time[:1], "1D") == slice(0, None)


def test_equity_and_buy_and_hold_begin_a_period_at_the_same_height() -> None:
    report, live = known(several_days())
    for period in PERIODS:
        shown = performance.performance(report, live, period)
        assert shown.hold[0] == shown.equity[0]
        assert shown.equity[-1] == live.value[-1]
        close = report.curve.price[len(report.curve) - len(shown.time)]
        assert shown.hold[-1] / shown.hold[0] == pytest.approx(live.price[-1] / close, rel=1e-9)
    whole = performance.performance(report, live, "All")
    assert np.array_equal(whole.hold[:-1], report.benchmark[:-1])


def test_the_drawdown_is_that_of_the_statistics() -> None:
    report, live = known(several_days())
    shown = performance.performance(report, live, "All")
    assert shown.fall.min() == report.statistics["max_drawdown"]
    assert (shown.fall <= 0).all()


def test_the_overview_has_a_history_and_a_live_end_for_each_line() -> None:
    report, live = known(several_days())
    shown = performance.performance(report, live, "All")
    drawn = performance.figure(shown, key="k")
    assert [trace["name"] for trace in drawn["data"][::2]] == ["Equity", "Buy & hold", "Drawdown"]
    assert drawn["layout"]["yaxis"]["domain"][0] > drawn["layout"]["yaxis2"]["domain"][1]
    assert max(len(decoded(trace["y"])) for trace in drawn["data"][::2]) <= MOST_POINTS
    for number, changes in performance.live_end(shown).items():
        assert {name: drawn["data"][number][name] for name in changes} == changes
    assert shown.words().startswith("Equity ")


def test_a_strategy_that_has_only_seen_a_price_is_drawn() -> None:
    reader = trader()
    reader.fill_rows.clear()
    reader.bar_rows.clear()
    reader.position_rows[0] = position(time=OPEN)
    report, live = known(reader)
    shown = performance.performance(report, live, "1D")
    assert performance.figure(shown, key="k")["data"][1]["y"] == [10_000.0, 10_000.0]
    assert len(performance.rows(shown)) == 1
    assert len(curve_of(report, live, "1D")) == 1


def test_the_series_end_at_the_newest_price() -> None:
    reader = several_days(3)
    report, _ = known(reader)
    state = reader.position_rows[0]
    live = live_of(report, reader.strategy_rows[0], state, (reader.prices["IBM"][0] + 1, 200_000_000))
    curve = curve_of(report, live, "1D")
    assert curve.value[-1] == state.cash + state.shares * 200_000_000
    assert curve.time[0] < start_of("1D", int(curve.time[-1])) <= curve.time[1]


@pytest.mark.parametrize(("period", "interval"), [("1D", "1m"), ("1W", "5m"), ("1M", "30m"), ("All", "30m")])
def test_candles_are_as_fine_as_may_be(period: str, interval: str) -> None:
    report, live = known(several_days())
    found, shown = traded.shown_bars(report.bars, period, int(live.time[-1]))
    assert found == interval
    assert len(shown) <= traded.MOST_CANDLES
    assert (
        shown["volume"].sum()
        == report.bars["volume"][report.bars["time"] >= start_of(period, int(live.time[-1]))].sum()
    )


def test_fills_differ_by_shape_and_by_colour_from_each_other_and_from_the_candles() -> None:
    report, live = known(trader())
    interval, shown = traded.shown_bars(report.bars, "All", int(live.time[-1]))
    drawn = traded.figure(shown, interval, 1, history.marks(report.fills), (), key="k")
    buy, sell = drawn["data"][3:]
    assert (decoded(buy["y"]), decoded(sell["y"])) == ([181.7, 181.8], [181.95])
    assert buy["marker"]["symbol"] != sell["marker"]["symbol"]
    assert len({buy["marker"]["color"], sell["marker"]["color"], BUY, SELL}) == 4
    assert sell["customdata"] == [(report.fills["shares"].iloc[0], "trailing stop")]


def averages(rule: str, every: int = 60, session: Session = Session.REGULAR) -> Strategy:
    shape, numbers = shape_text(parse(rule), None, every, session)
    return strategy(shape=shape, parameters=numbers)


def minutes(closes: list[int], start: int = OPEN) -> pd.DataFrame:
    return pd.DataFrame(bars(closes, start), columns=list(BARS))


def test_an_indicator_is_of_the_strategys_own_bars() -> None:
    one = averages("close > sma(2)", every=300)
    (line,) = overlay(one, wanted(one), minutes([n * 1_000_000 for n in range(1, 16)])).lines
    assert (line.label, line.panel, line.minutes) == ("sma(close, 2)", "price", 5)
    assert line.value.tolist() == [7.5, 12.5]  # of the closes 5, 10 and 15
    assert line.time.tolist() == [OPEN + 5 * NS_PER_MINUTE, OPEN + 10 * NS_PER_MINUTE]


def test_a_regular_strategys_indicators_leave_out_what_is_before_and_after_the_session() -> None:
    early = minutes([9_000_000], OPEN - NS_PER_MINUTE)
    late = minutes([9_000_000], OPEN + 390 * NS_PER_MINUTE)
    day = minutes([1_000_000, 3_000_000])
    both = pd.concat([early, day, late], ignore_index=True)
    assert regular(both)["close"].tolist() == [1_000_000, 3_000_000]
    for session, values in ((Session.REGULAR, [2.0]), (Session.EXTENDED, [5.0, 2.0, 6.0])):
        one = averages("close > sma(2)", session=session)
        assert overlay(one, wanted(one), both).lines[0].value.tolist() == values


def test_what_has_a_scale_of_its_own_gets_a_panel_and_other_volumes_are_left_out() -> None:
    one = averages("rsi(2) < 70 and macd(2, 3, 2).line > 0 and volume > sma(volume, 2) and close > vwap")
    lines = overlay(one, wanted(one), minutes([n * 1_000_000 for n in range(1, 30)])).lines
    assert {line.label: line.panel for line in lines} == {
        "macd(close, 2, 3, 2).line": "macd",
        "rsi(close, 2)": "rsi",
        "sma(volume, 2)": "volume",
        "vwap": "price",
    }
    frame = minutes([n * 1_000_000 for n in range(1, 30)])
    nothing = history.marks(Reports().of(trader(), strategy(name="x"), position(name="x"), None).fills)
    names: dict[str, set[Any]] = {}
    for interval in ("1m", "5m"):
        drawn = traded.figure(frame, interval, 1, nothing, lines, key="k")
        names[interval] = {trace["name"] for trace in drawn["data"]}
        panels = [drawn["layout"][axis]["domain"] for axis in ("yaxis", "yaxis2", "yaxis3", "yaxis4")]
        assert all(above[0] > below[1] for above, below in itertools.pairwise(panels))
        assert drawn["layout"]["xaxis"]["anchor"] == "y4"
    assert names["1m"] - names["5m"] == {"sma(volume, 2)"}


def test_no_more_lines_are_drawn_than_can_be_told_apart() -> None:
    one = averages(" or ".join(f"close > sma({n})" for n in range(2, 20)))
    found = overlay(one, wanted(one), minutes([1_000_000] * 40))
    assert len(found.lines) == 12
    assert "6 more are left out" in found.note

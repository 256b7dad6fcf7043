"""Reports: what is put together of a strategy, how long it is kept, and for whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

from frontend import history, reports
from frontend.history import MAX_DAYS
from frontend.reports import DamagedError, Report, Reports
from riskcontrol.errors import ServerError
from riskcontrol.newyork import NS_PER_DAY
from riskcontrol.statistics import STATISTICS
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.fake import FEE, OPEN, FakeReader, bars, position, strategy, trader

KEY = ("ann", "IBM", "dip")


def report(reader: FakeReader, kept: Reports | None = None) -> Report:
    return (kept or Reports()).of(
        reader, reader.strategy_rows[0], reader.position_rows[0], reader.prices.get("IBM", (0, 0))
    )


def test_a_report_is_of_the_fills_and_bars_that_the_database_has() -> None:
    reader = trader()
    made = report(reader)
    sold = reader.fill_rows[KEY][1]
    assert made.round_trips.profit.tolist() == [sold[5] - 10_000_000_000]
    assert list(made.statistics) == list(STATISTICS)
    assert made.statistics["end_equity"] == made.curve.value[-1]
    assert made.statistics["fees"] == 2 * FEE
    assert made.verdict.decision.value == "keep testing"
    assert made.since is None
    assert made.record.cash == 10_000_000_000
    assert (made.benchmark[0], len(made.benchmark)) == (10_000_000_000, len(made.record.time))
    assert made.benchmark[-1] == pytest.approx(10_000_000_000 * made.curve.price[-1] / made.curve.price[0])
    assert made.drawdown.min() == made.statistics["max_drawdown"]
    assert len(made.bars) == 60


def test_a_report_is_made_once_until_a_fill_comes_or_a_minute_ends() -> None:
    reader, kept = trader(), Reports()
    first = report(reader, kept)
    time, price = reader.prices["IBM"]
    reader.prices["IBM"] = (time + NS_PER_SECOND, price + 10_000)
    assert report(reader, kept) is first
    reader.prices["IBM"] = (time + NS_PER_MINUTE, price + 10_000)
    second = report(reader, kept)
    assert second is not first
    reader.position_rows[0] = position(fills=4)
    assert report(reader, kept) is not second


def test_where_the_tape_rests_a_report_counts_up_to_its_last_trade() -> None:
    reader, kept = trader(), Reports()
    report(reader, kept)
    time, price = reader.prices["IBM"]
    mark = reader.prices["IBM"] = (time + 40 * NS_PER_SECOND, price + 10_000)  # the minute never ends
    row, state = reader.strategy_rows[0], reader.position_rows[0]
    last = kept.of(reader, row, state, mark, resting=True)
    value = state.cash + state.shares * mark[1]
    assert last.statistics["end_equity"] == value
    assert last.statistics["total_return"] == pytest.approx(value / row.cash - 1, rel=1e-12)
    assert kept.of(reader, row, state, mark, resting=True) is last
    assert kept.of(reader, row, state, mark) is last, "the tape goes on"
    later = (mark[0] + NS_PER_SECOND, mark[1])
    assert kept.of(reader, row, state, later) is last
    assert kept.of(reader, row, state, later, resting=True) is not last


def test_many_who_look_at_once_ask_the_database_once() -> None:
    reader, kept, gate = trader(), Reports(), threading.Event()
    fills = reader.fills

    def slow(*args: Any, **more: Any) -> pd.DataFrame:
        gate.wait(5)
        return fills(*args, **more)

    reader.fills = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(report, reader, kept) for _ in range(8)]
        gate.set()
        assert len({id(one.result()) for one in found}) == 1
    assert reader.asked.count("fills") == 1


def test_a_failure_is_everybodys_and_forgotten() -> None:
    reader, kept = trader(), Reports()
    reader.away = True
    with pytest.raises(ServerError):
        report(reader, kept)
    reader.away = False
    assert report(reader, kept)


def test_damaged_fills_are_said_with_the_strategys_name() -> None:
    reader = trader()
    fills = reader.fill_rows[KEY]
    fills[1] = (*fills[1][:3], 5, *fills[1][4:])  # a second purchase on top of the first
    with pytest.raises(DamagedError, match="ann IBM dip are damaged"):
        report(reader)


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_POINTS", 300)
    reader, kept = trader(), Reports()
    reader.strategy_rows = [strategy(name=f"s{n}") for n in range(5)]
    made = [kept.of(reader, row, position(name=row.name), reader.prices["IBM"]) for row in reader.strategy_rows]
    again = [kept.of(reader, row, position(name=row.name), reader.prices["IBM"]) for row in reader.strategy_rows[::-1]]
    assert again[:2] == made[::-1][:2]
    assert again[-1] is not made[0]


def test_two_strategies_never_share_a_report() -> None:
    reader, kept = trader(), Reports()
    other = kept.of(reader, strategy(username="bob"), position(username="bob"), reader.prices["IBM"])
    assert len(report(reader, kept).fills) == 3
    assert len(other.fills) == 0


def test_a_history_cut_off_at_its_front_counts_from_its_first_purchase() -> None:
    reader = trader()
    _, sold, again = reader.fill_rows[KEY]
    reader.fill_rows[KEY] = [
        (sold[0], 12, *sold[2:]),
        (again[0], 13, *again[2:]),
        (again[0] + NS_PER_MINUTE, 14, 190_000_000, -again[3], 0, again[5] + again[3] * 190_000_000, 14, "sell"),
    ]
    made = report(reader)
    assert made.since == made.curve.time[0]
    assert made.record.cash == made.curve.value[0]
    assert made.statistics["round_trips"] == 1
    assert len(made.fills) == 3


def test_a_strategy_older_than_the_bars_are_read_begins_where_they_do() -> None:
    reader = trader()
    bought, sold, again = reader.fill_rows[KEY]
    old = MAX_DAYS * NS_PER_DAY
    reader.fill_rows[KEY] = [(bought[0] - old, *bought[1:]), (sold[0] - old, *sold[1:]), again]
    made = report(reader)
    assert made.fills["number"].tolist() == [3]
    assert made.curve.time[0] == OPEN + NS_PER_MINUTE
    assert made.since == made.curve.time[0]
    assert made.record.cash == sold[5]
    state = reader.position_rows[0]
    assert made.curve.value[-1] == state.cash + state.shares * reader.prices["IBM"][1]


def test_a_split_is_no_round_trip_and_no_loss_of_the_benchmark() -> None:
    reader = trader()
    bought = reader.fill_rows[KEY][0]
    shares, cash = bought[3], bought[5]
    midnight = OPEN + NS_PER_DAY - 570 * NS_PER_MINUTE
    close = 200_000_000
    bought = (*bought[:2], close, *bought[3:])
    reader.fill_rows[KEY] = [
        bought,
        (midnight, 2, close // 4, 3 * shares, 0, cash, 0, "split"),
        (OPEN + NS_PER_DAY, 3, close // 4, -4 * shares, 0, cash + shares * close, 3, "sell"),
    ]
    reader.bar_rows["IBM"] = bars([close] * 10) + bars([close // 4] * 10, start=OPEN + NS_PER_DAY)
    reader.prices["IBM"] = (OPEN + NS_PER_DAY + 20 * NS_PER_MINUTE, close // 4)
    reader.position_rows[0] = position(cash=cash + shares * close, fills=3, time=OPEN + NS_PER_DAY)
    made = report(reader)
    assert made.round_trips.profit.tolist() == [-FEE]
    assert made.statistics["buy_and_hold_return"] == 0
    assert set(made.benchmark.tolist()) == {10_000_000_000}
    assert midnight not in made.record.time


def test_bars_of_settled_days_are_kept_longer() -> None:
    reader = FakeReader(bar_rows={"IBM": bars([1, 2])})
    clock = [0.0]
    past = history.PastBars(clock=lambda: clock[0])
    day = history.date_of(OPEN)
    later = history.date_of(OPEN + 10 * NS_PER_DAY)
    for seconds, asked in ((0, 1), (history.KEEP_SECONDS + 1, 1), (history.KEEP_SETTLED_SECONDS + 1, 2)):
        clock[0] = seconds
        assert past.bars(reader, "IBM", [day], later)["close"].tolist() == [1, 2]
        assert reader.asked.count("bars") == asked


def test_the_equity_before_the_live_end_never_changes_by_a_mark() -> None:
    reader = trader()
    first = report(reader)
    reader.prices["IBM"] = (reader.prices["IBM"][0] + NS_PER_MINUTE, 1_000_000)
    second = report(reader)
    assert np.array_equal(first.curve.value[:-1], second.curve.value[:-1])

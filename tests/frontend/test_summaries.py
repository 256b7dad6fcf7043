"""What a table says of each of many strategies: made a few at a time and anew when something happened."""

from __future__ import annotations

from datetime import date

import pytest

from frontend.positions import table
from frontend.reports import Reports
from frontend.summaries import REST_SECONDS, UNKNOWN, Summaries, Summary
from riskcontrol.errors import ServerError
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from riskcontrol.verdict import Decision
from tests.frontend.fake import OPEN, FakeReader, bars, position, strategy, trader

DAY = date(2013, 10, 7)
NEXT_DAY = OPEN + 86_400 * NS_PER_SECOND


class Clock:
    """Time that passes when a test says so, and a second whenever something is read."""

    def __init__(self, reader: FakeReader) -> None:
        self.reader, self.passed = reader, 0.0

    def __call__(self) -> float:
        """Return the seconds that have passed."""
        return self.passed + self.reader.asked.count("fills")


def of(summaries: Summaries, reader: FakeReader, seconds: float = 100.0, day: date = DAY) -> list[Summary | None]:
    pairs = list(zip(reader.strategy_rows, reader.position_rows, strict=True))
    return summaries.of(reader, pairs, reader.prices, day, seconds=seconds)


def many(count: int) -> FakeReader:
    reader = trader()
    for n in range(1, count):
        reader.strategy_rows.append(strategy(name=f"s{n}"))
        reader.position_rows.append(position(name=f"s{n}"))
    return reader


def test_a_summary_says_what_the_report_says() -> None:
    reader = trader()
    (summary,) = of(Summaries(Reports()), reader)
    report = Reports().of(reader, reader.strategy_rows[0], reader.position_rows[0], reader.prices["IBM"])
    assert summary is not None
    assert (summary.drawdown, summary.win_rate) == (report.statistics["max_drawdown"], report.statistics["win_rate"])
    assert (summary.decision, summary.reason) == (Decision.KEEP_TESTING, report.verdict.reasons[0].words)
    assert summary.line is not None


def test_on_its_first_day_a_strategy_made_all_of_its_profit_today() -> None:
    reader = trader()
    (summary,) = of(Summaries(Reports()), reader)
    assert summary is not None
    assert summary.before == reader.strategy_rows[0].cash


def test_todays_profit_counts_from_midnight_in_new_york() -> None:
    reader = trader()
    state = reader.position_rows[0]
    last_close = reader.bar_rows["IBM"][-1][4]
    reader.bar_rows["IBM"] += bars([183_000_000], start=NEXT_DAY)
    reader.prices["IBM"] = (NEXT_DAY + NS_PER_MINUTE, 183_000_000)
    (summary,) = of(Summaries(Reports()), reader, day=date(2013, 10, 8))
    assert summary is not None
    assert summary.before == state.cash + state.shares * last_close
    rows, totals = table(reader.strategy_rows, [state], reader.prices, summaries={"IBM dip": summary})
    assert totals.today == state.shares * (183_000_000 - last_close)
    assert rows[0]["today"] == totals.today / 1e6


def test_work_ends_when_its_time_is_over_and_goes_on_where_it_was() -> None:
    reader = many(10)
    summaries = Summaries(Reports(), Clock(reader))
    known = [sum(one is not None for one in of(summaries, reader, seconds=3)) for _ in range(5)]
    assert known == [3, 6, 9, 10, 10]


def test_nothing_is_made_twice_while_nothing_happens() -> None:
    reader = many(3)
    summaries = Summaries(Reports(), Clock(reader))
    of(summaries, reader)
    asked = len(reader.asked)
    of(summaries, reader)
    assert len(reader.asked) == asked


def test_a_fill_is_told_at_once_and_an_ended_minute_after_a_rest() -> None:
    reader = many(2)
    clock = Clock(reader)
    summaries = Summaries(Reports(), clock)
    of(summaries, reader)
    asked = reader.asked.count("fills")
    time, price = reader.prices["IBM"]
    reader.prices["IBM"] = (time + NS_PER_MINUTE, price)
    of(summaries, reader)
    assert reader.asked.count("fills") == asked
    reader.position_rows[1] = position(name="s1", fills=1)
    of(summaries, reader)
    assert reader.asked.count("fills") == asked + 1
    clock.passed += REST_SECONDS
    of(summaries, reader)
    assert reader.asked.count("fills") == asked + 2


def test_where_the_tape_rests_all_are_made_up_to_the_last_trade_and_those_to_come_are_told() -> None:
    reader = many(3)
    clock = Clock(reader)
    summaries = Summaries(Reports(), clock)
    of(summaries, reader)
    time, price = reader.prices["IBM"]
    reader.prices["IBM"] = (time + NS_PER_SECOND, price // 2)
    pairs = list(zip(reader.strategy_rows, reader.position_rows, strict=True))

    def due() -> list[bool]:
        found = summaries.of(reader, pairs, reader.prices, DAY, seconds=1, resting=True)
        return [one.due for one in found if one is not None]

    assert [due() for _ in range(3)] == [[False, True, True], [False, False, True], [False] * 3]
    last = summaries.of(reader, pairs, reader.prices, DAY, seconds=1, resting=True)[0]
    assert last is not None
    assert last.drawdown is not None
    assert last.drawdown < -0.4


def test_a_tape_that_rests_and_goes_on_has_nothing_made_anew_where_nothing_was_traded() -> None:
    reader = many(3)
    clock = Clock(reader)
    summaries = Summaries(Reports(), clock)
    pairs = list(zip(reader.strategy_rows, reader.position_rows, strict=True))

    def look(*, resting: bool) -> tuple[int, list[bool]]:
        clock.passed += REST_SECONDS
        found = summaries.of(reader, pairs, reader.prices, DAY, seconds=100, resting=resting)
        return reader.asked.count("fills"), [one.due for one in found if one is not None]

    flips = (False, True, False, True)
    assert [look(resting=resting) for resting in flips] == [(3, [False] * 3)] * 4
    time, price = reader.prices["IBM"]
    reader.prices["IBM"] = (time + NS_PER_SECOND, price)  # the minute goes on
    assert [look(resting=resting)[0] for resting in flips] == [3, 6, 6, 6]


def test_a_summary_counts_up_to_the_last_trade_at_rest_also_where_its_report_is_an_older_one() -> None:
    reader, reports = trader(), Reports()
    row, state = reader.strategy_rows[0], reader.position_rows[0]
    reports.of(reader, row, state, reader.prices["IBM"])  # somebody looks at the strategy's page
    time, price = reader.prices["IBM"]
    reader.prices["IBM"] = (time + NS_PER_SECOND, price // 2)
    summaries = Summaries(reports)
    of(summaries, reader)
    (last,) = summaries.of(reader, [(row, state)], reader.prices, DAY, seconds=1, resting=True)
    assert last is not None
    assert last.drawdown is not None
    assert last.drawdown < -0.4


def test_a_value_that_does_not_fit_leaves_a_gap_and_the_others() -> None:
    reader = many(2)
    reader.prices["IBM"] = (reader.prices["IBM"][0], 2 * 10**17)
    reader.strategy_rows[1] = strategy(name="s1", cash=1_000_000)  # holds no shares
    first, second = of(Summaries(Reports()), reader)
    assert first is UNKNOWN
    assert second is not None
    assert second.decision


def test_what_failed_is_made_the_next_time() -> None:
    reader = many(2)
    summaries = Summaries(Reports())
    reader.away = True
    with pytest.raises(ServerError):
        of(summaries, reader)
    reader.away = False
    assert None not in of(summaries, reader)

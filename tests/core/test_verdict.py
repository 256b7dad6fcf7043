"""The verdict: every rule on both sides of its edge, and what must never happen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.statistics import Executions, Record, Value, compute
from riskcontrol.statistics.examples import traded
from riskcontrol.verdict import KEEP_TESTING, PULL, RULES, SCALE_UP, Decision, Limits, Reason, verdict
from tests.statistics.records import hostile, runs

DAY = 86_400 * 10**9
MONDAY = 1_381_176_000 * 10**9  # 2013-10-07 16:00 New York

GOOD: dict[str, Value] = {
    "start_equity": 1_000_000_000,
    "end_equity": 1_100_000_000,
    "total_return": 0.1,
    "buy_and_hold_return": 0.04,
    "days": 60,
    "round_trips": 30,
    "probabilistic_sharpe": 0.97,
    "max_drawdown": -0.1,
    "sqn": 2.0,
    "expectancy": 3_333_333,
}
"""What the rules read of a strategy that nothing speaks against."""


def run(day_profits: list[int], trip_profits: list[int], fee: int = 0) -> Record:
    """Return a record of one equity point a day and of round trips with these profits after fees, all in dollars."""
    value = (1_000 + np.cumsum([0, *day_profits])) * 10**6
    days = np.arange(len(value))
    prices = np.array([price for profit in trip_profits for price in (1_000, 1_000 + profit + 2 * fee)]) * 10**6
    signs = np.where(np.arange(len(prices)) % 2 == 0, 1, -1)
    fills = Executions(
        time=MONDAY + np.arange(len(prices)),
        price=prices,
        shares=signs,
        fee=np.full(len(prices), fee * 10**6),
        cash=10**12 - np.cumsum(signs * prices + fee * 10**6),
    )
    return Record(10**9, MONDAY + (days + days // 5 * 2) * DAY, value, fills)


EVEN = run([1] * 60, [1] * 30, fee=1)
"""Sixty days and thirty round trips of a dollar each; fees are two of the three dollars before them."""


def reason(rule: str, record: Record = EVEN, limits: Limits | None = None, **values: Value) -> Reason | None:
    """Return what a rule says when these values differ from the good ones."""
    judged = verdict({**GOOD, **values}, record, limits or Limits())
    return next((one for one in judged.reasons if one.rule == rule), None)


EDGES: list[tuple[str, dict[str, Any], Decision, str]] = [
    ("enough round trips", {"round_trips": 29}, KEEP_TESTING, "29 round trips: 1 more is needed to judge by."),
    ("enough round trips", {"round_trips": 7}, KEEP_TESTING, "7 round trips: 23 more are needed to judge by."),
    ("enough round trips", {"round_trips": 1}, KEEP_TESTING, "1 round trip: 29 more are needed to judge by."),
    ("enough round trips", {"round_trips": None}, KEEP_TESTING, "0 round trips: 30 more are needed to judge by."),
    ("enough round trips", {"round_trips": 30}, SCALE_UP, "30 round trips are enough to judge by."),
    ("enough days", {"days": 59}, KEEP_TESTING, "59 trading days: 1 more is needed before scaling up."),
    ("enough days", {"days": 60}, SCALE_UP, "60 trading days are enough to scale up on."),
    ("makes money", {"end_equity": 1_000_000_000}, KEEP_TESTING, "Makes nothing after fees."),
    ("makes money", {"end_equity": 998_500_000}, KEEP_TESTING, "Loses $1.50 after fees."),
    ("makes money", {"end_equity": 1_000_010_000}, SCALE_UP, "Makes $0.01 after fees."),
    (
        "loses by the round trip",
        {"sqn": -1.645, "expectancy": -1_250_000},
        PULL,
        "Loses money by the round trip, too steadily for chance: −$1.25 each, SQN −1.65.",
    ),
    (
        "probably above zero",
        {"probabilistic_sharpe": 0.95},
        SCALE_UP,
        "The probability that its true Sharpe ratio is above zero is 95.00%; 95% were needed.",
    ),
    (
        "probably above zero",
        {"probabilistic_sharpe": 0.949},
        KEEP_TESTING,
        "The probability that its true Sharpe ratio is above zero is 94.90%; 95% are needed.",
    ),
    (
        "probably above zero",
        {"probabilistic_sharpe": 0.051},
        KEEP_TESTING,
        "The probability that its true Sharpe ratio is above zero is 5.10%; 95% are needed.",
    ),
    (
        "probably above zero",
        {"probabilistic_sharpe": 0.05, "days": 20},
        PULL,
        "The probability that its true Sharpe ratio is above zero is 5.00%: at or under 5.00%, it most likely loses.",
    ),
    (
        "probably above zero",
        {"probabilistic_sharpe": None},
        KEEP_TESTING,
        "No probabilistic Sharpe ratio yet: it needs two days with different returns, and equity above zero.",
    ),
    ("drawdown", {"max_drawdown": -0.25}, SCALE_UP, "Fell at most 25.00% from a peak; your limit is 25.00%."),
    ("drawdown", {"max_drawdown": -0.2501}, PULL, "Fell 25.01% from a peak, past your limit of 25.00%."),
    ("buy & hold", {"buy_and_hold_return": 0.1}, SCALE_UP, "Beats buy & hold by 0.00%: 10.00% against 10.00%."),
    (
        "buy & hold",
        {"buy_and_hold_return": 0.15},
        KEEP_TESTING,
        "Is behind buy & hold by 5.00%: 10.00% against 15.00%.",
    ),
]


@pytest.mark.parametrize(("rule", "values", "points_to", "words"), EDGES)
def test_a_rule_turns_at_its_edge_and_says_so(
    rule: str, values: dict[str, Any], points_to: Decision, words: str
) -> None:
    found = reason(rule, **values)
    assert found is not None
    assert (found.points_to, found.words) == (points_to, words)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("loses by the round trip", {"sqn": -1.64}),
        ("loses by the round trip", {"sqn": -9.0, "round_trips": 29}),
        ("loses by the round trip", {"sqn": None}),
        ("drawdown", {"max_drawdown": None}),
        ("buy & hold", {"buy_and_hold_return": None}),
        ("buy & hold", {"total_return": None}),
    ],
)
def test_a_rule_without_evidence_says_nothing(rule: str, values: dict[str, Any]) -> None:
    assert reason(rule, **values) is None


@pytest.mark.parametrize("missing", [{"round_trips": 29}, {"days": 19}])
def test_a_low_probability_pulls_only_with_enough_round_trips_and_days(missing: dict[str, Any]) -> None:
    found = reason("probably above zero", probabilistic_sharpe=0.0, **missing)
    assert found is not None
    assert found.points_to is KEEP_TESTING


@pytest.mark.parametrize(
    ("trials", "chance", "points_to"),
    [(1, 0.96, SCALE_UP), (100, 0.96, KEEP_TESTING), (100, 0.9994, KEEP_TESTING), (100, 0.9996, SCALE_UP)],
)
def test_the_best_of_many_variants_must_be_surer(trials: int, chance: float, points_to: Decision) -> None:
    found = reason("probably above zero", limits=Limits(trials=trials), probabilistic_sharpe=chance)
    assert found is not None
    assert found.points_to is points_to
    assert ("99.95% " in found.words and "best of 100 variants" in found.words) == (trials > 1)


@pytest.mark.parametrize(
    ("trips", "fee", "points_to", "words"),
    [
        # A trip makes 4 before its fees of 2: half of it.
        (
            [2] * 30,
            1,
            SCALE_UP,
            "Fees of $60.00 against $120.00 that winning round trips make before fees: fees eat 50.00%.",
        ),
        (
            [2] * 29 + [1],
            1,
            KEEP_TESTING,
            "Fees of $60.00 against $119.00 that winning round trips make before fees; at most",
        ),
        (
            [0] * 30,
            1,
            PULL,
            "Fees of $60.00 against $60.00 that winning round trips make before fees: fees eat all of it.",
        ),
        ([1] + [0] * 29, 1, KEEP_TESTING, "Fees of $60.00 against $61.00"),
        ([0] * 29, 1, KEEP_TESTING, "Fees of $58.00 against $58.00"),  # too few to pull
        ([-9] * 29, 1, KEEP_TESTING, "Fees of $58.00 against $0.00"),
        ([-9] * 30, 1, PULL, "Fees of $60.00 against $0.00"),
    ],
)
def test_fees_are_held_against_gross_profit(trips: list[int], fee: int, points_to: Decision, words: str) -> None:
    found = reason("fees", run([1] * 60, trips, fee))
    assert found is not None
    assert found.points_to is points_to
    assert found.words.startswith(words)


def test_without_fees_or_round_trips_the_rule_about_fees_says_nothing() -> None:
    assert reason("fees", run([1] * 60, [1] * 30)) is None
    assert reason("fees", run([1] * 60, [])) is None


@pytest.mark.parametrize(
    ("profits", "points_to", "said"),
    [
        ([5, 1, 1, 1, 1, 1], SCALE_UP, "made 50.00% of all profit: it doesn't hang on one."),
        ([6, 1, 1, 1, 1, 1], KEEP_TESTING, "made 54.55% of all profit; at most 50.00% may come from one."),
        ([9, -4, 1], KEEP_TESTING, "made more than all profit; at most 50.00% may come from one."),
    ],
)
def test_profit_must_not_hang_on_one_day_or_one_round_trip(profits: list[int], points_to: Decision, said: str) -> None:
    for rule, what in (("one day", "day"), ("one round trip", "round trip")):
        found = reason(rule, run(profits, profits))
        assert found is not None
        assert (found.points_to, found.words) == (points_to, f"The best {what} {said}")


def test_without_profit_there_is_none_to_hang_on_one() -> None:
    losing = run([5, -5], [5, -5])
    assert reason("one day", losing) is None
    assert reason("one round trip", losing) is None


def test_a_wanted_excess_is_said() -> None:
    found = reason("buy & hold", limits=Limits(excess=0.1))
    assert found is not None
    assert (found.points_to, found.words) == (
        KEEP_TESTING,
        "Beats buy & hold by 6.00%: 10.00% against 4.00%; 10.00% are wanted.",
    )


def test_one_reason_to_pull_decides_over_all_others_and_comes_first() -> None:
    judged = verdict({**GOOD, "max_drawdown": -0.5, "days": 1}, run([1] * 60, [1] * 30))
    assert judged.decision is PULL
    assert judged.reasons[0].rule == "drawdown"


def test_a_strategy_that_nothing_speaks_against_is_scaled_up_and_each_reason_has_its_number() -> None:
    judged = verdict(GOOD, run([1] * 60, [1] * 30))
    assert judged.decision is SCALE_UP
    assert [one.rule for one in judged.reasons] == [
        rule.name for rule in RULES if rule.name not in ("loses by the round trip", "fees")
    ]
    assert all(one.value is not None for one in judged.reasons)


def test_a_day_of_round_trips_that_lose_steadily_is_pulled() -> None:
    record = traded(*[(100, 99 + i % 2) for i in range(40)])
    judged = verdict(compute(record), record)
    assert judged.decision is PULL
    assert judged.reasons[0].rule == "loses by the round trip"


def test_months_of_small_and_steady_profits_after_fees_are_scaled_up() -> None:
    record = run([3, -1] * 40, [6, -1] * 20, fee=1)
    judged = verdict(compute(record), record)
    assert judged.decision is SCALE_UP, judged.reasons


def test_the_same_profits_over_a_week_are_tested_on() -> None:
    record = run([3, -1] * 3, [6, -1] * 20, fee=1)
    judged = verdict(compute(record), record)
    assert judged.decision is KEEP_TESTING
    assert judged.reasons[0].words == "6 trading days: 54 more are needed before scaling up."


def test_rules_are_named_once_and_say_where_they_point() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.pulls or rule.keeps for rule in RULES)


@given(st.integers(0, 29), st.integers(1, 500))
def test_a_handful_of_round_trips_never_scales_up(trips: int, profit: int) -> None:
    record = traded(*[(10, 10 + profit + i % 3) for i in range(trips)])
    assert verdict(compute(record), record).decision is not SCALE_UP


@given(runs() | hostile())
def test_any_run_gets_a_verdict_that_its_reasons_carry(record: Record) -> None:
    values = compute(record)
    judged = verdict(values, record)
    assert judged.reasons[0].points_to is judged.decision
    assert all(one.value is None or math.isfinite(one.value) for one in judged.reasons)
    if judged.decision is SCALE_UP:
        limits = Limits()
        assert (values["round_trips"] or 0) >= limits.round_trips
        assert (values["days"] or 0) >= limits.days
        assert (values["probabilistic_sharpe"] or 0) >= limits.scale_up_probability
        assert (values["total_return"] or 0) > 0
        assert (values["max_drawdown"] or 0) >= -limits.drawdown

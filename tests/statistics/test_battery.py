"""One battery for every statistic: its plain definition, its peers, its invariants, its documentation."""

from __future__ import annotations

import doctest
import inspect
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings

from riskcontrol.statistics import STATISTICS, Record, Value, compute
from riskcontrol.statistics.examples import daily
from riskcontrol.statistics.reference import parts
from tests.statistics.definitions import DEFINITIONS
from tests.statistics.records import hostile, run, runs, scaled, split

every = pytest.mark.parametrize("name", STATISTICS)
WHOLE = ("money", "count", "duration", "days")

PEERS = {
    "annualised_return": lambda empyrical, record: empyrical.annual_return(record.daily.returns),
    "volatility": lambda empyrical, record: empyrical.annual_volatility(record.daily.returns),
    "sharpe": lambda empyrical, record: empyrical.sharpe_ratio(record.daily.returns),
    "sortino": lambda empyrical, record: empyrical.sortino_ratio(record.daily.returns),
    "value_at_risk": lambda empyrical, record: empyrical.value_at_risk(record.daily.returns),
    "conditional_value_at_risk": lambda empyrical, record: empyrical.conditional_value_at_risk(record.daily.returns),
    "alpha": lambda empyrical, record: empyrical.alpha_aligned(record.daily.returns, record.daily.benchmark),
    "beta": lambda empyrical, record: empyrical.beta_aligned(record.daily.returns, record.daily.benchmark),
    "total_return": lambda empyrical, record: empyrical.cum_returns_final(record.daily.returns),
    "max_drawdown": lambda empyrical, record: empyrical.max_drawdown(by_point(record)),
    "calmar": lambda empyrical, record: (
        empyrical.annual_return(record.daily.returns) / -empyrical.max_drawdown(by_point(record))
    ),
}


def by_point(record: Record) -> np.ndarray:
    values = np.append([record.cash], record.value)
    return np.diff(values) / values[:-1]


def close(a: float | None, b: float | None) -> bool:
    """Tell whether two values are the same to 1e-9; a ratio near zero may come from cancellation."""
    return a == b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def test_every_statistic_has_a_plain_definition() -> None:
    assert list(DEFINITIONS) == list(STATISTICS)


def apart(one: dict[str, Value], other: dict[str, Value]) -> dict[str, tuple[Value, Value]]:
    """Return the statistics that differ."""
    return {name: (one[name], other[name]) for name in one if not close(one[name], other[name])}


def by_definition(record: Record) -> dict[str, Value]:
    return {name: DEFINITIONS[name](record) for name in STATISTICS}


@settings(max_examples=300)
@given(runs())
def test_each_is_what_its_formula_gives_in_plain_python(record: Record) -> None:
    assert apart(compute(record), by_definition(record)) == {}


@settings(max_examples=500)
@given(hostile())
def test_each_is_none_exactly_where_its_definition_is_and_finite_elsewhere(record: Record) -> None:
    values, expected = compute(record), by_definition(record)
    assert all(values[name] == expected[name] for name in values if STATISTICS[name].unit in WHOLE)
    assert [name for name in values if values[name] is None] == [name for name in values if expected[name] is None]
    assert all(math.isfinite(value) for value in values.values() if value is not None)


@every
def test_a_long_run_with_wins_and_losses_has_it(name: str) -> None:
    value = STATISTICS[name].function(run(7, days=40, points=5, fee=350_000))
    assert value is not None
    assert type(value) is (int if STATISTICS[name].unit in WHOLE else float)


@pytest.mark.parametrize("name", PEERS)
@given(record=runs(least_days=31))
def test_it_agrees_with_empyrical(name: str, record: Record) -> None:
    import empyrical  # with all of scipy.stats, which those who run other tests needn't wait for

    value = STATISTICS[name].function(record)
    if value is not None:
        assert math.isclose(value, PEERS[name](empyrical, record), rel_tol=1e-9, abs_tol=1e-9)


@given(record=runs(least_days=3))
def test_the_probabilistic_sharpe_ratio_agrees_with_scipys_moments(record: Record) -> None:
    from scipy import stats

    value = STATISTICS["probabilistic_sharpe"].function(record)
    if value is None:
        return
    r = record.daily.returns
    ratio = r.mean() / r.std(ddof=1)
    spread = 1 - stats.skew(r) * ratio + (stats.kurtosis(r, fisher=False) - 1) / 4 * ratio**2
    assert math.isclose(value, stats.norm.cdf(ratio * math.sqrt((len(r) - 1) / spread)), abs_tol=1e-9)


def test_returns_of_two_values_can_leave_the_probabilistic_sharpe_ratio_undefined() -> None:
    # One high return in five: skewness 1.5; a Sharpe ratio of 2 / 1.5 makes the variance under the root zero.
    mean, deviation = 0.01 * math.sqrt(1.25) * 2 / 1.5, 0.01
    returns = [mean - deviation / 2] * 4 + [mean + 2 * deviation]
    values = np.cumprod([1e6, *(1 + r for r in returns)])
    assert STATISTICS["probabilistic_sharpe"].function(daily(*values)) is None


@given(runs())
def test_ten_times_the_money_is_ten_times_the_money_and_leaves_the_rest(record: Record) -> None:
    before, after = compute(record), compute(scaled(record, 10))
    for name, value in before.items():
        if STATISTICS[name].unit == "money" and value is not None:
            before[name] = value * 10
    # An average was rounded to the micro-dollar before it was multiplied.
    average, multiplied = after.pop("expectancy"), before.pop("expectancy")
    assert average == multiplied or abs(average - multiplied) <= 5
    assert apart(before, after) == {}


@given(runs())
def test_more_points_within_the_days_change_nothing_but_how_finely_drawdowns_are_timed(record: Record) -> None:
    differ = apart(compute(record), compute(split(record)))
    assert set(differ) <= {"max_drawdown_duration", "longest_drawdown"}


@given(runs())
def test_points_given_twice_change_nothing(record: Record) -> None:
    twice = Record(
        record.cash,
        np.repeat(record.time, 2),
        np.repeat(record.value, 2),
        record.fills,
        None if record.closes is None else np.repeat(record.closes, 2),
    )
    assert apart(compute(record), compute(twice)) == {}


@every
def test_it_is_none_without_what_it_needs(name: str) -> None:
    whole = run(7, days=40, points=5)
    needs = STATISTICS[name].needs
    without = {
        "fills": Record(whole.cash, whole.time, whole.value, None, whole.closes),
        "benchmark": Record(whole.cash, whole.time, whole.value, whole.fills),
    }
    for missing, record in without.items():
        assert (STATISTICS[name].function(record) is None) == (missing == needs)


@every
def test_a_run_of_one_day_has_it_unless_it_needs_days(name: str) -> None:
    value = STATISTICS[name].function(run(3, days=1, points=60))
    assert (value is None) == STATISTICS[name].needs_days


def test_two_days_are_enough_and_one_is_not_for_what_varies_by_the_day() -> None:
    closes = [50, 51, 50.5]
    one, two = (compute(daily(*values, closes=closes[: len(values)])) for values in ((100, 99), (100, 99, 101)))
    assert (one["days"], two["days"]) == (1, 2)
    need = [name for name in STATISTICS if STATISTICS[name].needs_days]
    assert [name for name in need if one[name] is not None] == []
    assert [name for name in need if two[name] is not None] == [
        "volatility", "sharpe", "sortino", "probabilistic_sharpe", "beta"
    ]  # fmt: skip


def test_a_run_from_one_afternoon_to_the_next_morning_is_of_two_days_and_one_within_a_day_is_not() -> None:
    hour = 3_600 * 10**9
    afternoon = 1_381_176_000 * 10**9 - hour  # 15:00 on Monday 2013-10-07
    times = np.array([afternoon, afternoon + hour, afternoon + 19 * hour])
    run = Record(100, times, np.array([100, 101, 103]))
    first, second = 1 / 100, 2 / 101
    deviation = (second - first) / math.sqrt(2)
    assert compute(run)["sharpe"] == pytest.approx((first + second) / 2 / deviation * math.sqrt(252))
    within = Record(100, times[:2], np.array([100, 101]))
    assert compute(within)["sharpe"] is None


@every
def test_its_docstring_has_formula_undefined_cases_source_and_an_example(name: str) -> None:
    said = parts(STATISTICS[name])
    assert said[""].startswith("Return ")
    assert all(said[part].endswith(".") for part in ("Formula", "None", "Source"))
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(STATISTICS[name].function) or "")
    assert any(example.want for example in examples)


@every
def test_it_pickles(name: str) -> None:
    again = pickle.loads(pickle.dumps(STATISTICS[name]))  # noqa: S301 - our own bytes
    assert again == STATISTICS[name]


def test_a_record_pickles_with_its_statistics() -> None:
    record = run(7, days=30, points=4)
    again = pickle.loads(pickle.dumps(record))  # noqa: S301 - our own bytes
    assert compute(again) == compute(record)


def test_all_are_computed_in_the_registrys_order() -> None:
    assert list(compute(daily(100, 101, 102))) == list(STATISTICS)

"""Batches stay bounded, and the bound follows what batches take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.rate import FIRST, LEAST, MOST, Rate, plan


def settled(rate: Rate, *, fixed: float, each: float, batches: int = 60) -> int:
    """Return the bound after batches of a backlog that cost this much; a small one shows the fixed cost first."""
    rate.record(records=1, seconds=fixed + each)
    for _ in range(batches):
        rate.record(records=rate.bound, seconds=fixed + each * rate.bound)
    return rate.bound


def test_the_bound_grows_only_while_it_holds_a_batch_back() -> None:
    rate = Rate(1.0)
    rate.record(records=FIRST // 2, seconds=0.01)
    assert rate.bound == FIRST
    rate.record(records=FIRST, seconds=0.01)
    assert rate.bound == 2 * FIRST


@pytest.mark.parametrize("each", [0.0001, 0.001, 0.01])
@pytest.mark.parametrize("fixed", [0.02, 0.3])
def test_a_backlog_is_taken_in_batches_that_fit_into_the_interval(each: float, fixed: float) -> None:
    bound = settled(Rate(1.0), fixed=fixed, each=each)
    assert 0.3 < fixed + each * bound <= 1.0


def test_records_that_became_dearer_lower_the_bound() -> None:
    rate = Rate(1.0)
    before = settled(rate, fixed=0.05, each=0.001)
    assert settled(rate, fixed=0.05, each=0.01) < before / 3


def test_where_the_fixed_cost_is_too_high_smaller_batches_are_not_tried() -> None:
    rate = Rate(1.0)
    assert settled(rate, fixed=0.9, each=0.001) == FIRST


def test_an_empty_batch_says_nothing() -> None:
    rate = Rate(1.0, bound=50)
    rate.record(records=0, seconds=9.0)
    assert rate.bound == 50


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 100)), max_size=30), st.floats(0.1, 10))
def test_the_bound_stays_in_its_limits(batches: list[tuple[int, float]], interval: float) -> None:
    rate = Rate(interval)
    for records, seconds in batches:
        rate.record(records=records, seconds=seconds)
        assert LEAST <= rate.bound <= MOST


def test_a_plan_takes_what_is_there_up_to_the_bound() -> None:
    assert plan({0: 0, 1: 10, 2: 7}, {0: 5, 1: 10, 2: 100}, bound=20) == {0: (0, 5), 2: (7, 27)}

"""Batches stay bounded, and the bound follows what batches take."""

from hypothesis import given
from hypothesis import strategies as st

from spark.rate import FIRST, MOST, Rate, plan


def test_the_bound_grows_only_while_it_holds_a_batch_back() -> None:
    rate = Rate(1.0)
    rate.record(records=FIRST // 2, seconds=0.01)
    assert rate.bound == FIRST
    rate.record(records=FIRST, seconds=0.01)
    assert rate.bound == 2 * FIRST


def test_a_batch_that_took_too_long_lowers_the_bound() -> None:
    rate = Rate(1.0, bound=1000)
    rate.record(records=1000, seconds=2.0)
    assert rate.bound == 675
    for _ in range(20):
        rate.record(records=rate.bound, seconds=rate.bound / 500)
    assert 300 < rate.bound <= 350


def test_an_empty_batch_says_nothing() -> None:
    rate = Rate(1.0, bound=5)
    rate.record(records=0, seconds=9.0)
    assert rate.bound == 5


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 100)), max_size=30), st.floats(0.1, 10))
def test_the_bound_stays_in_its_limits(batches: list[tuple[int, float]], interval: float) -> None:
    rate = Rate(interval)
    for records, seconds in batches:
        rate.record(records=records, seconds=seconds)
        assert 1 <= rate.bound <= MOST


def test_a_plan_takes_what_is_there_up_to_the_bound() -> None:
    assert plan({0: 0, 1: 10, 2: 7}, {0: 5, 1: 10, 2: 100}, bound=20) == {0: (0, 5), 2: (7, 27)}

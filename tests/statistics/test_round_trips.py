"""Round trips: exact in micro-dollars, one for each purchase that was sold again."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given

from riskcontrol.statistics import Executions, Record, open_trip, round_trips
from tests.statistics.records import runs

TWO: dict[str, Any] = {"time": [1, 2], "price": [10, 12], "shares": [3, -3], "fee": [1, 1], "cash": [69, 104]}


@given(runs())
def test_profits_and_what_is_held_make_up_the_equity(record: Record) -> None:
    assert record.fills is not None
    assert record.trips is not None
    last, made = int(record.value[-1]), sum(record.trips.profit.tolist())
    still = open_trip(record.fills)
    if still is None:
        assert last == record.cash + made
    else:
        assert record.closes is not None
        gain = still.shares * (int(record.closes[-1]) - still.entry_price) - still.fee
        assert last == record.cash + made + gain


@given(runs())
def test_a_profit_is_the_shares_times_the_prices_difference_less_fees(record: Record) -> None:
    trips = record.trips
    assert trips is not None
    expected = trips.shares * (trips.exit_price - trips.entry_price) - trips.fees
    assert trips.profit.tolist() == expected.tolist()
    assert trips.duration.tolist() == (trips.exit_time - trips.entry_time).tolist()
    assert trips.returns == pytest.approx(trips.profit / (trips.shares * trips.entry_price + trips.fees / 2), rel=1e-12)


def test_a_split_between_purchase_and_sale_leaves_the_profit_exact() -> None:
    # Three shares at 10, split two to one, six sold at 6; the fees are 1 each.
    trips = round_trips(Executions(time=[1, 2], price=[10, 6], shares=[3, -6], fee=[1, 1], cash=[69, 104]))
    assert trips.profit.tolist() == [4]


def test_no_fills_make_no_round_trips() -> None:
    none = Executions(time=[], price=[], shares=[], fee=[], cash=[])
    assert len(round_trips(none)) == 0
    assert open_trip(none) is None


def test_what_is_still_held_is_named_and_no_round_trip() -> None:
    fills = Executions(time=[1, 2, 3], price=[10, 12, 11], shares=[3, -3, 4], fee=[1, 1, 1], cash=[69, 104, 59])
    assert len(round_trips(fills)) == 1
    still = open_trip(fills)
    assert still is not None
    assert (still.entry_time, still.shares, still.entry_price, still.fee) == (3, 4, 11, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fee": [1]}, "differ in length"),
        ({"time": [2, 1]}, "ascend"),
        ({"price": [10, 0]}, "positive"),
        ({"shares": [-3, 3]}, "take turns"),
        ({"shares": [3, 3]}, "take turns"),
        ({"shares": [3, 0]}, "take turns"),
    ],
)
def test_fills_that_are_no_strategys_are_refused(change: dict[str, list[int]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Executions(**{**TWO, **change})


def test_round_trips_pickle() -> None:
    trips = round_trips(Executions(**TWO))
    again = pickle.loads(pickle.dumps(trips))  # noqa: S301 - our own bytes
    assert again.profit.tolist() == trips.profit.tolist() == [4]

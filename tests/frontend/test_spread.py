"""How returns are spread: bars, quantiles and places, from the counts alone."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import spread
from riskcontrol.leaders import BINS, EDGES, NOBODY, Leaders
from tests.frontend.fake import leaders

gains = st.lists(st.floats(-1, 8), min_size=1, max_size=60)


def told(values: list[float]) -> Leaders:
    at = np.clip(np.searchsorted(EDGES, values, "right") - 1, 0, BINS - 1)
    return Leaders(0, NOBODY, NOBODY, np.bincount(at, minlength=BINS))


@given(gains)
def test_no_strategy_is_lost_in_the_bars(values: list[float]) -> None:
    bars = spread.histogram(told(values))
    assert bars.counts.sum() == len(values)
    assert 1 <= len(bars.counts) <= spread.MOST_BARS
    bounds = [bars.bounds(bar) for bar in range(len(bars.counts))]
    assert bounds[0][0] == -math.inf
    assert bounds[-1][1] == math.inf
    assert all(left[1] == pytest.approx(right[0]) for left, right in pairwise(bounds))


@given(gains)
def test_zero_is_always_between_two_bars_or_at_an_end(values: list[float]) -> None:
    bars = spread.histogram(told(values))
    steps = -bars.start / bars.width
    assert steps == pytest.approx(round(steps))
    assert 0 <= round(steps) <= len(bars.counts)


def test_bars_hold_what_lies_between_their_bounds() -> None:
    values = [-0.0301, -0.0001, 0.0001, 0.0101, 0.0299]
    bars = spread.histogram(told(values))
    for bar, count in enumerate(bars.counts.tolist()):
        low, high = bars.bounds(bar)
        assert count == sum(low <= value < high for value in values)


@given(gains, st.floats(-1.5, 9))
def test_the_share_under_a_return_is_what_counting_gives_but_for_its_bin(values: list[float], gain: float) -> None:
    everyone = told(values)
    share = everyone.share_under(gain)
    at = int(np.clip(np.searchsorted(EDGES, gain, "right") - 1, 0, BINS - 1))
    surely = float(everyone.counts[:at].sum()) / len(values)
    assert surely - 1e-12 <= share <= surely + float(everyone.counts[at]) / len(values) + 1e-12


@given(gains)
def test_the_share_under_a_quantile_is_that_of_the_quantile(values: list[float]) -> None:
    everyone = told([min(value, 3.9) for value in values])
    for share in (0.1, 0.5, 0.9):
        at = everyone.quantile(share)
        assert everyone.share_under(at - 1e-9) <= share + 1e-6
        assert everyone.share_under(at + 1e-9) >= share - 1e-6


def test_nobody_has_no_share() -> None:
    assert math.isnan(Leaders(0, NOBODY, NOBODY, np.zeros(BINS, np.int64)).share_under(0.1))


def test_the_graph_marks_the_median_and_ones_own_within_it() -> None:
    everyone = leaders()
    bars = spread.histogram(everyone)
    drawn = spread.figure(bars, everyone.quantile(0.5), [("IBM · dip", 0.01), ("IBM · far", 7.0)], key="k")
    bar, own = drawn["data"]
    assert sum(bar["y"]) == 10_000
    assert own["x"] == [pytest.approx(1.0), pytest.approx(100 * (bars.start + bars.width * len(bars.counts)))]
    assert own["customdata"][1] == "IBM · far +700.00%"
    assert drawn["layout"]["shapes"][0]["x0"] == pytest.approx(100 * everyone.quantile(0.5))
    assert drawn["layout"]["uirevision"] == "k"


def test_the_table_says_the_same_as_the_graph() -> None:
    bars = spread.histogram(leaders())
    rows = spread.table(bars)
    assert [count for _, count in rows] == [f"{count:,}" for count in bars.counts.tolist()]
    assert rows[0][0].startswith("under −")
    assert rows[-1][0].endswith("and more")

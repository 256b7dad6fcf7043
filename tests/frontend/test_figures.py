"""Graphs as dictionaries: what is in them, without a browser."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from frontend.figures import SERIES, SHOWS, FillMarks, figure, live_end
from frontend.reduce import MOST_POINTS, keep_extremes
from riskcontrol.equity import Equity, equity_curve
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.fake import OPEN

NO_FILLS = FillMarks(*(np.zeros(0, np.int64) for _ in range(3)), reason=np.zeros(0, np.object_))


def decoded(array: dict[str, str]) -> list[float]:
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"]).tolist()


def curve(minutes: int = 3, start: int = OPEN) -> Equity:
    times = start + NS_PER_MINUTE * np.arange(minutes)
    return equity_curve(
        10_000_000_000,
        fill_time=[start + 90 * NS_PER_SECOND],
        fill_price=[100_000_000],
        fill_shares=[100],
        fill_cash=[0],
        bar_time=times,
        bar_close=100_000_000 + 1_000_000 * np.arange(minutes),
        mark=(start + NS_PER_MINUTE * minutes + NS_PER_SECOND, 107_500_000),
    )


def traces(drawn: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [trace for trace in drawn["data"] if trace["name"] == name]


def test_history_and_live_end_together_are_the_curve() -> None:
    drawn = figure(curve(), NO_FILLS, "value", key="k")
    history, end = traces(drawn, "Value")
    assert decoded(history["y"]) == [10_000.0, 10_000.0, 10_100.0, 10_200.0]
    assert end["y"] == [10_200.0, 10_750.0]


def test_times_are_those_of_new_yorks_clocks_in_winter_and_summer() -> None:
    summer, winter = OPEN, 1389018600 * NS_PER_SECOND  # both 09:30 New York
    for start in (summer, winter):
        first = decoded(traces(figure(curve(start=start), NO_FILLS, "price", key="k"), "Price")[0]["x"])[0]
        assert first % 86_400_000 == (9 * 60 + 31) * 60_000


def test_fills_differ_by_shape_and_by_colour_and_stand_on_the_price() -> None:
    fills = FillMarks(
        np.array([OPEN, OPEN + 1]),
        np.array([100_000_000, 101_000_000]),
        np.array([100, -100]),
        np.array(["buy", "stop loss"], np.object_),
    )
    drawn = figure(curve(), fills, "all", key="k")
    (buy,), (sell,) = traces(drawn, "Buy"), traces(drawn, "Sell")
    assert (decoded(buy["y"]), decoded(sell["y"])) == ([100.0], [101.0])
    assert (buy["customdata"], sell["customdata"]) == ([(100, "buy")], [(100, "stop loss")])
    assert buy["marker"]["symbol"] != sell["marker"]["symbol"]
    assert buy["marker"]["color"] != sell["marker"]["color"]
    assert buy["yaxis"] == sell["yaxis"] == traces(drawn, "Price")[0]["yaxis"]
    assert not traces(figure(curve(), fills, "cash", key="k"), "Buy")


def test_all_shows_every_series_below_each_other_on_one_time_axis() -> None:
    drawn = figure(curve(), NO_FILLS, "all", key="k")
    axes = [drawn["layout"][name]["domain"] for name in ("yaxis", "yaxis2", "yaxis3", "yaxis4", "yaxis5")]
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(axes))
    assert {trace["name"] for trace in drawn["data"]} >= {series.label for series in SERIES.values()}
    assert [key for key in drawn["layout"] if key.startswith("xaxis")] == ["xaxis"]


@pytest.mark.parametrize("show", SHOWS)
def test_the_live_end_replaces_what_the_graph_has_there(show: str) -> None:
    drawn = figure(curve(), NO_FILLS, show, key="k")
    for number, changes in live_end(curve(), show).items():
        assert {name: drawn["data"][number][name] for name in changes} == changes


def test_a_curve_of_one_point_can_be_drawn() -> None:
    nothing = {"fill_time": [], "fill_price": [], "fill_shares": [], "fill_cash": [], "bar_time": [], "bar_close": []}
    only = equity_curve(5_000_000, **nothing, mark=(OPEN, 1_000_000))
    assert traces(figure(only, NO_FILLS, "value", key="k"), "Value")[1]["y"] == [5.0, 5.0]


def test_nights_are_left_out_of_an_axis_of_several_days_only() -> None:
    assert figure(curve(), NO_FILLS, "value", key="k")["layout"]["xaxis"]["rangebreaks"] == []
    days = np.concatenate([OPEN + day * 86_400 * NS_PER_SECOND + NS_PER_MINUTE * np.arange(390) for day in (0, 1)])
    nothing = {"fill_time": [], "fill_price": [], "fill_shares": [], "fill_cash": []}
    two = equity_curve(1, **nothing, bar_time=days, bar_close=np.full(len(days), 5))
    breaks = figure(two, NO_FILLS, "price", key="k")["layout"]["xaxis"]["rangebreaks"]
    assert {"bounds": [16 + 1 / 60, 9.0], "pattern": "hour"} in breaks  # a point at 16:00 is seen


def test_an_unknown_series_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of"):
        figure(curve(), NO_FILLS, "<b>", key="k")


def test_a_long_history_is_reduced() -> None:
    drawn = figure(curve(50_000), NO_FILLS, "all", key="k")
    assert max(len(decoded(trace["y"])) for trace in drawn["data"] if isinstance(trace["y"], dict)) <= MOST_POINTS


@given(arrays.arrays(np.int64, st.integers(1, 500), elements=st.integers(-(10**15), 10**15)), st.integers(4, 120))
def test_reduction_keeps_ends_and_extremes_in_order_and_no_more_than_asked(values: np.ndarray, most: int) -> None:
    keep = keep_extremes(values, most)
    assert len(keep) <= max(most, 1)
    assert (np.diff(keep) > 0).all()
    assert (keep[0], keep[-1]) == (0, len(values) - 1)
    assert values[keep].min() == values.min()
    assert values[keep].max() == values.max()
    assert len(keep) == len(values) or len(values) > most

"""Candles: joined, fitted and drawn, without a browser."""

from __future__ import annotations

import base64

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import candles
from frontend.reduce import MOST_POINTS
from riskcontrol.trades import NS_PER_MINUTE, NS_PER_SECOND
from tests.frontend.fake import BARS, OPEN, bars

DAY = 86_400 * NS_PER_SECOND


def frame(rows: list[tuple[int, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(BARS)).astype("int64")


def decoded(array: dict[str, str]) -> list[float]:
    return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"]).tolist()


@st.composite
def minutes(draw: st.DrawFn) -> pd.DataFrame:
    """Bars of some minutes of a day and the next; some without prices."""
    places = sorted(draw(st.sets(st.integers(0, 2_000), min_size=1, max_size=30)))
    rows = []
    for place in places:
        low, rise, first, last = (draw(st.integers(0, 9)) for _ in range(4))
        priced = draw(st.booleans())
        prices = (
            (low + min(first, rise) + 1, low + rise + 1, low + 1, low + min(last, rise) + 1) if priced else (0,) * 4
        )
        volume = draw(st.integers(0, 99))
        rows.append((OPEN + place * NS_PER_MINUTE, *prices, volume, volume * 5, 1))
    return frame(rows)


@given(minutes(), st.sampled_from(list(candles.INTERVALS.values())))
def test_a_longer_bar_is_what_its_minutes_come_to(table: pd.DataFrame, length: int) -> None:
    found = candles.joined(table, length)
    zone = pd.to_datetime(table["time"], utc=True).dt.tz_convert("America/New_York")
    starts = zone.dt.floor(f"{length}min").astype("datetime64[ns, America/New_York]").astype("int64")
    assert found["time"].tolist() == sorted(set(starts))
    for bar, (_, part) in zip(found.itertuples(), table.groupby(starts.to_numpy()), strict=True):
        priced = part[part["open"] > 0]
        expected = (0, 0, 0, 0) if priced.empty else (
            priced["open"].iloc[0], priced["high"].max(), priced["low"].min(), priced["close"].iloc[-1]
        )  # fmt: skip
        assert (bar.open, bar.high, bar.low, bar.close) == expected
        assert (bar.volume, bar.notional, bar.trades) == tuple(part[["volume", "notional", "trades"]].sum())


def test_days_are_new_yorks_across_the_change_of_clocks() -> None:
    friday, monday = 1383312600 * NS_PER_SECOND, 1383575400 * NS_PER_SECOND  # 2013-11-01 and -04, 09:30
    found = candles.joined(frame([*bars([5, 6], friday), *bars([7], monday)]), 1_440)
    assert found[["open", "close"]].to_numpy().tolist() == [[5, 6], [7, 7]]


@pytest.mark.parametrize(
    ("count", "used"), [(390, "1m"), (MOST_POINTS, "1m"), (MOST_POINTS + 1, "5m"), (12_000, "15m")]
)
def test_what_is_too_much_to_draw_becomes_longer_candles(count: int, used: str) -> None:
    name, found = candles.fitted(frame(bars([5] * count)), "1m")
    assert name == used
    assert len(found) <= MOST_POINTS


def test_of_more_days_than_can_be_drawn_the_newest_are() -> None:
    days = frame([row for day in range(9) for row in bars([day + 1], OPEN + day * DAY)])
    name, found = candles.fitted(days, "1d", most=4)
    assert (name, found["close"].tolist()) == ("1d", [6, 7, 8, 9])


def test_candles_volume_and_last_price_are_drawn() -> None:
    table = frame(
        [
            (OPEN - 90 * NS_PER_MINUTE, *[0] * 4, 9, 9, 1),  # before the session: nothing that sets a price
            (OPEN, 2_000_000, 4_000_000, 1_000_000, 3_000_000, 50, 1, 1),
            (OPEN + NS_PER_MINUTE, *[0] * 4, 7, 7, 1),
            (OPEN + 2 * NS_PER_MINUTE, *[5_000_000] * 4, 3, 15, 1),
            (OPEN + 600 * NS_PER_MINUTE, *[0] * 4, 9, 9, 1),
        ]
    )
    price, volume, last = candles.figure(table, "1m", 3_500_000, key="k")["data"]
    drawn = [decoded(price[name]) for name in ("open", "high", "low", "close")]
    assert drawn == [[2.0, 5.0], [4.0, 5.0], [1.0, 5.0], [3.0, 5.0]]
    assert decoded(volume["y"]) == [50.0, 7.0, 3.0]  # odd lots alone: volume without a candle
    assert decoded(price["x"]) == decoded(volume["x"])[::2] == last["x"]
    assert last["y"] == [3.5, 3.5]
    assert candles.last_line(table, 1)["x"] == last["x"]
    assert candles.last_line(table, 9_000_000)["y"] == [9.0, 9.0]


def test_a_ticker_that_only_traded_before_the_session_has_its_volume() -> None:
    table = frame([(OPEN - 60 * NS_PER_MINUTE, *[0] * 4, 9, 9, 1)])
    price, volume, _ = candles.figure(table, "1m", 0, key="k")["data"]
    assert (decoded(price["open"]), decoded(volume["y"])) == ([], [9.0])


def test_nights_are_left_out_and_of_candles_of_a_day_weekends_alone() -> None:
    days = frame([row for day in (0, 1) for row in bars([5] * 390, OPEN + day * DAY)])
    hourly = candles.figure(candles.joined(days, 60), "1h", 1, key="k")["layout"]["xaxis"]["rangebreaks"]
    assert hourly == [{"bounds": ["sat", "mon"]}, {"bounds": [16 + 1 / 60, 9.0], "pattern": "hour"}]
    daily = candles.figure(candles.joined(days, 1_440), "1d", 1, key="k")["layout"]["xaxis"]["rangebreaks"]
    assert daily == [{"bounds": ["sat", "mon"]}]
    assert candles.figure(days[:390], "1m", 1, key="k")["layout"]["xaxis"]["rangebreaks"] == []

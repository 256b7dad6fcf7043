"""Files of bars as a tape: how long bars are, when they are, and what can't be made of them."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.backtest_bars import BarTape, is_bars, read_tape
from riskcontrol.errors import InputError
from riskcontrol.newyork import NEW_YORK, transitions
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.trades import NS_PER_SECOND


def definition(every: str = "1d", buy: str = "close > sma(2)"):  # noqa: ANN201
    return of_text(f'name = "x"\nticker = "IBM"\nevery = "{every}"\nbuy = "{buy}"', "toml")


def tape(
    tmp_path: Path, *lines: str, header: str = "date,open,high,low,close,volume", buy: str = "close > 1"
) -> BarTape:
    path = tmp_path / "bars.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return read_tape(path, "IBM", [definition(buy=buy)])


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * NS_PER_SECOND


def test_bars_of_a_day_are_the_session(tmp_path: Path) -> None:
    found = tape(tmp_path, "2013-10-07,1,3,1,2,9", "2013-10-08,2,3,1,1.5,9")
    assert (found.seconds, found.start[0], found.end[1]) == (86_400, at("2013-10-07T09:30"), at("2013-10-08T16:00"))
    assert found.values["close"].tolist() == [2_000_000, 1_500_000]
    assert "Bars of a day are from 09:30 to 16:00 New York." in found.notes


@pytest.mark.parametrize("dates", [("1381104000", "1381190400"), ("2013-10-07T00:00Z", "2013-10-08T00:00Z")])
def test_a_day_dated_midnight_utc_is_of_that_date(tmp_path: Path, dates: tuple[str, str]) -> None:
    found = tape(tmp_path, *(f"{date},1,3,1,2,9" for date in dates))
    assert found.start[0] == at("2013-10-07T09:30")


def test_dates_without_a_zone_are_new_yorks_and_that_is_said(tmp_path: Path) -> None:
    found = tape(tmp_path, "2013-10-07 09:30,1,3,1,2,9", "2013-10-07 09:35,2,3,1,1.5,9")
    assert (found.seconds, found.start[0], found.end[0]) == (300, at("2013-10-07T09:30"), at("2013-10-07T09:35"))
    assert "Dates without a zone are New York's." in found.notes
    aware = tape(tmp_path, "2013-10-07T13:30Z,1,3,1,2,9", "2013-10-07T13:35Z,2,3,1,1.5,9")
    assert aware.start.tolist() == found.start.tolist()
    assert "Dates without a zone are New York's." not in aware.notes


def test_longer_bars_are_made_of_shorter_ones(tmp_path: Path) -> None:
    rows = [f"2013-10-07 09:{30 + i},{10 + i},{20 + i},{5 - i / 10},{11 + i},{100 + i}" for i in range(7)]
    found = tape(tmp_path, *rows, buy="volume > vwap")
    five = found.columns(300)
    assert [five[name].tolist() for name in ("open", "close", "high", "low", "volume")] == [
        [10_000_000, 15_000_000], [15_000_000, 17_000_000], [24_000_000, 26_000_000], [4_600_000, 4_400_000],
        [510, 211],
    ]  # fmt: skip
    assert five["end"].tolist() == [at("2013-10-07T09:35"), at("2013-10-07T09:37")]
    day = found.columns(86_400)
    assert day["volume"].tolist() == [721]
    assert day["notional"][0] == pytest.approx(float(found.values["notional"].sum()))


def test_a_strategy_that_looks_at_no_bars_takes_those_of_the_file(tmp_path: Path) -> None:
    found = tape(tmp_path, "2013-10-07,1,3,1,2,9", "2013-10-08,2,3,1,1.5,9")
    assert found.every_of(strategy_of(definition("1m", "price <= reference - 0.1"))) == 86_400


def test_bars_that_cannot_be_made_are_refused(tmp_path: Path) -> None:
    found = tape(tmp_path, "2013-10-07,1,3,1,2,9", "2013-10-08,2,3,1,1.5,9")
    with pytest.raises(InputError, match="bars of 1d can't make the strategy's of 1m; write every = \"1d\""):
        found.every_of(strategy_of(definition("1m")))
    found = tape(tmp_path, "2013-10-07 09:30,1,3,1,2,9", "2013-10-07 10:30,1,3,1,2,9")
    with pytest.raises(InputError, match="don't begin on the 1h"):
        found.every_of(strategy_of(definition("2h")))
    assert found.every_of(strategy_of(definition("1d"))) == 86_400


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2013-10-07,1,3,1,2,9"], "one bar alone"),
        (["2013-10-07,1,3,1,2,9", "2013-10-14,1,3,1,2,9"], "longer than a day"),
        (["2013-10-07 09:30,1,3,1,2,9", "2013-10-07 09:37,1,3,1,2,9"], "shortest step between bars is 420 s"),
        (["2013-10-07,1,3,1,2,9", "2013-10-08,0,3,0,2,9"], "line 3: a price is not between"),
        (["2013-10-07,,3,1,2,9", "2013-10-08,,3,1,2,9"], "no bar has all of open"),
        (["1950-10-07,1,3,1,2,9", "1950-10-08,1,3,1,2,9"], "dates from 1970"),
        (["2024-03-10 01:30,1,3,1,2,9", "2024-03-10 02:00,1,3,1,2,9", "2024-03-10 03:00,1,3,1,2,9"], "clock skips"),
    ],
)
def test_what_is_no_tape_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tape(tmp_path, *lines)


def test_bars_without_a_price_are_left_out_and_counted(tmp_path: Path) -> None:
    found = tape(tmp_path, "2013-10-07,1,3,1,2,9", "2013-10-08,,,,,", "2013-10-09,2,3,1,1.5,9")
    assert len(found.start) == 2
    assert "1 bars without a price are left out." in found.notes


def test_volume_is_asked_for_only_where_a_rule_reads_it(tmp_path: Path) -> None:
    rows, header = ("2013-10-07,1,3,1,2", "2013-10-08,1,3,1,2"), "date,open,high,low,close"
    assert tape(tmp_path, *rows, header=header).values["volume"].tolist() == [0, 0]
    with pytest.raises(InputError, match="no column volume"):
        tape(tmp_path, *rows, header=header, buy="volume > 5")


def test_files_of_bars_are_known_from_files_of_trades(tmp_path: Path) -> None:
    files = {
        "bars.csv": b"Date,Open,High,Low,Close\n",
        "wrds.csv": b"DATE,TIME_M,SYM_ROOT,SIZE,PRICE\n",
        "taq.gz": gzip.compress(b"Time|Exchange|Symbol\n"),
        "bars.csv.gz": gzip.compress(b'"Date","Close"\n'),
        "broken.gz": b"\x1f\x8b\x00",
        "x.parquet": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert {name for name in files if is_bars(str(tmp_path / name))} == {"bars.csv", "bars.csv.gz", "x.parquet"}
    assert not is_bars("s3://bucket/day.gz")
    assert not is_bars(str(tmp_path))


@given(st.integers(0, 4_000_000_000))
def test_new_yorks_clock_is_turned_back_to_utc(second: int) -> None:
    from riskcontrol.backtest_bars import _utc

    moments, offsets = transitions()
    time = second * NS_PER_SECOND
    offset = int(offsets[np.searchsorted(moments, time, side="right") - 1])
    local = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=second + offset // NS_PER_SECOND)  # noqa: DTZ001  wall clock
    expected = int(local.replace(tzinfo=NEW_YORK).timestamp())
    assert _utc(np.array([time + offset])).tolist() == [expected * NS_PER_SECOND]

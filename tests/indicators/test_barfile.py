"""Files of bars: headers in any case and order, dates of all usual kinds, and errors that say where and what to do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskcontrol.errors import InputError
from riskcontrol.indicators.barfile import read_bars

PRICES = ("open", "high", "low", "close")


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "bars.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_are_found_in_any_case_and_order_and_others_are_not_looked_at(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "Volume, CLOSE ,note,Date", "100,1.5,what,2013-10-07", "200,,x,2013-10-08")
    bars = read_bars(path, ["close"])
    assert bars.date == "Date"
    assert bars.dates == ["2013-10-07", "2013-10-08"]
    np.testing.assert_array_equal(bars.columns["close"], [1.5, np.nan])
    assert set(bars.columns) == {"close", "day"}
    assert read_bars(path, ["volume"]).columns["volume"].tolist() == [100, 200]


@pytest.mark.parametrize(
    ("header", "name"),
    [("date", "date"), ("Time", "Time"), ("Timestamp", "Timestamp"), ("", "date"), ("Open time", "Open time")],
)
def test_the_date_column_keeps_its_name(tmp_path: Path, header: str, name: str) -> None:
    assert read_bars(csv_file(tmp_path, f"{header},close", "2013-10-07,1"), ["close"]).date == name


def test_a_date_and_a_time_of_day_in_two_columns_are_one(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "date,time,close", "2013-10-07,09:30:00,1", "2013-10-07,09:31:00,2")
    bars = read_bars(path, ["close"])
    assert bars.date == "date time"
    assert bars.dates == ["2013-10-07 09:30:00", "2013-10-07 09:31:00"]
    assert np.diff(bars.times.time).tolist() == [60 * 10**9]


@pytest.mark.parametrize(
    ("text", "utc", "day", "aware"),
    [
        ("2013-10-07", "2013-10-07T00:00:00", "2013-10-07", False),
        ("20131007", "2013-10-07T00:00:00", "2013-10-07", False),
        ("2013-10-07 23:30", "2013-10-07T23:30:00", "2013-10-07", False),
        ("2013-10-07T23:30:00-04:00", "2013-10-08T03:30:00", "2013-10-07", True),
        ("2013-10-08T03:30:00Z", "2013-10-08T03:30:00", "2013-10-07", True),
        ("1381203000", "2013-10-08T03:30:00", "2013-10-07", True),
        ("1381203000000", "2013-10-08T03:30:00", "2013-10-07", True),
        ("1381203000000000000", "2013-10-08T03:30:00", "2013-10-07", True),
    ],
)
def test_dates_of_all_usual_kinds(tmp_path: Path, text: str, utc: str, day: str, aware: bool) -> None:
    times = read_bars(csv_file(tmp_path, "date,close", f"{text},1"), ["close"]).times
    assert times.time[0] == np.datetime64(utc, "ns").astype(np.int64)
    assert times.day[0] == np.datetime64(day, "D").astype(np.int64)
    assert times.aware is aware


def test_dates_without_an_offset_ascend_by_their_own_clock_through_new_yorks_missing_hour(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "date,close", "2024-03-10 02:30,1", "2024-03-10 03:00,2")
    assert np.diff(read_bars(path, ["close"]).times.time).tolist() == [1800 * 10**9]


def test_what_was_traded_comes_from_the_surest_column_there_is(tmp_path: Path) -> None:
    wanted, row = ["volume", "notional", "day"], "2013-10-07,12,9,9,100"
    header = "date,high,low,close,volume"
    assert read_bars(csv_file(tmp_path, header, row), wanted).columns["notional"].tolist() == [1000]
    path = csv_file(tmp_path, f"{header},vwap", f"{row},11", "2013-10-08,12,9,9,0,")
    assert read_bars(path, wanted).columns["notional"].tolist() == [1100, 0]
    path = csv_file(tmp_path, f"{header},vwap,notional,day", f"{row},11,1234.5,Monday")
    assert read_bars(path, wanted).columns["notional"].tolist() == [1234.5]


def test_the_bars_of_one_ticker_are_taken_of_many(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "ticker,date,close", "A,2013-10-07,1", "B,2013-10-07,2", "A,2013-10-08,3")
    bars = read_bars(path, ["close"], "A")
    assert bars.columns["close"].tolist() == [1, 3]
    assert bars.lines == [2, 4]
    with pytest.raises(InputError, match=r"ticker: bars of 2 tickers \('A', 'B'\); choose one with --ticker"):
        read_bars(path, ["close"])
    with pytest.raises(InputError, match="no bars of 'C'; there are 'A', 'B'"):
        read_bars(path, ["close"], "C")
    with pytest.raises(InputError, match="no column ticker or symbol"):
        read_bars(csv_file(tmp_path, "date,close", "2013-10-07,1"), ["close"], "A")


@pytest.mark.parametrize("exact", [False, True])
def test_parquet_gives_the_same_as_csv_to_the_last_bit(tmp_path: Path, exact: bool) -> None:
    prices = ["181.751416", "49.1", "613149.000001"]
    days = [dt.datetime(2013, 10, day, 13, 30, tzinfo=dt.UTC) for day in (7, 8, 9)]
    column = pa.array([Decimal(p) for p in prices], pa.decimal128(20, 6)) if exact else pa.array(map(float, prices))
    table = pa.table({"Time": pa.array(days, pa.timestamp("ns", "UTC")), "close": column, "volume": [1, 2, None]})
    path = tmp_path / "bars.parquet"
    pq.write_table(table, path)
    stored = read_bars(path, ["close", "volume"])
    rows = [f"{day.isoformat()},{price},{volume}" for day, price, volume in zip(days, prices, "12 ", strict=True)]
    written = read_bars(csv_file(tmp_path, "Time,close,volume", *rows), ["close", "volume"])
    assert stored.dates == written.dates
    assert stored.times.time.tolist() == written.times.time.tolist()
    for name in ("close", "volume"):
        assert stored.columns[name].tobytes() == written.columns[name].tobytes()


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (["date,open", "2013-10-07,1"], 1, r"close: no column close; add it \(the header is 'date, open'\)"),
        (["close", "1"], 1, "date: no date column; name it date or time"),
        (["date;close", "2013-10-07;1"], 1, "columns separated by commas"),
        (["date,close,Close", "2013-10-07,1,2"], 1, "two columns 'close'; rename one"),
        (["date,close", "2013-10-07,1", "", "2013-10-08,x"], 4, "close: 'x' is no number of a bar"),
        (["date,close", "2013-10-07,inf"], 2, "'inf' is no number"),
        (["date,close", "2013-10-07,1e300"], 2, "'1e300' is no number"),
        (["date,close", "2013-10-07,1_0"], 2, "'1_0' is no number"),
        (["date,close", '2013-10-07,"1,234.5"'], 2, "'1,234.5' is no number"),
        (["date,close", "2013-10-07,1", "2013-10-08,2,3"], 3, "3 fields, the header has 2"),
        (["date,close", "2013-10-08,1", "2013-10-07,2"], 3, "is before '2013-10-08' above it; sort the bars"),
        (["date,close", "2013-10-08,1", "2013-10-08,2"], 3, "is the date of the bar above as well"),
        (["date,close", "10/07/2013,1"], 2, "'10/07/2013' is no date; write it like 2013-10-07"),
        (["date,close", ",1"], 2, "'' is no date"),
        (["date,close", "9999999999999999999,1"], 2, "is no date"),
        (["date,close", "2013-10-07,1", "2013-10-08T00:00Z,1"], 3, "has an offset from UTC, unlike the bar above"),
        (["date,close", '2013-10-07,"1'], 2, "is not CSV: unexpected end of data"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, lines: list[str], line: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_bars(csv_file(tmp_path, *lines), ["close"])
    assert raised.value.line == line
    assert str(raised.value).startswith(f"{tmp_path / 'bars.csv'}, line {line}")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2013-10-07,1,2,1,-1,0", "line 2, Volume: volume is below 0; mend or remove the bar"),
        ("2013-10-07,1,2,1,1,0", "line 2, high: high is below low"),
        ("2013-10-07,2,1,1,1,-1", "line 2, notional: notional is below 0"),
    ],
)
def test_what_no_bar_is_is_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_bars(csv_file(tmp_path, "date,high,low,close,Volume,notional", row), ["high", "low", "volume", "notional"])


def test_files_that_are_none_of_bars_are_refused(tmp_path: Path) -> None:
    empty, header, binary = tmp_path / "empty.csv", tmp_path / "header.csv", tmp_path / "binary.csv"
    empty.write_bytes(b"")
    header.write_text("date,close\n")
    binary.write_bytes(b"date,close\n\xff\xfe,1\n")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"nothing of the kind")
    for path, message in (
        (empty, "is empty"),
        (header, "has no bars below its header"),
        (binary, "not text in UTF-8"),
        (broken, "can't be read"),
        (tmp_path / "away.csv", "can't be read: No such file"),
        (tmp_path, "can't be read: Is a directory"),
    ):
        with pytest.raises(InputError, match=message):
            read_bars(path, ["close"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet=st.sampled_from('date,close\n2013-10-07",.:TZ+eE_nax \x00\x1bé'), max_size=60) | st.binary())
def test_any_bytes_are_bars_or_an_error_on_purpose(tmp_path: Path, below: str | bytes) -> None:
    path = tmp_path / "any.csv"
    path.write_bytes(b"date,close\n2013-10-01,1\n" + (below if isinstance(below, bytes) else below.encode()))
    try:
        bars = read_bars(path, ["close"])
    except InputError as error:
        said = str(error)
    else:
        said = f"{path}"
        assert len(bars.dates) == len(bars.columns["close"]) >= 1
        assert (np.diff(bars.times.time) > 0).all()
    assert str(path) in said
    assert "\x1b" not in said

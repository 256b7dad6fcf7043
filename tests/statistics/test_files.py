"""Reading equity files: what is understood, and errors that name file, line, field and remedy."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskcontrol.errors import InputError
from riskcontrol.statistics.files import EQUITY, read_record, read_series


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "equity.csv"


def ns(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 10**6) * 1_000


@pytest.mark.parametrize(
    ("header", "line", "time", "value"),
    [
        ("date,equity", "2013-10-07,1000.5", "2013-10-07T20:00Z", 1_000_500_000),
        ("DATE , Value", "2013-10-07 , 1000.5 ", "2013-10-07T20:00Z", 1_000_500_000),
        ("\ufeffTime,NAV", "2013-10-07T09:30,1e3", "2013-10-07T13:30Z", 1_000_000_000),
        ("timestamp,x,balance", "2013-10-07 09:30:00.25-04:00,?,7", "2013-10-07T13:30:00.25Z", 7_000_000),
        ("datetime,equity", "2013-10-07T13:30Z,0.1234567", "2013-10-07T13:30Z", 123_457),
        ("date,time,equity", "2013-10-07,09:30,-1", "2013-10-07T13:30Z", -1_000_000),
        ("date,equity", "20131207,1", "2013-12-07T21:00Z", 1_000_000),
    ],
)
def test_a_line_is_understood(path: Path, header: str, line: str, time: str, value: int) -> None:
    path.write_text(f"{header}\n\n{line}\n", encoding="utf-8")
    series = read_series(path, EQUITY)
    assert (series.time.tolist(), series.value.tolist()) == ([ns(time)], [value])
    assert series.without_zone == ("Z" not in line and "-04:00" not in line)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "",
            "line 1: has no column of times; name one datetime or timestamp or date or time (the first line is empty)",
        ),
        ("day,equity\n1,2\n", "line 1: has no column of times"),
        ("date,worth\n2013-10-07,2\n", "line 1: has no column of values; name one equity or value or balance or nav"),
        ("date,equity\n", "has no value below its header; give at least one"),
        ("date,equity\n2013-10-07\n", "line 2: has 1 fields instead of 2; mend or remove the line"),
        ("date,equity\n2013-10-07,1\n07/10/2013,1\n", "line 3, date: '07/10/2013' is no time; write 2013-10-07"),
        ("date,equity\n2013-10-32,1\n", "line 2, date: '2013-10-32' is no time"),
        ("date,time,equity\n2013-10-07,noon,1\n", "line 2, date: '2013-10-07Tnoon' is no time"),
        ("date,Equity\n2013-10-07,\n", "line 2, Equity: '' is no amount in dollars; write it like 10250.75"),
        ("date,equity\n2013-10-07,nan\n", "line 2, equity: 'nan' is no amount"),
        ("date,equity\n2013-10-07,-inf\n", "line 2, equity: '-inf' is no amount"),
        ("date,equity\n2013-10-07,1e999999999999\n", "line 2, equity: is over a million million dollars"),
        ("date,equity\n2013-10-07,-1000000000001\n", "line 2, equity: is over a million million dollars"),
        ("date,equity\n1969-12-30,1\n", "line 2, date: is before 1970 or after 2099"),
        ("date,equity\n2100-01-01,1\n", "line 2, date: is before 1970 or after 2099"),
        (
            "date,equity\n2013-10-08,1\n2013-10-07,1\n",
            "line 3, date: is before the line above it; sort the file by time",
        ),
        ('date,equity\n2013-10-07,"1\n', "line 2: is not CSV"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_field_and_remedy(path: Path, text: str, said: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_series(path, EQUITY)
    assert str(caught.value).startswith(f"{path}, {said}" if said.startswith("line") else f"{path}: {said}")


def test_a_file_that_is_missing_or_no_text_is_named(path: Path) -> None:
    with pytest.raises(InputError, match="can't be read: No such file"):
        read_series(path, EQUITY)
    path.write_bytes(b"date,equity\n\xff\xfe\n")
    with pytest.raises(InputError, match="is not UTF-8 text; give a CSV file"):
        read_series(path, EQUITY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(alphabet='0123456789-:T,.eE+"\n ', max_size=60).map(str.encode))
def test_any_bytes_give_a_series_or_an_input_error(path: Path, body: bytes) -> None:
    path.write_bytes(b"date,equity\n2013-10-07,1\n" + body)
    try:
        series = read_series(path, EQUITY)
    except InputError as error:
        said = error
    else:
        said = None
        assert len(series.time) == len(series.value) >= 1
    assert said is None or said.source == str(path)


def test_the_benchmarks_last_close_at_or_before_each_point_counts(path: Path) -> None:
    path.write_text("date,equity\n2013-10-07,10\n2013-10-08,11\n2013-10-09,12\n")
    other = path.with_name("close.csv")
    other.write_text("time,close\n2013-10-04T16:00,5\n2013-10-08T16:00,6\n2013-10-09T16:01,7\n")
    record = read_record(path, other)
    assert record.closes is not None
    assert record.closes.tolist() == [5_000_000, 6_000_000, 6_000_000]
    assert record.cash == 10_000_000


@pytest.mark.parametrize(
    ("lines", "said"),
    [("2013-10-08,5", "begins after the equity"), ("2013-10-04,0", "has a close at or under zero")],
)
def test_a_benchmark_that_can_not_be_compared_is_refused(path: Path, lines: str, said: str) -> None:
    path.write_text("date,equity\n2013-10-07,10\n")
    other = path.with_name("close.csv")
    other.write_text(f"date,close\n{lines}\n")
    with pytest.raises(InputError, match=said) as caught:
        read_record(path, other)
    assert caught.value.source == str(other)

"""A CSV of splits: every way of writing a ratio, and every mistake named with its place."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskcontrol.errors import InputError
from riskcontrol.newyork import NEW_YORK
from riskcontrol.rows import Splits
from riskcontrol.splits import MAX_PART, comparable, parse_ratio, read_splits

HEADER = "ticker,ex_date,ratio"


def read(tmp_path: Path, *lines: str) -> list[tuple[str, str, int, int]]:
    """Return the splits of a file, their times by New York's clock."""
    path = tmp_path / "splits.csv"
    path.write_text("\n".join(lines) + "\n")
    found = read_splits(path)
    clock = [str(dt.datetime.fromtimestamp(time // 10**9, NEW_YORK)) for time in found.time.tolist()]
    names = [ticker.decode() for ticker in found.ticker.tolist()]
    return list(zip(names, clock, found.numerator.tolist(), found.denominator.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4:1", (4, 1)), ("4/1", (4, 1)), ("4", (4, 1)), ("1:10", (1, 10)), ("0.1", (1, 10)), ("3:2", (3, 2)),
     ("1.5", (3, 2)), ("6 : 4", (3, 2)), ("1.5:1", (3, 2)), ("100000:99999", (100_000, 99_999))],
)  # fmt: skip
def test_a_ratio_is_read_exactly(text: str, expected: tuple[int, int]) -> None:
    assert parse_ratio(text) == Fraction(*expected)


@given(st.integers(1, MAX_PART), st.integers(1, MAX_PART), st.integers(1, 9))
def test_any_fraction_comes_back_in_lowest_terms(new: int, old: int, times: int) -> None:
    if new != old:
        assert parse_ratio(f"{new * times}:{old * times}") == Fraction(new, old)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30))
def test_any_text_is_a_ratio_or_an_error(text: str) -> None:
    try:
        ratio = parse_ratio(text)
    except ValueError:
        return
    assert ratio > 0
    assert ratio != 1


def test_splits_come_by_time_from_new_yorks_midnight(tmp_path: Path) -> None:
    lines = ("ratio,ticker,note,ex_date", '4:1,AAPL,"in August, 2020",2020-08-31', "", "1:8,GE,,2021-01-04")
    assert read(tmp_path, "\ufeff" + lines[0], *reversed(lines[1:])) == [
        ("AAPL", "2020-08-31 00:00:00-04:00", 4, 1),
        ("GE", "2021-01-04 00:00:00-05:00", 1, 8),
    ]


def test_the_same_line_twice_counts_once_and_another_ratio_is_an_error(tmp_path: Path) -> None:
    assert len(read(tmp_path, HEADER, "AAPL,2020-08-31,4:1", "AAPL,2020-08-31,8/2")) == 1
    with pytest.raises(InputError, match=r"line 3, ratio: AAPL splits 5:1 on 2020-08-31 here and 4:1 on line 2"):
        read(tmp_path, HEADER, "AAPL,2020-08-31,4:1", "AAPL,2020-08-31,5")


def test_tickers_in_lower_case_are_those_in_upper_case(tmp_path: Path) -> None:
    splits = read(tmp_path, HEADER, "aapl,2020-08-31,4:1", "AAPL,2020-08-31,4:1", "brk.b,2010-01-21,50:1")
    assert [ticker for ticker, *_ in splits] == ["BRK.B", "AAPL"]


def test_a_file_without_lines_has_no_splits(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["ticker,date,ratio"],
            "line 1: is 'ticker,date,ratio', with no column ex_date; it must be ticker,ex_date,ratio",
        ),
        (["AAPL,2020-08-31,4:1"], "line 1: is 'AAPL,2020-08-31,4:1', with no column ticker; it must be ticker,"),
        (["ticker,ratio,ex_date,ratio"], "line 1: is 'ticker,ratio,ex_date,ratio', with 2 columns ratio; it must be"),
        ([""], "line 1: is empty, with no column ticker; it must be ticker,ex_date,ratio"),
        ([HEADER, "AAPL,2020-08-31"], "line 2: 2 fields; 3 are expected"),
        ([HEADER, "<b>,2020-08-31,4:1"], "line 2, ticker: '<b>' is no ticker"),
        ([HEADER, "AAPL,20200831,4:1"], "line 2, ex_date: '20200831' is no date; write YYYY-MM-DD"),
        ([HEADER, "AAPL,2020-02-30,4:1"], "line 2, ex_date: '2020-02-30' is no date"),
        ([HEADER, "AAPL,1950-01-03,4:1"], "line 2, ex_date: dates from 1970 to 2099"),
        ([HEADER, "AAPL,2100-01-04,4:1"], "line 2, ex_date: dates from 1970 to 2099"),
        ([HEADER, "AAPL,2020-08-31,four"], "line 2, ratio: 'four' is no ratio; write new shares to old ones: 4:1"),
        ([HEADER, "AAPL,2020-08-31,0:1"], "line 2, ratio: '0:1' is no ratio"),
        ([HEADER, "AAPL,2020-08-31,1:0"], "line 2, ratio: '1:0' is no ratio"),
        ([HEADER, "AAPL,2020-08-31,-2"], "line 2, ratio: '-2' is no ratio"),
        ([HEADER, "AAPL,2020-08-31,1e9"], "line 2, ratio: '1e9' is no ratio"),
        ([HEADER, "AAPL,2020-08-31,2:2"], "line 2, ratio: '2:2' changes nothing"),
        ([HEADER, "AAPL,2020-08-31,0.333333"], "line 2, ratio: .* neither part may be over 100,000"),
        ([HEADER, "AAPL,2020-08-31,100001"], "line 2, ratio: .* neither part may be over 100,000"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(lines: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, *lines)


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read: No such file"):
        read_splits(tmp_path / "none.csv")
    (tmp_path / "x.csv").write_bytes(b"\x80\x81")
    with pytest.raises(InputError, match="is no CSV in UTF-8"):
        read_splits(tmp_path / "x.csv")


def test_comparable_prices_have_the_ratios_of_what_a_holder_had() -> None:
    splits = Splits(np.array([b"X"] * 3), np.array([1, 2, 9]), np.array([2, 1, 5]), np.array([1, 10, 1]))
    found = comparable(np.array([100, 50, 55, 550, 500]), np.array([1, 3, 5]), splits)
    assert (found / found[0]).tolist() == pytest.approx([1, 1, 1.1, 1.1, 1])

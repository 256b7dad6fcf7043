"""WRDS files give the same trades through the same rules."""

import datetime as dt
import gzip

import pytest

from ingestion.calendar import day
from riskcontrol.trades import HIGH_LOW, LAST, REGULAR, VOLUME
from tests.ingestion.trade_files import MIDNIGHT, WRDS_HEADER, Read, row, taq

HOUR = 3600 * 10**9


def line(
    date: str = "20131007",
    time: str = "9:30:00.000000001",
    ex: str = "N",
    root: str = "IBM",
    suffix: str = "",
    condition: str = "",
    size: str = "100",
    price: str = "181.85",
    correction: str = "00",
    sequence: str = "1",
    source: str = "C",
) -> str:
    return f"{date},{time},{ex},{root},{suffix},{condition},{size},{price},N,{correction},{sequence},{source}"


def wrds(*lines: str, header: str = WRDS_HEADER) -> bytes:
    return "\n".join([header, *lines]).encode()


def test_a_line_becomes_a_trade() -> None:
    read = Read(wrds(line(root="BRK", suffix="B", condition="O")), today=None)
    assert read.error is None
    assert read.report.complete
    assert read.trades == [
        {
            "ticker": "BRK.B",
            "time": MIDNIGHT + 9 * HOUR + HOUR // 2 + 1,
            "price": 181_850_000,
            "size": 100,
            "flags": LAST | HIGH_LOW | VOLUME | REGULAR,
            "sequence": 1,
        }
    ]


def test_the_same_trades_as_daily_taq() -> None:
    ours = [("100000000000000", "10:00:00", "@FT ", "FT"), ("153000123456789", "15:30:00.123456789", "@  I", "I")]
    ours += [("093000100000000", "9:30:00.1", " O X", "OX"), ("170000000000000", "17:00:00", "@ Z ", "Z")]
    padded = Read(taq([row(time=clock, condition=long) for clock, _, long, _ in ours]))
    stripped = Read(wrds(*(line(time=clock, condition=short) for _, clock, _, short in ours)), today=None)
    assert stripped.trades == padded.trades
    assert len(stripped.trades) == len(ours)


@pytest.mark.parametrize("header", [WRDS_HEADER.lower(), f'"{WRDS_HEADER.replace(",", chr(34) + "," + chr(34))}"'])
def test_headers_in_lower_case_or_quotes_are_known(header: str) -> None:
    assert len(Read(gzip.compress(wrds(line(), header=header)), today=None).trades) == 1


def test_quoted_fields_are_read() -> None:
    quoted = ",".join(f'"{field}"' for field in line(condition="B", source="N").split(","))
    assert [trade["flags"] for trade in Read(wrds(quoted), today=None).trades] == [LAST | HIGH_LOW | VOLUME | REGULAR]


def test_nanoseconds_in_a_column_of_their_own_are_added() -> None:
    read = Read(
        wrds(line(time="9:30:00.000001") + ",234", line() + ",234", header=WRDS_HEADER + ",TIME_M_NANO"), today=None
    )
    assert [trade["time"] - MIDNIGHT - 9 * HOUR - HOUR // 2 for trade in read.trades] == [1_234]
    assert read.report.rejected == {"unreadable time": 1}


def test_each_line_has_its_own_day() -> None:
    days = ["20131007", "2013-11-29", "20131007", "20131006"]
    read = Read(wrds(*(line(date=date, time="14:00:00", condition="Z") for date in days)), today=dt.date(2000, 1, 1))
    assert read.error is None
    assert [
        trade["time"] - int(day(dt.date.fromisoformat(date)).midnights[14])
        for date, trade in zip(days, read.trades, strict=True)
    ] == [14 * HOUR] * 4
    assert [bool(trade["flags"] & REGULAR) for trade in read.trades] == [True, False, True, False]
    # Who may set the last price is a question of the ticker and the day.
    assert [bool(trade["flags"] & LAST) for trade in read.trades] == [True, True, False, True]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"date": "20130229"}, "unreadable date"),
        ({"date": "2013/10/07"}, "unreadable date"),
        ({"date": "19000101"}, "unreadable date"),
        ({"date": ""}, "unreadable date"),
        ({"time": "9:30"}, "unreadable time"),
        ({"time": "9:30:61"}, "unreadable time"),
        ({"time": "24:00:00"}, "unreadable time"),
        ({"time": "9:30:00,5"}, "wrong number of fields"),
        ({"time": "9:30:00.1234567890"}, "unreadable time"),
        ({"time": ":30:00"}, "unreadable time"),
        ({"root": ""}, "not a symbol"),
        ({"suffix": "PRABCDEFGHIJKLM"}, "not a symbol"),
    ],
)
def test_what_cannot_be_read_is_counted_by_reason(changed: dict[str, str], reason: str) -> None:
    read = Read(wrds(line(**changed), line(date="20120229")), today=None)
    assert read.report.rejected == {reason: 1}
    assert len(read.trades) == 1


def test_more_days_than_a_file_may_have_are_refused() -> None:
    first = dt.date(2000, 1, 1)
    lines = [line(date=f"{first + dt.timedelta(days=number):%Y%m%d}") for number in range(1_100)]
    assert "different days" in str(Read(wrds(*lines), today=None).error)

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from database.frequencies import from_list, from_location, from_stream, simulated
from ingestion.simulate import simulate_day
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings

SETTINGS = Settings()


def test_a_list_is_read_whatever_its_line_ends_blanks_and_mark(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes("\ufeffTicker, Frequency\r\nIBM,10\r\n\r\n BRK.B ,0.5\r\n".encode())
    assert from_location(str(file), SETTINGS) == {"IBM": 10.0, "BRK.B": 0.5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ticker,frequency\nIBM\n", r"line 2: 1 fields; 2 are expected"),
        ("ticker,frequency\nIBM,1,2\n", r"line 2: 3 fields"),
        ("ticker,frequency\nIBM,1\n$$,2\n", r"line 3, ticker: '\$\$' is not a ticker"),
        ("ticker,frequency\nIBM,ten\n", r"line 2, frequency: 'ten' is not a number above 0"),
        ("ticker,frequency\nIBM,0\n", r"line 2, frequency"),
        ("ticker,frequency\nIBM,-1\n", r"line 2, frequency"),
        ("ticker,frequency\nIBM,nan\n", r"line 2, frequency"),
        ("ticker,frequency\nIBM,inf\n", r"line 2, frequency"),
        ("ticker,frequency\nIBM,1\nGE,1\nIBM,2\n", r"line 4, ticker: IBM is listed twice"),
        ("ticker,frequency\n", "lists no tickers"),
        ("ticker,share\nIBM,1\n", r"line 1: the header must be ticker,frequency"),
        ("ticker,frequency\nIBM,\udcff\n", "can't be read as CSV"),
        ('ticker,frequency\n"IBM' + "x" * 200_000, "can't be read as CSV"),
    ],
)
def test_a_wrong_list_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=said) as caught:
        from_list(file)
    assert caught.value.source == str(file)


def test_the_trades_of_a_file_are_counted(tmp_path: Path) -> None:
    simulate_day(tmp_path / "EQY_US_ALL_TRADE_20240305.gz", day=dt.date(2024, 3, 5), tickers=5, trades=20_000, seed=1)
    told: list[tuple[str, int, int]] = []
    counted = from_location(str(tmp_path), SETTINGS, on_read=lambda *reading: told.append(reading))
    shares = simulated(5, seed=1)
    assert counted.keys() == shares.keys()
    total = sum(counted.values())
    assert {t: n / total for t, n in counted.items()} == pytest.approx(shares, abs=0.05)
    assert told[-1][1] == told[-1][2] == sum(file.stat().st_size for file in tmp_path.glob("*.gz"))


def test_a_place_without_trade_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        from_location(str(tmp_path / "nothing"), SETTINGS)


class _Reader:
    def __init__(self, marks: dict[str, tuple[int, int]]) -> None:
        self._marks = marks

    def marks(self) -> dict[str, tuple[int, int]]:
        return self._marks

    def trade_counts(self, tickers: list[str], day: dt.date) -> dict[str, int]:
        assert day == dt.date(2024, 3, 4)
        return {"GE": 0, "IBM": 41}


def test_the_stream_s_tickers_go_by_the_trades_of_its_last_new_york_day() -> None:
    evening = int(dt.datetime(2024, 3, 5, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000_000
    reader: Any = _Reader({"IBM": (evening, 1), "GE": (evening - 1, 1)})
    assert from_stream(reader) == {"GE": 1.0, "IBM": 42.0}


def test_a_stream_that_has_seen_nothing_is_told_with_the_remedy() -> None:
    reader: Any = _Reader({})
    with pytest.raises(InputError, match="riskcontrol ingest"):
        from_stream(reader)

"""`riskcontrol tickers`, as a user runs it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli
from riskcontrol.errors import InputError
from tests.ingestion.trade_files import row, taq, write


@pytest.fixture
def days(tmp_path: Path) -> list[Path]:
    first = [
        row("093000000000000", price="10.5", size="100"),
        row("093010000000000", price="11", size="200", condition="@  I"),
        row("093130000000000", price="10.25", size="300"),
        row("094000000000000", price="7.25", size="1", symbol="BRK B", condition="@  I"),
    ]
    second = [row("093000000000000", price="12", size="50"), row("093000000000001", price="20", symbol="AIG")]
    return [
        write(tmp_path / "x_20131008.gz", taq(second, dt.date(2013, 10, 8))),
        write(tmp_path / "x_20131007.gz", taq(first)),
    ]


def run(tmp_path: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["tickers", *map(str, arguments), "--home", str(tmp_path / "home")])


def test_the_most_traded_come_first_with_their_first_and_last_prices(tmp_path: Path, days: list[Path]) -> None:
    result = run(tmp_path, *days, "--limit", "2")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["ticker", "trades", "share", "volume", "first", "last"],
        ["IBM", "4", "66.67%", "650", "10.50", "12.00"],
        ["AIG", "1", "16.67%", "100", "20.00", "20.00"],
    ]
    assert result.stderr == "... and 1 more; --limit shows them.\n"


def test_csv_and_json_list_all_of_them_and_leave_unknown_prices_empty(tmp_path: Path, days: list[Path]) -> None:
    listed = run(tmp_path, *days, "--format", "csv")
    lines = listed.stdout.splitlines()
    assert listed.exit_code == 0
    assert lines[3] == "BRK.B,1,0.166666667,1,,"
    found = json.loads(run(tmp_path, *days, "--format", "json").stdout)
    assert [one["ticker"] for one in found] == [line.split(",")[0] for line in lines[1:]]
    assert (found[0]["last"], found[2]["first"]) == (12.0, None)


def test_a_file_that_is_cut_short_lists_what_came_before_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "x_20131007.gz"
    rows = [row(price=f"{i}.{i * 7919 % 1000:03}") for i in range(1, 3_000)]
    path.write_bytes(gzip.compress(taq(rows))[:9_000])
    result = run(tmp_path, path)
    assert isinstance(result.exception, InputError)
    assert "cut short" in str(result.exception)
    assert result.stdout.splitlines()[1].startswith("IBM")


def test_a_file_without_trades_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, write(tmp_path / "x_20131007.gz", taq([])))
    assert isinstance(result.exception, InputError)
    assert "no trades are there" in str(result.exception)

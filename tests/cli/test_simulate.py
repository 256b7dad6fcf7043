"""`riskcontrol simulate`, as a user runs it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

from riskcontrol.cli import cli
from riskcontrol.errors import InputError


def test_a_day_is_written_where_it_is_asked_for_and_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["simulate", "--trades", "500", "--tickers", "7", "--output", str(tmp_path)])
    path = tmp_path / "EQY_US_ALL_TRADE_20240305.gz"
    assert result.exit_code == 0
    assert f"{path}: 500 trades of 7 tickers" in result.stdout
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 502
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_overwritten_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "mine.gz"
    path.write_bytes(b"real trades")
    arguments = ["simulate", "--trades", "50", "--tickers", "2", "--output", str(path)]
    refused = CliRunner().invoke(cli, arguments)
    assert isinstance(refused.exception, InputError)
    assert "--force" in str(refused.exception)
    assert path.read_bytes() == b"real trades"
    assert CliRunner().invoke(cli, [*arguments, "--force"]).exit_code == 0
    assert path.read_bytes() != b"real trades"


@pytest.mark.parametrize("day", ["5.3.2024", "2024-02-30", "20240305", "2024-W10-2"])
def test_a_day_that_is_none_is_told_how_days_are_written(day: str) -> None:
    result = CliRunner().invoke(cli, ["simulate", "--day", day])
    assert result.exit_code == 2
    assert f"'{day}' is no day; write it as 2024-03-05 (year, month, day)" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--day", "2024-03-10"], "Sunday"), (["--trades", "0"], "trades"), (["--tickers", "0"], "tickers")],
)
def test_a_wrong_argument_is_named(tmp_path: Path, arguments: list[str], named: str) -> None:
    result = CliRunner().invoke(cli, ["simulate", "--output", str(tmp_path / "x.gz"), *arguments])
    assert isinstance(result.exception, InputError)
    assert named in str(result.exception)


def test_a_day_that_is_no_date_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["simulate", "--day", "yesterday"]).exit_code == 2


def test_help_has_an_example() -> None:
    assert "Example: riskcontrol simulate --day" in CliRunner().invoke(cli, ["simulate", "--help"]).stdout

"""`riskcontrol stats`: numbers of a small file, what is left out, and errors that fail the command."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli
from riskcontrol.errors import InputError
from riskcontrol.statistics import STATISTICS

EQUITY = "Date,Equity\n2013-10-07,100000\n2013-10-08,101000\n2013-10-09,100495\n2013-10-10,102504.90\n"
CLOSES = "date,close\n2013-10-07,50\n2013-10-08,50.5\n2013-10-09,50.25\n2013-10-10,51\n"


@pytest.fixture
def equity(tmp_path: Path) -> Path:
    path = tmp_path / "equity.csv"
    path.write_text(EQUITY)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["stats", *map(str, arguments)])


def test_a_table_of_what_needs_equity_alone(equity: Path) -> None:
    result = run(equity)
    lines = [line.rsplit(maxsplit=1) for line in result.stdout.splitlines()]
    assert {title.strip(): value for title, value in lines} | {"Return": "2.50%", "Max drawdown": "−0.50%"} == {
        title.strip(): value for title, value in lines
    }
    assert len(lines) == sum(one.needs == "equity" for one in STATISTICS.values())


def test_json_has_dollars_fractions_and_seconds_and_null_without_a_number(equity: Path) -> None:
    values = json.loads(run(equity, "--json").stdout)
    assert list(values) == [one.name for one in STATISTICS.values() if one.needs == "equity"]
    assert values["end_equity"] == 102_504.9
    assert values["total_return"] == pytest.approx(0.025049)
    assert values["max_drawdown_duration"] == 2 * 86_400
    assert values["days"] == 3
    assert values["value_at_risk"] is None


def test_a_benchmark_adds_what_is_compared_with_it(equity: Path, tmp_path: Path) -> None:
    closes = tmp_path / "close.csv"
    closes.write_text(CLOSES)
    values = json.loads(run(equity, "--benchmark", closes, "--json").stdout)
    assert values["buy_and_hold_return"] == pytest.approx(0.02)
    assert values["beta"] is not None
    assert values["alpha"] is None  # three days


def test_a_benchmark_may_have_bars_without_a_close_and_equity_none_without_a_value(
    equity: Path, tmp_path: Path
) -> None:
    closes = tmp_path / "close.csv"
    closes.write_text(CLOSES)
    whole = run(equity, "--benchmark", closes, "--json").stdout
    closes.write_text(CLOSES.replace("2013-10-08,50.5\n", "2013-10-08,50.5\n2013-10-08,\n2013-10-08, \n"))
    assert run(equity, "--benchmark", closes, "--json").stdout == whole
    closes.write_text("date,close\n2013-10-07,\n")
    assert "has no value below its header" in str(run(equity, "--benchmark", closes).exception)
    equity.write_text(EQUITY + "2013-10-11,\n")
    assert "line 6, Equity: '' is no amount in dollars" in str(run(equity).exception)


def test_what_compounds_to_a_year_takes_thirty_days(tmp_path: Path) -> None:
    def values(days: int) -> dict[str, float | None]:
        path = tmp_path / f"{days}.csv"
        points = [f"{dt.date(2013, 1, 1) + dt.timedelta(days=7 * i)},{1_000 + i % 3 * 5 + i}" for i in range(days + 1)]
        path.write_text("\n".join(["date,equity", *points]))
        found = json.loads(run(path, "--json", "--benchmark", path).stdout)
        return {name: found[name] for name in ("annualised_return", "calmar", "alpha")}

    assert set(values(29).values()) == {None}
    assert None not in values(30).values()


def test_a_run_under_two_days_says_a_dash_where_days_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("time,equity\n2013-10-07T09:30-04:00,1000\n2013-10-07T16:00-04:00,1010\n")
    result = run(path)
    dashes = [line.rsplit(maxsplit=1)[0].strip() for line in result.stdout.splitlines() if line.endswith("—")]
    assert dashes == [one.title for one in STATISTICS.values() if one.needs == "equity" and one.needs_days]
    assert result.stderr.startswith(
        "—: no honest number. Those of daily returns need 2 trading days (value at risk: 20"
    )


def test_times_without_a_zone_are_said_to_be_new_yorks(equity: Path) -> None:
    result = run(equity, "--json")
    assert result.stderr == f"{equity}: times without a zone are New York's, a date alone is its close, 16:00.\n"


def test_a_bad_line_fails_the_command(equity: Path) -> None:
    equity.write_text(EQUITY + "2013-10-11,lots\n")
    result = run(equity)
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith(f"{equity}, line 6, Equity: 'lots' is no amount in dollars")
    assert result.stdout == ""

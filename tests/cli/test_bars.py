"""`riskcontrol bars`: the bars of the real days to the cent, in every form, and errors that fail the command."""

from __future__ import annotations

import csv
import gzip
import io
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli
from riskcontrol.errors import InputError
from tests.cli.full import Full
from tests.ingestion.trade_files import REAL_DAYS, row, taq, write

TABLE = """\
IBM 2013-10-07 181.85 183.31 181.85 182.01 3960266
IBM 2013-10-08 181.89 181.99 178.71 178.72 5562416
AIG 2013-10-07 49.04 49.12 48.72 48.73 5299107
AIG 2013-10-08 48.80 49.06 47.67 47.70 8772823
BAC 2013-10-07 13.91 13.95 13.80 13.81 64410682
BAC 2013-10-08 13.83 13.90 13.68 13.69 92431607
"""
"""Agrees with independent daily files in open, high, low and close."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [
        row("093000000000000", price="10.5", size="100"),
        row("093010000000000", price="11", size="200", condition="@  I"),
        row("093130000000000", price="10.123456", size="300"),
        row("094000000000000", price="7.25", size="1", symbol="BRK B"),
    ]
    return write(tmp_path / "x_20131007.gz", taq(rows))


def run(tmp_path: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["bars", *map(str, arguments), "--home", str(tmp_path / "home")])


def test_the_real_days_give_the_table_that_independent_files_have(tmp_path: Path) -> None:
    if not REAL_DAYS.is_dir():
        pytest.skip("the real days (../shared/data/taq) are not beside the project")
    result = run(tmp_path, REAL_DAYS, "--interval", "1d")
    assert result.exit_code == 0
    bars = csv.DictReader(io.StringIO(result.output))
    lines = {
        " ".join((bar["ticker"], bar["time"][:10], *(bar[name] for name in ("open", "high", "low", "close", "volume"))))
        for bar in bars
    }
    assert lines == set(TABLE.splitlines())


def test_minutes_of_real_days_add_up_to_the_days(tmp_path: Path) -> None:
    if not REAL_DAYS.is_dir():
        pytest.skip("the real days (../shared/data/taq) are not beside the project")
    bars = list(csv.DictReader(io.StringIO(run(tmp_path, REAL_DAYS, "--ticker", "IBM", "--interval", "1m").output)))
    monday = [bar for bar in bars if bar["time"].startswith("2013-10-07")]
    assert sum(int(bar["volume"]) for bar in monday) == 3_960_266
    assert max(Decimal(bar["high"]) for bar in monday if bar["high"]) == Decimal("183.31")
    assert next(bar["open"] for bar in monday if bar["open"]) == "181.85"


def test_csv_is_exact(tmp_path: Path, file: Path) -> None:
    assert run(tmp_path, file, "--interval", "1m").output.splitlines() == [
        "ticker,time,open,high,low,close,volume,vwap",
        "BRK.B,2013-10-07T09:40:00-04:00,7.25,7.25,7.25,7.25,1,7.25",
        "IBM,2013-10-07T09:30:00-04:00,10.50,10.50,10.50,10.50,300,10.833333",
        "IBM,2013-10-07T09:31:00-04:00,10.123456,10.123456,10.123456,10.123456,300,10.123456",
    ]


@pytest.mark.parametrize(("interval", "start"), [("7m", "09:27:00"), ("1h", "09:00:00")])
def test_where_the_session_s_first_bar_begins_is_told(tmp_path: Path, file: Path, interval: str, start: str) -> None:
    result = run(tmp_path, file, "--ticker", "IBM", "--interval", interval)
    assert f"the session's first begins at {start.removesuffix(':00')}" in result.stderr
    assert ("cut off at midnight" in result.stderr) == (interval != "1h")
    assert result.stdout.splitlines()[1].startswith(f"IBM,2013-10-07T{start}-04:00")
    assert run(tmp_path, file, "--interval", "30m").stderr == ""


def test_json_and_parquet_hold_the_same(tmp_path: Path, file: Path) -> None:
    text = run(tmp_path, file, "--ticker", "IBM", "--format", "json").output
    (bar,) = json.loads(text, parse_float=Decimal)
    output = tmp_path / "bars.parquet"
    assert run(tmp_path, file, "--ticker", "IBM", "--output", output).output == ""
    (stored,) = pq.read_table(output).to_pylist()
    assert bar.pop("time") == stored.pop("time").isoformat() == "2013-10-07T00:00:00-04:00"
    assert bar == stored
    assert stored["low"] == Decimal("10.123456")


def test_prices_that_no_trade_sets_stay_empty(tmp_path: Path) -> None:
    odd = write(tmp_path / "x_20131007.gz", taq([row(condition="@  I", size="5")]))
    assert run(tmp_path, odd).output.splitlines()[1] == "IBM,2013-10-07T00:00:00-04:00,,,,,5,181.85"
    assert json.loads(run(tmp_path, odd, "--format", "json").output)[0]["open"] is None


def test_a_truncated_file_prints_what_came_before_and_fails(tmp_path: Path) -> None:
    rows = [row(price=f"{i}.{i * 7919 % 1000:03}") for i in range(1, 3_000)]
    path = tmp_path / "x_20131007.gz"
    path.write_bytes(gzip.compress(taq(rows))[:9_000])
    result = run(tmp_path, path)
    assert isinstance(result.exception, InputError)
    assert "cut short" in str(result.exception)
    assert result.output.splitlines()[1].startswith("IBM,2013-10-07T00:00:00-04:00,1.919,")


def test_rejects_are_counted_on_standard_error_and_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row(), row(price="0"), row(correction="08")]))
    refused = run(tmp_path, path)
    assert isinstance(refused.exception, InputError)
    result = run(tmp_path, path, "--max-reject-share", "0.5", "--rejects", tmp_path / "mine.tsv")
    assert result.exit_code == 0
    assert (
        "x_20131007: 3 lines: 1 trades kept, 1 dropped by their correction, 1 rejected (1 × price not above 0)\n"
        in result.stderr
    )
    assert (tmp_path / "mine.tsv").read_text().count("price not above 0") == 1
    assert len(result.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ticker", "IBN"], "no trades of IBN; did you mean IBM? there are IBM"),
        (["--output", "/dev/null/x.csv"], "there is no folder /dev/null"),
        (["--output", "/dev/null/x.parquet"], "there is no folder /dev/null"),
        (["--output", "/dev/full"], "can't be written"),
        (["--rejects", "/dev/null/x"], "can't write the rejects file"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row(), row(price="0")]))
    result = run(tmp_path, path, "--max-reject-share", "1", *arguments)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_full_output_is_named(tmp_path: Path, file: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(InputError, match="standard output: can't be written: No space left on device"):
        cli.main(["bars", str(file), "--format", form, "--home", str(tmp_path / "home")], standalone_mode=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--interval", "2d"], "is not an interval"),
        (["--format", "parquet"], "name it with --output"),
        (["--format", "xml"], "xml"),
        (["--output", "x.xls"], "known endings are .csv, .json, .parquet; or say the form with --format"),
        (["--ticker", "?"], "is not a ticker like IBM"),
        (["--max-reject-share", "2"], "2"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, file: Path, arguments: list[str], message: str) -> None:
    result = run(tmp_path, file, *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_ticker_in_lower_case_is_taken_in_upper_case_and_that_is_said(tmp_path: Path, file: Path) -> None:
    result = run(tmp_path, file, "--ticker", "brk.b")
    assert result.stderr == "brk.b is taken as BRK.B.\n"
    assert result.stdout.splitlines()[1].startswith("BRK.B,")


def test_the_form_is_the_endings_or_the_options(tmp_path: Path, file: Path) -> None:
    assert run(tmp_path, file, "--output", tmp_path / "bars.JSON").exit_code == 0
    assert run(tmp_path, file, "--output", tmp_path / "bars.xls", "--format", "json").exit_code == 0
    assert (tmp_path / "bars.xls").read_text() == (tmp_path / "bars.JSON").read_text()
    assert run(tmp_path, file, "--output", tmp_path / "bars").exit_code == 0
    assert (tmp_path / "bars").read_text().startswith("ticker,time,open")

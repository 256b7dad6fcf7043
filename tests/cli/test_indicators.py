"""`riskcontrol indicators`: the columns asked for, exact and with empty warm-up, and errors that fail the command."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli
from riskcontrol.errors import InputError
from riskcontrol.indicators.batch import compute
from tests.cli.full import Full
from tests.indicators.cases import walk
from tests.ingestion.trade_files import REAL_DAYS

CLOSES = walk(60, 4)["close"]


@pytest.fixture
def closes(tmp_path: Path) -> Path:
    """A file with dates and closes alone."""
    path = tmp_path / "closes.csv"
    days = np.datetime64("2013-10-07") + np.arange(len(CLOSES))
    path.write_text("Date,Close\n" + "".join(f"{d},{c}\n" for d, c in zip(days, CLOSES, strict=True)))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["indicators", *map(str, arguments)])


def test_each_expression_and_output_is_a_column_named_as_typed(closes: Path) -> None:
    result = run(closes, "--expr", "rsi(14)", "--expr", "macd(12,26,9)", "--expr", "close - SMA( 3 )")
    assert result.exit_code == 0
    header, *rows = csv.reader(io.StringIO(result.stdout))
    names = ["macd(12,26,9).line", "macd(12,26,9).signal", "macd(12,26,9).histogram"]
    assert header == ["Date", "rsi(14)", *names, "close - SMA( 3 )"]
    assert [row[0] for row in rows[:2]] == ["2013-10-07", "2013-10-08"]
    bars = {"close": CLOSES}
    expected = [compute("rsi", [14], bars)[""], *compute("macd", [], bars).values()]
    expected.append(np.array(CLOSES) - compute("sma", [3], bars)[""])
    for at, values in enumerate(expected, 1):
        written = [row[at] for row in rows]
        assert [text == "" for text in written] == np.isnan(values).tolist()
        assert [float(text or "nan") for text in written] == pytest.approx(values, rel=1e-11, nan_ok=True)
        assert max(len(text.lstrip("-0.").replace(".", "")) for text in written) <= 12
    assert [sum(row[at] == "" for row in rows) for at in range(1, 6)] == [14, 25, 33, 33, 2]


def test_the_file_named_gets_what_would_be_printed(tmp_path: Path, closes: Path) -> None:
    out = tmp_path / "out.csv"
    assert run(closes, "--expr", "ema(5)", "--out", out).output == ""
    assert out.read_text() == run(closes, "--expr", "ema(5)").stdout


def test_the_bars_command_makes_files_for_it(tmp_path: Path) -> None:
    if not REAL_DAYS.is_dir():
        pytest.skip("the real days (../shared/data/taq) are not beside the project")
    printed = []
    for ending in ("csv", "parquet"):
        bars = tmp_path / f"bars.{ending}"
        day = REAL_DAYS / "EQY_US_ALL_TRADE_20131007.gz"
        arguments = ["bars", str(day), "--interval", "5m", "--output", str(bars), "--home", str(tmp_path / "home")]
        assert CliRunner().invoke(cli, arguments).exit_code == 0
        printed.append(run(bars, "--ticker", "IBM", "--expr", "vwap", "--expr", "atr(14)").stdout)
    assert printed[0] == printed[1]
    last = printed[0].splitlines()[-1].split(",")
    assert last[0].startswith("2013-10-07T")
    # The day's VWAP lies between its low and its high.
    assert 181.85 < float(last[1]) < 183.31


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--expr", "atr(14)"], "line 1, high: no column high; add it"),
        (["--expr", "highest(14)"], "highest(close, 20)"),
        (["--expr", "smaa(14)"], "--expr: unknown word 'smaa' at 1; did you mean 'sma'?\nsmaa(14)\n^"),
        (["--expr", "ema(5)", "--out", "/dev/null/x.csv"], "there is no folder /dev/null"),
        (["--expr", "ema(5)", "--out", "/dev/full"], "can't be written"),
        (["--expr", "ema(5)", "--ticker", "IBM"], "no column ticker"),
    ],
)
def test_what_cannot_be_done_is_told(closes: Path, arguments: list[str], message: str) -> None:
    result = run(closes, *arguments)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_a_full_output_is_named(closes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(InputError, match="standard output: can't be written: No space left on device"):
        cli.main(["indicators", str(closes), "--expr", "ema(5)"], standalone_mode=False)


def test_the_bars_are_never_written_over(closes: Path) -> None:
    before = closes.read_text()
    result = run(closes, "--expr", "ema(5)", "--out", closes)
    assert isinstance(result.exception, InputError)
    assert "would be written over" in str(result.exception)
    assert closes.read_text() == before


def test_an_expression_is_needed(closes: Path) -> None:
    result = run(closes)
    assert result.exit_code == 2
    assert "Missing option '--expr'" in result.output

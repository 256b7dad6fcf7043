"""`riskcontrol strategy`: files come to what they say, errors point at their column and fail the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol import templates
from riskcontrol.cli import cli
from riskcontrol.indicators.registry import INDICATORS
from riskcontrol.language.words import FUNCTIONS, MARKET, POSITION

GOOD = """\
name = "cross"
ticker = "IBM"
cash = "10000.50"
every = "5m"
buy = "crosses_above(ema(12), ema(26)) and rsi(14) < 70"
sell = ["price > entry * 1.02", "held > 2h"]
stop_loss = 2.5
size = { fraction = 0.5 }
slippage_basis_points = 1.5

[fees]
per_share = 0.005
minimum = 1
"""
SHOWN = """\
{file}: cross
  trades      IBM from $10,000.50, regular session
  bars        5m
  buys when   crosses_above(ema(close, 12), ema(close, 26)) and rsi(close, 14) < 70
  sells when  held > 2h
  or when     price > entry * 1.02
  stop loss   sells 2.5 % below the entry
  size        50 % of the cash
  fees        $0.005 a share, at least $1.00
  slippage    1.5 basis points
  fills on    the next trade
  warm-up     bars until there is a value: ema(close, 12) 12, ema(close, 26) 26, rsi(close, 14) 15
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "good.toml"
    file.write_text(GOOD)
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "bad.toml"
    file.write_text('name = "bad"\nticker = "IBM"\nbuy = "price <= refrence - 0.1"\n')
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["strategy", *map(str, arguments)])


def test_a_good_file_comes_to_its_canonical_form(good: Path) -> None:
    result = run("check", good)
    assert result.exit_code == 0
    assert result.stdout == SHOWN.format(file=good)


def test_a_bad_file_is_pointed_at_and_fails_the_command_after_the_others(good: Path, bad: Path) -> None:
    result = run("check", bad, good)
    assert result.exit_code == 1
    assert result.stdout == SHOWN.format(file=good)
    assert result.stderr == (
        f"{bad}, line 3, buy: unknown word 'refrence' at 10; did you mean 'reference'?\n"
        "    price <= refrence - 0.1\n"
        "             ^\n"
    )


def test_all_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        'nam = "a"\nticker = "ibm?"\ncash = -3\nevery = "7m"\n'
        'buy = ["price <= refrence", "price > 1 and entry > 1", "price > sma(b"]\nsell = "price > sma(3"\n'
        'stop_loss = "x"\nslipage = 3\n[fees]\nper_share = -1\nper_ordr = 3\n[parameters]\nb = "zz"\n'
    )
    result = run("check", file)
    assert result.exit_code == 1
    told = [line.removeprefix(f"{file}, ") for line in result.stderr.splitlines() if not line.startswith("    ")]
    assert [line.partition(": ")[0] for line in told] == [
        "name", "line 1, nam", "line 2, ticker", "line 3, cash", "line 4, every", "line 5, buy 1", "line 5, buy 2",
        "line 6, sell", "line 7, stop_loss", "line 8, slipage", "line 10, fees.per_share", "line 11, fees.per_ordr",
        "line 13, parameters.b",
    ]  # fmt: skip
    assert told[9] == "line 8, slipage: unknown key; did you mean 'slippage_basis_points'?"
    (report,) = json.loads(run("check", "--json", file).stdout)
    assert [error["field"] for error in report["errors"]] == [line.partition(": ")[0].split(", ")[-1] for line in told]
    assert report["errors"][5]["column"] == 10
    assert report["field"] == "name"


def test_both_rules_that_can_t_be_run_are_told(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    many = " and ".join(f"(price > reference + {2 * i} or price < reference - {2 * i + 1})" for i in range(1, 5))
    file.write_text(f'name = "a"\nticker = "IBM"\nbuy = "{many}"\nsell = "{many}"\n')
    result = run("check", file)
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"{file}, line 3, buy", f"{file}, line 4, sell"
    ]  # fmt: skip


def test_the_process_fails_as_well(bad: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "riskcontrol", "strategy", "check", str(bad)], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == b""


def test_json_has_an_object_for_each_file(good: Path, bad: Path, tmp_path: Path) -> None:
    result = run("check", "--json", good, bad, tmp_path / "none.toml")
    assert result.exit_code == 1
    first, second, third = json.loads(result.stdout)
    assert first["ok"]
    assert first["strategy"]["sell"] == "held > 2h or price > entry * 1.02"
    assert first["warm_up_bars"] == {"ema(close, 12)": 12, "ema(close, 26)": 26, "rsi(close, 14)": 15}
    assert (second["ok"], second["line"], second["field"], second["column"]) == (False, 3, "buy", 10)
    assert second["expected"] == "did you mean 'reference'?"
    assert (third["ok"], third["line"], "column" in third) == (False, None, False)


def test_a_strategy_without_a_rule_for_selling_says_so(tmp_path: Path) -> None:
    file = tmp_path / "hold.json"
    file.write_text('{"name": "hold", "ticker": "IBM", "buy": "price > 1", "fill": "same", "size": {"shares": 1200}}')
    lines = run("check", file).stdout.splitlines()
    assert "  sells when  never by a rule" in lines
    assert "  size        1,200 shares" in lines
    assert "  fills on    the deciding trade itself" in lines
    assert not any("warm-up" in line for line in lines)


def test_the_list_has_every_word_and_indicator() -> None:
    result = run("words")
    assert result.exit_code == 0
    listed = {line.split()[0].partition("(")[0] for line in result.stdout.splitlines() if line.startswith("  ")}
    assert {*MARKET, *POSITION, *FUNCTIONS, *INDICATORS, "and", "or", "not", "stop_loss", "fees.per_share"} <= listed


def test_the_templates_are_listed_a_line_each() -> None:
    result = run("templates")
    assert result.exit_code == 0
    assert [line.split(maxsplit=1) for line in result.stdout.splitlines()] == [
        [name, templates.summary(name)] for name in templates.names()
    ]


@pytest.mark.parametrize("name", templates.names())
def test_a_template_that_is_printed_into_a_file_is_accepted(name: str, tmp_path: Path) -> None:
    printed = run("templates", name)
    file = tmp_path / "my.toml"
    file.write_text(printed.stdout)
    assert (printed.exit_code, printed.stdout) == (0, templates.read(name))
    assert run("check", file).stdout.startswith(f"{file}: {name}\n")


def test_an_unknown_template_fails_with_the_nearest() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "riskcontrol", "strategy", "templates", "sma-crss"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "riskcontrol: error: no template 'sma-crss'; did you mean 'sma-cross'?\n"

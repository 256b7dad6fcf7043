"""Every command has a table in the file of settings: it is looked at, taken, and refused with file, line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli, main
from riskcontrol.errors import SettingsError
from tests.cli.test_help import commands


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "riskcontrol.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="riskcontrol")


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, SettingsError), result.output
    return str(result.exception)


LEAVES = [
    path for path in commands(cli) if not any(other[: len(path)] == path for other in commands(cli) if other != path)
]


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_the_table_of_each_command_is_looked_at(settings: Path, path: tuple[str, ...]) -> None:
    settings.write_text(f"\n[{'.'.join(path)}]\n\nxyzzy = 1\n")
    assert refused(*path).startswith(f"riskcontrol.toml, line 4, {'.'.join(path)}.xyzzy: unknown option; ")
    settings.write_text("[stat]\n")
    assert refused(*path) == "riskcontrol.toml, line 1, stat: unknown table; did you mean 'stats'?"
    settings.write_text("bars = 3\n")
    told = "riskcontrol.toml, line 1, bars: is a command: write its options below a line [bars]"
    assert refused(*path) == told


def test_a_command_without_settings_takes_its_table(settings: Path) -> None:
    (settings.parent / "equity.csv").write_text("date,equity\n2013-10-07,100\n2013-10-08,101\n")
    assert not run("stats", "equity.csv").stdout.startswith("{")
    settings.write_text("[stats]\njson = true\n")
    assert run("stats", "equity.csv").stdout.startswith("{")
    settings.rename("other.toml")
    assert run("stats", "equity.csv", "--config", "other.toml").stdout.startswith("{")


def test_a_list_or_one_text_is_what_an_option_takes_that_may_be_repeated(settings: Path) -> None:
    (settings.parent / "closes.csv").write_text("date,close\n2013-10-07,50\n")
    for said, header in (('"close + 1"', "date,close + 1"), ('["close", "close * 2"]', "date,close,close * 2")):
        settings.write_text(f"[indicators]\nexpr = {said}\n")
        assert run("indicators", "closes.csv").stdout.splitlines()[0] == header


@pytest.mark.parametrize(
    ("command", "text", "told"),
    [
        ("tickers", "[tickers]\nlimit = [1, 2]", "line 2, tickers.limit: [1, 2] is not accepted; write a whole number"),
        ("tickers", "[tickers]\nlimit = true", "line 2, tickers.limit: True is not accepted; write a whole number"),
        (
            "tickers",
            "[tickers]\nlimit = 2024-01-01",
            "line 2, tickers.limit: 2024-01-01 is not accepted; write a whole",
        ),
        ("bars", "[bars]\noutput = 3", "line 2, bars.output: 3 is not accepted; write text in quotes"),
        ("bars", "[bars]\nticker = [[]]", "line 2, bars.ticker: [[]] is not accepted; write text in quotes, or a list"),
        ("bars", "bars = { interval = {} }", "line 1, bars.interval: {} is not accepted; write text in quotes"),
        ("stats", "[stats]\njson = 1", "line 2, stats.json: 1 is not accepted; write true or false"),
        ("stats", "[stats]\nconfig = 'x'", "line 2, stats.config: unknown option; options are benchmark, json"),
        ("strategy words", "[strategy.words]\nx = 1", "line 2, strategy.words.x: unknown option; there are no options"),
        ("strategy words", "[strategy]\nwords = 1", "line 2, strategy.words: is a command: write its options below a"),
        ("users generate", "[users]\nx = 1", "line 2, users.x: unknown table; commands are generate"),
        ("users generate", "[users.generate]\nhome = 'x'", "line 2, users.generate.home: is a setting of all commands"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(settings: Path, command: str, text: str, told: str) -> None:
    settings.write_text(text)
    assert refused(*command.split()).startswith(f"riskcontrol.toml, {told}")


def test_an_option_that_is_named_as_a_setting_is_the_commands_own(settings: Path) -> None:
    settings.write_text("[bench.crash]\nhome = 'x'\nkill = 'nothing'\n")
    result = run("bench", "crash")
    assert isinstance(result.exception, SystemExit)
    assert "'nothing' is none of" in result.output


@pytest.mark.parametrize("key", ["max-reject-share", '"max-reject-share"', "'max_reject_share'"])
def test_a_value_that_an_option_refuses_is_told_by_the_key_as_written(
    settings: Path, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.write_text(f"[bars]\n\n{key} = 7\n")
    monkeypatch.setattr("sys.argv", ["riskcontrol", "bars", "x"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit):
        main()
    name = key.strip("'\"")
    assert f"riskcontrol.toml, line 3, bars.{name}: " in capsys.readouterr().err

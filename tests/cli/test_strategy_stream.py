"""`riskcontrol strategy open` and `stop`: what is wrong with their options is said before a server is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli
from riskcontrol.errors import InputError, ServerError

DIP = 'name = "dip"\nticker = "IBM"\nbuy = "price <= reference - 0.1"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # no riskcontrol.toml of somebody's
    (tmp_path / "dip.toml").write_text(DIP)
    return tmp_path / "home"


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["strategy", *arguments, "--home", str(home)])


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("open", "dip.toml", "--user", "an\nn"), "--user"),
        (("open", "dip.toml", "--user", "ann", "--name", "a\nb"), "--name"),
        (("stop", "dip", "--user", "an\nn", "--ticker", "IBM"), "--user"),
        (("stop", "d\np", "--user", "ann", "--ticker", "IBM"), "NAME"),
    ],
)
def test_what_no_strategy_can_have_is_named_as_it_was_given(
    home: Path, arguments: tuple[str, ...], option: str
) -> None:
    error = run(home, *arguments).exception
    assert isinstance(error, InputError)
    assert error.source == option


@pytest.mark.parametrize("arguments", [("open", "dip.toml"), ("stop", "dip")])
def test_a_ticker_in_lower_case_is_taken_in_upper_case(home: Path, arguments: tuple[str, ...]) -> None:
    result = run(home, *arguments, "--user", "ann", "--ticker", "brk.b")
    assert result.stderr == "brk.b is taken as BRK.B.\n"
    assert isinstance(result.exception, ServerError)  # it got that far


@pytest.mark.parametrize("arguments", [("open", "dip.toml"), ("stop", "dip")])
def test_no_ticker_is_a_usage_error(home: Path, arguments: tuple[str, ...]) -> None:
    result = run(home, *arguments, "--user", "ann", "--ticker", "no ticker")
    assert result.exit_code == 2
    assert "'no ticker' is not a ticker like IBM or BRK.B" in result.stderr

"""What is wrong with a command as it was given is told in the form of all other errors, and in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskcontrol.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["riskcontrol", *arguments])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("riskcontrol: error: ")
    assert err.count("\n") == 1
    return err.removeprefix("riskcontrol: error: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("tikers x", "no such command 'tikers'; did you mean 'tickers'? (see riskcontrol --help)"),
        ("xyzzy", "no such command 'xyzzy' (see riskcontrol --help)"),
        ("strategy chek x", "no such command 'chek'; did you mean 'check'? (see riskcontrol strategy --help)"),
        ("tickers x --limmit 3", "no such option '--limmit'; did you mean '--limit'? (see riskcontrol tickers --help)"),
        ("tickers x --limit y", "--limit: 'y' is no whole number (see riskcontrol tickers --help)"),
        ("tickers", "missing argument 'FILE...' (see riskcontrol tickers --help)"),
        ("backtest x", "missing option '--strategy' (see riskcontrol backtest --help)"),
    ],
)
def test_an_error_in_the_command_has_the_form_of_all_others(
    arguments: str, text: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(capsys, monkeypatch, *arguments.split()) == text


def test_a_value_of_the_environment_or_a_file_is_told_by_that(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "'y' is no whole number (see riskcontrol tickers --help)"
    (folder / "riskcontrol.toml").write_text('\n[tickers]\nlimit = "y"\n')
    assert told(capsys, monkeypatch, "tickers", "x") == f"riskcontrol.toml, line 3, tickers.limit: {wrong}"
    monkeypatch.setenv("RISKCONTROL_TICKERS_LIMIT", "y")
    assert told(capsys, monkeypatch, "tickers", "x") == f"RISKCONTROL_TICKERS_LIMIT: {wrong}"


def test_without_a_command_there_is_help(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["riskcontrol"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit):
        main()
    assert "Commands:" in capsys.readouterr().err

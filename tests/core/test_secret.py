"""The installation's secret: private, made once, never shown."""

from __future__ import annotations

import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from riskcontrol.cli import cli
from riskcontrol.errors import SettingsError
from riskcontrol.secret import secret_of, withhold
from riskcontrol.settings import Settings, load
from spark import drain, job

LONG = "0123456789abcdef" * 2


def test_a_secret_is_made_once_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: secret_of(settings), range(16)))
    assert len(made) == 1
    path = tmp_path / "home" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]
    assert len(made.pop()) == 64


def test_the_environment_s_secret_comes_first_and_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISKCONTROL_SECRET", LONG)
    settings = load(home=tmp_path)
    assert secret_of(settings) == LONG.encode()
    assert list(tmp_path.iterdir()) == []
    shown = repr(settings) + str(settings) + settings.model_dump_json() + repr(vars(settings))
    assert LONG not in shown
    status = CliRunner().invoke(cli, ["status", "--json", "--home", str(tmp_path)])
    assert status.exit_code == 0
    assert LONG not in status.output


def test_the_secret_does_not_travel_with_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKCONTROL_SECRET", LONG)
    settings = load(home=tmp_path)
    secret_of(settings)
    assert "secret" not in Settings.model_fields
    assert LONG.encode() not in pickle.dumps(settings)  # as Spark's workers get them
    assert LONG not in drain.request(settings, tmp_path, "tape")  # as the row writer gets them
    monkeypatch.delenv("RISKCONTROL_SECRET")
    secret_of(settings)
    made = (tmp_path / "secret").read_text().strip()
    assert made.encode() not in pickle.dumps(settings)


class Begun(Exception):
    """The stream does its first thing."""


def test_the_stream_does_not_hand_on_the_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(settings: Settings) -> None:
        assert LONG.encode() not in pickle.dumps(settings)
        raise Begun

    monkeypatch.setattr(job, "depot", begin)
    monkeypatch.setenv("RISKCONTROL_SMTP_PASSWORD", LONG)
    monkeypatch.setenv("RISKCONTROL_SECRET", LONG)
    monkeypatch.setenv("riskcontrol_secret", LONG)
    with pytest.raises(Begun):
        job.run(load(home=tmp_path), state=tmp_path / "state")
    assert LONG not in os.environ.values()
    withhold(load(home=tmp_path))  # where there is none, nothing happens


def test_the_secret_has_no_place_in_a_file_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "riskcontrol.toml"
    file.write_text(f'secret = "{LONG}"\n')
    with pytest.raises(SettingsError, match=r"line 1, secret: .* set RISKCONTROL_SECRET") as caught:
        load(file)
    assert LONG not in str(caught.value)


@pytest.mark.parametrize("name", ["RISKCONTROL_SECRET", "riskcontrol_secret"])
def test_a_short_secret_is_refused_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "too short")
    with pytest.raises(SettingsError, match=f"{name} has less than 32") as caught:
        secret_of(load(home=tmp_path))
    assert "too short" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text(LONG)
    path.chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        secret_of(Settings(home=tmp_path))


def test_a_file_cut_short_or_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    with pytest.raises(SettingsError, match="less than 32"):
        secret_of(Settings(home=tmp_path))
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(SettingsError, match="can't be used"):
        secret_of(Settings(home=tmp_path))

"""The installation's secret: private, made once, never shown."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from riskcontrol.errors import SettingsError
from riskcontrol.secret import secret_of
from riskcontrol.settings import Settings, load

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
    assert LONG not in repr(settings)


def test_a_short_secret_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="RISKCONTROL_SECRET has less than 32") as caught:
        secret_of(Settings(home=tmp_path, secret="too short"))
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

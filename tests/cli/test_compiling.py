"""Compiling is told of where it is to be done, and old compiled code goes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from riskcontrol.cli.compiling import COMPILING, is_compiled, remove_outdated, tell_of_compiling

PYTHON = f"py{sys.version_info.major}{sys.version_info.minor}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "numba-0123456789ab"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    return folder


def old(folder: Path, days: float) -> Path:
    (folder / "riskcontrol_0").mkdir(parents=True)
    seconds = folder.stat().st_mtime - days * 86_400
    for path in (folder / "riskcontrol_0", folder):
        os.utime(path, (seconds, seconds))
    return folder


def test_it_is_told_until_the_last_kernel_is_there(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell_of_compiling()
    assert capsys.readouterr().err.count(COMPILING) == 1
    (cache / "riskcontrol_0").mkdir(parents=True)
    (cache / "riskcontrol_0" / "kernel.fill-1.py311.nbi").touch()
    (cache / "riskcontrol_0" / "kernel.advance_tickers-643.py30.nbi").touch()
    assert not is_compiled()
    (cache / "riskcontrol_0" / f"kernel.advance_tickers-643.{PYTHON}.nbi").touch()
    tell_of_compiling()
    assert capsys.readouterr().err == ""


def test_compiled_code_of_other_sources_goes_after_a_week(cache: Path) -> None:
    old(cache, 30)
    gone, young = old(cache.with_name("numba-ba9876543210"), 8), old(cache.with_name("numba-aa9876543210"), 6)
    strange = old(cache.with_name("numba-mine"), 30)
    remove_outdated()
    assert not gone.exists()
    assert cache.exists()
    assert young.exists()
    assert strange.exists()


def test_nothing_beside_a_folder_of_the_users_own_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = old(tmp_path / "numba-ba9876543210", 30)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    remove_outdated()
    assert other.exists()

"""`riskcontrol snapshots`, as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from riskcontrol.cli import cli
from riskcontrol.errors import InputError, SettingsError
from spark.depot import FolderDepot
from tests.spark.test_snapshots import BATCHES, TAPE, World


def run(tmp_path: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["snapshots", *map(str, arguments), "--home", str(tmp_path / "home")])


def test_complete_ones_are_listed_with_offsets_positions_and_bytes(tmp_path: Path) -> None:
    world = World(tmp_path / "state", FolderDepot(tmp_path / "there"))
    for batch in (2, len(BATCHES)):
        world.advance(batch)
        world.snapshot()
    world.depot.room("another", "20240305T143000.000Z", tmp_path)
    result = run(tmp_path, tmp_path / "there")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()[1:]]
    sizes = [f"{one.size:,}" for one in world.there()]
    # Offsets 4 + 2 and 7 + 6; the shards' positions likewise.
    assert [(line[2], line[3], line[4], line[6]) for line in lines] == [
        ("6", "102", sizes[0], TAPE),
        ("13", "182", sizes[1], TAPE),
    ]
    assert lines[0][:2] == world.there()[0].moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3].split()


def test_none_is_told(tmp_path: Path) -> None:
    result = run(tmp_path, tmp_path)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"No complete snapshot in {tmp_path}" in result.stderr


@pytest.mark.parametrize(("made", "told"), [(False, "isn't there"), (True, "is a file")])
def test_a_folder_that_is_none_is_an_error_not_an_empty_list(made: bool, told: str, tmp_path: Path) -> None:
    place = tmp_path / "snapshtos"
    if made:
        place.touch()
    result = run(tmp_path, place)
    assert result.exit_code == 1
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith(f"{place}: {told}; name the folder")


def test_without_a_place_it_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RISKCONTROL_SNAPSHOTS", raising=False)
    result = run(tmp_path)
    assert isinstance(result.exception, SettingsError)
    assert "RISKCONTROL_SNAPSHOTS" in str(result.exception)


def test_the_place_of_the_settings_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "by setting").mkdir()
    monkeypatch.setenv("RISKCONTROL_SNAPSHOTS", str(tmp_path / "by setting"))
    assert "by setting" in run(tmp_path).stderr

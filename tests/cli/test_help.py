"""The help of every command: what a newcomer reads first is whole, and says what holds where nothing is said."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from riskcontrol.cli import cli


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(cli)), ids=" ".join)
def test_help_is_whole_and_has_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], prog_name="riskcontrol", terminal_width=100).stdout
    assert "Example" in shown
    assert not any(line.startswith("  ") and line.endswith("...") for line in shown.splitlines())
    assert f"riskcontrol {' '.join(path)} " in shown.partition("Example")[2].replace("\n", " ") + " "


def test_settings_are_told_with_what_holds_without_them() -> None:
    shown = CliRunner().invoke(cli, ["stream", "--help"], terminal_width=100).stdout
    words = " ".join(shown.split())
    assert (
        "--kafka HOST:PORT,... Bootstrap servers, HOST:PORT[,HOST:PORT...] [default: the local one of --home" in words
    )
    assert "--cassandra-password TEXT Password of that user [default: none]." in words
    assert "or else Amazon's [default: none]." in words
    assert "--home FOLDER Folder of local servers, state and logs [default: .riskcontrol]." in words

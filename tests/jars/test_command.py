"""`riskcontrol jars`, as a user sees it."""

from collections.abc import Iterable

import pytest
import rich.console
from click.testing import CliRunner, Result

from jars import fetch
from jars.parts import Part
from riskcontrol.cli import jars

from .conftest import fill


def run(monkeypatch: pytest.MonkeyPatch, told: Iterable[tuple[int, int]]) -> Result:
    """Run the command on a download that tells this progress."""

    def fetch_all(on_progress: fetch.Progress) -> dict[str, str]:
        for done, total in told:
            on_progress(done, total)
        return {"kafka": "/folder"}

    monkeypatch.setattr(fetch, "fetch_all", fetch_all)
    return CliRunner().invoke(jars.command, catch_exceptions=False)


def test_without_a_terminal_each_tenth_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    megabyte = 1_000_000
    shown = run(monkeypatch, [(done * megabyte, 200 * megabyte) for done in (0, 0, 19, 20, 39, 90, 80, 91, 200, 200)])
    assert shown.stderr.splitlines() == [
        f"Fetching the JVM parts: {percent} % of 200 MB" for percent in (0, 10, 40, 100)
    ]
    assert shown.stdout == "kafka: /folder\n"


def test_on_a_terminal_a_bar_shows_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rich.console.Console, "is_terminal", True)
    shown = run(monkeypatch, [(50_000_000, 100_000_000), (100_000_000, 100_000_000)])
    assert "Fetching the JVM parts" in shown.stderr
    assert "100.0/100.0 MB" in shown.stderr
    assert shown.stdout == "kafka: /folder\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_shown_where_nothing_is_to_be_fetched(
    part: Part, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(rich.console.Console, "is_terminal", terminal)
    target = fill(fetch.folder(part))
    shown = CliRunner().invoke(jars.command, catch_exceptions=False)
    assert shown.stdout == f"kafka: {target}\n"
    assert "Fetching" not in shown.stderr

"""What docs/security.md says is tested is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = {
    name for path in ROOT.glob("tests/**/test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/security.md").read_text().partition("## Threats")[2].splitlines()
    if line.startswith("| ")
][1:]


def test_the_table_is_found() -> None:
    assert len(ROWS) >= 30
    assert {len(row) for row in ROWS} == {3}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_names_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", row[2])
    paths = [name for name in named if "/" in name]
    assert named, "no test is named"
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    assert set(named) - set(paths) <= TESTS


def test_a_file_that_is_named_with_a_test_has_it() -> None:
    for row in ROWS:
        for path, names in re.findall(r"`(tests/[^`]+)`: ((?:`test_\w+`(?:, )?)+)", row[2]):
            text = (ROOT / path).read_text()
            assert [name for name in re.findall(r"test_\w+", names) if f"def {name}(" not in text] == [], path

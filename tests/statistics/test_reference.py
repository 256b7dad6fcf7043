"""The pages about statistics and verdict say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskcontrol.statistics import reference
from riskcontrol.statistics.registry import STATISTICS
from riskcontrol.verdict import RULES

DOCS = Path(__file__).parents[2] / "docs"
REMEDY = "run: .venv/bin/python -m riskcontrol.statistics.reference"


@pytest.mark.parametrize("page", ["statistics.md", "verdict.md"])
def test_the_pages_are_those_that_the_code_writes(page: str, tmp_path: Path) -> None:
    reference.write(tmp_path)
    assert (DOCS / page).read_text() == (tmp_path / page).read_text(), REMEDY


def test_every_statistic_has_an_entry_and_every_rule_a_row() -> None:
    statistics, verdict = (DOCS / "statistics.md").read_text(), (DOCS / "verdict.md").read_text()
    assert all(f"\n## {one.title}\n" in statistics and f"`{one.name}`" in statistics for one in STATISTICS.values())
    assert all(f"\n| {rule.name} | " in verdict for rule in RULES)

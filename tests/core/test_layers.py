"""The core stays pure: it imports no Spark, Kafka, Cassandra, Dash or boto3, and none of the folders above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "riskcontrol"
OUTSIDE = {"pyspark", "kafka", "cassandra", "dash", "boto3", "fastapi", "moto"}
ABOVE = {"ingestion", "spark", "database", "frontend", "jars", "bench"}


def imported_at_once(path: Path) -> set[str]:
    """Return the top-level packages that a module imports when it is imported itself."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE)))
def test_no_module_of_the_core_imports_what_is_outside_or_above(path: Path) -> None:
    assert not imported_at_once(path) & (OUTSIDE | ABOVE)


def test_the_engine_can_be_imported_alone() -> None:
    code = "import sys, riskcontrol.engine; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numba" in loaded
    assert not set(loaded) & (OUTSIDE | ABOVE)

"""The folder of compiled code belongs to the sources as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import riskcontrol

ROOT = Path(riskcontrol.__file__).parent.parent
IMPORT = re.compile(r"^from ((?:riskcontrol|ingestion)[\w.]*) import", re.MULTILINE)
COMPILED = re.compile(r"^@(?:njit|bare|inlined)\b", re.MULTILINE)
MODULES = sorted(
    path
    for folder in ("riskcontrol", "ingestion")
    for path in (ROOT / folder).rglob("*.py")
    if COMPILED.search(path.read_text())
)


NOT_FROZEN = {"riskcontrol.errors", "ingestion.calendar"}
"""Asked around the compiled loops, not in them."""

IMPORTED = sorted(
    path
    for name in {name for module in MODULES for name in IMPORT.findall(module.read_text())} - NOT_FROZEN
    if (path := ROOT / f"{name.replace('.', '/')}.py").is_file()
)
"""Modules that compiled ones take constants, or nothing but types, from."""


def test_there_are_compiled_modules() -> None:
    assert ROOT / "riskcontrol" / "triggers.py" in MODULES


@pytest.mark.parametrize("path", sorted({*MODULES, *IMPORTED}), ids=lambda path: path.stem)
def test_a_change_of_a_compiled_module_or_of_a_frozen_constant_leads_to_another_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = riskcontrol._numba_cache()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read(self) + (b"\n" if self == path else b""))
    assert riskcontrol._numba_cache() != before

"""A part of two jars, pinned in a folder of the test's own, and nothing in its cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from jars import parts
from jars.parts import Jar, Part

JARS = {"broker-1.jar": b"the broker", "logger-2-linux.jar": b"its logger"}
SIZE = sum(map(len, JARS.values()))


def jar(file: str, data: bytes) -> Jar:
    """Pin a file of the module org.example:NAME:REVISION, whose name says both."""
    module, revision, *_ = file.removesuffix(".jar").split("-")
    return Jar(hashlib.sha256(data).hexdigest(), len(data), "org.example", module, revision, file)


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    """The one part that there is."""
    part = Part("kafka", (("org.example", "broker", "1"),))
    monkeypatch.setattr(parts, "HERE", tmp_path)
    for name in list(parts.PARTS):
        monkeypatch.delitem(parts.PARTS, name)
    monkeypatch.setitem(parts.PARTS, part.name, part)
    monkeypatch.setenv("RISKCONTROL_JARS", str(tmp_path / "cache"))
    parts.write_lock(part, [jar(file, data) for file, data in JARS.items()])
    return part


def fill(folder: Path) -> Path:
    """Put the jars there."""
    folder.mkdir(parents=True)
    for name, data in JARS.items():
        (folder / name).write_bytes(data)
    return folder

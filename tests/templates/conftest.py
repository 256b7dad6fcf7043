"""The templates' week, made once, and what they come to on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.templates import catalogue


@pytest.fixture(scope="session")
def week(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of the five days."""
    return catalogue.week(tmp_path_factory.mktemp("week"))


@pytest.fixture(scope="session")
def found(week: list[Path]) -> dict[str, Any]:
    """What a backtest of all templates gives now."""
    return catalogue.found(week)

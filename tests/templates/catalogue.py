"""The templates' tape, a simulated week, and what each template is expected to come to on it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingestion.sources import find_all
from riskcontrol import templates
from riskcontrol.backtest import Backtest, fills_hash, on_trades
from riskcontrol.settings import Settings
from riskcontrol.statistics import compute
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_file import Definition, of_text, strategy_of
from tests.processes import simulated_day

EXPECTED = Path(__file__).with_name("expected.json")
DAYS = tuple(f"2024-03-{day:02}" for day in range(4, 9))
USERNAME = "templates"


def week(folder: Path) -> list[Path]:
    """Write the five days and return their files: `riskcontrol simulate --tickers 3 --trades 12000 --day ...`."""
    return [simulated_day(folder, tickers=3, trades=12_000, day=day) for day in DAYS]


def tape_hash(files: list[Path]) -> str:
    """Return the SHA-256 of all lines."""
    found = hashlib.sha256()
    for file in files:
        found.update(gzip.decompress(file.read_bytes()))
    return found.hexdigest()


def blocks(files: list[Path]) -> Iterator[pa.RecordBatch]:
    """Yield the trades as the product's reader gives them."""
    for source in find_all([str(file) for file in files], Settings()):
        yield from source.batches()


def definitions() -> dict[str, Definition]:
    """Return all templates by name."""
    return {name: of_text(templates.read(name), "toml") for name in templates.names()}


def strategies() -> list[Strategy]:
    """Return all templates as strategies of one user, in the order of their names."""
    return [strategy_of(one, username=USERNAME) for one in definitions().values()]


def results(backtest: Backtest) -> dict[str, dict[str, Any]]:
    """Return what is expected of each strategy of a pass: statistics as integers and floats, and the fills' hash."""
    return {
        one.name: {"fills_hash": fills_hash(backtest.fills_of(i)), "statistics": compute(backtest.record_of(i))}
        for i, one in enumerate(backtest.strategies)
    }


def found(files: list[Path]) -> dict[str, Any]:
    """Return what `expected` should hold: the tape's hash, and the results of a backtest on it by template."""
    return {"tape": tape_hash(files), "templates": results(on_trades(strategies(), blocks(files)))}


def expected() -> dict[str, Any]:
    """Return what is expected."""
    read: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return read

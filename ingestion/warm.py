"""Compiles what simulates days and what reads them ahead of its first use, into Numba's cache on disk.

`make test` calls it, so that processes that begin together don't all compile the same.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

from ingestion.simulate import simulate_day
from ingestion.sources import find_sources
from riskcontrol.settings import load


def compile_readers() -> None:
    """Simulate a day of a handful of trades, and read it."""
    with tempfile.TemporaryDirectory() as folder:
        day = Path(folder) / "EQY_US_ALL_TRADE_20240305.gz"
        simulate_day(day, day=dt.date(2024, 3, 5), tickers=2, trades=100, seed=1)
        for source in find_sources(str(day), load()):
            for _ in source.batches():
                pass


if __name__ == "__main__":
    compile_readers()

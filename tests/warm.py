"""Compiles what `riskcontrol.warm` leaves to its first use: the readers, the simulator and the preview.

`make test` calls it, so that processes that begin together don't all compile the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from frontend.preview_worker import warm_up
from ingestion.sources import find_sources
from riskcontrol.settings import load
from tests.processes import simulated_day


def compile_rest() -> None:
    """Simulate a day of a handful of trades, read it, and run a preview."""
    with tempfile.TemporaryDirectory() as folder:
        day = simulated_day(Path(folder), tickers=2, trades=100)
        (source,) = find_sources(str(day), load())
        for _ in source.batches():
            pass
    warm_up()


if __name__ == "__main__":
    compile_rest()

"""Compiles what `riskcontrol.warm` leaves to its first use.

`make test` calls it, so that processes that begin together don't all compile the same: `tapes` beside the engine,
`strategies` after it, as these have the engine in them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from riskcontrol.settings import load
from riskcontrol.trades import ALL_FLAGS, NS_PER_MINUTE
from tests.processes import simulated_day


def tapes() -> None:
    """Compile the readers and the simulator: simulate a day of a handful of trades, and read it."""
    from ingestion.sources import find_sources

    with tempfile.TemporaryDirectory() as folder:
        day = simulated_day(Path(folder), tickers=2, trades=100)
        (source,) = find_sources(str(day), load())
        for _ in source.batches():
            pass


def strategies() -> None:
    """Compile the preview, the sweeps and whole columns of indicators: one of each."""
    from frontend.preview_worker import warm_up
    from riskcontrol.indicators.batch import compute
    from riskcontrol.sweep_pass import sweep_on_bars, sweep_on_trades
    from tests.core.test_backtest import bars_of
    from tests.core.test_engine import trades
    from tests.core.test_rules import TEN_O_CLOCK
    from tests.core.test_sweep_pass import axes_of, document, loader

    warm_up()
    compute("sma", [2.0], {"close": [3.0, 2.0, 1.0]})
    written, axes = document("crosses_above(sma(a), sma(b))"), axes_of(("2",), ("3",))
    tape = trades([("IBM", TEN_O_CLOCK + i * NS_PER_MINUTE, 1_000, 1, ALL_FLAGS) for i in range(5)])
    sweep_on_bars(written, loader(written), axes, bars_of([(0, 1, 1, 1)] * 5))
    sweep_on_trades(written, loader(written), axes, [tape])


if __name__ == "__main__":
    {"tapes": tapes, "strategies": strategies}[sys.argv[1]]()

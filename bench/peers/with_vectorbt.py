"""Runs SMA crosses in vectorbt; see `bench.crosses`. Stands alone: it is run in the peer's environment."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import vectorbt as vbt


def crosses(opens: np.ndarray, closes: np.ndarray, fast: np.ndarray, slow: np.ndarray, cash: float) -> tuple:
    """Return the number of fills and the final value of every pair of windows.

    Args:
        opens: Shape (bars,), dollars.
        closes: The same.
        fast: Windows, shape (variants,).
        slow: The same.
        cash: What each begins with, dollars.
    """
    windows = np.unique([fast, slow])
    # Each window once; rounded as the engine compares, so that ties are ties: float sums of cents hardly ever are.
    means = np.round(vbt.MA.run(closes, window=windows.tolist()).ma.to_numpy(), 6)
    quick, calm = means[:, np.searchsorted(windows, fast)], means[:, np.searchsorted(windows, slow)]
    entries, exits = np.zeros(quick.shape, bool), np.zeros(quick.shape, bool)
    # Decided at a bar's close, filled at the next one's open.
    entries[2:] = (quick[:-2] <= calm[:-2]) & (quick[1:-1] > calm[1:-1])
    exits[2:] = (quick[:-2] >= calm[:-2]) & (quick[1:-1] < calm[1:-1])
    folio = vbt.Portfolio.from_signals(
        closes[:, None], entries, exits, price=opens[:, None], size=np.inf, size_granularity=1,
        fees=0.0, init_cash=cash, direction="longonly",
    )  # fmt: skip
    return folio.orders.count().to_numpy(), folio.total_return().to_numpy()


def main(folder: Path) -> None:
    """Run all pairs, and write seconds, fills and total returns."""
    data = {name: np.load(folder / f"{name}.npy") for name in ("opens", "closes", "fast", "slow")}
    options = json.loads((folder / "options.json").read_text())
    seconds = []
    for run in range(options["repeats"] + 1):
        began = time.process_time()
        fills, returns = crosses(**data, cash=options["cash"])
        if run:  # the first one compiles
            seconds.append(time.process_time() - began)
    result = {
        "version": vbt.__version__,
        "seconds": min(seconds),
        "fills": fills.tolist(),
        "returns": returns.tolist(),
    }
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

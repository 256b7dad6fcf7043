"""Runs the first rule in backtesting.py; see `bench.rule`. Stands alone: it is run in the peer's environment."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import backtesting
import numpy as np
import pandas as pd


class FirstRule(backtesting.Strategy):
    """Buys below the reference, sells above it; the reference is the last fill's price, at first the first trade's."""

    buy_below = 0.0
    sell_above = 0.0

    def init(self) -> None:
        """Take the first trade as reference."""
        self.held = False
        self.aim(self.data.Close[0])

    def aim(self, reference: float) -> None:
        """Work out the levels, as the decimals that prices are too."""
        self.low, self.high = round(reference - self.buy_below, 6), round(reference + self.sell_above, 6)

    def next(self) -> None:
        """Look at a trade."""
        price = self.data.Close[-1]
        held = bool(self.position)
        if held != self.held:  # filled at this bar's open, which is its close as well
            self.held = held
            self.aim(price)
        if held:
            if price >= self.high:
                self.position.close()
        elif price <= self.low:
            self.buy()


def main(folder: Path) -> None:
    """Run each user, and write seconds and fills (bar, price in micro-dollars, shares)."""
    price, cash, below, above = (np.load(folder / f"{n}.npy") for n in ("price", "cash", "buy_below", "sell_above"))
    repeats = json.loads((folder / "options.json").read_text())["repeats"]
    frame = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), price))
    warnings.simplefilter("ignore")  # of the index, which is no time, and of positions open at the end
    seconds, fills = [], []
    for user in range(len(cash)):
        least = float("inf")
        for _ in range(repeats):
            test = backtesting.Backtest(frame, FirstRule, cash=cash[user])
            began = time.process_time()
            stats = test.run(buy_below=below[user], sell_above=above[user])
            least = min(least, time.process_time() - began)
        seconds.append(least)
        own = []
        for row in stats._trades.itertuples():
            own += [(row.EntryBar, row.EntryPrice, row.Size), (row.ExitBar, row.ExitPrice, -row.Size)]
        own += [(trade.entry_bar, trade.entry_price, trade.size) for trade in stats._strategy.trades]
        fills.append([(int(bar), round(paid * 1e6), int(size)) for bar, paid, size in sorted(own)])
    result = {"version": backtesting.__version__, "seconds": seconds, "fills": fills}
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Which tickers trades are of: how many of each, their volume, and the prices they began and ended with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from riskcontrol.aggregate import DAY, Aggregator
from riskcontrol.trades import counts_of


@dataclass(frozen=True, slots=True)
class Ticker:
    """What trades there were of a ticker.

    Attributes:
        name: Its symbol.
        trades: How many.
        share: Of all trades, 0 to 1.
        volume: Shares, of the trades that count as volume.
        first: Price of the first trade that sets one, micro-dollars; None without one.
        last: Price of the last one.
    """

    name: str
    trades: int
    share: float
    volume: int
    first: int | None
    last: int | None


class Tickers:
    """Counts the trades of each ticker, in any number of steps."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._days = Aggregator(DAY)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add trades.

        Args:
            batch: Schema `riskcontrol.trades.TRADES`; batches in the order of the trades.
        """
        self._counts.update(counts_of(batch))
        self._days.add(batch)

    def found(self) -> list[Ticker]:
        """Return the tickers, the most traded first."""
        prices: dict[str, list[int]] = {}
        volumes: dict[str, int] = {}
        for bar in self._days.bars().select(["ticker", "open", "close", "volume"]).to_pylist():
            name = bar["ticker"]
            volumes[name] = volumes.get(name, 0) + bar["volume"]
            # Of days in order, so that the first and the last are those of all of them.
            prices.setdefault(name, []).extend(price for price in (bar["open"], bar["close"]) if price is not None)
        total = sum(self._counts.values())
        return [
            Ticker(name, count, count / total, volumes[name], *([p[0], p[-1]] if (p := prices[name]) else [None, None]))
            for name, count in sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        ]

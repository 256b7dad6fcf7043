"""Who leads: the best strategies of a minute of event time by return and by evidence, and how all returns are spread.

A shard ranks what it holds at the end of each minute, in the order of its own partition: when a trade of a later minute
comes, all before it counts. What the shards found is merged by whoever looks, so that no shard waits for another one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from riskcontrol.packed import packed, unpacked
from riskcontrol.rows import Columns, Ints, Names
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH
from riskcontrol.trades import TICKER_LENGTH

MOST = 100
"""Strategies in a ranking."""

LEAST_TRIPS = 10
"""Round trips under which there is no evidence: two that made about the same look like certainty."""

FINE, COARSE = 0.001, 0.01
"""Widths of a bin of returns, up to `NEAR` and beyond."""
NEAR, FAR = 0.2, 4.0
"""Beyond `FAR` there is one bin for all."""

LOSSES, MIDDLE, GAINS = round((1 - NEAR) / COARSE), round(2 * NEAR / FINE), round((FAR - NEAR) / COARSE)
BINS = LOSSES + MIDDLE + GAINS + 1

EDGES = np.concatenate(
    [
        -1.0 + COARSE * np.arange(LOSSES),
        -NEAR + FINE * np.arange(MIDDLE),
        NEAR + COARSE * np.arange(GAINS + 1),
        [math.inf],
    ]
)
"""Between which returns each of the `BINS` bins lies, shape (BINS + 1,)."""

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Shares of all strategies whose returns are named."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking(Columns):
    """The first of a ranking, the best first."""

    username: Names
    name: Names
    ticker: Names
    gain: NDArray[np.float64]
    """Return since it was opened, marked to market, as a fraction."""
    evidence: NDArray[np.float64]
    """Its `probability` is that of skill; NaN under `LEAST_TRIPS` round trips."""
    value: Ints
    """Cash and shares, micro-dollars."""
    trips: Ints
    """Round trips."""


@dataclass(frozen=True, slots=True)
class Leaders:
    """What a minute ended with.

    Attributes:
        time: The minute's start, nanoseconds UTC.
        by_gain: Of those with a round trip, the best by return.
        by_evidence: Of those with `LEAST_TRIPS`, the best by probability of skill.
        counts: How many strategies' returns are in each bin (`riskcontrol.standing.EDGES`).
    """

    time: int
    by_gain: Ranking
    by_evidence: Ranking
    counts: Ints

    @property
    def strategies(self) -> int:
        """How many have seen a trade."""
        return int(self.counts.sum())

    def quantile(self, share: float) -> float:
        """Return the return that a share of all strategies stays under; NaN without any.

        It is exact to a tenth of a percentage point within ±20 %, to one beyond: linear within a bin.

        Args:
            share: From 0 to 1.

        >>> counts = np.zeros(BINS, np.int64)
        >>> counts[280] = 10  # from 0 to 0.1 %
        >>> round(Leaders(0, NOBODY, NOBODY, counts).quantile(0.5), 6)
        0.0005
        """
        if not self.strategies:
            return math.nan
        wanted, reached = share * self.strategies, np.cumsum(self.counts)
        at = min(int(np.searchsorted(reached, wanted)), BINS - 1)
        low, high = float(EDGES[at]), float(EDGES[at + 1])
        if math.isinf(high):
            return low
        inside = (wanted - float(reached[at] - self.counts[at])) / max(1, int(self.counts[at]))
        return low + (high - low) * min(max(inside, 0.0), 1.0)

    def share_under(self, gain: float) -> float:
        """Return the share of all strategies whose return is lower; NaN without any. As exact as `quantile`.

        Args:
            gain: A return as a fraction.

        >>> counts = np.zeros(BINS, np.int64)
        >>> counts[[280, 281]] = 10  # from 0 to 0.1 %, to 0.2 %
        >>> leaders = Leaders(0, NOBODY, NOBODY, counts)
        >>> [round(leaders.share_under(gain), 3) for gain in (-0.01, 0.0005, 0.0015, 0.01)]
        [0.0, 0.25, 0.75, 1.0]
        """
        if not self.strategies:
            return math.nan
        if gain <= EDGES[0]:
            return 0.0
        at = min(int(np.searchsorted(EDGES, gain, side="right")) - 1, BINS - 1)
        low, high = float(EDGES[at]), float(EDGES[at + 1])
        inside = 0.0 if math.isinf(high) else (gain - low) / (high - low)
        return float(self.counts[:at].sum() + inside * self.counts[at]) / self.strategies


def probability(evidence: float) -> float | None:
    """Return the probability of skill, Φ of the evidence; None without any.

    It is that of a true mean return of the round trips above zero, as far as they tell: their probabilistic Sharpe
    ratio. That of a strategy's own page is another one, of its days.

    >>> probability(0.0), probability(math.nan)
    (0.5, None)
    """
    return None if math.isnan(evidence) else math.erfc(-evidence / math.sqrt(2)) / 2


def merged(parts: Iterable[Leaders]) -> Leaders:
    """Return what several shards' leaders come to, whatever their order.

    Raises:
        ValueError: There are none.
    """
    all_parts = list(parts)
    if not all_parts:
        raise ValueError("there is nothing to merge")
    return Leaders(
        max(part.time for part in all_parts),
        _best([part.by_gain for part in all_parts], "gain"),
        _best([part.by_evidence for part in all_parts], "evidence"),
        np.sum([part.counts for part in all_parts], axis=0),
    )


def _best(parts: Sequence[Ranking], key: str) -> Ranking:
    rows = NOBODY.joined(parts)
    # Equal ones by name: which shard comes first doesn't matter.
    return rows.take(np.lexsort((rows.ticker, rows.name, rows.username, -getattr(rows, key)))[:MOST])


def encode_leaders(leaders: Leaders) -> bytes:
    """Return leaders as bytes: three tables, packed."""
    counts = pa.record_batch([pa.array(leaders.counts)], names=["counts"])
    return packed(_batch(leaders.by_gain), _batch(leaders.by_evidence), counts)


def decode_leaders(time: int, block: bytes) -> Leaders:
    """Return what `encode_leaders` made into bytes.

    Args:
        time: The minute's start, nanoseconds UTC.
        block: The bytes, of our own tables.
    """
    by_gain, by_evidence, counts = unpacked(block, 3)
    return Leaders(time, _rows(by_gain), _rows(by_evidence), counts.column("counts").to_numpy())


def _batch(rows: Ranking) -> pa.RecordBatch:
    columns = {field.name: getattr(rows, field.name) for field in fields(rows)}
    return pa.record_batch(
        [pa.array(c.astype("U").tolist(), pa.utf8()) if c.dtype.kind == "S" else pa.array(c) for c in columns.values()],
        names=list(columns),
    )


def _rows(batch: pa.RecordBatch) -> Ranking:
    return Ranking(
        **{
            name: np.array(column.to_pylist(), getattr(NOBODY, name).dtype)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
    )


NOBODY = Ranking(
    username=np.empty(0, f"S{USERNAME_LENGTH}"),
    name=np.empty(0, f"S{NAME_LENGTH}"),
    ticker=np.empty(0, f"S{TICKER_LENGTH}"),
    gain=np.empty(0),
    evidence=np.empty(0),
    value=np.empty(0, np.int64),
    trips=np.empty(0, np.int64),
)

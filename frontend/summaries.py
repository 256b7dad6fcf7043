"""What a table says of each of many strategies, made a few at a time and kept for all viewers."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from frontend import history
from frontend.periods import midnight
from frontend.positions import Prices
from frontend.reports import Report, Reports
from frontend.sparkline import sparkline
from riskcontrol.verdict import Decision

if TYPE_CHECKING:
    from database.reads import PositionRow, Reader, StrategyRow

MOST_KEPT = 20_000
"""Most summaries kept in memory, about 1 kB each."""
REST_SECONDS = 5.0
"""How long a summary stays as it is while only minutes end: a replay may end one a second."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A strategy in a row of a table, up to the minute in which it was made."""

    before: int | None
    """What it was worth when the day began, micro-dollars; None if it couldn't be valued."""
    drawdown: float | None
    win_rate: float | None
    decision: Decision | None
    reason: str
    """The first of the verdict's reasons."""
    line: Mapping[str, Any] | None
    """Its value over time, drawn small."""
    due: bool = False
    """Whether a newer one is still to be made though the tape rests."""


UNKNOWN = Summary(None, None, None, None, "Its value doesn't fit into 64 bits.", None)
"""That of a strategy whose history can't be put together."""


def summary_of(strategy: StrategyRow, report: Report, day: date) -> Summary:
    """Return what a table says of a strategy.

    Args:
        strategy: Which strategy.
        report: What it came to.
        day: Which New York day is today on the tape.
    """
    curve, statistics = report.curve, report.statistics
    at = int(np.searchsorted(curve.time, midnight(day), side="right")) - 1
    start = strategy.cash if report.since is None else int(curve.value[0])
    return Summary(
        before=int(curve.value[at]) if at >= 0 else start,
        drawdown=statistics["max_drawdown"],
        win_rate=statistics["win_rate"],
        decision=report.verdict.decision,
        reason=report.verdict.reasons[0].words if report.verdict.reasons else "",
        line=sparkline(curve.value, strategy.cash),
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    version: str
    mark: tuple[int, int] | None
    fills: int
    at: float
    summary: Summary


class Summaries:
    """Makes summaries for all viewers together, for as long as one call may take; the others stay as they were.

    Args:
        reports: Where what strategies came to is put together.
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, reports: Reports, clock: Callable[[], float] = time.monotonic) -> None:
        self._reports = reports
        self._clock = clock
        self._making = threading.Lock()
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()

    def of(
        self,
        reader: Reader,
        pairs: Sequence[tuple[StrategyRow, PositionRow]],
        prices: Prices,
        day: date,
        *,
        seconds: float,
        resting: bool = False,
    ) -> list[Summary | None]:
        """Return the strategies' summaries in their order; None for one that isn't made yet.

        Args:
            reader: The database.
            pairs: Strategies that have seen a trade, with their positions.
            prices: Last prices.
            day: Which New York day is today on the tape.
            seconds: How long new ones may be made; the first of them may take longer.
            resting: Whether no more trades come (`frontend.history.is_current`).

        Raises:
            ServerError: The database doesn't answer.
        """
        due: list[tuple[float, int]] = []
        found: list[Summary | None] = []
        now = self._clock()
        versions = [
            f"{strategy.opened} {day} {history.version(position, prices.get(strategy.ticker))}"
            for strategy, position in pairs
        ]
        with self._lock:
            for at, ((strategy, position), version) in enumerate(zip(pairs, versions, strict=True)):
                kept = self._kept.get(_key(strategy))
                found.append(kept.summary if kept else None)
                if kept is None:
                    due.append((float("-inf"), at))
                elif not history.is_current(
                    (kept.version, kept.mark), (version, prices.get(strategy.ticker)), resting=resting
                ) and (resting or kept.fills != position.fills or now - kept.at >= REST_SECONDS):
                    if resting:
                        found[at] = replace(kept.summary, due=True)
                    due.append((kept.at, at))
                else:
                    self._kept.move_to_end(_key(strategy))
        # Whoever comes while another makes some takes what there is.
        if due and self._making.acquire(blocking=False):
            try:
                for _, at in sorted(due):
                    strategy, position = pairs[at]
                    summary, mark = self._made(reader, strategy, position, prices, day, resting=resting)
                    self._keep(_key(strategy), _Kept(versions[at], mark, position.fills, self._clock(), summary))
                    found[at] = summary
                    if self._clock() - now >= seconds:
                        break
            finally:
                self._making.release()
        return found

    def _made(
        self,
        reader: Reader,
        strategy: StrategyRow,
        position: PositionRow,
        prices: Prices,
        day: date,
        *,
        resting: bool,
    ) -> tuple[Summary, tuple[int, int] | None]:
        """Return a summary, and the last trade up to which it counts."""
        mark = prices.get(strategy.ticker)
        try:
            report = self._reports.of(reader, strategy, position, mark, resting=resting)
        except ArithmeticError:
            return UNKNOWN, mark if resting else None  # else it may be that of another trade of the minute
        return summary_of(strategy, report, day), report.mark

    def _keep(self, key: tuple[str, str, str], kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _key(strategy: StrategyRow) -> tuple[str, str, str]:
    return strategy.username, strategy.ticker, strategy.name

"""What a strategy came to so far, put together once for all who look: curve, statistics, verdict, round trips."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from frontend import history
from frontend.history import History, PastBars, is_current
from riskcontrol.equity import Equity
from riskcontrol.rows import Ints, Splits
from riskcontrol.splits import comparable
from riskcontrol.statistics import Record, RoundTrips, Value, compute, executions
from riskcontrol.statistics.drawdown import drawdowns
from riskcontrol.verdict import Verdict, verdict

if TYPE_CHECKING:
    from database.reads import PositionRow, Reader, StrategyRow

MOST_POINTS = 2_000_000
"""Most points of curves, fills and bars kept in memory, about 80 bytes each; the least recently used go first."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A strategy up to the minute in which somebody looked; shared by all viewers, so nobody changes it."""

    curve: Equity
    """Its equity; the last point is at the last price."""
    fills: pd.DataFrame
    """Its fills, oldest first, with the columns of `Reader.fills`."""
    bars: pd.DataFrame
    """Its ticker's closed bars of a minute in that time, with the columns of `Reader.bars`."""
    record: Record
    """What the statistics are computed from: the curve without points on which there is no market."""
    statistics: Mapping[str, Value]
    verdict: Verdict
    round_trips: RoundTrips
    benchmark: Ints
    """What buying and holding the ticker would be worth at each point of `record`, micro-dollars."""
    drawdown: NDArray[np.float64]
    """How far the equity is under its peak at each point of `record`: 0 or negative, a fraction."""
    since: int | None
    """From when on all this counts, nanoseconds UTC, where older history isn't looked at; None: from the start."""
    mark: tuple[int, int] | None
    """Time and price of its ticker's last trade, up to which all this counts, where there was one."""

    def __len__(self) -> int:
        return len(self.curve) + len(self.fills) + len(self.bars)


class DamagedError(ArithmeticError):
    """A strategy's rows can't be put together; those of others are fine."""


class Reports:
    """Makes reports and keeps them for all viewers, each until a fill comes, a minute ends or the tape rests.

    Args:
        past: The bars kept of past days.
    """

    def __init__(self, past: PastBars | None = None) -> None:
        self.past = past or PastBars()
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], tuple[str, Report]] = OrderedDict()
        self._points = 0
        self._coming: dict[tuple[str, ...], Future[Report]] = {}

    def of(
        self,
        reader: Reader,
        strategy: StrategyRow,
        position: PositionRow,
        mark: tuple[int, int] | None,
        *,
        resting: bool = False,
    ) -> Report:
        """Return the report of a strategy.

        Args:
            reader: The database.
            strategy: Which strategy.
            position: Its position, which tells that it has seen a trade.
            mark: Time and price of its ticker's last trade, where there is one.
            resting: Whether no more trades come (`frontend.history.is_current`).

        Raises:
            ServerError: The database doesn't answer.
            OverflowError: A value doesn't fit into 64 bits.
            DamagedError: Its rows can't be put together.
        """
        key = (strategy.username, strategy.ticker, strategy.name)
        version = f"{strategy.opened} {history.version(position, mark)}"
        place = (*key, version, str(mark) if resting else "")
        with self._lock:
            version_kept, kept = self._kept.get(key, ("", None))
            if kept is not None and is_current((version_kept, kept.mark), (version, mark), resting=resting):
                self._kept.move_to_end(key)
                return kept
            coming = self._coming.get(place)
            if coming is None:
                made = self._coming[place] = Future()
        if coming is not None:
            return coming.result()  # somebody else is making it
        try:
            report = report_of(strategy.cash, history.load(reader, self.past, strategy, position, mark))
        except ValueError as error:
            damaged = DamagedError(f"fills or bars of {' '.join(key)} are damaged ({error})")
            made.set_exception(damaged)
            raise damaged from error
        except BaseException as error:
            made.set_exception(error)
            raise
        else:
            made.set_result(report)
            self._keep(key, version, report)
            return report
        finally:
            with self._lock:
                del self._coming[place]

    def _keep(self, key: tuple[str, str, str], version: str, report: Report) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._points += len(report) - (len(before[1]) if before else 0)
            self._kept[key] = version, report
            while self._points > MOST_POINTS and len(self._kept) > 1:
                self._points -= len(self._kept.popitem(last=False)[1][1])


def report_of(cash: int, known: History) -> Report:
    """Return the report of what is known of a strategy.

    Args:
        cash: What the strategy started with, micro-dollars.
        known: Its history.
    """
    record = record_of(cash, known)
    statistics = compute(record)
    trips, closes = record.trips, record.closes
    assert trips is not None  # noqa: S101  the record has fills
    assert closes is not None  # noqa: S101  and closes
    return Report(
        curve=known.curve,
        fills=known.fills,
        bars=known.bars,
        record=record,
        statistics=statistics,
        verdict=verdict(statistics, record),
        round_trips=trips,
        benchmark=np.rint(record.cash * (closes / closes[0])).astype(np.int64),
        drawdown=drawdowns(record),
        since=known.since,
        mark=known.mark,
    )


def record_of(cash: int, known: History) -> Record:
    """Return what the statistics of a strategy are computed from.

    Where its history is cut off at the front, it starts with what it was worth there, and with the first purchase
    after that. A split shows in the fills of who held shares; one that came while none were held isn't known here.

    Args:
        cash: What it started with, micro-dollars.
        known: Its history.
    """
    curve, fills = known.curve, known.fills
    split = (fills["reason"] == "split").to_numpy(bool)
    price, first = curve.price, known.points[split]
    traded = np.ones(len(curve), np.bool_)
    if len(first):
        # The prices on both sides of a split tell its ratio; on its date's midnight there is no market.
        ratio = Splits(np.zeros(len(first), "S1"), curve.time[first], price[np.maximum(first, 1) - 1], price[first])
        price = comparable(price, first, ratio)
        traded[first] = False
        traded[0] |= not traded.any()
    bought = (fills["shares"] > 0).to_numpy(bool) & ~split
    start = int(np.argmax(bought)) if bought.any() else len(fills)
    columns = {name: fills[name].to_numpy(np.int64)[start:] for name in ("time", "price", "shares", "fee", "cash")}
    return Record(
        cash if known.since is None else int(curve.value[0]),
        curve.time[traded],
        curve.value[traded],
        executions(**columns, split=split[start:]),
        price[traded],
    )

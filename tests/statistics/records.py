"""Random runs: a price that walks, all-in and all-out fills with fees, equity marked to it; and hostile ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from riskcontrol.statistics import Executions, Record
from riskcontrol.trades import NS_PER_MINUTE as MINUTE

OPEN = 1_381_152_600 * 10**9
"""Monday 2013-10-07 09:30 New York; a month later the clocks change."""
DAY = 1_440 * MINUTE


def run(seed: int, *, days: int, points: int, fee: int = 0, busy: float = 0.5, swing: float = 0.02) -> Record:
    """Return a run of some trading days with so many points each, fills at some of the points."""
    dice = np.random.default_rng(seed)
    cash, shares, price = int(dice.integers(2 * 10**9, 4 * 10**11)), 0, int(dice.integers(10**6, 10**9))
    start = cash
    curve: list[tuple[int, int, int]] = []
    fills: list[tuple[int, int, int, int, int]] = []
    for day in range(days):
        opens = OPEN + (day + day // 5 * 2) * DAY
        for point in range(points):
            time = opens + (point + 1) * 390 * MINUTE // points
            price = max(1_000, round(price * float(np.exp(dice.normal(0, swing)))))
            if dice.random() < busy:
                change = -shares if shares else (cash - fee) // price
                if change:
                    cash, shares = cash - change * price - fee, shares + change
                    fills.append((time, price, change, fee, cash))
            curve.append((time, cash + shares * price, price))
    times, values, closes = (np.array(column) for column in zip(*curve, strict=True))
    columns = [np.array([fill[i] for fill in fills], np.int64) for i in range(5)]
    return Record(start, times, values, Executions(*columns), closes)


def runs(*, least_days: int = 1) -> st.SearchStrategy[Record]:
    """Honest runs, of a point a day or several."""
    return st.builds(
        run,
        st.integers(0, 2**32),
        days=st.integers(least_days, 45),
        points=st.integers(1, 6),
        fee=st.sampled_from([0, 350_000, 5_000_000]),
        busy=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
        swing=st.sampled_from([0.0, 0.002, 0.05]),
    )


@st.composite
def hostile(draw: st.DrawFn) -> Record:
    """Records that are allowed and make little sense: any values, any times, some columns missing."""
    n = draw(st.integers(1, 12))
    times = sorted(draw(st.lists(st.integers(0, 60 * DAY), min_size=n, max_size=n)))
    # Small values meet each other, and peaks are regained exactly.
    amounts = draw(st.sampled_from([st.integers(1, 4), st.integers(-2, 2), st.integers(-(10**16), 10**16)]))
    values = draw(st.lists(amounts, min_size=n, max_size=n))
    closes = draw(st.none() | st.lists(st.integers(1, 10**13), min_size=n, max_size=n))
    cash = draw(st.integers(-5, 5) | st.integers(1, 10**15))
    fills = None
    if draw(st.booleans()):
        k = draw(st.integers(0, 9))
        fills = Executions(
            time=np.array(sorted(draw(st.lists(st.integers(0, 90 * DAY), min_size=k, max_size=k)))),
            price=np.array(draw(st.lists(st.integers(1, 10**9), min_size=k, max_size=k))),
            shares=np.array(draw(st.lists(st.integers(1, 10**6), min_size=k, max_size=k))) * (-1) ** np.arange(k),
            fee=np.array(draw(st.lists(st.integers(0, 10**9), min_size=k, max_size=k))),
            cash=np.array(draw(st.lists(st.integers(0, 10**15), min_size=k, max_size=k))),
        )
    return Record(cash, np.array(times), np.array(values), fills, None if closes is None else np.array(closes))


def scaled(record: Record, factor: int) -> Record:
    """Return the same run with all money multiplied."""
    fills = record.fills
    return Record(
        record.cash * factor,
        record.time,
        record.value * factor,
        fills and replace(fills, price=fills.price * factor, fee=fills.fee * factor, cash=fills.cash * factor),
        None if record.closes is None else record.closes * factor,
    )


def split(record: Record) -> Record:
    """Return the same run with a point halfway to each point of the same day: as high as the lower of the two."""
    same_day = np.append(False, np.diff(record.time) <= 390 * MINUTE)
    where = np.flatnonzero(same_day)
    time = (record.time[where] + record.time[where - 1]) // 2
    value = np.minimum(record.value[where], record.value[where - 1])
    closes = None if record.closes is None else np.insert(record.closes, where, record.closes[where])
    return Record(
        record.cash,
        np.insert(record.time, where, time),
        np.insert(record.value, where, value),
        record.fills,
        closes,
    )

"""Who leads at the end of each minute: the same as counted by hand, wherever the tape is cut."""

from __future__ import annotations

import math
from dataclasses import fields
from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol import leaders as leaders_module
from riskcontrol.book import SCORE, Book
from riskcontrol.engine import advance
from riskcontrol.leaders import (
    BINS,
    EDGES,
    LEAST_TRIPS,
    NOBODY,
    Leaders,
    Ranking,
    decode_leaders,
    encode_leaders,
    merged,
    probability,
)
from riskcontrol.money import MAX_CASH
from riskcontrol.rows import Openings
from riskcontrol.standing import LARGEST, bin_of, evidence_of
from riskcontrol.strategy import first_rule
from riskcontrol.trades import LAST, NS_PER_MINUTE, REGULAR
from tests.core.test_engine import TICKERS, ibm, openings, tapes, trades
from tests.reference import Reference

Tape = list[pa.RecordBatch | Openings]


def told(tape: Tape) -> list[Leaders]:
    return advance(Book(), tape, rank=True).leaders


def same(one: Leaders, other: Leaders) -> bool:
    rankings = [(one.by_gain, other.by_gain), (one.by_evidence, other.by_evidence)]
    return (
        one.time == other.time
        and np.array_equal(one.counts, other.counts)
        and all(
            np.array_equal(getattr(a, f.name), getattr(b, f.name), equal_nan=f.name == "evidence")
            for a, b in rankings
            for f in fields(Ranking)
        )
    )


def one_by_one(tape: Tape) -> Tape:
    return [
        part
        for event in tape
        for part in ([event] if isinstance(event, Openings) else [event.slice(i, 1) for i in range(event.num_rows)])
    ]


def trip_returns(reference: Reference) -> dict[tuple[str, str, str], list[float]]:
    found: dict[tuple[str, str, str], list[float]] = {}
    bought: dict[tuple[str, str, str], int] = {}
    for fill in reference.fills:
        key, price, shares, fee = fill[:3], fill[5], fill[6], fill[7]
        if shares > 0:
            bought[key] = price * shares + fee
        else:
            found.setdefault(key, []).append((-shares * price - fee) / bought[key] - 1)
    return found


def by_hand(tape: Tape) -> list[tuple[int, dict[tuple[str, str, str], tuple[int, float, int]]]]:
    """Return each minute that ended, and by strategy its value, return and round trips."""
    reference, last, newest = Reference(), dict.fromkeys(TICKERS, 0), 0
    cash: dict[tuple[str, str, str], int] = {}
    found = []
    for event in one_by_one(tape):
        if not isinstance(event, Openings):
            (row,) = event.to_pylist()
            # The first minute of 1970 is not told apart from no trade at all.
            if newest // NS_PER_MINUTE and row["time"] // NS_PER_MINUTE > newest // NS_PER_MINUTE:
                trips, state = trip_returns(reference), {}
                for key, position in reference.positions.items():
                    if position.reference is not None:
                        value = position.cash + position.shares * (last[key[2]] or position.entry)
                        state[key] = (value, value / cash[key] - 1.0, len(trips.get(key, ())))
                found.append((newest // NS_PER_MINUTE * NS_PER_MINUTE, state))
            newest = max(newest, row["time"])
        reference.feed([event])
        if isinstance(event, Openings):
            for key in reference.positions.keys() - cash.keys():
                cash[key] = reference.positions[key].cash
        elif row["flags"] & LAST and row["flags"] & REGULAR:
            last[row["ticker"]] = row["price"]
    return found


@given(tapes())
def test_minutes_end_as_counted_by_hand(tape: Tape) -> None:
    found, wanted = told(tape), by_hand(tape)
    assert [one.time for one in found] == [time for time, _ in wanted]
    for one, (_, state) in zip(found, wanted, strict=True):
        rows = one.by_gain
        keys = [
            (u.decode(), n.decode(), t.decode()) for u, n, t in zip(rows.username, rows.name, rows.ticker, strict=True)
        ]
        traded = {key: row for key, row in state.items() if row[2]}
        assert {k: (v, g, t) for k, v, g, t in zip(keys, rows.value, rows.gain, rows.trips, strict=True)} == traded
        assert rows.gain.tolist() == sorted((row[1] for row in traded.values()), reverse=True)
        assert one.strategies == len(state)
        assert one.counts.tolist() == np.bincount([bin_of(row[1]) for row in state.values()], minlength=BINS).tolist()


@given(tapes(), st.integers(1, 7))
def test_where_the_tape_is_cut_makes_no_difference(tape: Tape, size: int) -> None:
    book, found = Book(), []
    pieces = one_by_one(tape)
    for first in range(0, len(pieces), size):
        found += advance(book, pieces[first : first + size], rank=True).leaders
    whole = told(tape)
    assert len(found) == len(whole)
    assert all(map(same, found, whole))


def test_a_trade_far_ahead_holds_minutes_up_until_the_tape_has_passed_it() -> None:
    dip = first_rule("ann", "dip", "IBM", 10**9, 100_000, 100_000)
    minutes = [1, 2, 500, 3, 4, 499, 501, 502]
    prices = [100, 80, 80, 80, 100, 100, 100, 100]  # bought and sold while the clock stands
    rows = [
        ("AIG" if minute == 500 else "IBM", minute * NS_PER_MINUTE, price * 10_000, 1, LAST | REGULAR)
        for minute, price in zip(minutes, prices, strict=True)
    ]
    tape = [openings(dip), trades(rows)]
    found = told(tape)
    assert [one.time // NS_PER_MINUTE for one in found] == [1, 2, 500, 501]
    assert [one.by_gain.trips.tolist() for one in found] == [[], [], [1], [1]]


def test_ranking_changes_nothing_else() -> None:
    tape = [openings(first_rule("ann", "dip", "IBM", 10**9, 100_000, 100_000)), ibm(*range(1_000, 1_200, 7))]
    plain, ranked = advance(Book(), tape), advance(Book(), tape, rank=True)
    assert plain.leaders == []
    assert np.array_equal(plain.fills.cash, ranked.fills.cash)


def test_a_value_over_64_bits_is_the_most_that_fits_and_does_not_wrap() -> None:
    rich = first_rule("ann", "dip", "IBM", MAX_CASH, 100_000, 100_000)
    # A round trip, then a purchase at a cent, of shares that a price of ten million dollars makes 10²⁰ dollars.
    cents = (100, 80, 80, 100, 100, 80, 1, 10**9)
    rows = [("IBM", NS_PER_MINUTE + i, price * 10_000, 100, LAST | REGULAR) for i, price in enumerate(cents)]
    (found,) = told([openings(rich), trades([*rows, ("AIG", 2 * NS_PER_MINUTE, 10**6, 1, LAST | REGULAR)])])
    assert found.by_gain.value.tolist() == [LARGEST]
    assert found.by_gain.trips.tolist() == [1]
    assert found.by_gain.gain.tolist() == [LARGEST / MAX_CASH - 1]
    assert found.counts[-1] == 1


@given(st.lists(st.floats(-0.5, 0.5), min_size=LEAST_TRIPS - 2, max_size=30), st.floats(-0.5, 0.5) | st.none())
def test_evidence_is_that_of_the_statistic_over_the_returns(returns: list[float], held: float | None) -> None:
    score = np.zeros(1, SCORE)[0]
    score["trips"] = len(returns)
    for power in range(1, 5):
        score[f"sum{power}"] = sum(value**power for value in returns)
    found = evidence_of(np.array([score], SCORE)[0], math.nan if held is None else held)
    values = np.array([*returns, *([] if held is None else [held])])
    if len(returns) < LEAST_TRIPS or np.std(values) < 1e-4:
        assert len(returns) >= LEAST_TRIPS or math.isnan(found)
        return
    ratio = np.mean(values) / np.std(values, ddof=1)
    standard = (values - np.mean(values)) / np.std(values)
    variance = 1 - np.mean(standard**3) * ratio + (np.mean(standard**4) - 1) / 4 * ratio**2
    # Moments made of sums of powers lose digits where returns hardly differ: the fourth, times the ratio's square.
    lost = 1e-15 * abs(ratio) ** 6
    if variance > 1e-6 and lost < 0.1:
        expected = ratio * math.sqrt((len(values) - 1) / variance)
        assert found == pytest.approx(expected, rel=1e-5 + lost, abs=1e-7)


def test_few_round_trips_are_no_evidence_however_much_they_are_alike() -> None:
    dip = first_rule("ann", "dip", "IBM", 10**9, 100_000, 100_000)
    # Each pair of prices is a purchase and a sale; what they make differs a little.
    prices = [1_000 + way + trip % 2 for trip in range(LEAST_TRIPS) for way in (0, -20, -20, 0)]
    for trips in (2, LEAST_TRIPS - 1, LEAST_TRIPS):
        rows = [
            ("IBM", NS_PER_MINUTE + i, price * 10_000, 1, 15) for i, price in enumerate([*prices[: 4 * trips], 1_000])
        ]
        (found,) = told([openings(dip), trades([*rows, ("IBM", 2 * NS_PER_MINUTE, 10_000_000, 1, 15)])])
        assert found.by_gain.trips.tolist() == [trips]
        chances = [probability(z) for z in found.by_evidence.evidence]
        assert chances == ([] if trips < LEAST_TRIPS else [pytest.approx(1.0)])
    # A loss that is held counts as much as one that was taken.
    rows += [("IBM", NS_PER_MINUTE + len(rows) + i, price * 10_000, 1, 15) for i, price in enumerate((980, 980, 700))]
    (found,) = told([openings(dip), trades([*rows, ("IBM", 2 * NS_PER_MINUTE, 10_000_000, 1, 15)])])
    assert found.by_gain.trips.tolist() == [LEAST_TRIPS]
    assert [probability(z) < 0.5 for z in found.by_evidence.evidence] == [True]


@given(st.floats(-1, 20))
def test_a_return_lies_within_its_bin(gain: float) -> None:
    at = bin_of(gain)
    assert EDGES[at] - 1e-9 <= gain <= EDGES[at + 1] + 1e-9


def ranking(users: list[str], gains: list[float]) -> Ranking:
    count = len(users)
    return Ranking(
        username=np.array(users, NOBODY.username.dtype),
        name=np.full(count, b"s", NOBODY.name.dtype),
        ticker=np.full(count, b"IBM", NOBODY.ticker.dtype),
        gain=np.array(gains),
        evidence=np.array(gains) * 2,
        value=np.arange(count),
        trips=np.ones(count, np.int64),
    )


@given(st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3]), max_size=5), min_size=1, max_size=4), st.randoms())
def test_merged_shards_are_the_best_of_all_in_whatever_order(gains: list[list[float]], random: object) -> None:
    parts = [
        Leaders(
            60 * number,
            *[ranking([f"u{number}{i}" for i in range(len(own))], own).take(np.argsort(own)[::-1])] * 2,
            np.full(BINS, number, np.int64),
        )
        for number, own in enumerate(gains)
    ]
    whole = merged(parts)
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same(whole, merged(shuffled))
    assert whole.by_gain.gain.tolist() == sorted(chain.from_iterable(gains), reverse=True)
    assert whole.time == 60 * (len(gains) - 1)
    assert whole.counts.tolist() == [sum(range(len(gains)))] * BINS
    assert same(decode_leaders(whole.time, encode_leaders(whole)), whole)


def test_only_the_best_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskcontrol.standing.MOST", 3)
    monkeypatch.setattr(leaders_module, "MOST", 3)
    users = [first_rule(f"u{i}", "s", "IBM", 10**9 + i * 10**7, 100_000, 100_000 + 10_000 * (i % 5)) for i in range(9)]
    prices = [1_000, 980, 980, 990, 1_000, 1_010, 1_020]
    rows = [("IBM", NS_PER_MINUTE + i, price * 10_000, 1, 15) for i, price in enumerate(prices)]
    tape: Tape = [openings(*users), trades([*rows, ("IBM", 2 * NS_PER_MINUTE, 10_000_000, 1, 15)])]
    (found,) = told(tape)
    gains = sorted((row[1] for row in by_hand(tape)[0][1].values() if row[2]), reverse=True)
    assert len(gains) > 3
    assert found.by_gain.gain.tolist() == gains[:3]
    assert len(merged([found, found]).by_gain) == 3


def test_quantiles_of_nobody_and_of_the_far_end() -> None:
    counts = np.zeros(BINS, np.int64)
    assert math.isnan(Leaders(0, NOBODY, NOBODY, counts).quantile(0.5))
    counts[-1] = 1
    assert Leaders(0, NOBODY, NOBODY, counts).quantile(0.5) == EDGES[-2]
    with pytest.raises(ValueError, match="nothing"):
        merged([])

"""Every template fills, and comes to the statistics, that are kept beside; a plain engine and plain formulas agree."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from riskcontrol import templates
from riskcontrol.statistics import Executions, Record
from riskcontrol.strategy import Strategy
from riskcontrol.trades import DRIVING, NS_PER_MINUTE
from tests.core.test_engine import openings
from tests.reference import Fill, Reference, trades_of
from tests.statistics.definitions import DEFINITIONS
from tests.templates import catalogue

pytestmark = pytest.mark.xdist_group("templates")  # the plain engine runs once, not once a process

REASONS = {1: "buy", 2: "sell", 3: "stop_loss", 4: "trailing_stop", 5: "take_profit"}
EXPECTED = catalogue.expected()
HOW = "if that was meant: python -m tests.templates.record, and say why in the commit"


@pytest.fixture(scope="session")
def reference(week: list[Path]) -> tuple[Reference, dict[str, tuple[int, int]]]:
    """The plain engine after the week, and time and price of each ticker's last driving trade."""
    tape = list(catalogue.blocks(week))
    last = {
        t: (time, price) for b in tape for t, time, price, _, flags, _ in trades_of(b) if flags & DRIVING == DRIVING
    }
    return Reference().feed([openings(*catalogue.strategies()), *tape]), last


def own_fills(reference: Reference, name: str) -> list[Fill]:
    return [fill for fill in reference.fills if fill[1] == name]


def plain_record(one: Strategy, reference: Reference, mark: tuple[int, int]) -> Record:
    """Return a run's record, point by point: each bar's end, each fill, the last trade."""
    fills = own_fills(reference, one.name)
    points = [(fill[4], number, fill[5]) for number, fill in enumerate(fills, start=1)]
    for (ticker, start), bar in reference.bars.items():
        if ticker == one.ticker and bar["close"]:
            end = start + NS_PER_MINUTE
            points.append((end, sum(fill[4] < end for fill in fills), bar["close"]))
    points.sort()
    points.append((max(mark[0], points[-1][0]), len(fills), mark[1]))
    cash = [one.cash, *(fill[8] for fill in fills)]
    shares = [sum(fill[6] for fill in fills[:done]) for done in range(len(fills) + 1)]
    columns = [[fill[i] for fill in fills] for i in (4, 5, 6, 7, 8)]
    return Record(
        one.cash,
        [time for time, _, _ in points],
        [cash[done] + shares[done] * price for _, done, price in points],
        Executions(*columns),
        [price for _, _, price in points],
    )


def test_the_tape_is_the_one_that_is_expected(week: list[Path]) -> None:
    assert catalogue.tape_hash(week) == EXPECTED["tape"], "the simulator writes other days than before; " + HOW


def test_each_template_has_its_expectation() -> None:
    assert list(EXPECTED["templates"]) == templates.names()
    assert len(templates.names()) >= 12


@pytest.mark.parametrize("name", templates.names())
def test_a_template_fills_and_ends_as_expected(name: str, found: dict[str, Any]) -> None:
    now, then = found["templates"][name], EXPECTED["templates"][name]
    assert now["statistics"] == pytest.approx(then["statistics"], rel=1e-9, abs=0), HOW
    for key, value in then["statistics"].items():
        assert type(now["statistics"][key]) is type(value)
        assert now["statistics"][key] == value or isinstance(value, float)
    assert now["fills_hash"] == then["fills_hash"], HOW
    assert then["statistics"]["round_trips"] >= 4


@pytest.mark.parametrize("one", catalogue.strategies(), ids=lambda one: one.name)
def test_the_plain_engine_and_the_plain_formulas_come_to_the_same(
    one: Strategy, reference: tuple[Reference, dict[str, tuple[int, int]]]
) -> None:
    then, (engine, last) = EXPECTED["templates"][one.name], reference
    lines = [",".join([*map(str, fill[3:10]), REASONS[fill[10]]]) + "\n" for fill in own_fills(engine, one.name)]
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == then["fills_hash"]
    record = plain_record(one, engine, last[one.ticker])
    plainly = {name: define(record) for name, define in DEFINITIONS.items()}
    assert plainly == pytest.approx(then["statistics"], rel=1e-9, abs=1e-12)


def test_all_ways_out_are_taken(reference: tuple[Reference, dict[str, tuple[int, int]]]) -> None:
    assert {fill[10] for fill in reference[0].fills} == set(REASONS)

"""The luck in the best of a sweep: the paper's example, chance itself, and both sides of the warning's edge."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from click import unstyle

from riskcontrol.cli.backtest_sweep import sweep_json, sweep_lines
from riskcontrol.luck import Luck, expected_best, luck
from riskcontrol.statistics.examples import daily
from riskcontrol.statistics.risk import sharpe
from riskcontrol.sweep import Axis, Sweep

DAYS = (100, 101, 100.5, 102, 101.5, 103)


def swept(found: Luck | None) -> Sweep:
    return Sweep((Axis("a", ("1", "2")),), "total_return", np.array([0.1, 0.2]), np.array([2, 2]), found)


def test_the_expected_best_is_that_of_the_paper_s_example() -> None:
    # "The Deflated Sharpe Ratio", section "A numerical example": 100 trials, variance 1/2 a year of 250 days.
    ratios = np.linspace(-1, 1, 100)
    ratios *= math.sqrt(0.5) / np.std(ratios, ddof=1)
    assert expected_best(ratios) / math.sqrt(250) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize("count", [5, 50, 500])
def test_the_expected_best_is_about_what_chance_gives(count: int) -> None:
    drawn = np.random.default_rng(1).normal(size=(2_000, count))
    found = np.mean([expected_best(row) for row in drawn])
    assert found == pytest.approx(drawn.max(axis=1).mean(), rel=0.05)


def test_variants_that_are_all_alike_leave_the_probabilistic_sharpe_ratio() -> None:
    from riskcontrol.statistics.risk import probabilistic_sharpe

    record = daily(*DAYS)
    assert luck(np.full(9, 1.5), record).probability == pytest.approx(probabilistic_sharpe(record))
    assert luck(np.array([-9.0, 9.0]), record).probability < luck(np.array([-1.0, 1.0]), record).probability


def test_variants_without_a_ratio_count_as_tried_but_say_nothing_of_the_spread() -> None:
    record = daily(*DAYS)
    known = luck(np.array([-1.0, 0.0, 2.0]), record)
    found = luck(np.array([-1.0, math.nan, 0.0, 2.0]), record)
    assert (found.variants, found.rated) == (4, 3)
    assert (found.expected, found.probability) == (known.expected, known.probability)


def test_a_run_of_one_day_has_no_probability() -> None:
    assert luck(np.full(3, math.nan), daily(100, 101)) == Luck(3, 0, pytest.approx(0.01))


def test_the_warning_says_the_numbers() -> None:
    said = unstyle(" ".join(sweep_lines(swept(Luck(6, 6, 0.1, 1.5, 2.25, 0.4)))))
    assert "The best of 6 may be luck: its Sharpe ratio is 1.50" in said
    assert "without skill is expected to have 2.25" in said
    assert "(deflated Sharpe ratio) is 40.00%, under 95.00%." in said


def test_the_warning_counts_those_that_the_expected_best_is_of() -> None:
    said = unstyle(" ".join(sweep_lines(swept(Luck(6, 4, 0.1, 1.5, 2.25, 0.4)))))
    assert "The best of 4 with a Sharpe ratio may be luck" in said


def test_where_luck_can_t_be_told_the_true_reason_is() -> None:
    alone = luck(np.array([math.nan, 1.5]), daily(*DAYS))
    assert (alone.sharpe, alone.expected) == (sharpe(daily(*DAYS)), None)
    told = "can't be told: that takes two variants with a Sharpe ratio, and 1 has one."
    assert told in unstyle(" ".join(sweep_lines(swept(alone))))
    short = luck(np.full(3, math.nan), daily(100, 101))
    assert "can't be told: it has no Sharpe ratio; that takes two" in unstyle(" ".join(sweep_lines(swept(short))))
    odd = Luck(6, 6, 0.1, 1.5, 2.25)
    assert "can't be told: its daily returns leave" in unstyle(" ".join(sweep_lines(swept(odd))))


@pytest.mark.parametrize(
    "found", [None, Luck(1, 1, 0.1), Luck(6, 6, -0.1, -1.0, 2.0, 0.0), Luck(6, 0, 0.0), Luck(6, 6, 0.1, 3.0, 1.0, 0.95)]
)
def test_there_is_no_warning_where_none_applies(found: Luck | None) -> None:
    assert not any("luck" in line for line in sweep_lines(swept(found)))
    assert json.loads(json.dumps(sweep_json(swept(found))))["warning"] is None

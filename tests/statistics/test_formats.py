"""How values are written: a dash without one, no minus before a zero, two units of time."""

from __future__ import annotations

import pytest

from riskcontrol.statistics import STATISTICS, compute, format_value, plain
from riskcontrol.statistics.formats import how_sure
from tests.statistics.records import run


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("fees", 0, "$0.00"),
        ("fees", 1_004_999, "$1.00"),
        ("fees", -4_999, "$0.00"),
        ("expectancy", -1_500_000, "−$1.50"),
        ("total_return", -0.000_01, "0.00%"),
        ("total_return", 12.5, "1,250.00%"),
        ("total_return", -0.251, "−25.10%"),
        ("sharpe", -1.005e3, "−1,005.00"),
        ("days", 1, "1"),
        ("longest_drawdown", 0, "0 s"),
        ("longest_drawdown", 59_999_999_999, "59 s"),
        ("longest_drawdown", 3_600 * 10**9, "1 h"),
        ("longest_drawdown", 3_661 * 10**9, "1 h 1 m"),
        ("longest_drawdown", (86_400 * 400 + 59) * 10**9, "400 d"),
    ],
)
def test_a_value_is_written_in_its_unit(name: str, value: float, text: str) -> None:
    assert format_value(STATISTICS[name], value) == text


@pytest.mark.parametrize("name", STATISTICS)
def test_what_has_no_number_is_a_dash_and_null(name: str) -> None:
    assert format_value(STATISTICS[name], None) == "—"
    assert plain({name: None}) == {name: None}


def test_a_ratio_of_few_days_is_told_with_its_error_up_to_the_edge() -> None:
    values = compute(run(3, days=29, points=4))
    assert "±3.00 by chance" in how_sure(values | {"days": 29})
    assert how_sure(values | {"days": 30}) == ""
    assert how_sure(compute(run(3, days=1, points=4))) == ""


def test_all_values_of_a_run_can_be_written() -> None:
    values = compute(run(7, days=40, points=5))
    assert all(format_value(STATISTICS[name], value) not in ("", "—") for name, value in values.items())
    assert plain(values)["end_equity"] == pytest.approx(values["end_equity"] / 1e6)  # type: ignore[operator]

"""The report: one well-formed page that loads nothing, small, with nothing of the outside unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from riskcontrol.backtest import on_trades
from riskcontrol.backtest_run import Data, Result
from riskcontrol.errors import InputError
from riskcontrol.report import page, write_report
from riskcontrol.report.charts import POINTS, heat_map, histogram, line, reduced, ticks
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.sweep import Axis, Sweep
from riskcontrol.terms import Terms
from tests.core.test_engine import ibm

DIP = of_text(
    'name = "dip"\nticker = "IBM"\nbuy = "price <= reference - 0.1"\nsell = "price >= reference + 0.1"', "toml"
)
LARGEST = 1_000_000


def result(*prices: int, shares: int = 0) -> Result:
    definition = replace(DIP, terms=Terms(shares=shares))
    return Result(definition, on_trades([strategy_of(definition)], [ibm(*prices)]), 0)


class Balanced(HTMLParser):
    """Checks that every element is closed where it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is closed at once."""
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it is the last one opened."""
        assert self.open.pop() == tag


def checked(text: str) -> Balanced:
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert not parser.open
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(svg)  # noqa: S314  our own
    return parser


def test_a_report_is_well_formed_and_loads_nothing() -> None:
    text = page(Data(("day.gz",), "trades"), result(1_000, 985, 985, 1_000, 1_000, 980, 960, 990, 990))
    seen = checked(text).seen
    assert not seen & {"script", "link", "img", "iframe", "object"}
    assert not re.search(r"""(src|href)=|url\(|@import|https?:""", text)
    for title in ("Verdict", "Statistics", "Equity and drawdown", "Returns of round trips", "Monthly returns", "Fills"):
        assert f"<h2>{title}</h2>" in text


def test_a_run_without_fills_has_a_report_too() -> None:
    text = page(Data(("day.gz",), "trades"), result(1_000, 1_000))
    checked(text)
    assert "0 fills" in text


def test_a_long_run_stays_under_a_megabyte() -> None:
    prices = 1_000 - 40 * (np.arange(60_000) // 4 % 2)  # up and down, with time to fill
    run = result(*prices.tolist(), shares=1)
    assert len(run.fills) > POINTS
    axes = Axis("a", tuple(map(str, range(300)))), Axis("b", tuple(map(str, range(300))))
    sweep = Sweep(axes, "total_return", np.linspace(-1, 1, 90_000), np.arange(90_000))
    text = page(Data(("day.gz",), "trades"), run, sweep)
    checked(text)
    assert len(text.encode()) < LARGEST


def test_what_comes_from_outside_is_escaped() -> None:
    data = Data(("<script>alert(1)</script>",), "trades", ("<b>note</b>", 'a"b'))
    text = page(data, result(1_000, 985, 985))
    assert "script" not in checked(text).seen
    assert "&lt;b&gt;note&lt;/b&gt;" in text


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write_report(tmp_path / "none" / "r.html", Data(("x",), "trades"), result(1_000))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(4, 60))
def test_a_reduced_line_keeps_its_ends_and_its_extremes(values: list[float], most: int) -> None:
    kept = reduced(values, most)
    column = np.array(values)
    assert len(kept) <= max(most, 4)
    assert (np.diff(kept) > 0).all()
    assert {0, len(values) - 1} <= set(kept.tolist())
    assert column[kept].max() == column.max()
    assert column[kept].min() == column.min()


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9))
def test_ticks_are_few_and_inside(low: float, wide: float) -> None:
    found = ticks(low, low + wide)
    assert 1 <= len(found) <= 9
    assert all(low - wide * 0.01 <= at <= low + wide * 1.01 for at in found)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50))
@example([0.0, 1.1503014929786808e-153])
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    drawn = histogram(values, str)
    counts = [int(count.replace(",", "")) for count in re.findall(r"<title>([\d,]+) from", drawn)]
    assert sum(counts) == len(values)


def labels(drawn: str) -> tuple[list[str], list[str]]:
    """Return what is written along a chart's two axes."""
    return re.findall(r"<span>(.*?)</span>", drawn), re.findall(r"<span style=.*?>(.*?)</span>", drawn)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40, 999])
def test_a_histogram_counts_in_whole_numbers_each_written_once(count: int) -> None:
    _, counts = labels(histogram([0.5] * count, str))
    assert len(set(counts)) == len(counts) > 1
    assert all(re.fullmatch(r"\d+", text) for text in counts)


def test_no_axis_writes_a_number_twice() -> None:
    # Cents up and down at a thousand dollars: thousandths of a percent, and dollars that round alike.
    prices = [price for i in range(9) for price in (100_000, *[99_985 - i] * 2, *[100_002 + i] * 2)]
    text = page(Data(("day.gz",), "trades"), result(*prices, shares=1))
    charts = re.findall(r'<div class="chart (\w+)">(.*?</svg>.*?</div>)', text, re.DOTALL)
    assert [kind for kind, _ in charts] == ["equity", "drawdown", "price", "distribution"]
    for kind, drawn in charts:
        across, down = labels(drawn)
        assert len(set(down)) == len(down) > 0, kind
        assert kind != "distribution" or len(set(across)) == 5


def test_a_histogram_colours_gains_and_losses() -> None:
    drawn = histogram([-0.5, -0.25, 0.25, 0.5, 0.75], str)
    assert (drawn.count('class="loss"'), drawn.count('class="gain"')) == (2, 3)


def test_marks_lie_at_their_points_and_say_what_they_are() -> None:
    drawn = line([1, 2, 3], ["a"], str, kind="price", marks=[(1, 2.0, "buy", "a < b")])
    assert re.search(r'<path class="mark buy" d="M500.0 500.0h0"><title>a &lt; b</title>', drawn)


def test_the_axes_of_a_heat_map_are_labelled_between_the_ends_too() -> None:
    across, down = [f"a{i}" for i in range(120)], [f"b{i}" for i in range(3)]
    drawn = heat_map(np.arange(360.0).reshape(120, 3), across, down, str)
    assert re.findall(r"<span>(.*?)</span>", drawn) == ["a0", "a29", "a58", "a90", "a119"]
    assert re.findall(r'<span style="top:(.*?)%">(.*?)</span>', drawn) == [
        ("16.67", "b0"), ("50.00", "b1"), ("83.33", "b2")
    ]  # fmt: skip


def test_a_heat_map_leaves_out_what_has_no_value() -> None:
    drawn = heat_map(np.array([[1.0, np.nan], [2.0, 3.0]]), ["1", "2"], ["3", "4"], str)
    assert drawn.count("<rect") == 3
    assert "<title>2, 4: 3.0</title>" in drawn

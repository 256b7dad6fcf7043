"""`riskcontrol bench engine`: it compares what it says it compares, and says what it could not run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from bench import plain
from bench.crosses import Crosses
from bench.crowd import openings
from bench.engine import Options, graph, run
from bench.peers.environment import folder_of, is_installed
from bench.rule import Rule
from bench.tables import GROWTH, goals, tell
from bench.tapes import read, simulated
from database.generator import draw
from riskcontrol.cli import cli
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings, load
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.templates import names
from riskcontrol.templates import read as template
from tests.ingestion.trade_files import row, taq, write

TINY = Options(
    simulated=2_000, users=40, peers=False, bars=(60,), fasts=2, slows=3, crowds=(500, 2_000), acting=20, block=512,
    mixed=300, repeats=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(TINY, Settings(home=tmp_path_factory.mktemp("home")))


def test_the_first_rule_gives_every_user_of_the_plain_loop_the_same_ends(found: dict[str, Any]) -> None:
    assert found["tape"]["driving_trades"] == 2_000
    assert found["engine"]["fills"] == found["engine"]["advance_fills"] > 40
    assert found["plain_loop"]["users_equal"] == found["plain_loop"]["users"] == 40
    assert found["plain_loop"]["equal"] is True
    fills = [fills for fills, _ in found["engine"]["marginal_points"]]
    assert fills[0] == found["engine"]["fills"]
    assert fills == sorted(fills, reverse=True)


def test_a_figure_is_time_by_what_it_is_for(found: dict[str, Any]) -> None:
    engine, loop = found["engine"], found["plain_loop"]
    assert engine["kernel_user_trades_per_second"] == pytest.approx(40 * 2_000 / engine["kernel_seconds"])
    assert engine["kernel_ns_per_fill"] == pytest.approx(engine["kernel_seconds"] / engine["fills"] * 1e9)
    assert loop["ratio"] == pytest.approx(loop["seconds"] / engine["kernel_seconds"])


def test_a_peer_that_did_not_run_has_a_reason_and_no_figure(found: dict[str, Any]) -> None:
    for peer in (found["backtesting"], found["crosses"][0]["vectorbt"]):
        assert peer == {"not_run": "not asked for (--no-peers)"}
    missing = [goal for goal in found["goals"] if goal["reached"] is None]
    assert [goal["value"] for goal in missing] == [None] * 2
    assert all("vectorbt" in goal["name"] or "backtesting" in goal["name"] for goal in missing)


def test_a_peer_that_cannot_run_is_named_with_the_reason(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "backtesting")
    folder.mkdir(parents=True)
    (folder / "complete").touch()  # yet there is no Python in it
    options = replace(TINY, peers=True, parts=("rule",))
    reason = run(options, Settings(home=tmp_path))["backtesting"]
    assert set(reason) == {"not_run"}
    assert "No such file" in reason["not_run"]


def test_a_wrong_plain_loop_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule(30, 1, "IBM", simulated(1_000, "IBM", 1), repeats=1)
    rule.engine()
    right = plain.run

    def wrong(*columns: Any) -> Any:
        fills, cash, shares = right(*columns)
        cash[3:5] += 1  # a micro-dollar
        return fills, cash, shares

    monkeypatch.setattr(plain, "run", wrong)
    said = rule.plain_loop()
    assert (said["users_equal"], said["equal"]) == (min(28, said["users"]), False)


def test_the_mixed_users_are_of_every_template(found: dict[str, Any]) -> None:
    mixed = found["mixed"]
    assert mixed["users"] == 300
    assert mixed["shapes"] == len({strategy_of(of_text(template(name), "toml")).shape for name in names()})
    assert mixed["fills"] > 0
    assert mixed["positions_written"] >= 300


def test_the_crowd_has_the_same_fills_at_every_size_and_layout(found: dict[str, Any]) -> None:
    sizes = found["crowd"]["sizes"]
    assert [(size["users"], size["layout"]) for size in sizes] == [
        (500, "spread"), (500, "first"), (2_000, "spread"), (2_000, "first"),
    ]  # fmt: skip
    assert found["crowd"]["equal_fills"] is True
    assert sizes[0]["fills"] > 20
    assert {size["trades"] for size in sizes} == {2_000 - 512}


@pytest.mark.parametrize(("layout", "places"), [("spread", [0, 3, 6]), ("first", [0, 1, 2])])
def test_acting_users_are_where_the_layout_wants_them(layout: str, places: list[int]) -> None:
    acting = draw(3, 1, {"IBM": 1.0}, prefix="acting")
    (part,) = openings(acting, "IBM", 11, layout)
    assert len(set(part.username.tolist())) == len(part) == 11
    assert np.flatnonzero(np.char.startswith(part.username, b"acting")).tolist() == places
    assert part.take(np.array(places)).cash.tolist() == acting.cash.tolist()


def test_crosses_end_as_their_fills_say(found: dict[str, Any]) -> None:
    bars = simulated(2_000, "IBM", 1).bars(60)
    crosses = Crosses(bars, 60, "IBM", 2, 3, 1)
    backtest = crosses.sweep()
    counts, returns = crosses.ends(backtest)
    assert int(counts.sum()) == found["crosses"][0]["fills"] > 0
    assert found["crosses"][0]["one_by_one_equal"] == found["crosses"][0]["variants"] == 6
    for number, strategy in enumerate(backtest.strategies):
        fills = backtest.fills_of(number)
        cash = strategy.cash - int((fills.shares * fills.price).sum())
        value = cash + int(fills.shares.sum()) * int(bars["close"][-1])
        assert returns[number] == pytest.approx(value / strategy.cash - 1, abs=1e-15)


def test_bars_are_those_of_the_driving_trades(tmp_path: Path) -> None:
    lines = [("093000000000000", "10", "@"), ("093059999999999", "12", "@"), ("093030000000000", "99", "@  I")]
    lines += [("093100000000000", "11", "@")] + [(f"1000{i:02}000000000", "11", "@") for i in range(60)]
    rows = [row(t, price=p, condition=c, sequence=str(i)) for i, (t, p, c) in enumerate(sorted(lines))]
    path = write(tmp_path / "x_20131007.gz", taq(rows))
    bars = read([str(path)], "IBM", Settings(home=tmp_path)).bars(60)
    assert [bars[name][0] // 10**6 for name in ("open", "high", "low", "close")] == [10, 12, 10, 12]
    assert (bars["end"] - bars["start"]).tolist() == [60 * 10**9] * 3


def test_goals_are_reached_on_their_side_of_the_edge() -> None:
    part = {"bar_seconds": 1, "variants": 9, "vectorbt": {"ratio": 4.999}}
    sizes = [{"users": 10}, {"users": 100}]
    crowd = {"sizes": sizes, "growth": {"spread": GROWTH, "first": GROWTH + 0.01}}
    engine = {"kernel_user_trades_per_second": 1e11, "kernel_ns_per_fill": 251.0}
    rows = goals({"engine": engine, "plain_loop": {"ratio": 79.9}, "crosses": [part], "crowd": crowd})
    assert [row["reached"] for row in rows] == [True, False, False, None, False, True, False]


def test_the_tables_have_every_part(found: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    tell(found)
    said = capsys.readouterr().out
    for text in ("kernel ns per fill", "users equal", "not asked for", "bars of 60 s", "2,000  spread", "goals"):
        assert text in said


@pytest.mark.parametrize(
    ("left_out", "said"),
    [((), ", best of 1, mixed run once, "), (("mixed",), ", best of 1, processor"),
     (("engine", "plain_loop", "backtesting", "crosses", "crowd"), ", mixed run once, processor")],
)  # fmt: skip
def test_the_tables_say_how_often_what_was_run(
    found: dict[str, Any], left_out: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell({name: part for name, part in found.items() if name not in left_out})
    assert said in capsys.readouterr().out


def test_the_graph_is_a_drawing_of_all_points(found: dict[str, Any]) -> None:
    root = ET.fromstring(graph(found))  # noqa: S314  our own
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 4
    heights = [float(circle.attrib["cy"]) for circle in circles]
    assert all(44 <= height <= 344 for height in heights)


def test_the_command_prints_one_object_of_the_parts_asked_for(tmp_path: Path) -> None:
    arguments = ["--part", "rule", "--simulated", "500", "--users", "10", "--repeats", "1", "--no-peers", "--json"]
    result = CliRunner().invoke(cli, ["bench", "engine", *arguments, "--home", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert set(json.loads(result.stdout)) == {
        "load_average", "repeats", "tape", "engine", "plain_loop", "backtesting", "goals",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ticker", "no ticker"], "must be a ticker"),
        (["--graph", "no/such/folder/x.svg"], "there is no folder"),
        (["--graph", "x.svg", "--part", "rule"], "--part crowd"),
        (["--trades", "no-such-file.gz"], "no-such-file.gz"),
    ],
)
def test_wrong_input_is_refused_before_anything_runs(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(cli, ["bench", "engine", *arguments, "--no-peers", "--home", str(tmp_path)])
    assert result.exit_code != 0
    assert said in (result.output + str(result.exception))


def test_too_few_trades_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row()]))
    with pytest.raises(InputError, match="1 trades that drive strategies"):
        run(replace(TINY, trades=(str(path),)), Settings(home=tmp_path))
    with pytest.raises(InputError, match="did you mean IBM"):
        run(replace(TINY, trades=(str(path),), ticker="IBN"), Settings(home=tmp_path))


@pytest.mark.parametrize("peer", ["backtesting", "vectorbt"])
def test_peers_give_the_same(peer: str) -> None:
    home = load().home
    if not is_installed(home, peer):
        pytest.skip(f"{peer} is not installed; `riskcontrol bench engine` does that")
    part = {"backtesting": "rule", "vectorbt": "crosses"}[peer]
    found = run(replace(TINY, peers=True, parts=(part,)), Settings(home=home))
    said = found["backtesting"] if part == "rule" else found["crosses"][0]["vectorbt"]
    if part == "rule":
        assert said["equal"] is True
        assert said["fills_equal"] == said["fills_compared"] > 3
    else:
        assert said["equal"] == 6
        assert said["unequal_windows"] == []

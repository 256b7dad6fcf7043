"""`riskcontrol backtest` as somebody runs it: on trades, on bars, swept, and with everything wrong."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from riskcontrol import templates
from riskcontrol.cli import cli
from riskcontrol.cli.backtest_sweep import heat_lines
from riskcontrol.errors import InputError
from riskcontrol.sweep import BY, Axis, Sweep
from tests.ingestion.trade_files import row, taq, write

DIP = """\
name = "dip"
ticker = "IBM"
buy = "price <= reference - a"
sell = "price >= reference + b"
[parameters]
a = 0.1
b = 0.1
"""
PRICES = ("10", "9.9", "9.8", "9.9", "10", "10.1", "9.7", "9.6")


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    path = tmp_path / "dip.toml"
    path.write_text(DIP)
    return path


@pytest.fixture
def day(tmp_path: Path) -> Path:
    rows = [row(f"0930{i:02}000000000", price=price, size="100") for i, price in enumerate(PRICES, 10)]
    return write(tmp_path / "x_20131007.gz", taq(rows))


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    path = tmp_path / "bars.csv"
    rows = [f"2013-10-{7 + i:02},{price},{price},{price},{price},5" for i, price in enumerate(PRICES)]
    path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]) + "\n")
    return path


def run(tmp_path: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["backtest", *map(str, arguments), "--home", str(tmp_path / "home")])


def failed(tmp_path: Path, *arguments: object) -> str:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 1
    assert isinstance(result.exception, InputError)
    return str(result.exception)


def test_trades_give_statistics_a_verdict_and_fills(tmp_path: Path, day: Path, strategy: Path) -> None:
    result = run(tmp_path, day, "--strategy", strategy)
    assert result.exit_code == 0
    assert f"{day}: trades" in result.stdout
    assert "8 trades" in result.stdout
    assert "Verdict: keep testing" in result.stdout
    assert "1 2013-10-07 09:30:12.000 buy +1020 9.80 0.00 4.00" in " ".join(result.stdout.split())


def test_the_trades_told_are_those_of_the_ticker_that_was_tested(tmp_path: Path, strategy: Path) -> None:
    rows = [
        row(f"0930{i:02}000000000", ticker, price="10", size="100")
        for i, ticker in enumerate(("IBM", "BAC", "BAC", "BAC", "IBM", "AIG"), 10)
    ]
    day = write(tmp_path / "x_20131007.gz", taq(rows))
    options = (day, "--strategy", strategy, "--ticker", "IBM", "--ticker", "BAC")
    shown = run(tmp_path, *options).stdout
    assert "New York, 2 trades of IBM (the files have 6 of all tickers)\n" in shown
    assert "New York, 3 trades of BAC (the files have 6 of all tickers)\n" in shown
    found = json.loads(run(tmp_path, *options, "--json").stdout)
    assert [one["trades"] for one in found["results"]] == [2, 3]
    report = tmp_path / "report.html"
    run(tmp_path, day, "--strategy", strategy, "--html", report)
    assert "2 trades of IBM (the files have 6 of all tickers)" in report.read_text()


def test_what_is_held_at_the_end_is_told(tmp_path: Path, day: Path, strategy: Path) -> None:
    report = tmp_path / "report.html"
    told = "Holds 1,062 shares at the end, bought 2013-10-07 09:30:17 at 9.60: worth $10,195.20 at 9.60."
    shown = run(tmp_path, day, "--strategy", strategy, "--html", report).stdout
    assert told in shown
    assert told in report.read_text()
    (one,) = json.loads(run(tmp_path, day, "--strategy", strategy, "--json").stdout)["results"]
    assert one["holding"] == {
        "shares": 1062, "bought": 1062, "time": "2013-10-07 09:30:17", "entry": 9.6, "price": 9.6, "value": 10195.2
    }  # fmt: skip
    strategy.write_text(DIP.replace("reference - a", "reference - 9"))
    assert "Holds" not in run(tmp_path, day, "--strategy", strategy).stdout
    (one,) = json.loads(run(tmp_path, day, "--strategy", strategy, "--json").stdout)["results"]
    assert one["holding"] is None


def test_what_is_held_at_the_end_is_told_with_its_splits(tmp_path: Path, strategy: Path) -> None:
    bars, splits = tmp_path / "bars.csv", tmp_path / "splits.csv"
    prices = ("10", "9.8", "9.8", "4.9", "4.9")
    rows = [f"2013-10-{7 + i:02},{price},{price},{price},{price},5" for i, price in enumerate(prices)]
    bars.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]) + "\n")
    splits.write_text("ticker,ex_date,ratio\nIBM,2013-10-10,2:1\n")
    shown = run(tmp_path, bars, "--strategy", strategy, "--splits", splits).stdout
    told = "Holds 2,040 shares at the end (1,020 before splits), bought 2013-10-09 09:30:00 at 9.80: worth $9,996.00"
    assert f"{told} at 4.90." in shown


def test_a_template_s_ticker_is_not_in_real_files_and_the_remedy_is_told(tmp_path: Path, strategy: Path) -> None:
    rows = [
        row(f"0930{i:02}000000000", ticker, price="10", size="100")
        for i, ticker in enumerate(("AIG", "IBM", "BAC", "BAC", "IBM", "BAC"), 10)
    ]
    day = write(tmp_path / "x_20131007.gz", taq(rows))
    strategy.write_text(templates.read("sma-cross"))
    remedy = "choose one with --ticker"
    told = failed(tmp_path, day, "--strategy", strategy)
    assert told == f"{day}, ticker: no trades of TVNV; there are BAC, IBM, AIG: {remedy}, or in the strategy file"
    bars = tmp_path / "bars.csv"
    lines = [f"{ticker},2013-10-0{day},9,9,9,9" for ticker, day in (("AIG", 7), ("BAC", 7), ("BAC", 8))]
    bars.write_text("\n".join(["ticker,date,open,high,low,close", *lines]) + "\n")
    told = failed(tmp_path, bars, "--strategy", strategy)
    assert told == f"{bars}, ticker: no bars of 'TVNV'; there are 'BAC', 'AIG': {remedy}"


def test_bars_of_another_ticker_are_not_taken_for_the_strategy_s(tmp_path: Path, strategy: Path) -> None:
    bars = tmp_path / "bars.csv"
    bars.write_text("ticker,date,open,high,low,close\nAIG,2013-10-07,9,9,9,9\nAIG,2013-10-08,9,9,9,9\n")
    assert "no bars of 'IBM'; there are 'AIG'" in failed(tmp_path, bars, "--strategy", strategy)


def test_json_is_one_object_with_a_hash(tmp_path: Path, day: Path, strategy: Path) -> None:
    found = json.loads(run(tmp_path, day, "--strategy", strategy, "--json").stdout)
    (one,) = found["results"]
    assert (found["kind"], one["trades"], one["fills"], len(one["fills_hash"])) == ("trades", 8, 3, 64)
    assert one["strategy"]["buy"] == "price <= reference - 0.1"
    assert one["statistics"]["end_equity"] == pytest.approx(10_000 + 1020 * 0.2)
    assert one["verdict"]["decision"] == "keep testing"


def test_bars_fill_at_the_next_open_and_say_what_is_taken_for_granted(
    tmp_path: Path, bars: Path, strategy: Path
) -> None:
    result = run(tmp_path, bars, "--strategy", strategy)
    assert result.exit_code == 0
    assert "taken as IBM's" in result.stderr
    assert "1 2013-10-09 09:30:00.000 buy +1020 9.80 0.00 4.00" in " ".join(result.stdout.split())


def test_splits_keep_what_is_held_at_its_worth(tmp_path: Path, strategy: Path) -> None:
    bars, splits = tmp_path / "bars.csv", tmp_path / "splits.csv"
    prices = ("10", "9.8", "9.8", "4.9", "4.9", "5.0", "5.0")
    rows = [f"2013-10-{7 + i:02},{price},{price},{price},{price},5" for i, price in enumerate(prices)]
    bars.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]) + "\n")
    splits.write_text("ticker,ex_date,ratio\nibm,2013-10-10,2:1\nAIG,2013-10-10,1:2\n")
    for more in ((), ("--set", "a=0.1,5")):
        result = run(tmp_path, bars, "--strategy", strategy, "--splits", splits, *more)
        assert result.exit_code == 0
        assert "IBM splits 2:1 on 2013-10-10." in result.stderr
        assert "No bars came of AIG, of which there are splits." in result.stderr
        shown = " ".join(result.stdout.split())
        assert "2 2013-10-10 00:00:00.000 split +1020 4.90 0.00 4.00" in shown
        assert "3 2013-10-13 09:30:00.000 sell -2040 5.00 0.00 10204.00" in shown
    splits.write_text("ticker,ex_date,ratio\nIBM,2013-10-10,two\n")
    assert "splits.csv, line 2, ratio: 'two'" in failed(tmp_path, bars, "--strategy", strategy, "--splits", splits)


def test_splits_of_tickers_that_are_not_in_the_trades_are_told(tmp_path: Path, day: Path, strategy: Path) -> None:
    splits = tmp_path / "splits.csv"
    splits.write_text("ticker,ex_date,ratio\nAIG,2013-10-07,2:1\nIBM,2013-10-08,2:1\n")
    result = run(tmp_path, day, "--strategy", strategy, "--splits", splits)
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "No trades came of AIG, of which there are splits."


def test_one_object_and_all_fills_are_not_mixed_on_stdout(tmp_path: Path, day: Path, strategy: Path) -> None:
    result = CliRunner().invoke(cli, ["backtest", str(day), "--strategy", str(strategy), "--json", "--fills", "-"])
    assert result.exit_code == 2
    assert "give --fills a file" in result.stderr


def test_all_fills_go_to_a_file_or_to_the_terminal(tmp_path: Path, day: Path, strategy: Path) -> None:
    run(tmp_path, day, "--strategy", strategy, "--fills", tmp_path / "fills.csv")
    rows = list(csv.DictReader((tmp_path / "fills.csv").read_text().splitlines()))
    assert [(row["reason"], row["shares"]) for row in rows] == [("buy", "+1020"), ("sell", "-1020"), ("buy", "+1062")]
    assert run(tmp_path, day, "--strategy", strategy, "--fills", "-").exit_code == 0


def test_several_strategies_of_one_name_run_at_once(tmp_path: Path, day: Path, strategy: Path) -> None:
    found = json.loads(run(tmp_path, day, "--strategy", strategy, "--strategy", strategy, "--json").stdout)
    assert found["results"][0] == found["results"][1]


def test_a_sweep_shows_the_best_a_heat_map_and_a_warning(tmp_path: Path, day: Path, strategy: Path) -> None:
    options = ("--set", "a=0.1:0.3:0.1", "--set", "b=0.1,0.2")
    result = run(tmp_path, day, "--strategy", strategy, *options)
    assert result.exit_code == 0
    assert "6 variants, the best 6 by return" in result.stdout
    assert "a across, b down" in result.stdout
    assert "Whether the best of 6 is more than luck can't be told" in result.stdout
    found = json.loads(run(tmp_path, day, "--strategy", strategy, *options, "--json").stdout)
    best = found["sweep"]["best"][0]["parameters"]
    alone = tmp_path / "alone.toml"
    alone.write_text(DIP.replace("a = 0.1", f"a = {best['a']}").replace("b = 0.1", f"b = {best['b']}"))
    single = json.loads(run(tmp_path, day, "--strategy", alone, "--json").stdout)
    assert single["results"][0]["fills_hash"] == found["results"][0]["fills_hash"]


CROSS = """\
name = "cross"
ticker = "IBM"
every = "{every}"
buy = "crosses_above(close, sma(window))"
sell = "crosses_below(close, sma(window))"
[parameters]
window = {window}
"""


@pytest.mark.parametrize(("every", "what"), [("1s", "day"), ("1d", "bars")])
def test_a_sweep_over_windows_fills_as_each_strategy_alone(
    tmp_path: Path, every: str, what: str, request: pytest.FixtureRequest
) -> None:
    data, path = request.getfixturevalue(what), tmp_path / "cross.toml"
    hashes = []
    for window in (2, 3, 4):
        path.write_text(CROSS.format(every=every, window=window))
        alone = json.loads(run(tmp_path, data, "--strategy", path, "--json").stdout)
        swept = json.loads(run(tmp_path, data, "--strategy", path, "--set", f"window={window}", "--json").stdout)
        (one,), (other,) = alone["results"], swept["results"]
        assert (other["fills_hash"], other["statistics"]) == (one["fills_hash"], one["statistics"])
        assert (swept["files"], swept["kind"], swept["notes"]) == (alone["files"], alone["kind"], alone["notes"])
        hashes.append(one["fills_hash"])
    assert len(set(hashes)) > 1
    assert "cross.toml, buy: with window=0: sma's bars is 0 at" in failed(
        tmp_path, data, "--strategy", path, "--set", "window=2,0"
    )


def test_a_sweep_tells_the_fills_and_puts_variants_without_any_last(tmp_path: Path, day: Path, strategy: Path) -> None:
    options = ("--set", "a=0.1,500", "--set", "b=0.1,0.2")
    result = run(tmp_path, day, "--strategy", strategy, *options)
    listed = [line.split() for line in result.stdout.splitlines()[3:8]]
    assert [(line[0], line[-1]) for line in listed] == [
        ("a", "Fills"), ("0.1", "3"), ("0.1", "3"), ("500", "0"), ("500", "0")
    ]  # fmt: skip
    assert "\n  2 of them never trade; they come last.\n" in result.stdout
    found = json.loads(run(tmp_path, day, "--strategy", strategy, *options, "--json").stdout)
    assert [one["fills"] for one in found["sweep"]["best"]] == [3, 3, 0, 0]


@pytest.mark.parametrize("colours", [False, True])
def test_the_axes_of_a_heat_map_are_labelled_where_there_is_room(colours: bool) -> None:
    across = Axis("a", tuple(f"{i / 100:.2f}" for i in range(1, 31)))
    sweep = Sweep((across, Axis("b", ("1", "20", "300"))), "total_return", np.arange(90.0), np.ones(90, np.int64))
    *rows, axis, _ = heat_lines(sweep, colours=colours)
    assert [row.split()[0] for row in rows] == ["1", "20", "300"]
    start, cell = len("  300 "), 1 + colours
    labels = [(match[0], match.start() - start) for match in re.finditer(r"\S+", axis)]
    assert labels[0] == ("0.01", 0)
    assert labels[-1] == ("0.30", 29 * cell)
    assert len(labels) >= 5 * cell
    assert all(at == cell * across.values.index(label) for label, at in labels)


def test_a_report_is_written(tmp_path: Path, bars: Path, strategy: Path) -> None:
    report = tmp_path / "r.html"
    result = run(tmp_path, bars, "--strategy", strategy, "--html", report, "--set", "a=0.1,0.2")
    assert result.exit_code == 0
    assert report.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("option", ["--html", "--fills"])
def test_a_file_that_can_t_be_written_is_refused_before_the_work(
    tmp_path: Path, strategy: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        pytest.fail("the work began")

    monkeypatch.setattr("riskcontrol.backtest_run.run", never)
    nowhere = tmp_path / "none" / "r.html"
    arguments = ("x.gz", "--strategy", strategy, option)
    told = failed(tmp_path, *arguments, nowhere)
    assert told == f"{nowhere}, {option}: there is no folder {nowhere.parent}; make it, or name a file in another"
    assert "is a folder; name a file in it" in failed(tmp_path, *arguments, tmp_path)
    assert "can't be written: File name too long; name another" in failed(tmp_path, *arguments, tmp_path / ("x" * 999))
    assert "can't be written: embedded null byte; name another" in failed(tmp_path, *arguments, tmp_path / "x\0y" / "z")

    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", denied)  # as of a folder in one that may not be looked into, not for root
    told = failed(tmp_path, *arguments, "closed/r.html")
    assert told == f"closed/r.html, {option}: can't be written: Permission denied; name another file"


def test_the_help_names_all_statistics_to_choose_by(tmp_path: Path) -> None:
    shown = " ".join(run(tmp_path, "--help").stdout.split())
    assert f"which is {', '.join(list(BY)[:1] + list(BY)[2:-1])} or {list(BY)[-1]}." in shown


def test_what_is_wrong_is_named(tmp_path: Path, day: Path, bars: Path, strategy: Path) -> None:
    none = tmp_path / "none.toml"
    assert str(none) in failed(tmp_path, day, "--strategy", none)
    assert "did you mean IBM?" in failed(tmp_path, day, "--strategy", strategy, "--ticker", "IBN")
    lower = run(tmp_path, day, "--strategy", strategy, "--ticker", "ibm")
    assert lower.exit_code == 0
    assert "ibm is taken as IBM.\n" in lower.stderr
    assert "is no parameter" in failed(tmp_path, day, "--strategy", strategy, "--set", "c=1,2")
    assert "give it alone" in failed(tmp_path, bars, day, "--strategy", strategy)
    assert "isn't there" in failed(tmp_path, tmp_path / "x.gz", "--strategy", strategy)
    assert "choose another statistic" in failed(
        tmp_path, day, "--strategy", strategy, "--set", "a=1,2", "--by", "sharpe"
    )
    assert "none to choose by" in run(tmp_path, day, "--strategy", strategy, "--set", "a=1", "--by", "luck").stderr
    alone = run(tmp_path, day, "--strategy", strategy, "--by", "return")
    assert alone.exit_code == 2
    assert "vary a parameter with --set" in alone.stderr
    two = run(tmp_path, day, "--strategy", strategy, "--strategy", strategy, "--set", "a=1")
    assert "--set varies one strategy" in two.stderr
    assert "Missing option '--strategy'" in run(tmp_path, day).stderr


def test_a_backtest_on_local_trades_imports_neither_s3_nor_a_calendar_library(day: Path, strategy: Path) -> None:
    code = (
        "import sys; from riskcontrol.cli import cli;"
        f"cli(['backtest', {str(day)!r}, '--strategy', {str(strategy)!r}, '--json'], standalone_mode=False);"
        "print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=day.parent)
    assert "fills_hash" in done.stdout
    assert not set(done.stderr.split()) & {"boto3", "botocore", "exchange_calendars", "psutil", "kafka", "cassandra"}

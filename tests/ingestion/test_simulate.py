"""A simulated day is a Daily TAQ file that reads like a real one."""

from __future__ import annotations

import datetime as dt
import gzip
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ingestion.market import CHUNK_TRADES
from ingestion.simulate import HEADER, file_name, simulate_day
from ingestion.sources import find_sources
from ingestion.tickers import universe
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings
from riskcontrol.trades import DRIVING, REGULAR

DAY = dt.date(2024, 3, 5)
TRADES = 150_000
assert TRADES > CHUNK_TRADES  # so that the day is made in more than one piece


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("day") / file_name(DAY)
    simulate_day(path, day=DAY, tickers=60, trades=TRADES, seed=1)
    return path


@pytest.fixture(scope="module")
def lines(made: Path) -> list[list[str]]:
    text = gzip.decompress(made.read_bytes()).decode()
    return [line.split("|") for line in text.splitlines()[1:-1]]


def test_the_same_arguments_give_the_same_bytes_and_others_do_not(tmp_path: Path) -> None:
    def written(day: dt.date = DAY, seed: int = 1) -> bytes:
        path = tmp_path / "day.gz"
        simulate_day(path, day=day, tickers=20, trades=3_000, seed=seed)
        return path.read_bytes()

    once = written()
    assert written() == once
    assert written(seed=2) != once
    assert gzip.decompress(written(day=dt.date(2024, 3, 6)))[:5_000] != gzip.decompress(once)[:5_000]


def test_the_file_is_laid_out_as_daily_taq(made: Path, lines: list[list[str]]) -> None:
    text = gzip.decompress(made.read_bytes())
    assert made.name == "EQY_US_ALL_TRADE_20240305.gz"
    assert text.startswith(HEADER)
    assert text.endswith(b"\nEND|20240305|150000|||||||||||||\n")
    assert len(lines) == TRADES
    assert {len(fields) for fields in lines} == {HEADER.count(b"|") + 1}
    assert {len(fields[3]) for fields in lines} == {4}
    assert [int(fields[8]) for fields in lines] == list(range(1, TRADES + 1))
    assert {fields[14] for fields in lines if "F" in fields[3]} == {"1"}


def test_trades_are_in_time_order_over_the_whole_file(lines: list[list[str]]) -> None:
    times = [fields[0] for fields in lines]
    assert times == sorted(times)
    assert times[0] >= "040000"
    assert times[-1] < "200000"
    assert {len(time) for time in times} == {15}


def test_readers_take_every_line(made: Path) -> None:
    (source,) = find_sources(str(made), Settings())
    tickers: Counter[str] = Counter()
    for batch in source.batches():
        tickers.update(batch.column("ticker").to_pylist())
    assert source.report.rejected == {}
    assert source.report.kept + source.report.dropped == TRADES
    assert set(tickers) == set(universe(60, seed=1).tickers)


def test_tickers_trade_as_often_as_told(lines: list[list[str]]) -> None:
    market = universe(60, seed=1)
    count = Counter(fields[2] for fields in lines)
    found = np.array([count[symbol] for symbol in market.symbols]) / TRADES
    assert found == pytest.approx(market.frequency, rel=0.25)


def test_about_a_quarter_of_the_trades_are_odd_lots(lines: list[list[str]]) -> None:
    odd = [fields for fields in lines if "I" in fields[3]]
    assert 0.2 < len(odd) / TRADES < 0.3
    assert all(int(fields[4]) < 100 for fields in odd)


def test_volume_is_a_u_over_the_session_with_little_beside_it(lines: list[list[str]]) -> None:
    hours = Counter(fields[0][:2] for fields in lines)
    halves = Counter(fields[0][:2] + ("0" if fields[0][2] < "3" else "3") for fields in lines)
    assert halves["093"] > 2 * halves["123"] < halves["153"]
    outside = sum(count for half, count in halves.items() if not "093" <= half <= "153")
    assert 0 < hours["16"] < outside < 0.05 * TRADES
    assert {"T" in fields[3] or "U" in fields[3] for fields in lines if fields[0] < "0930"} == {True}


def test_the_auctions_print_and_the_official_prices_repeat_them(lines: list[list[str]]) -> None:
    def prints(letter: str) -> dict[str, tuple[str, str]]:
        return {fields[2]: (fields[4], fields[5]) for fields in lines if letter in fields[3]}

    assert len(prints("O")) == len(prints("6")) == 60
    assert prints("O") == prints("Q")
    assert prints("6") == prints("M")
    assert {fields[0][:4] for fields in lines if "O" in fields[3]} == {"0930"}
    assert {fields[0][:4] for fields in lines if "6" in fields[3]} == {"1600"}


def test_each_trade_taken_back_or_corrected_is_followed_by_its_record(lines: list[list[str]]) -> None:
    follows = {"08": "10", "07": "11", "01": "12"}
    waiting: Counter[tuple[str, ...]] = Counter()
    met = Counter(fields[7] for fields in lines)
    for fields in lines:
        what = (fields[1], *fields[2:6])
        if fields[7] in follows:
            waiting[(follows[fields[7]], *what)] += 1
        elif fields[7] != "00":
            waiting[(fields[7], *what)] -= 1
            assert waiting[(fields[7], *what)] >= 0, "a record before its trade"
    assert set(waiting.values()) == {0}
    assert all(met[code] > 5 for code in (*follows, *follows.values()))


def test_cancelled_prices_would_show_in_a_reader_that_takes_them(lines: list[list[str]]) -> None:
    prices: dict[str, list[float]] = {}
    for fields in lines:
        if fields[7] == "00":
            prices.setdefault(fields[2], []).append(float(fields[5]))
    middle = {symbol: float(np.median(found)) for symbol, found in prices.items()}
    taken_back = [float(fields[5]) / middle[fields[2]] for fields in lines if fields[7] in ("07", "08")]
    assert sum(not 0.5 < share < 2 for share in taken_back) > 10
    assert all(0.8 < price / middle[symbol] < 1.2 for symbol, found in prices.items() for price in found)


def test_prices_move_enough_to_reach_the_levels_that_users_set(made: Path) -> None:
    (source,) = find_sources(str(made), Settings())
    trades = pa.Table.from_batches(list(source.batches())).unify_dictionaries().combine_chunks()
    trades = trades.filter(pc.equal(pc.bit_wise_and(trades["flags"], DRIVING), DRIVING))
    market = universe(60, seed=1)
    acts = []
    for place in np.flatnonzero((market.price > 70) & (market.price < 140))[:6]:
        mine = pc.equal(trades["ticker"].combine_chunks().dictionary_decode(), market.tickers[place])
        prices = trades.filter(mine)["price"].to_numpy()
        assert (prices % 10_000 == 0).all()  # whole cents
        assert 0.003 < prices.max() / prices.min() - 1 < 0.15
        acts.append(_acts(prices, 200_000, 200_000))
    assert np.mean(acts) >= 4


def _acts(prices: NDArray[np.int64], below: int, above: int) -> int:
    """How often the first rule buys or sells."""
    acts, reference, holding = 0, prices[0], False
    for price in prices:
        if (not holding and price <= reference - below) or (holding and price >= reference + above):
            acts, reference, holding = acts + 1, price, not holding
    return acts


def test_a_half_day_closes_at_one(tmp_path: Path) -> None:
    day = dt.date(2024, 7, 3)
    path = tmp_path / file_name(day)
    simulate_day(path, day=day, tickers=5, trades=5_000, seed=1)
    closing = [line for line in gzip.decompress(path.read_bytes()).decode().splitlines() if "|@6  |" in line]
    assert {line[:4] for line in closing} == {"1300"}
    (source,) = find_sources(str(path), Settings())
    regular = sum(int((batch.column("flags").to_numpy() & REGULAR > 0).sum()) for batch in source.batches())
    assert regular > 0.9 * 5_000


@settings(deadline=None, max_examples=40)
@given(trades=st.integers(1, 400), tickers=st.integers(1, 80), seed=st.integers(0, 2**40))
def test_days_of_any_size_read_back_whole(
    tmp_path_factory: pytest.TempPathFactory, trades: int, tickers: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("any") / file_name(DAY)
    told: list[int] = []
    summary = simulate_day(path, day=DAY, tickers=tickers, trades=trades, seed=seed, progress=told.append)
    (source,) = find_sources(str(path), Settings())
    assert sum(map(len, source.batches())) + source.report.dropped == trades
    assert source.report.complete
    assert told[-1] == trades
    assert replace(summary, seconds=0.0) == type(summary)(path, trades, path.stat().st_size, 0.0)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"day": dt.date(2024, 3, 9)}, "Saturday, 09 March 2024 is not a trading day"),
        ({"day": dt.date(2024, 12, 25)}, "not a trading day"),
        ({"trades": 0}, "trades"),
        ({"trades": 10**10}, "trades"),
        ({"tickers": 0}, "tickers"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_wrong_argument_is_named_and_no_file_is_left(tmp_path: Path, wrong: dict[str, object], named: str) -> None:
    arguments = {"day": DAY, "tickers": 5, "trades": 100, "seed": 1} | wrong
    with pytest.raises(InputError, match=named):
        simulate_day(tmp_path / "day.gz", **arguments)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_simulation_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "day.gz"
    path.write_bytes(b"before")

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_day(path, day=DAY, tickers=5, trades=100, seed=1, progress=interrupt)
    assert [found.read_bytes() for found in tmp_path.iterdir()] == [b"before"]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be written"):
        simulate_day(tmp_path / "file" / "day.gz", day=DAY, tickers=5, trades=100, seed=1)

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database import generator
from database.generator import draw, publish, register, split, stream_runs, wait_until_open
from database.reads import Reader
from database.session import connect
from database.writes import Writer
from ingestion.producer import OPENINGS_ROWS, TapeReader
from ingestion.topic import partition_of
from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode
from riskcontrol.errors import StrategyError
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings
from riskcontrol.strategy import FIRST_SHAPE, Strategy
from riskcontrol.terms import Terms, read_terms

MARKET = {"IBM": 6.0, "GE": 3.0, "BRK.B": 1.0}
# The floats that the texts 0.10, 0.11, ... have: what a rule that says so in writing has as well.
BELOW = {float(f"0.{cents}") for cents in range(10, 41)}
ABOVE = {float(f"0.{cents:02d}") for cents in range(5, 41)}


def _strategies(openings: Openings) -> list[Strategy]:
    """Return the openings as checked strategies, by username."""
    columns = [
        [v.decode() if isinstance(v, bytes) else v for v in getattr(openings, name).tolist()]
        for name in ("username", "name", "ticker", "cash", "shape", "p0", "p1", "terms")
    ]
    rows = [Strategy(*row[:5], row[5:7], read_terms(row[7])) for row in zip(*columns, strict=True)]
    assert not openings.p2.any()
    assert not openings.p3.any()
    return sorted(rows, key=lambda strategy: strategy.username)


@given(st.integers(1, 300), st.integers(0, 2**63), st.integers(1, 5_000))
def test_every_strategy_drawn_is_valid_and_in_its_range(count: int, seed: int, start: int) -> None:
    strategies = _strategies(draw(count, seed, MARKET, start=start))
    assert [s.username for s in strategies] == [f"user{start + i:06d}" for i in range(count)]
    for strategy in strategies:
        below, above = strategy.parameters
        assert below in BELOW
        assert above in ABOVE
        assert strategy.cash in range(2_000_000_000, 400_000_000_001, 1_000_000)
        assert strategy.ticker in MARKET
        assert (strategy.shape, strategy.terms) == (FIRST_SHAPE, Terms())


@given(st.integers(1, 100), st.integers(1, 100), st.integers(0, 1_000))
@settings(max_examples=25)
def test_a_user_of_a_seed_is_the_same_however_many_are_drawn(first: int, second: int, seed: int) -> None:
    together = _strategies(draw(first + second, seed, MARKET))
    apart = _strategies(draw(first, seed, MARKET)) + _strategies(draw(second, seed, MARKET, start=first + 1))
    assert together == apart


def test_another_seed_draws_others() -> None:
    assert _strategies(draw(50, 1, MARKET)) != _strategies(draw(50, 2, MARKET))


def test_the_order_of_the_frequencies_does_not_matter() -> None:
    turned = dict(reversed(MARKET.items()))
    assert _strategies(draw(50, 1, turned)) == _strategies(draw(50, 1, MARKET))


def test_tickers_are_drawn_by_how_often_they_trade() -> None:
    tickers, counts = np.unique(draw(20_000, 1, MARKET).ticker, return_counts=True)
    assert tickers.tolist() == [b"BRK.B", b"GE", b"IBM"]
    assert counts / 20_000 == pytest.approx([0.1, 0.3, 0.6], abs=0.02)


def test_every_amount_of_the_range_is_drawn() -> None:
    drawn = draw(20_000, 1, MARKET)
    assert set(drawn.p0.tolist()) == BELOW
    assert set(drawn.p1.tolist()) == ABOVE


@pytest.mark.parametrize("prefix", ["User", "a b", "x" * 27, "ü", "-"])
def test_a_prefix_that_makes_no_usernames_is_refused(prefix: str) -> None:
    with pytest.raises(StrategyError, match="username"):
        draw(1, 1, MARKET, prefix=prefix)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 10_000_001}, {"start": 0}, {"seed": -1}])
def test_numbers_out_of_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        draw(**({"count": 1, "seed": 1, "frequencies": MARKET} | wrong))


def test_blocks_go_to_their_ticker_s_partition_sorted_and_none_is_too_long() -> None:
    openings = draw(2 * OPENINGS_ROWS + 500, 1, MARKET)
    found: list[Strategy] = []
    for partition, blocks in split(openings, 2).items():
        seen: list[bytes] = []
        for block in blocks:
            assert block.num_rows <= OPENINGS_ROWS
            decoded = decode(encode(block), OPENINGS_HEADERS)
            assert isinstance(decoded, Openings)
            assert {partition_of(ticker.decode(), 2) for ticker in decoded.ticker.tolist()} == {partition}
            seen += decoded.ticker.tolist()
            found += _strategies(decoded)
        assert seen == sorted(seen)
    assert sorted(found, key=lambda s: s.username) == _strategies(openings)


@pytest.mark.servers
def test_users_are_registered_and_their_strategies_lie_on_the_tape(servers: Settings) -> None:
    openings = draw(2_500, 1, MARKET)
    session = connect(servers)
    told: list[int] = []
    with Writer(session) as writer:
        register(writer, openings, on_done=told.append)
    assert Reader(session).user_exists("user002500")
    offsets = publish(servers, openings, on_done=told.append)
    found: list[Strategy] = []
    with TapeReader(servers) as tape:
        for partition, end in offsets.items():
            assert tape.bounds(partition) == (0, end)
            for record in tape.read(partition, 0, end):
                decoded = decode(record.value, record.headers)
                assert isinstance(decoded, Openings)
                found += _strategies(decoded)
    assert sorted(found, key=lambda s: s.username) == _strategies(openings)
    assert told[-1] == told[0] == 2_500


class _Stream:
    """A reader and a writer as a stream leaves them: its watermarks move on with every look."""

    def __init__(self, age: float, *watermarks: dict[int, int]) -> None:
        self.age = age
        self.looks = list(watermarks)

    def newest_batch(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=self.age)

    def watermarks(self, tape: str) -> dict[int, int]:
        assert tape == "tape-id"
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]


def _wait(stream: Any) -> tuple[bool, list[int]]:
    told: list[int] = []
    opened = wait_until_open(
        stream, "tape-id", {0: 5, 2: 3}, alive=lambda: stream_runs(stream), on_done=told.append, pause=0
    )
    return opened, told


def test_the_wait_ends_when_every_partition_is_written() -> None:
    assert _wait(_Stream(1, {}, {0: 9, 1: 7}, {0: 9, 2: 2}, {0: 9, 2: 3})) == (True, [0, 5, 7, 8])


def test_the_wait_ends_when_the_stream_does() -> None:
    assert _wait(_Stream(60, {0: 5})) == (False, [5])


def test_a_stream_runs_while_its_batches_are_young() -> None:
    young: Any = _Stream(generator.ALIVE_SECONDS - 5, {})
    old: Any = _Stream(generator.ALIVE_SECONDS + 1, {})
    assert stream_runs(young)
    assert not stream_runs(old)


@pytest.mark.servers
def test_without_any_batch_no_stream_runs(cassandra: Settings) -> None:
    reader, writer = Reader(connect(cassandra)), Writer(connect(cassandra))
    assert not stream_runs(reader)
    writer.batch(time=dt.datetime.now(dt.UTC), trades=1)
    assert stream_runs(reader)


def test_openings_are_sorted_by_ticker() -> None:
    tickers = draw(500, 3, MARKET).ticker
    assert np.array_equal(tickers, np.sort(tickers))

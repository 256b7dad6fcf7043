"""Simulated companies look like listed ones."""

from __future__ import annotations

import numpy as np
import pytest

from ingestion.tickers import MAX_TICKERS, ticker_frequencies, universe
from riskcontrol.trades import TICKER_PATTERN


@pytest.mark.parametrize("tickers", [1, 2, 10, 49, 50, 51, 500, MAX_TICKERS])
def test_every_company_has_a_ticker_of_its_own_that_the_tape_takes(tickers: int) -> None:
    names = universe(tickers, seed=1).tickers
    assert len(set(names)) == tickers
    assert all(TICKER_PATTERN.fullmatch(name) for name in names)


def test_frequencies_are_the_whole_and_fall_from_the_first() -> None:
    found = ticker_frequencies(8_000, seed=3)
    shares = np.array([share for _, share in found])
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) < 0).all()
    assert 0.02 < shares[0] < 0.06
    assert [ticker for ticker, _ in found] == universe(8_000, seed=3).tickers


def test_the_same_seed_makes_the_same_market_and_another_another() -> None:
    assert ticker_frequencies(60, seed=1) == ticker_frequencies(60, seed=1)
    assert set(universe(60, seed=1).symbols) != set(universe(60, seed=2).symbols)


def test_prices_spread_over_the_market_and_one_is_the_dearest() -> None:
    market = universe(1_000, seed=1)
    dear = market.price > 1_000
    assert market.price[dear].tolist() == [600_000.0]
    assert market.price[~dear].min() >= 5
    assert market.price[~dear].max() <= 600
    assert 40 < np.median(market.price) < 90
    assert universe(49, seed=1).price.max() <= 600


def test_some_symbols_have_a_suffix() -> None:
    market = universe(100, seed=1)
    assert sorted(symbol.split()[1] for symbol in market.symbols if " " in symbol) == ["A", "B", "PRA"]
    assert sum("." in ticker for ticker in market.tickers) == 3


@pytest.mark.parametrize(
    ("tickers", "seed", "field"), [(0, 1, "tickers"), (MAX_TICKERS + 1, 1, "tickers"), (1, -1, "seed")]
)
def test_arguments_out_of_range_are_named(tickers: int, seed: int, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        universe(tickers, seed)

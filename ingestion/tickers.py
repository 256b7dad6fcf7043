"""The listed companies of a simulated market: symbols, how often each trades, prices, volatility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_TICKERS = 20_000
"""Most tickers; the real market has about 11,000."""

_LETTERS = np.array(list("BCDFGHJKLMNPQRSTVWXZ"))  # without vowels no word comes out by chance
_DEAR_FROM = 50
"""From so many tickers on, one costs as much as the dearest share of the real market."""


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """Companies, the most traded first; each array has one element per company.

    Attributes:
        symbols: As Daily TAQ files write them, a suffix after a blank (``XYZ B``).
        frequency: Share of all trades; sums to 1.
        price: Price at the day's start, dollars.
        volatility: Standard deviation of a day's return.
        spread: Half the distance from bid to ask, cents.
        nasdaq: Whether it is listed on Nasdaq, so that its trades come by the UTP tape.
    """

    symbols: list[str]
    frequency: NDArray[np.float64]
    price: NDArray[np.float64]
    volatility: NDArray[np.float64]
    spread: NDArray[np.float64]
    nasdaq: NDArray[np.bool_]

    @property
    def tickers(self) -> list[str]:
        """The symbols as the tape writes them, a suffix after a dot (``XYZ.B``)."""
        return [symbol.replace(" ", ".") for symbol in self.symbols]


def universe(tickers: int, seed: int) -> Universe:
    """Make up a market; the same arguments give the same one.

    Args:
        tickers: How many companies, 1 to `MAX_TICKERS`.
        seed: Any whole number from 0.

    Raises:
        ValueError: An argument is out of its range.

    >>> market = universe(3, seed=1)
    >>> len(set(market.symbols)), round(float(market.frequency.sum()), 9)
    (3, 1.0)
    """
    if not 1 <= tickers <= MAX_TICKERS:
        raise ValueError(f"tickers: {tickers:,} is not between 1 and {MAX_TICKERS:,}")
    if seed < 0:
        raise ValueError(f"seed: {seed} is less than 0")
    random = np.random.default_rng(seed)
    # Zipf and Mandelbrot's law: with 8,000 companies, the first has 4.5 % of all trades.
    frequency = 1 / (np.arange(tickers) + 2.7)
    frequency /= frequency.sum()
    price = np.round(np.clip(np.exp(random.normal(np.log(60), 0.9, tickers)), 5, 600), 2)
    volatility = random.uniform(0.01, 0.03, tickers)
    nasdaq = random.random(tickers) < 0.45
    symbols = _symbols(random, nasdaq)
    if tickers >= _DEAR_FROM:
        dear = tickers // 2
        price[dear], volatility[dear], nasdaq[dear] = 600_000.0, 0.01, False
        symbols[dear] = _with_suffix(symbols, dear, "A")
        symbols[dear + 1], nasdaq[dear + 1] = _with_suffix(symbols, dear + 1, "PRA"), False
    if tickers >= 10:
        symbols[tickers // 5] = _with_suffix(symbols, tickers // 5, "B")
        nasdaq[tickers // 5] = False
    spread = np.maximum(0.5, np.round(price * 100 * random.uniform(0.5e-4, 2e-4, tickers), 1))
    return Universe(symbols, frequency, price, volatility, spread, nasdaq)


def ticker_frequencies(tickers: int, seed: int) -> list[tuple[str, float]]:
    """Return the simulated market's tickers, as the tape writes them, with their share of all trades.

    Args:
        tickers: How many, 1 to `MAX_TICKERS`.
        seed: That of the simulation.

    Returns:
        Ticker and share, the most traded first.

    Raises:
        ValueError: An argument is out of its range.

    >>> [round(share, 2) for ticker, share in ticker_frequencies(3, seed=1)]
    [0.43, 0.32, 0.25]
    """
    market = universe(tickers, seed)
    return list(zip(market.tickers, market.frequency.tolist(), strict=True))


def _symbols(random: np.random.Generator, nasdaq: NDArray[np.bool_]) -> list[str]:
    """Draw distinct symbols: four letters on Nasdaq, three elsewhere until they run out."""
    drawn: dict[str, None] = {}
    threes = 0
    for on_nasdaq in nasdaq.tolist():
        length = 4 if on_nasdaq or threes >= len(_LETTERS) ** 3 // 2 else 3
        threes += length == 3
        while (symbol := "".join(random.choice(_LETTERS, length))) in drawn or len(set(symbol)) == 1:
            pass
        drawn[symbol] = None
    return list(drawn)


def _with_suffix(symbols: list[str], index: int, suffix: str) -> str:
    """Return a symbol with a suffix whose root no other company has."""
    root = symbols[index].split()[0][:3]
    taken = {symbol for place, symbol in enumerate(symbols) if place != index}
    return f"{root} {suffix}" if f"{root} {suffix}" not in taken else f"{symbols[index]} {suffix}"

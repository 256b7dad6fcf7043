"""What every round of the crash test runs: two simulated days, a split between them, hundreds of strategies."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ingestion.simulate import file_name, simulate_day
from ingestion.tickers import universe
from riskcontrol import templates
from riskcontrol.money import MICROS
from riskcontrol.strategy import Strategy, first_rule
from riskcontrol.strategy_file import of_text, strategy_of
from riskcontrol.terms import FillMode

DAYS = (dt.date(2024, 3, 5), dt.date(2024, 3, 6))
OPENED_LATER = "atr-stop"
"""The template that is opened between the days, for a user of its own."""
LATECOMER = "latecomer"

_RATIOS = ("4:1", "3:2", "1:10", "20:1")


@dataclass(frozen=True, slots=True)
class Tape:
    """The same for every round.

    Attributes:
        days: Trade files, one after the other.
        splits: CSV of splits on the second day.
        tickers: Who trades.
        strategies: Open from the beginning; the first of them is stopped between the days.
        later: Strategy file, opened between the days on every ticker.
    """

    days: tuple[Path, ...]
    splits: Path
    tickers: tuple[str, ...]
    strategies: tuple[Strategy, ...]
    later: Path


def make(folder: Path, *, seed: int, tickers: int, trades: int, strategies: int) -> Tape:
    """Write the files and draw the strategies; the same arguments give the same.

    Args:
        folder: Where to.
        seed: Of days and strategies.
        tickers: Companies.
        trades: Trades of both days together.
        strategies: How many are open from the beginning.
    """
    days = tuple(folder / file_name(day) for day in DAYS)
    for day, path in zip(DAYS, days, strict=True):
        simulate_day(path, day=day, tickers=tickers, trades=max(1, trades // len(DAYS)), seed=seed)
    symbols = tuple(universe(tickers, seed).symbols)
    splits = folder / "splits.csv"
    # Every second ticker, so that there are some without.
    lines = [f"{ticker},{DAYS[-1]},{_RATIOS[i % len(_RATIOS)]}" for i, ticker in enumerate(symbols[::2])]
    splits.write_text("\n".join(["ticker,ex_date,ratio", *lines]) + "\n")
    later = folder / f"{OPENED_LATER}.toml"
    later.write_text(templates.read(OPENED_LATER))
    return Tape(days, splits, symbols, tuple(islice(_drawn(symbols, seed), strategies)), later)


def _drawn(tickers: tuple[str, ...], seed: int) -> Iterator[Strategy]:
    """Yield strategies: the templates in turn, and after each one of the first rule, with levels near enough to act."""
    chance = random.Random(seed)
    definitions = [of_text(templates.read(name), "toml") for name in templates.names()]
    number = 0
    while True:
        for definition in definitions:
            ticker = tickers[number % len(tickers)]
            yield strategy_of(definition, username=f"user{number:05d}", ticker=ticker)
            yield first_rule(
                f"user{number:05d}",
                "first-rule",
                ticker,
                chance.randint(2_000, 400_000) * MICROS,
                chance.randint(2, 40) * MICROS // 100,
                chance.randint(2, 40) * MICROS // 100,
                FillMode(number % 2),
            )
            number += 1

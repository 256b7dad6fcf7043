"""From files and strategy files to results: what `riskcontrol backtest` does, without what it prints."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from riskcontrol.backtest import Account, Backtest, fills_hash, on_bars, on_trades
from riskcontrol.backtest_bars import BarTape, read_tape
from riskcontrol.equity import Equity
from riskcontrol.errors import InputError, StrategyError
from riskcontrol.luck import luck
from riskcontrol.nearest import nearest
from riskcontrol.newyork import date_of
from riskcontrol.progress import on_terminal
from riskcontrol.rows import Fills, Splits
from riskcontrol.splits import NO_SPLITS, of_ticker, say_unmet, unmet
from riskcontrol.statistics import Record, Value, compute, open_trip
from riskcontrol.strategy import Strategy
from riskcontrol.strategy_document import read_file
from riskcontrol.strategy_file import Definition, load, of_document, strategy_of
from riskcontrol.sweep import Sweep, parse_axes, score
from riskcontrol.sweep_pass import sweep_on_bars, sweep_on_trades
from riskcontrol.trade_tape import TradeTape
from riskcontrol.verdict import DEFAULT, Limits, Verdict, verdict


@dataclass(frozen=True, slots=True)
class Data:
    """What was run on.

    Attributes:
        files: Their names.
        kind: "trades" or "bars".
        notes: What was taken for granted, for the reader.
        trades: How many trades the files have of all tickers; None of a file of bars.
    """

    files: tuple[str, ...]
    kind: str
    notes: tuple[str, ...] = ()
    trades: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a strategy still holds at the end; it is no round trip, but its worth is in the equity.

    Attributes:
        shares: How many it holds.
        bought: How many it bought; more or fewer than it holds where a split came since.
        time: When it bought them, nanoseconds UTC.
        entry: What it paid for each, micro-dollars, without the fee.
        price: The last price, micro-dollars.
    """

    shares: int
    bought: int
    time: int
    entry: int
    price: int

    @property
    def value(self) -> int:
        """What it is worth at the last price, micro-dollars."""
        return self.shares * self.price


@dataclass(frozen=True, eq=False)
class Result:
    """What became of one strategy on one ticker.

    Attributes:
        definition: As its file says it.
        backtest: The pass that it was in.
        number: Which of the pass it is.
        limits: By which it is judged.
    """

    definition: Definition
    backtest: Backtest
    number: int
    limits: Limits = field(default=DEFAULT)

    @property
    def strategy(self) -> Account:
        """What it traded, and with how much."""
        return self.backtest.strategies[self.number]

    @cached_property
    def fills(self) -> Fills:
        """Its fills, oldest first."""
        return self.backtest.fills_of(self.number)

    @cached_property
    def equity(self) -> Equity:
        """Its equity over time."""
        return self.backtest.equity_of(self.number)

    @cached_property
    def record(self) -> Record:
        """What its statistics are computed from."""
        return self.backtest.record_of(self.number, self.equity)

    @cached_property
    def statistics(self) -> dict[str, Value]:
        """All statistics by name."""
        return compute(self.record)

    @cached_property
    def verdict(self) -> Verdict:
        """What to do with it."""
        return verdict(self.statistics, self.record, self.limits)

    @property
    def holding(self) -> Holding | None:
        """What it still holds at the end."""
        made = self.record.fills
        still = open_trip(made) if made is not None else None
        if still is None:
            return None
        shares, price = int(self.fills.shares.sum()), int(self.equity.price[-1])
        return Holding(shares, still.shares, still.entry_time, still.entry_price, price)

    @cached_property
    def hash(self) -> str:
        """`fills_hash` of its fills."""
        return fills_hash(self.fills)


Runs = tuple[Data, list[Result]]


def run(
    definitions: Sequence[Definition], tickers: Sequence[str], data: TradeTape | Path, splits: Splits = NO_SPLITS
) -> Runs:
    """Run strategies on trades, or on a file of bars.

    Args:
        definitions: The strategies.
        tickers: What each of them trades; none: what its file says.
        data: Trades, or a file of bars.
        splits: Of any tickers.

    Raises:
        InputError: A file can't be used, has nothing of a ticker, or no bars as long as a strategy wants them.
        StrategyError: A ticker isn't one.
    """
    wanted = [(one, ticker) for one in definitions for ticker in (dict.fromkeys(tickers) or [one.ticker])]
    strategies = [strategy_of(one, ticker=ticker) for one, ticker in wanted]
    if isinstance(data, Path):
        return _run_on_bars(data, [one for one, _ in wanted], strategies, splits)
    backtest = on_trades(strategies, data.batches(), splits)
    about = _about_trades([one.ticker for one in strategies], backtest, data, splits)
    return about, [Result(one, backtest, i) for i, (one, _) in enumerate(wanted)]


def _about_trades(tickers: Iterable[str], backtest: Backtest, tape: TradeTape, splits: Splits) -> Data:
    """Return what strategies of some tickers were run on.

    Raises:
        InputError: A ticker has no trade that could drive a strategy.
    """
    names = ", ".join(tape.locations)
    for ticker in dict.fromkeys(tickers):
        if ticker not in tape.tickers:
            raise InputError(
                f"no trades of {ticker}; {nearest(ticker, tape.tickers)}: choose one with --ticker, or in the strategy "
                "file",
                source=names,
                field="ticker",
            )
        if ticker not in backtest.prices or backtest.prices[ticker].mark is None:
            raise InputError(f"no trade of {ticker} sets its last price; nothing can fill", source=names)
    notes = (*tape.notes(), *notes_of(backtest), *_missed(splits, tape.tickers, "trades"))
    return Data(tape.locations, "trades", notes, sum(tape.tickers.values()))


def _run_on_bars(path: Path, definitions: Sequence[Definition], strategies: Sequence[Strategy], splits: Splits) -> Runs:
    """Run strategies on a file of bars; those of one length of bars in one pass."""
    tapes: dict[str, BarTape] = {}
    passes: dict[int, list[int]] = {}
    for i, strategy in enumerate(strategies):
        if strategy.ticker not in tapes:
            tapes[strategy.ticker] = read_tape(path, strategy.ticker, definitions)
        passes.setdefault(tapes[strategy.ticker].every_of(strategy), []).append(i)
    found: dict[int, Result] = {}
    notes = dict.fromkeys(note for tape in tapes.values() for note in tape.notes)
    notes |= dict.fromkeys(_missed(splits, tapes, "bars"))
    for every, numbers in passes.items():
        own = [strategies[i] for i in numbers]
        bars = {ticker: tapes[ticker].columns(every) for ticker in {one.ticker for one in own}}
        backtest = on_bars(own, bars, splits)
        notes |= dict.fromkeys(notes_of(backtest))
        found |= {i: Result(definitions[i], backtest, place) for place, i in enumerate(numbers)}
    return Data((str(path),), "bars", tuple(notes)), [found[i] for i in range(len(strategies))]


def run_sweep(
    path: Path,
    texts: Sequence[str],
    by: str,
    ticker: str,
    data: TradeTape | Path,
    splits: Splits = NO_SPLITS,
) -> tuple[Data, Result, Sweep]:
    """Run every combination of some parameters' values of one strategy in one pass, and return the best.

    Args:
        path: The strategy file.
        texts: Values of parameters, as `riskcontrol.sweep.parse_axes` takes them.
        by: Name of the statistic that decides.
        ticker: What it trades; "": what its file says.
        data: Trades, or a file of bars.
        splits: Of any tickers.

    Raises:
        InputError: Something is wrong with the files or the values, or no variant has the statistic.
    """
    definition = load(path)
    axes = parse_axes(texts, [name for name, _ in definition.parameters])
    document, _ = read_file(path)

    def of(values: Mapping[str, str]) -> Definition:
        try:
            return of_document(document, values)
        except StrategyError as error:
            said = ", ".join(f"{name}={value}" for name, value in values.items())
            raise InputError(f"with {said}: {error.message}", source=str(path), field=error.field) from error

    count = math.prod(len(axis.values) for axis in axes)

    def tracked(strategies: Iterable[Strategy]) -> Iterator[Strategy]:
        with on_terminal(TextColumn("variants"), BarColumn(), MofNCompleteColumn()) as progress:
            yield from progress.track(strategies, total=count)

    one = strategy_of(of({axis.name: axis.values[0] for axis in axes}), ticker=ticker)
    if isinstance(data, TradeTape):
        backtest = sweep_on_trades(document, of, axes, data.batches(), ticker=ticker, splits=splits, tracked=tracked)
        about = _about_trades([one.ticker], backtest, data, splits)
    else:
        tape = read_tape(data, one.ticker, [definition])
        bars = tape.columns(tape.every_of(one))
        backtest = sweep_on_bars(document, of, axes, bars, ticker=ticker, splits=splits, tracked=tracked)
        about = Data(
            (str(data),), "bars", (*tape.notes, *notes_of(backtest), *_missed(splits, backtest.prices, "bars"))
        )
    with on_terminal(TextColumn(by), BarColumn(), MofNCompleteColumn()) as progress:
        task = progress.add_task("", total=count)
        scores, ratios = score(backtest, (by, "sharpe"), lambda done: progress.update(task, completed=done))
    fills = np.diff(backtest.places)
    sweep = Sweep(axes, by, scores, fills)
    best = sweep.best(1)
    if not best:
        raise InputError(f"no variant has a {by} on this tape; choose another statistic", source="--by")
    result = Result(of(sweep.values_of(best[0])), backtest, best[0], Limits(trials=count))
    return about, result, replace(sweep, luck=luck(ratios[fills > 0], result.record))


def _missed(splits: Splits, tickers: Collection[str], what: str) -> list[str]:
    """Return what to say of splits of tickers that never came."""
    names = unmet(splits, tickers)
    return [say_unmet(names, what)] if names else []


def notes_of(backtest: Backtest) -> list[str]:
    """Return what to say of the splits of a pass: which came, and where the price doesn't look like it."""
    notes = []
    for ticker, prices in backtest.prices.items():
        splits = of_ticker(backtest.splits, ticker)
        priced = prices.close > 0
        start, opens, closes = prices.start[priced], prices.columns["open"][priced], prices.close[priced]
        # A bar of the ex-date ends, at the earliest, after the midnight that one of the day before may end at.
        first = np.searchsorted(start, splits.time, "left" if prices.length else "right")
        for i in np.flatnonzero((first > 0) & (first < len(start))).tolist():
            numerator, denominator = int(splits.numerator[i]), int(splits.denominator[i])
            day = date_of(int(splits.time[i]))
            notes.append(f"{ticker} splits {numerator}:{denominator} on {day}.")
            moved = float(opens[first[i]] / closes[first[i] - 1])
            if abs(math.log(moved)) < abs(math.log(moved * numerator / denominator)):
                notes.append(f"{ticker}'s price hardly moves with it: are the prices adjusted already?")
    return notes

"""`riskcontrol bench engine`: the engine beside a plain loop, backtesting.py and vectorbt, in one run on one core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from bench.crosses import Crosses
from bench.crowd import LAYOUTS, Crowd
from bench.graph import log_log
from bench.measure import one_core
from bench.mixed import Mixed
from bench.peers.environment import PeerError, install
from bench.rule import Rule
from bench.tables import goals
from bench.tapes import Tape, read, simulated
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings
from riskcontrol.trades import TICKER_PATTERN

PARTS = ("rule", "crosses", "crowd", "mixed")

FEWEST = 100
"""Driving trades that a tape must have."""

_PEERS = {"rule": "backtesting", "crosses": "vectorbt"}

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured.

    Args:
        trades: Files; none: simulated trades.
        simulated: How many of those.
        ticker: Whose trades.
        users: Of the first rule.
        seed: They are drawn from.
        peers: Whether other people's programs run as well.
        peer_users: Users that backtesting.py runs.
        bars: Lengths of the bars, seconds.
        fasts: Fast windows of the crosses.
        slows: Slow ones.
        crowds: Numbers of users in the crowd.
        acting: Those of them that act.
        mixed: Users with strategies of all kinds.
        block: Trades in a block given to a crowd, and to those.
        repeats: Runs of which the best counts.
        parts: Some of `PARTS`.
    """

    trades: tuple[str, ...] = ()
    simulated: int = 50_000
    ticker: str = "IBM"
    users: int = 20_000
    seed: int = 1
    peers: bool = True
    peer_users: int = 3
    bars: tuple[int, ...] = (60, 1)
    fasts: int = 25
    slows: int = 40
    crowds: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    acting: int = 2_000
    mixed: int = 1_000_000
    block: int = 4_096
    repeats: int = 9
    parts: tuple[str, ...] = PARTS


def run(options: Options, settings: Settings) -> Figures:
    """Measure, and return the figures.

    Raises:
        InputError: The trade files can't be used.
    """
    if not TICKER_PATTERN.fullmatch(options.ticker):
        raise InputError("must be a ticker like IBM or BRK.B", source="--ticker")
    found: Figures = {"load_average": os.getloadavg()[0], "repeats": options.repeats}
    missing = _missing(options, settings)
    with one_core():
        if options.trades:
            tape = read(options.trades, options.ticker, settings)
        else:
            tape = simulated(options.simulated, options.ticker, options.seed)
        if len(tape.driving) < FEWEST:
            raise InputError(f"{len(tape.driving)} trades that drive strategies; give {FEWEST} or more")
        found["tape"] = {
            "source": "files" if options.trades else "simulated",
            "ticker": options.ticker,
            "trades": len(tape),
            "driving_trades": len(tape.driving),
        }
        if "rule" in options.parts:
            found |= _rule(options, tape, settings, missing)
        if "crosses" in options.parts:
            found["crosses"] = [_crosses(options, tape, seconds, settings, missing) for seconds in options.bars]
        if "crowd" in options.parts:
            found["crowd"] = _crowd(options, tape)
        if "mixed" in options.parts:
            with _doing(f"{options.mixed:,} users with strategies of all kinds"):
                found["mixed"] = Mixed(tape, options.ticker, options.mixed, options.seed, options.block).measure()
    found["goals"] = goals(found)
    return found


def _missing(options: Options, settings: Settings) -> dict[str, str]:
    """Install the peers that are asked for, on all cores, and return why others can't be run."""
    missing = {}
    for part, peer in _PEERS.items():
        if not options.peers:
            missing[peer] = "not asked for (--no-peers)"
        elif part in options.parts:
            try:
                install(settings.home, peer)
            except PeerError as error:
                missing[peer] = error.message
    return missing


def _rule(options: Options, tape: Tape, settings: Settings, missing: Mapping[str, str]) -> Figures:
    with _doing(f"The first rule, {options.users:,} users: the engine"):
        rule = Rule(options.users, options.seed, options.ticker, tape, options.repeats)
        found: Figures = {"engine": rule.engine()}
    with _doing("The first rule: the plain loop"):
        found["plain_loop"] = rule.plain_loop()
    found["backtesting"] = _peer(
        "backtesting",
        missing,
        "The first rule: backtesting.py",
        lambda: rule.backtesting(settings.home, options.peer_users),
    )
    return found


def _crosses(options: Options, tape: Tape, seconds: int, settings: Settings, missing: Mapping[str, str]) -> Figures:
    with _doing(f"SMA crosses on bars of {seconds} s: the engine"):
        bars = tape.bars(seconds)
        crosses = Crosses(bars, seconds, options.ticker, options.fasts, options.slows, options.repeats)
        found: Figures = crosses.engine()
    what = f"SMA crosses on bars of {seconds} s: vectorbt"
    found["vectorbt"] = _peer("vectorbt", missing, what, lambda: crosses.vectorbt(settings.home))
    return found


def _crowd(options: Options, tape: Tape) -> Figures:
    crowd = Crowd(tape, options.ticker, options.acting, options.seed, options.block, options.repeats)
    sizes, left_out = [], []
    for users in options.crowds:
        for layout in LAYOUTS:
            with _doing(f"{users:,} users, {options.acting:,} of them acting ({layout})"):
                size = crowd.measure(users, layout)
            if size is None:
                left_out.append(users)
            else:
                sizes.append(size)
    growth = {}
    for layout in LAYOUTS:
        own = [size for size in sizes if size["layout"] == layout]
        if len(own) > 1:
            growth[layout] = own[-1]["seconds"] / own[0]["seconds"]  # type: ignore[operator]
    return {
        "sizes": sizes,
        "not_run": sorted(set(left_out)),
        "equal_fills": len({size["fills"] for size in sizes}) <= 1,
        "growth": growth,
    }


def _peer(peer: str, missing: Mapping[str, str], what: str, measure: Callable[[], Figures]) -> Figures:
    """Return what a peer's measurement gives, or why there is none."""
    if peer in missing:
        return {"not_run": missing[peer]}
    with _doing(what):
        try:
            return measure()
        except PeerError as error:
            return {"not_run": error.message}


@contextmanager
def _doing(what: str) -> Iterator[None]:
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        with terminal.status(f"{what} ..."):
            yield
    else:
        click.echo(f"{what} ...", err=True)
        yield


def graph(found: Mapping[str, Any]) -> str:
    """Return the crowd's seconds against its users as SVG.

    Args:
        found: Of `run`, with the part crowd.
    """
    names = {"spread": "acting ones spread", "first": "acting ones first"}
    sizes = found["crowd"]["sizes"]
    lines = {
        names[layout]: [(size["users"], size["ns_per_trade"]) for size in sizes if size["layout"] == layout]
        for layout in LAYOUTS
    }
    acting, fills = sizes[0]["acting"], sizes[0]["fills"]
    title = f"Cost of a trade: {acting:,} users act, {fills:,} fills, all others wait"
    return log_log(lines, title, "users", "nanoseconds per trade")

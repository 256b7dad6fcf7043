"""`riskcontrol bench engine`: the engine beside a plain loop, backtesting.py and vectorbt, in one run on one core."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from bench.crosses import Crosses
from bench.crowd import LAYOUTS, Crowd
from bench.graph import log_log
from bench.measure import one_core
from bench.peers.environment import PeerError
from bench.rule import Rule
from bench.tapes import Tape, read, simulated
from riskcontrol.settings import Settings

PARTS = ("rule", "crosses", "crowd")


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
        block: Trades in a block given to a crowd.
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
    block: int = 4_096
    repeats: int = 5
    parts: tuple[str, ...] = PARTS


def run(options: Options, settings: Settings) -> dict[str, Any]:
    """Measure, and return the figures.

    Raises:
        InputError: The trade files can't be used.
    """
    found: dict[str, Any] = {"load_average": os.getloadavg()[0], "repeats": options.repeats}
    with one_core():
        if options.trades:
            tape = read(options.trades, options.ticker, settings)
        else:
            tape = simulated(options.simulated, options.ticker, options.seed)
        found["tape"] = {
            "source": "files" if options.trades else "simulated",
            "ticker": options.ticker,
            "trades": len(tape),
            "driving_trades": len(tape.driving),
        }
        if "rule" in options.parts:
            found |= _rule(options, tape, settings)
        if "crosses" in options.parts:
            found["crosses"] = [_crosses(options, tape, seconds, settings) for seconds in options.bars]
        if "crowd" in options.parts:
            found["crowd"] = _crowd(options, tape)
    found["goals"] = goals(found)
    return found


def _rule(options: Options, tape: Tape, settings: Settings) -> dict[str, Any]:
    with _doing(f"The first rule, {options.users:,} users: the engine"):
        rule = Rule(options.users, options.seed, options.ticker, tape, options.repeats)
        found: dict[str, Any] = {"engine": rule.engine()}
    with _doing("The first rule: the plain loop"):
        found["plain_loop"] = rule.plain_loop()
    with _doing("The first rule: backtesting.py"):
        found["backtesting"] = _peer(options, lambda: rule.backtesting(settings.home, options.peer_users))
    return found


def _crosses(options: Options, tape: Tape, seconds: int, settings: Settings) -> dict[str, Any]:
    with _doing(f"SMA crosses on bars of {seconds} s: the engine"):
        bars = tape.bars(seconds)
        crosses = Crosses(bars, seconds, options.ticker, options.fasts, options.slows, options.repeats)
        found: dict[str, Any] = crosses.engine()
    with _doing(f"SMA crosses on bars of {seconds} s: vectorbt"):
        found["vectorbt"] = _peer(options, lambda: crosses.vectorbt(settings.home))
    return found


def _crowd(options: Options, tape: Tape) -> dict[str, Any]:
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


def _peer(options: Options, measure: Any) -> dict[str, Any]:
    """Return what a peer's measurement gives, or why there is none."""
    if not options.peers:
        return {"not_run": "not asked for (--no-peers)"}
    try:
        found: dict[str, Any] = measure()
    except PeerError as error:
        return {"not_run": error.message}
    return found


@contextmanager
def _doing(what: str) -> Iterator[None]:
    terminal = Console(stderr=True)
    if terminal.is_terminal:
        with terminal.status(f"{what} ..."):
            yield
    else:
        click.echo(f"{what} ...", err=True)
        yield


def goals(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each goal with what was measured, None where it wasn't.

    Args:
        found: Of `run`, as far as it has got.
    """

    def at(*path: str | int) -> Any:
        place: Any = found
        for step in path:
            try:
                place = place[step]
            except (KeyError, IndexError):
                return None
        return place

    rows = [
        ("user-trades a second, kernel", at("engine", "kernel_user_trades_per_second"), ">=", 1e11),
        ("ns a fill, kernel", at("engine", "kernel_ns_per_fill"), "<=", 250.0),
        ("times a plain loop", at("plain_loop", "ratio"), ">=", 80.0),
        ("times backtesting.py, a user", at("backtesting", "ratio"), ">=", 100_000.0),
    ]
    for number, part in enumerate(found.get("crosses", ())):
        name = f"times vectorbt, bars of {part['bar_seconds']} s"
        rows.append((name, at("crosses", number, "vectorbt", "ratio"), ">=", 5.0))
    return [
        {"name": name, "value": value, "goal": f"{sign} {goal:,.15g}", "reached": _reached(value, sign, goal)}
        for name, value, sign, goal in rows
    ]


def _reached(value: float | None, sign: str, goal: float) -> bool | None:
    if value is None:
        return None
    return value >= goal if sign == ">=" else value <= goal


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


def shown(value: object) -> str:
    """Return a figure as a table shows it.

    >>> shown(0.00123456), shown(134_217_728_000.0), shown(None)
    ('0.001235', '134,200,000,000', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(f'{value:.4g}'):,.15g}"


def tell(found: Mapping[str, Any]) -> None:
    """Print the figures as tables, the goals last."""
    for name, part in found.items():
        if isinstance(part, Mapping) and name != "crowd":
            _section(name, part)
    for part in found.get("crosses", ()):
        _section(f"crosses, bars of {part['bar_seconds']} s", {k: v for k, v in part.items() if k != "vectorbt"})
        _section(f"vectorbt, bars of {part['bar_seconds']} s", part["vectorbt"])
    if "crowd" in found:
        _crowd_table(found["crowd"])
    click.echo(f"\nload average {found['load_average']:.1f}, best of {found['repeats']}, processor seconds of one core")
    if found["goals"]:
        _table("goals", [("", "measured", "goal", "reached")] + [
            (row["name"], shown(row["value"]), row["goal"], {True: "yes", False: "NO", None: "not run"}[row["reached"]])
            for row in found["goals"]
        ])  # fmt: skip


def _section(name: str, part: Mapping[str, Any]) -> None:
    plain = [(key.replace("_", " "), shown(value)) for key, value in part.items() if not isinstance(value, list)]
    _table(name.replace("_", " "), plain)


def _crowd_table(crowd: Mapping[str, Any]) -> None:
    columns = ("users", "layout", "fills", "opening_seconds", "first_trades_seconds", "seconds", "ns_per_trade")
    rows = [tuple(shown(size[name]) for name in columns) for size in crowd["sizes"]]
    _table("crowd", [tuple(name.replace("_", " ") for name in columns), *rows])
    for layout, growth in crowd["growth"].items():
        click.echo(f"  most users : fewest ({layout})  {shown(growth)}")
    click.echo(f"  the same fills at every size  {crowd['equal_fills']}")
    for users in crowd["not_run"]:
        click.echo(f"  not run, memory doesn't suffice: {users:,} users")


def _table(name: str, rows: list[tuple[str, ...]]) -> None:
    click.echo(f"\n{name}")
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if at == 0 else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  " + "  ".join(cells).rstrip())

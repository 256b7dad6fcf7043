"""The engine's benchmark as tables, and its goals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from riskcontrol.aligned import aligned

GROWTH = 1.5
"""As much longer may the same fills take among the most users than among the fewest: memory is farther away than a
cache. The goal itself is that users who don't act cost nothing."""


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

    crowd = found.get("crowd", {}).get("sizes", ())
    rows = (
        []
        if "engine" not in found
        else [
            ("user-trades a second, kernel", at("engine", "kernel_user_trades_per_second"), ">=", 1e11),
            ("ns a fill, kernel", at("engine", "kernel_ns_per_fill"), "<=", 250.0),
            ("times a plain loop", at("plain_loop", "ratio"), ">=", 80.0),
            ("times backtesting.py, a user", at("backtesting", "ratio"), ">=", 100_000.0),
        ]
    )
    for number, part in enumerate(found.get("crosses", ())):
        name = f"times vectorbt, {part['variants']:,} SMA crosses on bars of {part['bar_seconds']} s"
        rows.append((name, at("crosses", number, "vectorbt", "ratio"), ">=", 5.0))
    for layout, growth in found.get("crowd", {}).get("growth", {}).items():
        name = f"time of {crowd[-1]['users']:,} users : {crowd[0]['users']:,} ({layout})"
        rows.append((name, growth, "<=", GROWTH))
    return judged(rows)


def judged(rows: Iterable[tuple[str, float | None, str, float]]) -> list[dict[str, Any]]:
    """Return goals with what was measured.

    Args:
        rows: Of each its name, what was measured (None where it wasn't), ``>=`` or ``<=``, and the goal.

    >>> judged([("p99, s", 0.25, "<=", 1.0)])
    [{'name': 'p99, s', 'value': 0.25, 'goal': '<= 1', 'reached': True}]
    """
    return [
        {"name": name, "value": value, "goal": f"{sign} {goal:,.15g}", "reached": _reached(value, sign, goal)}
        for name, value, sign, goal in rows
    ]


def _reached(value: float | None, sign: str, goal: float) -> bool | None:
    if value is None:
        return None
    return value >= goal if sign == ">=" else value <= goal


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
            section(name, part)
    for part in found.get("crosses", ()):
        section(f"crosses, bars of {part['bar_seconds']} s", {k: v for k, v in part.items() if k != "vectorbt"})
        section(f"vectorbt, bars of {part['bar_seconds']} s", part["vectorbt"])
    if "crowd" in found:
        _crowd_table(found["crowd"])
    runs = [f"best of {found['repeats']}"] if found.keys() & {"engine", "crosses", "crowd"} else []
    runs += ["mixed run once"] if "mixed" in found else []
    click.echo(f"\nload average {found['load_average']:.1f}, {', '.join(runs)}, processor seconds of one core")
    if found["goals"]:
        tell_goals(found["goals"], "goals")


def tell_goals(rows: Sequence[Mapping[str, Any]], name: str) -> None:
    """Print goals as a table, of `judged`."""
    said = {True: "yes", False: "NO", None: "not run"}
    reached = [(row["name"], shown(row["value"]), row["goal"], said[row["reached"]]) for row in rows]
    _table(name, [("", "measured", "goal", "reached"), *reached])


def tell_requests(figures: Mapping[str, Mapping[str, Any]], name: str) -> None:
    """Print what came of requests as a table, of `Outcome.figures`."""
    heads = ("requests", "errors", "p50_ms", "p95_ms", "p99_ms")
    rows = [(what, *(shown(found[head]) for head in heads)) for what, found in figures.items()]
    _table(name, [("", *heads), *rows])


def section(name: str, part: Mapping[str, Any]) -> None:
    """Print figures as a table, a line each; lists are left out."""
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


def _table(name: str, rows: Sequence[tuple[str, ...]]) -> None:
    click.echo(f"\n{name}")
    click.echo("\n".join(aligned(rows, indent="  ")))

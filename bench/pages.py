"""`riskcontrol bench pages`: how fast the pages answer and appear, over the tables of a full day."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from bench import tables
from bench.common import Timer, dashboard, own_servers
from bench.pages_browser import PAGES, browser, installed, paint, record, window
from bench.pages_data import Day, Size, fill, moving
from bench.pages_load import load
from database.session import init
from ingestion.topic import ensure_topic
from riskcontrol.aligned import aligned

GOAL_MS = 100.0
"""95 of 100 answers at the rate take at most so long."""
GOAL_SECONDS = 1.5
"""A page's numbers are visible after at most so long."""
WARM_UP = 5.0
"""Seconds of the same load before, unmeasured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Size):
    """What is measured, over how much.

    Args:
        pages: Which of `PAGES`.
        rate: Requests a second.
        seconds: How long they go on.
        runs: How often each page is opened with empty caches.
    """

    pages: tuple[str, ...] = tuple(PAGES)
    rate: float = 50.0
    seconds: float = 60.0
    runs: int = 3


def run(options: Options) -> dict[str, Any]:
    """Measure, and return the figures.

    Raises:
        ServerError: The dashboard or a server doesn't answer.
        InputError: There is no browser.
    """
    installed()  # better missed now than in some minutes
    with own_servers("kafka", "cassandra") as settings:
        ensure_topic(settings)
        init(settings)
        with Timer() as filling:
            day = Day(options, settings.shards)
            rows = fill(settings, day)
        viewers = _viewers(day, options.seed)
        with moving(settings, day), dashboard(settings, "--no-sign-in") as (address, process):
            painted, requests = {}, []
            with browser() as started, window(started) as context:
                for page in options.pages:
                    click.echo(f"Opening {page} ...", err=True)
                    requests += record(context, address, page, viewers[0])
                    painted[page] = paint(started, address, page, viewers[0], options.runs)
            random.Random(options.seed).shuffle(requests)
            click.echo(f"Sending {options.rate:g} requests a second ...", err=True)
            asyncio.run(load(address, requests, viewers, rate=options.rate, seconds=WARM_UP))
            before = process.cpu_times()
            outcome = asyncio.run(load(address, requests, viewers, rate=options.rate, seconds=options.seconds))
            after = process.cpu_times()
            memory = process.memory_info().rss / 1e6
    cpu = (after.user + after.system - before.user - before.system) / outcome.took
    return {
        "rows": rows,
        "load_average": os.getloadavg()[0],
        "filling_seconds": filling.seconds,
        "rate": options.rate,
        "callbacks": len(requests),
        "load": outcome.figures(),
        "first_error": outcome.first_error,
        "sent_late_ms": round(1_000 * outcome.late, 1),
        "dashboard_cores": round(cpu, 2),
        "dashboard_mb": round(memory),
        "pages": painted,
        "goals": _goals(outcome.figures()["all"]["p95_ms"], painted),
    }


def tell(found: Mapping[str, Any]) -> None:
    """Print the figures as tables, the goals last."""
    click.echo("  ".join(f"{count:,} {table}" for table, count in found["rows"].items()))
    tables.tell_requests(
        found["load"],
        f"{found['rate']:g} requests a second, {found['callbacks']} callbacks, at most {found['sent_late_ms']} ms "
        f"late; the dashboard took {found['dashboard_cores']} cores, {found['dashboard_mb']} MB",
    )
    if found["first_error"]:
        click.echo(f"  the first error: {found['first_error']}")
    kinds = sorted({kind for page in found["pages"].values() for kind in page.get("bytes", ())} - {"all"})
    columns = [
        (
            page,
            _written(figures["seconds"]),
            _written(figures["graph_seconds"]),
            *(_kilobytes(figures, kind) for kind in (*kinds, "all")),
        )
        for page, figures in found["pages"].items()
    ]
    click.echo("\nseconds until numbers and graph are visible (empty caches, median), and kB over the wire until then")
    click.echo("\n".join(aligned([("page", "numbers", "graph", *kinds, "all"), *columns], indent="  ")))
    tables.tell_goals(found["goals"], f"goals (load average {found['load_average']:.1f})")


def _goals(p95: float | None, painted: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    shown = [page["seconds"] for page in painted.values()]
    slowest = None if None in shown or not shown else max(shown)
    rows = (
        ("page data, p95, ms", p95, "<=", GOAL_MS),
        ("slowest page's numbers visible, s", slowest, "<=", GOAL_SECONDS),
    )
    # What wasn't seen isn't reached.
    return [{**row, "reached": bool(row["reached"])} for row in tables.judged(rows)]


def _viewers(day: Day, seed: int, most: int = 2_000) -> list[dict[str, str]]:
    """Return users with their ticker and strategy; the first one's ticker is no part of other words."""
    openings = day.openings
    picked = random.Random(seed).sample(range(len(openings)), min(most, len(openings)))
    found = [
        {
            "user": openings.username[i].decode(),
            "ticker": openings.ticker[i].decode(),
            "name": openings.name[i].decode(),
        }
        for i in picked
    ]
    return sorted(found, key=lambda names: len(names["ticker"]) < 4)


def _written(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.5g}"


def _kilobytes(figures: Mapping[str, Any], kind: str) -> str:
    return f"{figures.get('bytes', {}).get(kind, 0) / 1_000:,.0f}"

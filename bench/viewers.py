"""`riskcontrol bench viewers`: many people at the pages, and programs at the API, while the stream runs."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil

from bench import steady, tables
from bench.common import PeakMemory, dashboard, own_servers, percentile
from bench.pages_browser import browser, installed, requests, window
from bench.pages_load import GRACE, Recorded
from bench.viewers_load import Plan, Viewer, working
from bench.viewers_people import accounts, signed_in
from frontend.busy import USUAL_MS
from riskcontrol.errors import ServerError
from riskcontrol.servers.registry import Registry

PAGES = ("overview", "strategy", "leaders", "market", "ticker")
"""What viewers look at, in this order."""
GOAL_SECONDS = 1.0
"""99 of 100 batches take at most so long."""
GROWTH, GROWTH_MB = 1.05, 20.0
"""The dashboard's memory in the last third is at most so many times that in the first, and so much more."""

_OURS = "trades"
"""What the processor time of this process is called: it makes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(steady.Load):
    """What is put on the line and on the pages.

    Args:
        viewers: Users who have signed in.
        requests: Of the API, a second.
        minutes: How long is measured.
        stay: Seconds for which a viewer looks at a page.
    """

    viewers: int = 200
    requests: float = 50.0
    minutes: float = 10.0
    stay: float = 30.0


def run(load: Load) -> dict[str, Any]:
    """Measure, and return the figures.

    Raises:
        ServerError: A part of the line ended or doesn't answer, or rows are missing in the database.
        InputError: There is no browser.
    """
    installed()  # better missed now than in some minutes
    seconds = load.minutes * 60
    with own_servers("kafka", "cassandra") as settings, steady.line(settings, load) as line:
        click.echo(f"Making accounts and keys for {load.viewers:,} users ...", err=True)
        viewers, password = accounts(settings, line.openings, load.viewers, load.seed)
        with dashboard(settings) as (address, pages), working() as work:
            click.echo("Signing in ...", err=True)
            viewers = asyncio.run(signed_in(address, viewers, password))
            click.echo(f"Sending {load.rate:,} trades a second for {load.warm_up:g} s ...", err=True)
            line.steady.run(load.warm_up)
            plan = Plan(
                address=address, pages=_recorded(address, viewers[0]), viewers=viewers, interval=USUAL_MS / 1_000,
                stay=load.stay, requests=load.requests, begin=0.0, measure=load.warm_up, end=load.warm_up + seconds,
                seed=load.seed,
            )  # fmt: skip
            click.echo(f"Viewers and programs come; {load.warm_up:g} s unmeasured ...", err=True)
            work.begin(plan)
            line.steady.run(load.warm_up)
            processes = _processes(settings.home, work.process)
            memory, before, start = PeakMemory(pages), _times(processes), dt.datetime.now(dt.UTC)
            click.echo(f"Measuring for {load.minutes:g} minutes ...", err=True)
            line.steady.run(seconds)
            stop, after, most = dt.datetime.now(dt.UTC), _times(processes), memory.end()
            average = os.getloadavg()[0]
            if not pages.is_running():
                raise ServerError("ended", server="dashboard")
            told = work.told(2 * GRACE)
        batches = steady.drained(line, seconds + 2 * load.warm_up, load)
        peak = line.memory.end()
        fills = steady.fills_in_database(settings, batches)
    first, last = memory.thirds()
    pace = steady.pace(batches, start, stop, load)
    asked, answered = told.pages.figures(), told.api.figures()
    return {
        "load_average": average,
        "stream": {
            "users": load.users,
            "rate": load.rate,
            **pace,
            "fills_in_database": fills,
            "peak_memory_mb": peak,
            "producer_late_seconds": line.steady.late,
        },
        "viewers": {
            "viewers": load.viewers,
            "minutes": load.minutes,
            "requests_per_second": asked["all"]["requests"] / seconds,
            "seconds_between_refreshes_p50": percentile(told.between, 0.50) if told.between else None,
            "seconds_between_refreshes_p99": percentile(told.between, 0.99) if told.between else None,
            "sent_late_ms": 1_000 * max(told.pages.late, told.api.late),
            "first_error": told.pages.first_error or told.api.first_error or "none",
        },
        "pages": asked,
        "api": answered,
        "dashboard": {"memory_first_third_mb": first, "memory_last_third_mb": last, "peak_memory_mb": most},
        "cores": {name: (after[name] - before[name]) / (stop - start).total_seconds() for name in after},
        "goals": tables.judged((
            ("processing of a batch, p99, s", pace["processing_p99"], "<=", GOAL_SECONDS),
            ("errors, pages", asked["all"]["errors"], "<=", 0),
            ("errors, API", answered["all"]["errors"], "<=", 0),
            ("dashboard, last third, MB", last, "<=", round(GROWTH * first + GROWTH_MB, 1)),
        )),
    }  # fmt: skip


def tell(found: Mapping[str, Any]) -> None:
    """Print the figures as tables, the goals last."""
    for name in ("stream", "viewers", "dashboard", "cores"):
        tables.section(name, found[name])
    tables.tell_requests(found["pages"], "pages")
    tables.tell_requests(found["api"], "API")
    tables.tell_goals(found["goals"], f"goals (load average {found['load_average']:.1f})")


def _recorded(address: str, viewer: Viewer) -> dict[str, list[Recorded]]:
    """Return each callback's first request of each page, as a browser with a viewer's session sends it."""
    name, _, value = viewer.cookie.partition("=")
    found: dict[str, list[Recorded]] = {}
    with browser() as started, window(started, [{"name": name, "value": value, "url": address}]) as context:
        # A process of these pages that stays, so that not each of them compiles the scripts.
        context.new_page().goto(f"{address}/api/v1/health")
        for page in PAGES:
            click.echo(f"Opening {page} ...", err=True)
            first: dict[str, Recorded] = {}
            for request in requests(context, address, page, viewer.names):
                first.setdefault(request.output, request)
            found[page] = list(first.values())
    return found


def _processes(home: Path, work: psutil.Process) -> dict[str, psutil.Process]:
    """Return whose processor time is told: servers, stream, dashboard, the load's own two."""
    servers = {name: entry.process() for name, entry in Registry(home).alive().items()}
    return {**{name: each for name, each in servers.items() if each}, "viewers": work, _OURS: psutil.Process()}


def _times(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return the processor time of processes with their children so far, seconds."""
    return {
        name: sum(map(_time, [each, *(each.children(recursive=True) if name != _OURS else ())]))
        for name, each in processes.items()
    }


def _time(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # it ended while its siblings were asked
        return 0.0
    return float(times.user + times.system)

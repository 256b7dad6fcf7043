"""`riskcontrol bench stream`: what a batch of the whole line costs, on the real servers."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from dataclasses import dataclass

import click
import pandas as pd

from bench import steady
from bench.common import child, own_servers
from database.reads import Reader
from riskcontrol.settings import Settings

_JUMP = 0.05
"""By what part all prices move at once in the burst: more than any generated rule waits for."""
_AFTER = 20.0
"""Seconds of the steady load after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(steady.Load):
    """What is put on the line.

    Args:
        seconds: How long is measured.
        burst: Whether every ticker then jumps up and down at once, so that all users act, before the same load goes on.
        snapshot_every: Seconds between snapshots; 0 for none. With them, the state is removed at the end, and the
            stream started again from the newest.
    """

    seconds: float = 60.0
    burst: bool = False
    snapshot_every: float = 0.0


def run(load: Load) -> dict[str, object]:
    """Measure, and return the figures.

    Raises:
        ServerError: The line did not take all that was sent, rows are missing in the database, or no batch was made in
            the seconds that count.
    """
    with own_servers("kafka", "cassandra") as settings:
        flags = []
        if load.snapshot_every:
            flags = ["--snapshots", str(settings.home / "snapshots"), "--snapshot-every", str(load.snapshot_every)]
        with steady.line(settings, load, flags) as line:
            click.echo(f"Sending {load.rate:,} trades a second for {load.warm_up:g} s unmeasured ...", err=True)
            line.steady.run(load.warm_up)
            start = dt.datetime.now(dt.UTC)
            click.echo(f"Measuring for {load.seconds:g} s ...", err=True)
            line.steady.run(load.seconds)
            stop = dt.datetime.now(dt.UTC)
            if load.burst:
                click.echo(f"All tickers jump up and down; {_AFTER:g} s of the load before ...", err=True)
                for move in (_JUMP, -_JUMP):
                    line.steady.jump(move)
                line.steady.run(_AFTER)
            batches = steady.drained(line, load.warm_up + load.seconds + _AFTER, load)
            peak = line.memory.end()
        fills = steady.fills_in_database(settings, batches)
        again = _restarted(settings, ["--batch", str(load.batch), *flags], line.reader) if load.snapshot_every else {}
    return {
        "users": load.users,
        "rate": load.rate,
        "batch_seconds": load.batch,
        **steady.pace(batches, start, stop, load),
        "fills_in_database": fills,
        "opening_seconds": line.opening_seconds,
        "event_seconds_per_second": load.rate / (load.day_trades / 23_400),
        "producer_late_seconds": line.steady.late,
        "peak_memory_mb": peak,
        **(_burst(batches[batches["time"] > stop], load) if load.burst else {}),
        **again,
    }


def _burst(after: pd.DataFrame, load: Load) -> dict[str, object]:
    """Return what became of the burst, from the batches since."""
    late = after[after["delay"] > max(0.1, load.batch / 10)]
    return {
        "burst_fills_in_a_batch": int(after["fills"].max()),
        "burst_processing_max": float(after["processing"].max()),
        "burst_delay_max": float(after["delay"].max()),
        "burst_delay_gone_after": (late["time"].max() - after["time"].min()).total_seconds() if len(late) else 0.0,
        "burst_rows_waiting_max": int(after["waiting"].max()),
        "burst_rows_behind_max": float(after["behind"].max()),
    }


def _restarted(settings: Settings, flags: list[str], reader: Reader) -> dict[str, object]:
    """Remove the state, start the stream from its newest snapshot, and wait for its first batch."""
    for state in settings.home.glob("state/*"):
        shutil.rmtree(state)
    ended, began = dt.datetime.now(dt.UTC), time.perf_counter()
    with child(settings, "stream", *flags) as job:
        while job.is_running() and reader.batches(limit=1)["time"].iloc[0] < ended:
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        first = reader.batches(limit=1).iloc[0]
    return {"restart_seconds": seconds, "restart_trades_of_first_batch": int(first["trades"])}

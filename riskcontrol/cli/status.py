"""`riskcontrol status`: what runs, where, and how far the stream is."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

import click

from riskcontrol.cli.options import DATABASE, TOPIC, with_settings
from riskcontrol.errors import RiskControlError
from riskcontrol.settings import Settings


@click.command(epilog="Example: riskcontrol status --json")
@with_settings(*TOPIC, *DATABASE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(settings: Settings, *, as_json: bool) -> None:
    """Tell what runs under HOME, started by us or by hand, what the tape holds, and the stream's last batch.

    Needs nothing: what doesn't run or doesn't answer is said. Exits with 0 all the same.
    """
    from riskcontrol import servers

    resolved = servers.resolve(settings)
    found: dict[str, Any] = {
        "home": str(settings.home.absolute()),
        "servers": (running := _servers(settings)),
        "ended": servers.ended(settings.home),
        "commands": _commands(settings, {each["pid"] for each in running}),
        "topic": _topic(resolved) if resolved.kafka else None,
        "batch": _last_batch(resolved) if resolved.cassandra else None,
    }
    click.echo(json.dumps(found, indent=1) if as_json else _text(found))


def _servers(settings: Settings) -> list[dict[str, Any]]:
    """Return each server that runs: where, as which process, since when, how large."""
    import psutil

    from riskcontrol.servers.registry import Registry

    found = []
    for entry in Registry(settings.home).alive().values():
        process = entry.process()
        try:
            size = process.memory_info().rss if process is not None else None
        except psutil.Error:
            size = None
        if size is not None:  # else it has just ended
            found.append(
                {
                    "name": entry.name,
                    "address": entry.address,
                    "pid": entry.pid,
                    "uptime_seconds": round(max(0.0, time.time() - entry.created), 1),
                    "memory_mb": round(size / (1 << 20), 1),
                    "log": entry.log,
                }
            )
    return found


def _commands(settings: Settings, known: set[int]) -> list[dict[str, Any]]:
    """Return each command that somebody started by hand: which, as which process, since when, on what."""
    from riskcontrol.servers.holders import holders

    return [
        {
            "name": each.name,
            "pid": each.pid,
            "uptime_seconds": round(max(0.0, time.time() - each.since), 1),
            "claims": each.claims,
        }
        for each in holders(settings.home)
        if each.pid not in known
    ]


def _topic(settings: Settings) -> dict[str, Any]:
    """Return the tape's name and the first offset that each partition does not hold yet, or why that isn't known."""
    from spark.source import Tape

    found: dict[str, Any] = {"name": settings.topic, "address": settings.kafka}
    try:
        tape = Tape(settings)
        try:
            return found | {"end_offsets": list(tape.ends().values())}
        finally:
            tape.close()
    except RiskControlError as error:
        return found | {"error": str(error)}


def _last_batch(settings: Settings) -> dict[str, Any]:
    """Return the newest row of `batches`, nothing if there is none of today and yesterday, or why it isn't known."""
    from database import session
    from database.reads import Reader

    found: dict[str, Any] = {"keyspace": settings.keyspace, "address": settings.cassandra}
    try:
        rows = Reader(session.connect(settings)).batches(limit=1).to_dict("records")
    except RiskControlError as error:
        return found | {"error": str(error)}
    finally:
        session.close()
    last = {str(name): value.isoformat() if name == "time" else value for name, value in (rows or [{}])[0].items()}
    return found | {"last": last or None}


def _text(found: dict[str, Any]) -> str:
    lines = [f"{'SERVER':12} {'ADDRESS':24} {'PID':>7} {'UP':>9} {'MEMORY':>9}  LOG"] if found["servers"] else []
    lines += [
        f"{each['name']:12} {each['address']:24} {each['pid']:7} "
        f"{_up(each):>9} {each['memory_mb']:6.0f} MB  {each['log']}"
        for each in found["servers"]
    ]
    if not found["servers"]:
        lines.append(f"No local server runs under {found['home']}; start them with: riskcontrol up")
    if found["ended"]:
        lines.append(f"Ended: {', '.join(found['ended'])}; started again by: riskcontrol up --cluster")
    for each in found["commands"]:
        more = f" (riskcontrol status --home {each['claims']})" if each["name"] == "demo" else ""
        lines.append(f"riskcontrol {each['name']} runs, pid {each['pid']}, up {_up(each)}: {each['claims']}{more}")
    if topic := found["topic"]:
        ends = topic.get("end_offsets", [])
        lines.append(
            topic.get("error")
            or f"topic {topic['name']}: {len(ends)} partitions, {sum(ends):,} records "
            f"(end offsets {', '.join(f'{end:,}' for end in ends)})"
        )
    if batch := found["batch"]:
        lines.append(batch.get("error") or f"last batch: {_batch_text(batch['last'])}")
    return "\n".join(lines)


def _up(each: dict[str, Any]) -> str:
    return str(dt.timedelta(seconds=int(each["uptime_seconds"])))


def _batch_text(last: dict[str, Any] | None) -> str:
    if last is None:
        return "none today or yesterday; the stream is started by: riskcontrol stream"
    return (
        f"{last['time']}, {last['trades']:,} trades, {last['fills']:,} fills in {last['processing']:.2f} s "
        f"(delay {last['delay']:.2f} s), {last['lag']:,} records behind"
    )

"""The benchmarks of single parts: reading, simulating, sending, opening."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from pathlib import Path

import click

from bench.common import Timer, await_stream, child, own_servers
from database import frequencies, generator
from database.reads import Reader
from database.session import connect, init
from database.writes import Writer
from ingestion.ingest import ingest
from ingestion.simulate import file_name, simulate_day
from ingestion.sources import find_sources
from ingestion.topic import ensure_topic, tape_id
from riskcontrol.errors import ServerError
from riskcontrol.settings import load

DAY = dt.date(2024, 3, 5)
TICKERS = 100


def readers(trades: int) -> dict[str, object]:
    """Measure how fast a simulated day is written, and read from gzip to blocks (both once unmeasured, to compile)."""
    with tempfile.TemporaryDirectory(prefix="riskcontrol-bench-") as folder:
        path = Path(folder) / file_name(DAY)
        simulate_day(path, day=DAY, tickers=TICKERS, trades=10_000, seed=1)
        _read(path)
        with Timer() as writing:
            simulate_day(path, day=DAY, tickers=TICKERS, trades=trades, seed=1)
        with Timer() as reading:
            rows = _read(path)
        size = path.stat().st_size
    return {
        "rows": rows,
        "gzip_mb": size / 1e6,
        "simulate_rows_per_second": trades / writing.seconds,
        "simulate_rows_per_cpu_second": trades / writing.cpu,
        "read_rows_per_second": trades / reading.seconds,
        "read_rows_per_cpu_second": trades / reading.cpu,
    }


def _read(path: Path) -> int:
    (source,) = find_sources(str(path), load())
    return sum(batch.num_rows for batch in source.batches())


def producer(trades: int) -> dict[str, object]:
    """Measure how fast a file gets onto the tape, with the broker beside it."""
    with own_servers("kafka") as settings:
        ensure_topic(settings)
        path = settings.home / file_name(DAY)
        simulate_day(path, day=DAY, tickers=TICKERS, trades=10_000, seed=1)
        ingest(find_sources(str(path), settings), settings, speed=None, name="warm-up")
        click.echo(f"Simulating {trades:,} trades ...", err=True)
        simulate_day(path, day=DAY, tickers=TICKERS, trades=trades, seed=1)
        with Timer() as timer:
            summary = ingest(find_sources(str(path), settings), settings, speed=None)
    return {
        "trades": summary.sent,
        "trades_per_second": summary.sent / timer.seconds,
        "trades_per_cpu_second": summary.sent / timer.cpu,
        "seconds": timer.seconds,
    }


def users(count: int) -> dict[str, object]:
    """Measure how long it takes until so many generated users' strategies are open in the running stream."""
    with own_servers("kafka", "cassandra") as settings:
        ensure_topic(settings)
        init(settings)
        session = connect(settings)
        reader, writer = Reader(session), Writer(session)
        with child(settings, "stream"):
            await_stream(reader)
            with Timer() as timer:
                openings = generator.draw(count, 1, frequencies.simulated())
                generator.register(writer, openings, on_done=lambda _: None)
                offsets = generator.publish(settings, openings, on_done=lambda _: None)
                published = time.perf_counter() - timer._began
                if not generator.wait_until_open(
                    writer,
                    tape_id(settings),
                    offsets,
                    alive=lambda: generator.stream_runs(reader),
                    on_done=lambda _: None,
                ):
                    raise ServerError("stopped while strategies were opened", server="stream")
        rows = session.execute(f"SELECT COUNT(*) FROM {settings.keyspace}.strategies", timeout=60).one()[0]  # noqa: S608
        if rows != count:
            raise ServerError(f"{rows:,} strategies of {count:,} are there", server="cassandra")
    return {"users": count, "seconds_published": published, "seconds_open": timer.seconds}

"""A producer killed at any moment, and started again, leaves the tape as if nothing had happened."""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import time
from pathlib import Path

import pytest

from ingestion.producer import TapeReader
from ingestion.simulate import file_name, simulate_day
from ingestion.topic import ensure_topic
from riskcontrol.settings import Settings
from tests.ingestion.tapes import tables
from tests.processes import RISKCONTROL, environment

pytestmark = pytest.mark.servers

DAY = dt.date(2024, 3, 5)
KILLS = 4


def ingest(settings: Settings, path: Path, speed: str) -> subprocess.Popen[str]:
    """Start `riskcontrol ingest` in a process of its own."""
    return subprocess.Popen(
        [*RISKCONTROL, "ingest", str(path), "--speed", speed],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_at_random_moments_nothing_is_sent_twice_and_nothing_is_missing(kafka: Settings, tmp_path: Path) -> None:
    path = tmp_path / file_name(DAY)
    simulate_day(path, day=DAY, tickers=200, trades=300_000, seed=1)
    undisturbed = kafka.model_copy(update={"topic": f"{kafka.topic}-undisturbed"})
    process = ingest(undisturbed, path, "max")
    assert process.communicate(timeout=120)[0].endswith("a second.\n")

    chance = random.Random(1)
    ensure_topic(kafka)
    with TapeReader(kafka) as tape:

        def records_written() -> int:
            return sum(tape.bounds(partition)[1] for partition in range(kafka.shards))

        for speed in ["max", "3000"] * (KILLS // 2):
            before = records_written()
            process = ingest(kafka, path, speed)
            # From its first record on; before it there is nothing to lose.
            while records_written() == before and process.poll() is None:
                time.sleep(0.005)
            time.sleep(chance.random() * 0.04)
            assert process.poll() is None, "it was done before it could be killed"
            process.kill()
            process.communicate()
    process = ingest(kafka, path, "max")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "were on the tape already" in said
    assert tables(kafka) == tables(undisturbed)

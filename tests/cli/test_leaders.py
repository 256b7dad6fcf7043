"""`riskcontrol leaders`, on rows that shards have written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from database.session import connect
from database.writes import Writer
from riskcontrol.leaders import BINS, Leaders, Ranking, encode_leaders
from riskcontrol.settings import Settings
from riskcontrol.trades import NS_PER_MINUTE
from tests.core.test_leaders import ranking
from tests.processes import run

pytestmark = pytest.mark.servers

HALF_PAST = 1_381_174_200 * 10**9  # 2013-10-07 15:30 New York


def write(settings: Settings, shard: int, minute: int, rows: Ranking) -> None:
    counts = np.zeros(BINS, np.int64)
    counts[280] = 10
    with Writer(connect(settings)) as writer:
        writer.marks(shard, _marks(minute), version=minute // 10**9)
        writer.leaders(shard, minute, encode_leaders(Leaders(minute, rows, rows, counts)))


def _marks(time: int) -> bytes:
    import pyarrow as pa

    from riskcontrol.blocks import encode
    from spark.task import MARKS

    return encode(pa.record_batch([pa.array(["IBM"]), pa.array([10**6]), pa.array([time])], schema=MARKS))


def test_shards_are_merged_as_they_stood_at_the_minute(servers: Settings) -> None:
    nothing = run(servers, "leaders")
    assert nothing.returncode == 1
    assert "no minute" in nothing.stderr
    write(servers, 0, HALF_PAST, ranking(["ann", "bob"], [0.25, -0.1]))
    write(servers, 1, HALF_PAST - 5 * NS_PER_MINUTE, ranking(["cyd"], [0.1]))
    write(servers, 1, HALF_PAST + NS_PER_MINUTE, ranking(["cyd"], [0.5]))
    said = json.loads(run(servers, "leaders", "--at", "2013-10-07 15:30", "--json").stdout)
    assert said["minute"] == "2013-10-07T15:30-04:00"
    assert said["strategies"] == 20
    assert [(row["user"], row["return"]) for row in said["leaders"]] == [("ann", 0.25), ("cyd", 0.1), ("bob", -0.1)]
    assert said["leaders"][0]["probability_of_skill"] == pytest.approx(0.691462, abs=1e-6)  # Φ(0.5)
    newest = run(servers, "leaders", "--limit", "1").stdout
    assert "15:31 New York" in newest
    assert "cyd" in newest
    assert "+50.00%" in newest
    assert "ann" not in newest


def test_a_time_that_is_none_is_told(servers: Settings) -> None:
    done = run(servers, "leaders", "--at", "soon")
    assert done.returncode == 2
    assert "15:30" in done.stderr

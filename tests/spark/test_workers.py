"""A lost worker is borne, a fault of ours is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError

from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from riskcontrol.strategy import first_rule
from spark.state import ShardStore
from spark.task import Work, advance_shards
from spark.workers import MOST, Losses
from tests.core.test_engine import openings
from tests.spark.test_state import step

CRASHED = "org.apache.spark.SparkException: Job aborted: Python worker exited unexpectedly (crashed)"
RAISED = "org.apache.spark.SparkException: Job aborted\norg.apache.spark.api.python.PythonException: Traceback ..."


class Failure(Py4JJavaError):
    """What py4j raises, without a JVM."""

    def __init__(self, said: str) -> None:
        Exception.__init__(self, said)
        self.java_exception = said

    def __str__(self) -> str:
        return str(self.java_exception)


def fail(losses: Losses, said: str) -> None:
    with losses.borne():
        raise Failure(said)


def test_a_lost_worker_fails_the_batch_alone() -> None:
    with pytest.raises(ServerError, match=r"spark: a worker was lost.*exited unexpectedly"):
        fail(Losses(), CRASHED)


def test_an_exception_in_a_worker_stays_what_it_is() -> None:
    with pytest.raises(Failure):
        fail(Losses(), RAISED)


def test_losing_one_in_every_batch_is_no_accident() -> None:
    losses = Losses()
    for _ in range(MOST):
        with pytest.raises(ServerError):
            fail(losses, CRASHED)
    with pytest.raises(Failure):
        fail(losses, CRASHED)


def test_a_batch_that_loses_none_makes_up_for_those_before() -> None:
    losses = Losses()
    for _ in range(3 * MOST):
        with pytest.raises(ServerError):
            fail(losses, CRASHED)
        with losses.borne():
            pass


def test_a_shard_that_is_further_than_the_driver_knows_says_where_it_stands(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, 0, "tape")
    for name in ("one", "two"):
        step(store, [openings(first_rule("ann", name, "IBM", 10**10, 100_000, 100_000))])
    (done,) = advance_shards([Work(Settings(home=tmp_path), tmp_path, "tape", 0, 1, start=1, end=5)])
    assert (done.next, done.records, done.unfit) == (2, 0, "")
    assert "stands at offset 2, not at 1" in done.failure

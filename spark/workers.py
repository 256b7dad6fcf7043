"""Telling a Python worker that was lost, whose work is done again, from one that failed by a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JJavaError

from riskcontrol.errors import ServerError

MOST = 10
"""Batches in a row that may lose a worker: more than that is no accident."""

_FAULT = "org.apache.spark.api.python.PythonException"
"""What Spark raises for an exception of our code in a worker; one that is killed leaves a broken connection."""


class Losses:
    """Counts the batches in a row that have lost a worker."""

    def __init__(self) -> None:
        self._count = 0

    @contextmanager
    def borne(self) -> Iterator[None]:
        """Run a job of Spark inside.

        Raises:
            ServerError: A worker ended in the midst of its task. Its shards stand where its last commits left them, and
                Spark makes a new worker for the next job.
            Py4JJavaError: What a worker ran raised an exception, or too many batches in a row have lost one.
        """
        try:
            yield
        except Py4JJavaError as error:
            self._count += 1
            said = str(error.java_exception)
            if _FAULT in said or self._count > MOST:
                raise
            raise ServerError(
                f"a worker was lost, Spark makes a new one ({_first_line(said)})", server="spark"
            ) from error
        self._count = 0


def _first_line(text: str) -> str:
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), "")

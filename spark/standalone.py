"""What a driver tells Spark when the workers are those of a standalone cluster."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from riskcontrol.errors import ServerError
from riskcontrol.servers import ended, running
from riskcontrol.servers.java import QUICK, SERIAL
from riskcontrol.servers.layout import NODES, secret_file
from riskcontrol.servers.node import heap

_ROOT = Path(__file__).parent.parent
"""Where our packages are: an executor's Python starts in a folder of its own."""

_ALONE = "local[2]"
"""Spark's master where there is no cluster: two threads of the driver's JVM."""

_QUICK = " ".join((*SERIAL, *QUICK))

_SUBMIT = "PYSPARK_SUBMIT_ARGS"


def choose(home: Path) -> str:
    """Return the master of a home's cluster, or, where none runs, that of a stream without one.

    Raises:
        ServerError: The cluster's master, or every worker, has ended.
    """
    gone = ended(home)
    workers = {f"spark-{number}" for number in range(1, NODES + 1)}
    if "spark-master" in gone or workers.issubset(gone):
        raise ServerError(
            f"nodes of the cluster in {home} have ended ({', '.join(gone)}); start them again with: "
            "riskcontrol up --cluster, or name another master with --master",
            server="spark",
        )
    return running(home).get("spark", _ALONE)


def is_here(master: str) -> bool:
    """Return whether the executors are on this machine, and reach the driver on loopback.

    >>> is_here("local[2]"), is_here("spark://127.0.0.1:7077"), is_here("spark://10.0.0.1:7077")
    (True, True, False)
    """
    return not master.startswith("spark://") or master.startswith("spark://127.")


def options(master: str, home: Path, logging_file: Path, classes: Sequence[str] = ()) -> dict[str, str]:
    """Return Spark's options for where its workers are.

    Args:
        master: Spark's master.
        home: Our folder; its cluster, if it has one, is the one whose size we know.
        logging_file: What the driver logs; the executors of that cluster do as it does.
        classes: With which Java options a JVM of Spark's on this machine finds its classes sooner.
    """
    found = {"spark.driver.host": "127.0.0.1"} if is_here(master) else {}
    if not master.startswith("spark://"):
        return found
    found |= {
        "spark.executor.memory": heap("executor", "512m"),
        "spark.executor.cores": "1",
        "spark.executor.extraJavaOptions": _QUICK,
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))),
        "spark.executorEnv.PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""),
        # A task that is done twice writes the same rows: try it on another worker before the batch is given up.
        "spark.task.maxFailures": "8",
    }
    if master == running(home).get("spark"):
        # All workers are waited for, so that each of them is warm before the first batch.
        given = " ".join(f'"{option}"' for option in (f"-Dlog4j2.configurationFile={logging_file}", *classes))
        found |= {
            "spark.executor.extraJavaOptions": f"{_QUICK} {given}",
            "spark.cores.max": str(NODES),
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "15s",
        }
    return found


@contextmanager
def authenticated(master: str, home: Path) -> Iterator[None]:
    """Let a driver that starts inside have the secret of the local cluster, on no command line."""
    before = os.environ.get(_SUBMIT)
    if master == running(home).get("spark"):
        os.environ[_SUBMIT] = f"--properties-file {shlex.quote(str(secret_file(home)))} {before or 'pyspark-shell'}"
    try:
        yield
    finally:
        if before is not None:
            os.environ[_SUBMIT] = before
        else:
            os.environ.pop(_SUBMIT, None)

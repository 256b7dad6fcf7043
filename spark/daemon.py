"""Forks Spark's Python workers from a process that has everything loaded, so that a new worker is ready at once.

Spark starts it as ``python -m spark.daemon pyspark.worker`` (`spark.python.daemon.module`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from riskcontrol.heap import roomy, usual


def installed_first(path: Iterable[str]) -> list[str]:
    """Return folders to import from with archives last.

    Spark names its own Python as archives, whose modules are compiled anew by each process; they are installed as well.

    >>> installed_first(["lib/pyspark.zip", "jars/spark-core.jar", "/site-packages"])
    ['/site-packages', 'lib/pyspark.zip', 'jars/spark-core.jar']
    """
    return sorted(path, key=lambda entry: entry.endswith((".zip", ".jar")))


if __name__ == "__main__":
    roomy()
    sys.path[:] = installed_first(sys.path)

import fcntl
import os
from pathlib import Path

# What is not used here is loaded for the workers, which are forks of this process.
import pyspark.worker  # noqa: F401
from pyspark.daemon import manager

import spark.task  # noqa: F401
from riskcontrol.warm import compile_kernels

if __name__ == "__main__":
    cache = Path(os.environ["NUMBA_CACHE_DIR"])
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "compiling.lock").open("w") as lock:
        # Of a cluster's executors that start together one compiles; the others find its work done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        compile_kernels()
    # Spark collects garbage after every task; what is loaded here need not be looked at again each time.
    usual()
    manager()

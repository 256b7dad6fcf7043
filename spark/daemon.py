"""Forks Spark's Python workers from a process that has everything loaded, so that a new worker is ready at once.

Spark starts it as ``python -m spark.daemon pyspark.worker`` (`spark.python.daemon.module`).
"""

from __future__ import annotations

from riskcontrol.heap import roomy, usual

if __name__ == "__main__":
    roomy()

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

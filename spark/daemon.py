"""Forks Spark's Python workers from a process that has everything loaded, so that a new worker is ready at once.

Spark starts it as ``python -m spark.daemon pyspark.worker`` (`spark.python.daemon.module`).
"""

from __future__ import annotations

import gc

from pyspark.daemon import manager

import spark.task  # noqa: F401  loaded for the workers, which are forks of this process
from riskcontrol.warm import compile_kernels

if __name__ == "__main__":
    compile_kernels()
    # Spark collects garbage after every task; what is loaded here need not be looked at again each time.
    gc.freeze()
    manager()

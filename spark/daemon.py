"""Forks Spark's Python workers from a process that has everything loaded, so that a new worker is ready at once.

Spark starts it as ``python -m spark.daemon pyspark.worker`` (`spark.python.daemon.module`).
"""

from __future__ import annotations

import gc
import warnings

# That this pandas is newer than Spark knows does not matter to who uses none of it in Spark.
warnings.filterwarnings("ignore", category=FutureWarning, module=r"pyspark\.")

from pyspark.daemon import manager  # noqa: E402

import spark.task  # noqa: E402, F401  loaded for the workers, which are forks of this process
from riskcontrol.warm import compile_kernels  # noqa: E402

if __name__ == "__main__":
    compile_kernels()
    # Spark collects garbage after every task; what is loaded here need not be looked at again each time.
    gc.freeze()
    manager()

"""Starting Spark: its JVM, its options and what it says."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from riskcontrol.absent import absent
from riskcontrol.servers import archive
from riskcontrol.servers.java import QUICK, SERIAL, java_home_for_spark
from spark import standalone

_SETTLED_SECONDS = 8.0
"""After so long the driver's JVM has loaded what it needs for batches, and its classes are kept for the next one."""

_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
# Of a worker that is lost we tell ourselves, and of an exception in one as well.
logger.executor.name = org.apache.spark.executor.Executor
logger.executor.level = off
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = off
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yyyy-MM-dd HH:mm:ss}{UTC}Z %p %c{1}: %m%n%ex
"""


def spark_context(master: str, home: Path, memory: str) -> Any:
    """Start Spark.

    Args:
        master: Spark's master, for instance ``local[2]``.
        home: Folder for its temporary files.
        memory: Memory of the driver's JVM.
    """
    os.environ["JAVA_HOME"] = str(java_home_for_spark(home))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    if standalone.is_here(master):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # That this pandas is newer than Spark knows does not matter to who uses none of it in Spark.
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning")  # for its Python workers
    with absent("pandas"), warnings.catch_warnings():
        # Where it is loaded already, it tells of it here as well.
        warnings.simplefilter("ignore", FutureWarning)
        # It reads the environment set above. What its tests have in common is loaded with its first object, and looks
        # for pandas, of which nothing that we do in Spark has any use.
        import pyspark  # noqa: PLC0415
        import pyspark.testing.utils  # noqa: F401, PLC0415

    scratch = (home / "spark").absolute()
    scratch.mkdir(parents=True, exist_ok=True)
    logging_file = scratch / "log4j2.properties"
    logging_file.write_text(_LOGGING)
    classes, archived = archive.options("spark", Path(pyspark.__file__).parent / "jars", SERIAL)
    options = (f"-Dlog4j2.configurationFile={logging_file}", *QUICK, *SERIAL, *classes)
    conf = (
        pyspark.SparkConf()
        .setMaster(master)
        .setAppName("riskcontrol stream")
        .set("spark.ui.enabled", "false")
        .set("spark.ui.showConsoleProgress", "false")
        .set("spark.driver.memory", memory)
        .set("spark.local.dir", str(scratch))
        .set("spark.python.daemon.module", "spark.daemon")
        .set("spark.driver.extraJavaOptions", " ".join(f'"{option}"' for option in options))
        # The first driver's classes are kept for those after it, and for their executors.
        .setAll(list(standalone.options(master, home, logging_file, () if archived else classes).items()))
    )
    # Spark puts a handler of its own on Ctrl-C, which would cancel the batch under way.
    handler = signal.getsignal(signal.SIGINT)
    with standalone.authenticated(master, home):
        context: Any = pyspark.SparkContext(conf=conf)
    if archived is not None:
        # Java tells of what it keeps, on the terminal of whoever runs the stream.
        jvm = context._jvm
        jvm.System.setOut(jvm.java.io.PrintStream(jvm.java.io.OutputStream.nullOutputStream()))
        keeping = threading.Timer(_SETTLED_SECONDS, archive.keep, (context._gateway.proc.pid, archived))
        keeping.daemon = True
        keeping.start()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, handler)
    return context

"""Spark standalone: a master and its workers, from the pip package."""

from __future__ import annotations

import importlib.util
import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from riskcontrol.errors import ServerError
from riskcontrol.servers import archive
from riskcontrol.servers.java import QUICK, SERIAL, java, java_home_for_spark
from riskcontrol.servers.layout import Layout, folder, secret_file
from riskcontrol.servers.node import HOST, Node, heap, touch

_RECOVERY_SECONDS = 10
"""How long a master that is started again waits for the workers and drivers that it had."""

_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yyyy-MM-dd HH:mm:ss}{UTC}Z %p %c{1}: %m%n%ex
"""


def master(home: Path, layout: Layout) -> Node:
    """Prepare the master."""
    port, page = layout.spark[0]

    def ready() -> None:
        touch(page)
        if (status := _page(page)["status"]) != "ALIVE":
            raise ConnectionError(f"it is {status}")

    return _node(home, layout, "spark-master", f"spark://{HOST}:{port}", [], ready)


def worker(home: Path, number: int, layout: Layout) -> Node:
    """Prepare a worker of one core.

    Args:
        home: What it unpacks and logs is under `home`/cluster.
        number: Which, from 1.
        layout: Where all of them are.
    """
    (_, master_page), (port, _) = layout.spark[0], layout.spark[number]
    name = f"spark-{number}"
    where = folder(home) / name / "work"
    # Its executor's heap, and room for no second one.
    memory = heap("executor", "512m")
    arguments = ["--cores", "1", "--memory", memory, "--work-dir", str(where), layout.addresses()["spark"]]

    def ready() -> None:
        touch(port)
        if not any(each["port"] == port and each["state"] == "ALIVE" for each in _page(master_page)["workers"]):
            raise ConnectionError("the master does not know it yet")

    return _node(home, layout, name, f"{HOST}:{port}", arguments, ready)


def spark_home() -> Path:
    """Return the folder of pyspark.

    Raises:
        ServerError: It is not installed.
    """
    found = importlib.util.find_spec("pyspark")
    if found is None or not found.origin:
        raise ServerError("pyspark is not installed; install riskcontrol with all that it needs", server="spark")
    return Path(found.origin).parent


def _node(home: Path, layout: Layout, name: str, address: str, arguments: list[str], ready: Any) -> Node:
    layout.check_free(name)
    own = folder(home) / name
    own.mkdir(parents=True, exist_ok=True)
    logging = own / "log4j2.properties"
    logging.write_text(_LOGGING)
    jars = spark_home() / "jars"
    options, archived = archive.options("standalone", jars, SERIAL)
    (_, port), (_, page) = layout.ports(name)
    kind = "master.Master" if name == "spark-master" else "worker.Worker"
    return Node(
        name=name,
        folder=own,
        command=(
            str(java()), "-Xms32m", "-Xmx192m", *SERIAL, *QUICK, *options, f"-Dlog4j2.configurationFile={logging}",
            "-Dspark.worker.cleanup.enabled=true",
            # A master that forgot the stream when it ended would have its executors killed.
            "-Dspark.deploy.recoveryMode=FILESYSTEM", f"-Dspark.deploy.recoveryDirectory={own}/recovery",
            f"-Dspark.deploy.recoveryTimeout={_RECOVERY_SECONDS}",
            "-cp", f"{jars}/*", f"org.apache.spark.deploy.{kind}", "--properties-file", str(secret_file(home)),
            "--host", HOST, "--port", str(port), "--webui-port", str(page), *arguments,
        ),
        address=address,
        ready=ready,
        environment={
            "SPARK_HOME": str(spark_home()),
            # Executors would look for a build of Spark's own sources otherwise.
            "SPARK_SCALA_VERSION": "2.13",
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(own / "scratch"),
            "JAVA_HOME": str(java_home_for_spark(home)),
        },
        archive=archived if name == "spark-master" else None,
    )  # fmt: skip


def _page(port: int) -> Any:
    """Return what the page of the master says, as JSON."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/json/")
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()

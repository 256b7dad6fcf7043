"""Kafka's broker: one node in KRaft mode, its own controller."""

from __future__ import annotations

import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from riskcontrol.errors import ServerError
from riskcontrol.servers.java import java
from riskcontrol.servers.node import HOST, Node, free_ports, heap, touch

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=10485760
replica.fetch.max.bytes=10485760
log.retention.hours=-1
# No topic of ours is compacted; the default would hold 128 MB.
log.cleaner.dedupe.buffer.size=4194304
"""


def kafka(home: Path) -> Node:
    """Prepare a broker whose data is under `home`; its ports are chosen anew at each start."""
    from jars.fetch import fetch  # noqa: PLC0415  jars/ stands above the core

    folder = (home / "kafka").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    classpath = f"{fetch('kafka')}/*"
    port, controller = free_ports(2)
    properties = folder / "server.properties"
    properties.write_text(_PROPERTIES.format(host=HOST, port=port, controller=controller, folder=folder))
    logging = folder / "log4j2.yaml"
    logging.write_text(_LOGGING)
    run = (str(java()), "-cp", classpath, f"-Dlog4j2.configurationFile={logging}")
    if not (folder / "log" / "meta.properties").exists():
        # A quick, small JVM: it writes two files.
        _format(run, properties)
    return Node(
        name="kafka",
        folder=folder,
        command=(*run, "-Xms128m", f"-Xmx{heap('kafka', '512m')}", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
                 "kafka.Kafka", str(properties)),
        address=f"{HOST}:{port}",
        ready=lambda: _answer(port),
    )  # fmt: skip


def _format(run: tuple[str, ...], properties: Path) -> None:
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = (*run, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "kafka.tools.StorageTool", "format",
               "--standalone", "-t", cluster, "-c", str(properties))  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-10:]
        raise ServerError("its folder can't be formatted:\n" + "\n".join(said), server="kafka")


def _answer(port: int) -> None:
    touch(port)
    from kafka import KafkaAdminClient  # noqa: PLC0415  the core has no Kafka in it

    admin = KafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", bootstrap_timeout_ms=1_000, request_timeout_ms=2_000)
    try:
        admin.list_topics()
    finally:
        admin.close()


_LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: stdout
      PatternLayout:
        pattern: "%d{ISO8601}{UTC}Z %p %c{1}: %m%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: stdout
"""

"""Kafka's broker: one node in KRaft mode, its own controller."""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from riskcontrol.servers import archive
from riskcontrol.servers.java import LONG_RUNNING, java
from riskcontrol.servers.node import HOST, Node, heap, ports, touch

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
# Its quorum is itself, on whatever port.
controller.quorum.voters=1@{host}:{controller}
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

_GC = ("-XX:+UseG1GC",)


def kafka(home: Path) -> Node:
    """Prepare a broker whose data is under `home`; it keeps its ports while they are free."""
    from jars.fetch import fetch  # noqa: PLC0415  jars/ stands above the core

    folder = (home / "kafka").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    jars = fetch("kafka")
    port, controller = ports(folder, 2)
    properties = folder / "server.properties"
    properties.write_text(_PROPERTIES.format(host=HOST, port=port, controller=controller, folder=folder))
    logging = folder / "log4j2.yaml"
    logging.write_text(_LOGGING)
    _format(folder / "log")
    options, archived = archive.options("kafka", jars, _GC)
    return Node(
        name="kafka",
        folder=folder,
        command=(
            str(java()), "-Xms128m", f"-Xmx{heap('kafka', '512m')}", *_GC, "-XX:MaxGCPauseMillis=20",
            *LONG_RUNNING, *options, f"-Dlog4j2.configurationFile={logging}",
            "-cp", f"{jars}/*", "kafka.Kafka", str(properties),
        ),
        address=f"{HOST}:{port}",
        ready=lambda: _answer(port),
        archive=archived,
    )  # fmt: skip


def _format(data: Path) -> None:
    """Make the folder a broker's own, as `kafka-storage format` does, which takes a JVM's second for it."""
    identity = data / "meta.properties"
    if not identity.exists():
        data.mkdir(parents=True, exist_ok=True)
        new = data / "meta.properties.new"
        new.write_text(f"version=1\ncluster.id={_identifier()}\nnode.id=1\ndirectory.id={_identifier()}\n")
        new.replace(identity)


def _identifier() -> str:
    """Return a random identifier as Kafka writes it: 22 characters of Base64 that don't begin with a dash."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


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
